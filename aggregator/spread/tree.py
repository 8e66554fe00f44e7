"""Sums of many slices merged where they are, a few at a time, so that only the whole of them comes here."""

from collections.abc import Iterator

from ..definitions import Catalogue
from .sums import Sums
from .task import merge, of_summary
from .workers import Handle, Workers

FAN_IN = 8
WHOLE = "the sums of all slices"


class Tree:
    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._levels: list[list[Handle]] = []
        """What waits to be merged, by how many merges it went through."""

    def add(self, handle: Handle, level: int = 0) -> None:
        """Of what a task found, or of sums."""
        if level == len(self._levels):
            self._levels.append([])
        waiting = self._levels[level]
        waiting.append(handle)
        if len(waiting) == FAN_IN:
            self._levels[level] = []
            self.add(self._workers.submit(merge, *waiting, urgent=True, about=WHOLE), level + 1)

    def finish(self, catalogue: Catalogue) -> Iterator[Sums]:
        """All of it, a summary at a time."""
        left = [handle for level in self._levels for handle in level]
        self._levels = []
        if not left:
            return
        whole = self._workers.submit(merge, *left, about=WHOLE)
        parts = [self._workers.submit(of_summary, whole, summary.name, about=WHOLE) for summary in catalogue.summaries]
        while parts:
            yield self._workers.result(parts.pop())
