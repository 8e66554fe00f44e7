"""`manage.py check` names what cannot work."""

import pytest
from django.core.checks import run_checks
from django.test import override_settings

EVENTS = "logemit.middleware.EventMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"


@pytest.mark.parametrize(
    ("middleware", "ids"),
    [
        ([EVENTS, COMMON], []),
        ([COMMON], ["logemit.W001"]),
        ([COMMON, EVENTS], ["logemit.W002"]),
        ([EVENTS, COMMON, EVENTS], ["logemit.E002"]),
    ],
)
def test_the_middlewares_place(middleware: list[str], ids: list[str]) -> None:
    with override_settings(MIDDLEWARE=middleware):
        assert [message.id for message in run_checks()] == ids


def test_bad_settings() -> None:
    with override_settings(LOGEMIT={"QUERIES": "none", "TYPO": 1}):
        messages = run_checks()
    assert [message.id for message in messages] == ["logemit.E001"] * 2
    assert "expected" in messages[0].msg
