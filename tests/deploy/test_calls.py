"""Every call of `logemit` in deploy/ is one that the command understands."""

import pytest

from .files import Call, calls, check_call

CALLS = list(calls())


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.where} {call.arguments[0]}")
def test_a_call_is_understood(call: Call) -> None:
    check_call(call.arguments)


def test_calls_are_found_wherever_they_stand() -> None:
    found = {(call.where.split()[0], call.arguments[0]) for call in CALLS}
    assert found >= {
        ("cron", "aggregate"),
        ("cron", "status"),
        ("cron", "compact"),
        ("logemit.service", "aggregate"),
        ("logemit-serve.service", "serve"),
        ("compose", "aggregate"),
        ("compose", "serve"),
        ("compose", "rules"),
        ("compose", "dashboard"),
        ("kubernetes", "aggregate"),
        ("kubernetes", "serve"),
        ("deploy/image/Dockerfile", "compile"),
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["aggregate", "logs"], "Missing"), (["aggregate", "logs", "--out", "o", "--nonsense"], "No such option")],
)
def test_a_call_that_is_wrong_would_be_found(arguments: list[str], told: str) -> None:
    with pytest.raises(Exception, match=told):
        check_call(arguments)
