"""What a run has added up so far: in memory, and on disk what is more than fits there."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from . import cube
from .capacity import Part
from .cube import Cube
from .definitions import Summary
from .partitioning import by_partition
from .store.spill import Spill

MERGE_AFTER = 64
"""Partial cubes of a partition that wait before they are merged."""

MOST_BYTES = 40 << 20
"""Held in memory."""


@dataclass(slots=True)
class _Gathered:
    """Of one partition."""

    waiting: list[Cube] = field(default_factory=list)
    spilled: list[Part] = field(default_factory=list)
    """What is on the disk."""

    @property
    def nbytes(self) -> int:
        return sum(part.nbytes for part in self.waiting)

    def merge(self) -> Cube:
        """All that waits, which then is one."""
        self.waiting = [cube.merge(self.waiting)]
        return self.waiting[0]


class Partials:
    """Cubes with windows by partition; those without have none."""

    def __init__(self, spill: Spill | None = None) -> None:
        self._spill = spill
        self._gathered: dict[str, dict[str, _Gathered]] = {}
        self.nbytes = 0
        """In memory."""

    def add(self, new: Cube) -> None:
        gathered = self._gathered.setdefault(new.summary.name, defaultdict(_Gathered))
        for partition, part in by_partition(new) if new.windowed else [("", new)]:
            self._add(gathered[partition], part)
        if self._spill and self.nbytes > MOST_BYTES:
            self._relieve(self._spill)

    def _add(self, gathered: _Gathered, part: Cube) -> None:
        gathered.waiting.append(part)
        self.nbytes += part.nbytes
        if len(gathered.waiting) >= MERGE_AFTER:
            self.nbytes -= gathered.nbytes
            self.nbytes += gathered.merge().nbytes

    def _relieve(self, spill: Spill) -> None:
        """Half of it goes to the disk, the largest first."""
        partitions = [each for of_summary in self._gathered.values() for each in of_summary.values()]
        for gathered in sorted(partitions, key=lambda each: each.nbytes, reverse=True):
            if self.nbytes <= MOST_BYTES // 2:
                return
            self.nbytes -= gathered.nbytes
            gathered.spilled.append(_on_disk(spill, gathered.merge()))
            gathered.waiting = []

    def partitions(self, summary: Summary) -> Iterator[str]:
        """Those of which there is anything."""
        return iter(self._gathered.get(summary.name, {}))

    def take(self, summary: Summary, partition: str) -> list[Part]:
        """What goes into a partition, in parts; it is not kept any longer."""
        gathered = self._gathered.get(summary.name, {}).get(partition, _Gathered())
        waiting, gathered.waiting = gathered.waiting, []
        return [*gathered.spilled, *map(Part.of, waiting)]


def _on_disk(spill: Spill, whole: Cube) -> Part:
    read = partial(spill.read, whole.summary, spill.write(whole), windowed=whole.windowed)
    return Part(read, len(whole.cells), whole.text_bytes)
