"""`manage.py check` names what cannot work."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from logemit import checks

from .conftest import Use

EVENTS = "logemit.middleware.EventMiddleware"
VIEW = "logemit.middleware.ViewMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"


def found(*, deploy: bool = False) -> list[str]:
    messages = run_checks(include_deployment_checks=deploy)
    return sorted(str(message.id) for message in messages if str(message.id).startswith("logemit."))


@pytest.mark.parametrize(
    ("middleware", "ids"),
    [
        ([EVENTS, COMMON], []),
        ([COMMON], ["logemit.W001"]),
        ([COMMON, EVENTS], ["logemit.W002"]),
        ([EVENTS, COMMON, EVENTS], ["logemit.E002"]),
        ([EVENTS, COMMON, VIEW], []),
        ([EVENTS, VIEW, COMMON], ["logemit.W003"]),
        ([EVENTS, VIEW, COMMON, VIEW], ["logemit.W003"]),
        ([COMMON, VIEW], ["logemit.W001", "logemit.W003"]),
    ],
)
def test_the_middlewares_place(middleware: list[str], ids: list[str]) -> None:
    with override_settings(MIDDLEWARE=middleware):
        assert found() == ids


def test_bad_settings() -> None:
    with override_settings(LOGEMIT={"QUERIES": "none", "TYPO": 1}):
        messages = run_checks()
    assert [message.id for message in messages] == ["logemit.E001"] * 2
    assert "expected" in messages[0].msg


@pytest.mark.parametrize("given", [True, None, ["SERVICE"], "shop"])
def test_settings_that_are_no_dict_are_told_also_at_deployment(given: object) -> None:
    with override_settings(LOGEMIT=given):
        assert found(deploy=True) == ["logemit.E001", "logemit.W007"]


def test_a_file_that_cannot_be_written(use: Use, tmp_path: Path) -> None:
    for output, reason in ((tmp_path / "no" / "events.log", "does not exist"), (tmp_path, "it is a folder")):
        use(OUTPUT=output)
        (message,) = [message for message in run_checks() if message.id == "logemit.E003"]
        assert reason in message.msg
    for usable in (str(tmp_path / "new.log"), "stdout", "stderr", "", os.devnull):
        use(OUTPUT=usable)
        assert found() == []


def test_a_file_that_this_user_may_not_write(use: Use, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def forbid(path: str, _mode: int) -> bool:
        asked.append(path)
        return False

    monkeypatch.setattr("logemit.checks.os.access", forbid)  # root may write everything
    (tmp_path / "there.log").touch()
    for name in ("there.log", "new.log"):
        use(OUTPUT=tmp_path / name)
        assert found() == ["logemit.E003"]
    assert asked == [str(tmp_path / "there.log"), str(tmp_path)]


def test_every_query_is_a_slow_one(use: Use) -> None:
    for seconds, queries, ids in (("0", "fold", ["logemit.W004"]), ("0", "off", []), ("0.001", "fold", [])):
        use(SLOW_QUERY_SECONDS=seconds, QUERIES=queries)
        assert found() == ids
    use(SLOW_QUERY_SECONDS="")
    assert found() == []


def test_models_that_are_not_there(use: Use) -> None:
    use(MODELS="shop,shop.Book,shop.Book_tags,auth.User,all", MODEL_LABELS="shop.Tag=tag")
    assert found() == []
    use(MODELS="shop.book,ship,auth.User", MODEL_LABELS="shop.Tags=tag,shop=x")
    messages = [message.msg for message in run_checks() if message.id == "logemit.W005"]
    assert [message.split()[2].rstrip(",") for message in messages] == ["ship", "shop", "shop.Tags", "shop.book"]


@pytest.mark.parametrize(
    "settings",
    [
        {"MIDDLEWARE": [EVENTS, "django_prometheus.middleware.PrometheusBeforeMiddleware"]},
        {"DATABASES": {"default": {"ENGINE": "django_prometheus.db.backends.sqlite3"}}},
        {"CACHES": {"default": {"BACKEND": "django_prometheus.cache.backends.locmem.LocMemCache"}}},
    ],
)
def test_the_predecessor_is_told_where_it_counts_too(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_predecessor() == []
    values = {"MIDDLEWARE": [EVENTS], "DATABASES": {}, "CACHES": {}, **settings}
    # Not by override_settings, which would make Django use them.
    monkeypatch.setattr("logemit.checks.settings", SimpleNamespace(**values))
    assert [message.id for message in checks.check_predecessor()] == ["logemit.I001"]


def test_what_is_fine_in_development_is_told_at_deployment(use: Use) -> None:
    assert found(deploy=True) == []
    for values, ids in (
        ({"ENABLED": 0}, ["logemit.W006"]),
        ({"QUERIES": "each"}, ["logemit.W008"]),
        ({"QUERIES": "each", "CACHES": "each"}, ["logemit.W008"] * 2),
    ):
        use(**{"ENABLED": 1, "QUERIES": "fold", "CACHES": "fold", **values})
        assert (found(), found(deploy=True)) == ([], ids)


def test_a_service_without_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(LOGEMIT={}):
        assert found() == []
        assert found(deploy=True) == ["logemit.W007"]
        monkeypatch.setenv("LOGEMIT_SERVICE", "shop")
        assert found(deploy=True) == []


def test_standard_output_that_goes_nowhere(use: Use, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gunicorn.conf.py").write_text("workers = 2\ndaemon = True\n")
    use(OUTPUT="")
    assert found(deploy=True) == ["logemit.W009"]
