"""Things that take a while and end one way or another: feed polls and bookmark imports.

Each is a context manager, sync and async, and a decorator of functions, sync and async.
"""

import functools
import inspect
import os
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

from .emitter import emit, harmless
from .vocabulary import BY_NAME

P = ParamSpec("P")
R = TypeVar("R")


class Span:
    """Times itself and writes one event at its end.

    status is what `set(status=…)` said; else `success` where results were set; else `unknown`, because a function
    that logged its failure and returned is no success by itself. An exception makes it `error` and passes on.

    As a decorator it makes a new span for each call: a field that is a callable is called with the call's arguments,
    and a mapping that the function returns is taken as its results.
    """

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
        if BY_NAME[self._event].field("import_id"):
            self._fields.setdefault("import_id", os.urandom(8).hex())
        self._start = time.perf_counter_ns()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        microseconds = (time.perf_counter_ns() - self._start + 500) // 1000
        status = "error" if kind else self._results.pop("status", None) or ("success" if self._results else "unknown")
        fields = {**self._fields, **self._results, "status": status, "duration_seconds": microseconds / 1e6}
        emit(self._event, **fields)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.__exit__(kind, exc, tb)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def timed_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                with self._for_call(args, kwargs) as span:
                    return span._take(await function(*args, **kwargs))

            return cast("Callable[P, R]", timed_async)

        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def timed_generator(*args: P.args, **kwargs: P.kwargs) -> Any:
                with self._for_call(args, kwargs) as span:
                    return span._take((yield from function(*args, **kwargs)))

            return cast("Callable[P, R]", timed_generator)

        if inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} is an asynchronous generator: use `async with` inside it")

        @functools.wraps(function)
        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            with self._for_call(args, kwargs) as span:
                return span._take(function(*args, **kwargs))

        return timed

    def _for_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> "Span":
        fields = {}
        for name, value in self._fields.items():
            with harmless():  # a field that cannot be found is missing, and the call goes on
                fields[name] = value(*args, **kwargs) if callable(value) else value
        return Span(self._event, fields)

    def _take(self, returned: R) -> R:
        if isinstance(returned, Mapping):
            event = BY_NAME[self._event]
            with harmless():
                self.set(**{name: value for name, value in returned.items() if event.field(name)})
        return returned


def feed_poll(feed_id: Any, **fields: Any) -> Span:
    """A poll of a feed: `with logemit.feed_poll(feed_id=7) as poll: poll.set(items_discovered=20, items_new=3)`."""
    return Span("feed_poll", {"feed_id": feed_id, **fields})


def bookmark_import(user_id: Any, format: Any, **fields: Any) -> Span:  # noqa: A002
    """An import: `with logemit.bookmark_import(user_id=1, format="opml") as job: job.set(items_processed=12)`."""
    return Span("bookmark_import", {"user_id": user_id, "format": format, **fields})
