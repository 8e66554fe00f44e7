"""One backend that hands everything to several."""

from collections.abc import Callable, Sequence

from ..emitter import failed
from ..writer import Line
from .port import Backend, Measuring, Operation


class Several:
    """To each. One that fails is told once to the `logemit` logger, and keeps neither the others nor the caller."""

    def __init__(self, backends: Sequence[Backend]) -> None:
        self._backends = tuple(backends)
        self._measures = [backend.measure for backend in self._backends if isinstance(backend, Measuring)]

    @property
    def last_error(self) -> Exception | None:
        return next((backend.last_error for backend in self._backends if backend.last_error is not None), None)

    def write(self, lines: Sequence[Line]) -> bool:
        written = [_guarded(backend.write, lines) for backend in self._backends]
        return all(found is not False for found in written)

    def lose(self, lines: int) -> None:
        for backend in self._backends:
            _guarded(backend.lose, lines)

    def close(self) -> None:
        for backend in self._backends:
            _guarded(backend.close)

    def measure(self, operation: Operation) -> None:
        for measure in self._measures:
            _guarded(measure, operation)


def _guarded(call: Callable[..., bool | None], *arguments: object) -> bool | None:
    """None where it failed."""
    try:
        return call(*arguments)
    except Exception as exc:
        if not failed(getattr(call, "__self__", call), exc):
            raise
        return None
