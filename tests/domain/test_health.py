"""Health checks: what makes one unhealthy, timeouts, and what is never written of it."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Iterator
from typing import Any

import pytest

import logemit
from logemit import health
from tests.conftest import Events


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_registered", {})


def told(events: Events) -> list[tuple[str, bool, int, str | None]]:
    return [(e["check"], e["healthy"], e["up"], e.get("message")) for e in events("health_check")]


def test_a_check_is_healthy_unless_it_raises_or_returns_false(events: Events) -> None:
    @logemit.health_check("good")
    def good() -> None:
        pass

    @logemit.health_check("bad")
    def bad() -> bool:
        return False

    @logemit.health_check("broken")
    def broken() -> None:
        raise ConnectionError("redis://:secret@10.0.0.7/0")

    @logemit.health_check("falsy")
    def falsy() -> int:
        return 0

    found = logemit.run_health_checks()
    wanted = [("good", True, ""), ("bad", False, ""), ("broken", False, "ConnectionError"), ("falsy", True, "")]
    assert [(each.check, each.healthy, each.message) for each in found] == wanted
    assert told(events) == [(name, ok, int(ok), message or None) for name, ok, message in wanted]
    assert all(event["duration_seconds"] >= 0 for event in events())
    assert "secret" not in str(events()) + str(found)


def test_an_app_may_say_why(events: Events) -> None:
    @logemit.health_check("queue")
    def queue() -> None:
        raise logemit.Unhealthy("5,000 tasks wait" + "!" * 500)

    @logemit.health_check("silent")
    def silent() -> None:
        raise logemit.Unhealthy

    logemit.run_health_checks()
    first, second = told(events)
    assert first[3] == ("5,000 tasks wait" + "!" * 500)[:200]
    assert second[3] == "Unhealthy"


def test_each_call_of_the_function_is_a_check_and_changes_nothing_of_it(events: Events) -> None:
    @logemit.health_check("redis")
    def ping(answer: Any) -> Any:
        """Ping."""
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert ping("pong") == "pong"
    assert ping(answer=False) is False
    with pytest.raises(KeyError):
        ping(KeyError("x"))
    assert (ping.__name__, ping.__doc__) == ("ping", "Ping.")
    assert told(events) == [("redis", True, 1, None), ("redis", False, 0, None), ("redis", False, 0, "KeyError")]


def test_a_block_is_a_check_and_its_exception_passes(events: Events) -> None:
    with logemit.health_check("disk") as check:
        check.set(message="87 % used")
    with logemit.health_check("disk") as check:
        check.set(healthy=False, message="full")
    with pytest.raises(OSError, match="secret"), logemit.health_check("disk"):
        raise OSError("secret")
    assert told(events) == [("disk", True, 1, "87 % used"), ("disk", False, 0, "full"), ("disk", False, 0, "OSError")]
    with pytest.raises(ValueError, match="no health check 'disk'; registered are none"):
        logemit.run_health_checks("disk")


def test_a_block_that_took_too_long_is_unhealthy(events: Events) -> None:
    with logemit.health_check("slow", timeout=0.001):
        time.sleep(0.01)
    assert told(events) == [("slow", False, 0, "TimeoutError")]


def test_a_check_that_hangs_is_left_behind_and_not_begun_again(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first time is over soon, the last one lasts: a machine may be slow."""
    release, begun, times = threading.Event(), [], iter([(30, 0.05), (30, 30)])
    wait = health._outcome_of

    def shortened(thread: threading.Thread, outcome: health.Outcome, timeout: float | None) -> object:
        wanted, lasts = next(times)
        assert timeout == wanted
        return wait(thread, outcome, lasts)

    monkeypatch.setattr(health, "_outcome_of", shortened)

    @logemit.health_check("hanging", timeout=30)
    def hanging() -> None:
        begun.append(1)
        release.wait(300)

    assert [each.message for each in logemit.run_health_checks()] == ["TimeoutError"]
    assert [each.message for each in logemit.run_health_checks()] == ["still running after 30 seconds"]
    with pytest.raises(logemit.Unhealthy):
        hanging()
    assert begun == [1]
    release.set()
    _wait_until_gone()
    assert [each.healthy for each in logemit.run_health_checks()] == [True]
    assert begun == [1, 1]


def _wait_until_gone() -> None:
    for thread in threading.enumerate():
        if thread.name == "logemit health check":
            thread.join(60)


def test_a_check_in_time_returns_and_raises_as_without_a_timeout(events: Events) -> None:
    @logemit.health_check("quick", timeout=30)
    def quick(fails: bool = False) -> str:
        if fails:
            raise LookupError
        return threading.current_thread().name

    assert quick() != threading.current_thread().name
    with pytest.raises(LookupError):
        quick(fails=True)
    assert told(events) == [("quick", True, 1, None), ("quick", False, 0, "LookupError")]


def test_coroutines_are_checks_also_where_a_loop_runs(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is over soon for the one that takes longer, and lasts for the others: a machine may be slow."""
    cancelled, within = [], health._within

    def shortened(timeout: float | None, awaited: Awaitable[bool]) -> Awaitable[bool]:
        assert timeout == 30
        return within(0.05 if takes_long else timeout, awaited)

    takes_long = False
    monkeypatch.setattr(health, "_within", shortened)

    @logemit.health_check("api", timeout=30)
    async def api(seconds: float = 0) -> bool:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            cancelled.append(1)
            raise
        return seconds == 0

    async def main() -> None:
        nonlocal takes_long
        assert await api() is True
        takes_long = True
        with pytest.raises(TimeoutError):
            await api(300)
        takes_long = False
        assert [each.healthy for each in logemit.run_health_checks()] == [True]

    asyncio.run(main())
    assert [each.healthy for each in logemit.run_health_checks("api")] == [True]
    assert cancelled == [1]
    assert [healthy for _, healthy, _, _ in told(events)] == [True, False, True, True]


def test_a_function_that_is_decorated_again_takes_the_place_of_the_first(events: Events) -> None:
    for healthy in (False, True):
        logemit.health_check("twice")(lambda healthy=healthy: healthy)
    assert [each.healthy for each in logemit.run_health_checks()] == [True]


def test_checks_run_in_the_order_of_their_names_given_or_registered(events: Events) -> None:
    for name in ("b", "a"):
        logemit.health_check(name)(lambda: None)
    assert [each.check for each in logemit.run_health_checks()] == ["b", "a"]
    assert [each.check for each in logemit.run_health_checks("a", "b")] == ["a", "b"]
    with pytest.raises(ValueError, match="no health check 'c'; registered are b, a"):
        logemit.run_health_checks("a", "c")
    assert len(events()) == 4


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_that_is_none_is_refused(timeout: float) -> None:
    with pytest.raises(ValueError, match="expected seconds, more than 0"):
        logemit.health_check("x", timeout=timeout)


def test_a_generator_is_no_check() -> None:
    def values() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="a health check is a function or a coroutine"):
        logemit.health_check("x")(values)


def test_a_check_with_a_timeout_where_django_is_there_and_not_set_up() -> None:
    code = """
import threading, django.db, logemit
threading.excepthook = lambda args: print("raised", args.exc_type)
check = logemit.health_check("slow", timeout=5)(lambda: True)
print(check(), logemit.run_health_checks()[0].healthy)
"""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "LOGEMIT_"))}
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, env=env | {"LOGEMIT_OUTPUT": os.devnull}, capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"
