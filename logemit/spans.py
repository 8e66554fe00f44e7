"""Things that take a while and end one way or another: the span that times one, and writes an event at its end.

Each is a context manager, sync and async, and a decorator of functions, sync and async.
"""

import inspect
import os
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from .around import Around, P, R
from .emitter import emit, harmless
from .vocabulary import BY_NAME


def ended_by(exc: BaseException | None) -> str | None:
    """`error`; `aborted` for what is no Exception, such as a cancellation; None for none, and for `sys.exit(0)`."""
    if isinstance(exc, SystemExit):
        return None if exc.code is None or (isinstance(exc.code, int) and exc.code == 0) else "error"
    if exc is None:
        return None
    return "error" if isinstance(exc, Exception) else "aborted"


class Span(Around):
    """Times itself and writes one event at its end.

    status is what `set(status=…)` said; else `success` where results were set; else `unknown`, because a function
    that logged its failure and returned is no success by itself. An exception makes it `error` and passes on.

    As a decorator it makes a new span for each call: a field that is a callable is called with the call's arguments,
    and a mapping that the function returns is taken as its results.
    """

    id_field = ""
    """The field that tells one from another, where the event has one."""

    def __init__(self, event: str, fields: Mapping[str, Any]) -> None:
        self._event = event
        self._fields = dict(fields)
        self._results: dict[str, Any] = {}
        self._start = 0

    def set(self, **results: Any) -> Self:
        """Take results, e.g. items_new=3 or status="not_modified"; a later one replaces an earlier."""
        self._results.update(results)
        return self

    def __enter__(self) -> Self:
        if self.id_field:
            self._fields.setdefault(self.id_field, os.urandom(8).hex())
        self._start = time.perf_counter_ns()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        seconds = self._seconds()
        ending = self._ending(exc)
        emit(self._event, **{**self._fields, **self._results, **ending, "duration_seconds": seconds})

    def _seconds(self) -> float:
        """Since it was entered, in whole microseconds."""
        return (time.perf_counter_ns() - self._start + 500) // 1000 / 1e6

    def _ending(self, exc: BaseException | None) -> dict[str, Any]:
        """How it ended, in the event's words."""
        given = self._results.pop("status", None)
        return {"status": "error" if exc else given or ("success" if self._results else "unknown")}

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.__exit__(kind, exc, tb)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        if inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} is an asynchronous generator: use `async with` inside it")
        return super().__call__(function)

    def _for_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Self:
        fields = {}
        for name, value in self._fields.items():
            with harmless():  # a field that cannot be found is missing, and the call goes on
                fields[name] = value(*args, **kwargs) if callable(value) else value
        return type(self)(self._event, fields)

    def _take(self, returned: R) -> R:
        event = BY_NAME.get(self._event)
        if event is not None and isinstance(returned, Mapping):
            with harmless():
                self.set(**{name: value for name, value in returned.items() if event.field(name)})
        return returned


class Timed(Span):
    """A span that is a `success` unless it was told otherwise or an exception came by."""

    def _ending(self, exc: BaseException | None) -> dict[str, Any]:
        given, ended = self._results.pop("status", None), ended_by(exc)
        if self._has_words():
            return {"status": ended or given or "success"}
        return {} if ended or given is None else {"status": given}

    def _has_words(self) -> bool:
        """The event's status is not a number, as that of an http_request is."""
        declared = BY_NAME.get(self._event)
        field = declared.field("status") if declared else None
        return declared is None or (field is not None and field.type == "string")


def timed(event: str, /, **fields: Any) -> Timed:
    """Time anything: `with logemit.timed("external_api_call", method="sendMessage"): …`, or as a decorator.

    The event, of the app's own or of logemit's, has `duration_seconds` and `status`: `success`, `error` where an
    exception passed, `aborted` where it was cancelled or told to exit, or what `set(status=…)` says. What a decorated
    function returns is taken as results only where the event is one of logemit's, which say what their fields are.
    """
    return Timed(event, fields)
