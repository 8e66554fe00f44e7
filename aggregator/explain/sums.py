"""What events add up to, by summary: the totals that metrics are views of."""

from collections.abc import Iterable

from .. import cube, live
from ..cube import Cube
from ..definitions import Summary
from ..exposition import Source

_MERGE_AFTER = 64
"""Cubes that wait before they are merged."""


class Sums:
    """In memory: as much as the combinations of dimensions take."""

    def __init__(self, summaries: Iterable[Summary]) -> None:
        self._waiting = {summary.name: [cube.empty(summary, windowed=False)] for summary in summaries}

    def add(self, part: Cube) -> None:
        waiting = self._waiting[part.summary.name]
        waiting.append(cube.totals(part))
        if len(waiting) >= _MERGE_AFTER:
            waiting[:] = [self._merged(part.summary.name)]

    def _merged(self, name: str) -> Cube:
        return live.settled(cube.merge(self._waiting[name]))

    def source(self) -> Source:
        """Of a first run: nothing was shown before."""
        found = {name: self._merged(name) for name in self._waiting}
        return Source(found.__getitem__, lambda summary: cube.empty(summary, windowed=False))
