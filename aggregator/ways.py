"""How sources are taken in: here, block by block, or spread over processes elsewhere."""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Protocol, Self

from . import sources
from .config import Config
from .engines import Engines
from .intake import Intake
from .reading import Reader
from .remote import Object

Tell = Callable[[int], None]
"""Told how many bytes are done."""

Names = Iterable[str | Object]


class Way(Protocol):
    """What was taken is in the intake once it is left without an error."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def take(self, names: Names) -> None:
        """All that is new in these sources, one after the other; then their positions have moved."""


class Threads:
    """In this process."""

    def __init__(self, reader: Reader, intake: Intake, config: Config, workers: int, tell: Tell) -> None:
        self._reader, self._tell = reader, tell
        self._engines = Engines(intake, config, workers)
        self._done = 0

    def __enter__(self) -> Self:
        self._engines.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._engines.__exit__(kind, error, at)

    def take(self, names: Names) -> None:
        reader = self._reader
        for name in names:
            for block in reader.blocks(name):
                self._engines.take(block, reader.stream, reader.ahead)
                self._tell(self._done + reader.position)
            self._done += sources.size(name)
