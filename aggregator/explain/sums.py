"""What events add up to, by summary: the totals that metrics are views of."""

from collections.abc import Callable, Iterable
from functools import partial

from .. import cube, live
from ..cube import Cube
from ..definitions import Summary
from ..exposition import Source

_MERGE_AFTER = 64
"""Cubes that wait before they are merged."""


class Sums:
    """In memory: as much as the combinations of dimensions take. `before` gives what was shown before, with caps."""

    def __init__(self, summaries: Iterable[Summary], before: Callable[[Summary], Cube] | None = None) -> None:
        self._before = before or partial(cube.empty, windowed=False)
        self._waiting = {summary.name: [cube.empty(summary, windowed=False)] for summary in summaries}

    def add(self, part: Cube) -> None:
        waiting = self._waiting[part.summary.name]
        waiting.append(cube.totals(part))
        if len(waiting) >= _MERGE_AFTER:
            waiting[:] = [self._merged(part.summary.name)]

    def _merged(self, name: str) -> Cube:
        return live.settled(cube.merge(self._waiting[name]))

    def source(self) -> Source:
        found = {name: self._merged(name) for name in self._waiting}
        return Source(found.__getitem__, self._before)
