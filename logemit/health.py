"""Health checks: what is asked now and then whether it works, and the event that tells the answer."""

import inspect
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial, wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from .emitter import emit, harmless
from .spans import Span

P = ParamSpec("P")
R = TypeVar("R")
_LONGEST_MESSAGE = 200
_THREAD = "logemit health check"


class Unhealthy(Exception):  # noqa: N818  what a check says, not what went wrong in it
    """Raised by a check that wants to say why: its text is written, and that of no other exception."""


@dataclass(frozen=True, slots=True)
class Health:
    """What came of a check. `message` is what the app said, else the type of the exception."""

    check: str
    healthy: bool
    duration_seconds: float
    message: str


class HealthCheck(Span):
    """One check: a context manager, and a decorator that registers a function for `run_health_checks`.

    It is healthy unless an exception passes, the function returns False, `set(healthy=False)` says otherwise, or it
    took longer than `timeout` seconds. A decorated function with a timeout runs in a thread of its own. When the time
    is over TimeoutError is raised, and the thread is left to end in the background; until it has, the check is
    unhealthy and not begun again. A coroutine is cancelled. A block of `with` runs to its end, however long that takes.
    """

    def __init__(self, name: str, timeout: float | None) -> None:
        super().__init__("health_check", {"check": name})
        self.name = name
        self.timeout = timeout
        self.result: Health | None = None

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        seconds = self._seconds()
        late = exc is None and self.timeout is not None and seconds > self.timeout
        healthy = exc is None and not late and bool(self._results.pop("healthy", True))
        message = str(self._results.pop("message", None) or _reason(exc, late=late))[:_LONGEST_MESSAGE]
        self.result = Health(self.name, healthy, seconds, message)
        told = {"healthy": healthy, "up": int(healthy), "duration_seconds": seconds, "message": message or None}
        emit("health_check", **{**self._fields, **self._results, **told})

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Each call of the function is a check, too; what it returns and raises stays as it is."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} is a generator: a health check is a function or a coroutine")
        name, timeout, runner = self.name, self.timeout, _Runner(self.timeout)
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def checked_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                with HealthCheck(name, timeout) as check:
                    return check._take(await _within(timeout, function(*args, **kwargs)))

            _registered[name] = lambda: HealthCheck(name, timeout)._result_of(partial(_in_a_loop, function, timeout))
            return cast("Callable[P, R]", checked_async)

        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            with HealthCheck(name, timeout) as check:
                return check._take(runner.run(partial(function, *args, **kwargs)))

        _registered[name] = lambda: HealthCheck(name, timeout)._result_of(partial(runner.run, function))
        return checked

    def _take(self, returned: R) -> R:
        if returned is False:
            self.set(healthy=False)
        return returned

    def _result_of(self, call: Callable[[], Any]) -> Health:
        with suppress(Exception), self:
            self._take(call())
        assert self.result is not None
        return self.result


def _reason(exc: BaseException | None, *, late: bool) -> str:
    if isinstance(exc, Unhealthy) and str(exc):
        return str(exc)
    return type(exc).__name__ if exc is not None else "TimeoutError" if late else ""


class _Runner:
    """Calls a function, in a thread of its own where it has to end in time."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._thread: threading.Thread | None = None

    def run(self, function: Callable[[], R]) -> R:
        if self._timeout is None:
            return function()
        if self._thread is not None and self._thread.is_alive():
            raise Unhealthy(f"still running after {self._timeout:g} seconds")
        self._thread, outcome = _started(function)
        return cast("R", _outcome_of(self._thread, outcome, self._timeout))


Outcome = list[tuple[Any, BaseException | None]]
"""What a function returned and raised, once it has."""


def _started(function: Callable[[], Any]) -> tuple[threading.Thread, Outcome]:
    outcome: Outcome = []
    context = copy_context()
    thread = threading.Thread(target=context.run, args=(_collect, function, outcome), name=_THREAD, daemon=True)
    thread.start()
    return thread, outcome


def _collect(function: Callable[[], Any], outcome: Outcome) -> None:
    try:
        outcome.append((function(), None))
    except BaseException as exc:
        outcome.append((None, exc))
    finally:
        with harmless():
            _close_connections()


def _close_connections() -> None:
    """Those that Django made for this thread end with it."""
    conf, db = sys.modules.get("django.conf"), sys.modules.get("django.db")
    if conf is not None and db is not None and conf.settings.configured:
        db.connections.close_all()


def _outcome_of(thread: threading.Thread, outcome: Outcome, timeout: float | None) -> Any:
    thread.join(timeout)
    if not outcome:
        raise TimeoutError
    returned, exc = outcome[0]
    if exc is not None:
        raise exc
    return returned


async def _within(timeout: float | None, awaited: Awaitable[R]) -> R:
    import asyncio  # noqa: PLC0415  takes long, and most checks do without

    return await asyncio.wait_for(awaited, timeout)


def _in_a_loop(function: Callable[[], Any], timeout: float | None) -> Any:
    """What a coroutine function returns; in a thread of its own where this one has a running loop."""
    import asyncio  # noqa: PLC0415

    def work() -> Any:
        return asyncio.run(_within(timeout, function()))

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    return _outcome_of(*_started(work), None)


_registered: dict[str, Callable[[], Health]] = {}


def health_check(name: str, *, timeout: float | None = None) -> HealthCheck:
    """A health check: `@logemit.health_check("redis", timeout=2)` on a function, or `with logemit.health_check(…):`.

    Raises ValueError for a timeout that is none.
    """
    if timeout is not None and not timeout > 0:
        raise ValueError(f"timeout is {timeout!r}, expected seconds, more than 0")
    return HealthCheck(name, timeout)


def registered_health_checks() -> list[str]:
    """Names, in the order in which functions were decorated."""
    return list(_registered)


def run_health_checks(*names: str) -> list[Health]:
    """Run all checks that are registered, or those of some names, one after the other; each writes its event.

    An exception of a check makes it unhealthy, and goes no further. Raises ValueError for a name without a check.
    """
    if unknown := [name for name in names if name not in _registered]:
        known = ", ".join(_registered) or "none"
        raise ValueError(f"no health check {unknown[0]!r}; registered are {known}")
    return [_registered[name]() for name in names or tuple(_registered)]
