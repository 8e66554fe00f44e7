"""What instruments put around a block or a function: a time, a count of exceptions, how many are at work.

As decorators they fit functions, coroutine functions and generator functions, each for as long as it runs.
"""

from time import perf_counter
from types import TracebackType
from typing import Any, Protocol, Self

from .around import Around


class Timer(Around):
    """Seconds from its beginning to its end, which is handed to the instrument's method of this name."""

    def __init__(self, instrument: Any, method: str) -> None:
        self._instrument = instrument
        self._method = method
        self._start = 0.0
        self.duration: float | None = None

    def _for_call(self, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> Self:
        return type(self)(self._instrument, self._method)

    def labels(self, *args: object, **kwargs: object) -> None:
        """Of the instrument's child that is told, which may be known only by the end."""
        self._instrument = self._instrument.labels(*args, **kwargs)

    def __enter__(self) -> Self:
        self._start = perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.duration = max(perf_counter() - self._start, 0)
        getattr(self._instrument, self._method)(self.duration)


class Counts(Protocol):
    def inc(self) -> None: ...


class Moves(Counts, Protocol):
    def dec(self) -> None: ...


class ExceptionCounter(Around):
    """Counts exceptions of these types that leave the block."""

    def __init__(self, counter: Counts, exception: type[BaseException] | tuple[type[BaseException], ...]) -> None:
        self._counter = counter
        self._exception = exception

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        if isinstance(exc, self._exception):
            self._counter.inc()


class InprogressTracker(Around):
    """One more while the block runs."""

    def __init__(self, gauge: Moves) -> None:
        self._gauge = gauge

    def __enter__(self) -> None:
        self._gauge.inc()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._gauge.dec()
