"""Settings: the environment before Django's settings before the default; a bad one never stops the app."""

from types import SimpleNamespace

import pytest

from logemit.conf import SETTINGS, load


def test_defaults() -> None:
    settings = load(None, {})
    assert (settings.enabled, settings.service, settings.output, settings.queries) == (True, "app", "", "fold")
    assert settings.problems == ()


def test_the_environment_wins_over_django_settings() -> None:
    django = SimpleNamespace(LOGEMIT={"SERVICE": "shop", "QUERIES": "off", "ENABLED": True}, ROOT_URLCONF="x.urls")
    settings = load(django, {"LOGEMIT_SERVICE": "worker", "LOGEMIT_ENABLED": "no"})
    assert (settings.service, settings.queries, settings.enabled) == ("worker", "off", False)


def test_the_service_is_named_after_the_project() -> None:
    assert load(SimpleNamespace(ROOT_URLCONF="bookmarks.urls"), {}).service == "bookmarks"
    assert load(SimpleNamespace(ROOT_URLCONF=SimpleNamespace()), {}).service == "app"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENABLED", "maybe"),
        ("QUERIES", "some"),
        ("SLOW_QUERY_SECONDS", "-1"),
        ("WRITE_TIMEOUT_SECONDS", "nan"),
        ("PROCESSORS", "no.such.module"),
        ("OUTPUT", 5),
        ("CONTEXT_FIELDS", 5),
        ("CONTEXT_FIELDS", [1]),
        ("PROCESSORS", [5]),
        ("PROCESSORS", "tests.emitter.no_such.module"),
        ("SLOW_QUERY_SECONDS", 10**400),
        ("OUTPUT", "a\0b"),
    ],
)
def test_a_value_that_cannot_be_used_is_a_problem_and_its_default_is_taken(name: str, value: object) -> None:
    settings = load(SimpleNamespace(LOGEMIT={name: value}), {})
    (problem,) = settings.problems
    assert f'LOGEMIT["{name}"]' in problem
    default = next(setting for setting in SETTINGS if setting.name == name).default
    assert getattr(settings, name.lower()) == default


def test_an_unknown_setting_is_a_problem() -> None:
    assert load(SimpleNamespace(LOGEMIT={"SERVCE": "x"}), {}).problems == (
        'LOGEMIT["SERVCE"] is not a setting of logemit',
    )


def test_settings_that_are_no_dict_are_a_problem() -> None:
    assert "expected a dict" in load(SimpleNamespace(LOGEMIT=True), {}).problems[0]
