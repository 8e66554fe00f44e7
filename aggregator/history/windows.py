"""The windows of a summary in the order of time, each read once, and what is in none of those."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa

from .. import cube, live
from ..cube import Cube
from ..definitions import Summary
from ..filters import of_rows
from ..grouping import Array
from ..outputs import Outputs
from ..series import Totals
from ..spans import DAY
from .timeline import upwards

STEP = "step"
"""The column that has when a window is shown first."""


def begin_of(summary: Summary, partition: str) -> int:
    """Of "date=2026-11-20/13"."""
    date, _, hour = partition.removeprefix("date=").partition("/")
    return int(datetime.fromisoformat(f"{date}T{hour if summary.partition == 'hour' else '00'}:00+00:00").timestamp())


def span_of(summary: Summary) -> int:
    return 3600 if summary.partition == "hour" else DAY


def ends(whole: Cube) -> Array:
    """Of the windows."""
    found: Array = starts(whole) + whole.cells["window_seconds"].to_numpy()
    return found


def starts(whole: Cube) -> Array:
    found: Array = whole.cells["window_start"].cast(pa.int64()).to_numpy() // 1_000_000
    return found


class Windows:
    """Those that end after a time."""

    def __init__(self, outputs: Outputs, summary: Summary, after: int, step: int, marks: Collection[int] = ()) -> None:
        self._outputs, self._summary, self._after, self._step = outputs, summary, after, step
        self._marks = marks
        self._left: list[str] = [
            name
            for name in outputs.partition_names(summary)
            if begin_of(summary, name) + span_of(summary) + DAY > after
        ]
        self._later, self._later_shown = cube.empty(summary), np.zeros(0, dtype=np.int64)
        """What was read and is still to be taken, and when each of its windows is shown."""

    @property
    def begin(self) -> int | None:
        """No window begins before."""
        return begin_of(self._summary, self._left[0]) if self._left else None

    def cubes(self) -> Iterator[Cube]:
        """All of them, a partition each, without taking them."""
        return (self._read(name) for name in self._left)

    def _read(self, name: str) -> Cube:
        found = self._outputs.partition(self._summary, name)
        return _those(found, ends(found) > self._after)

    def take(self, stop: int) -> Totals:
        """Those shown before `stop` that were not taken yet; they have the column STEP."""
        parts = [self._later]
        while self._left and begin_of(self._summary, self._left[0]) < stop:
            parts.append(self._read(self._left.pop(0)))
        whole = cube.merge(parts)
        shown = self._shown(whole)
        now = shown < stop
        self._later, self._later_shown = of_rows(whole, ~now), shown[~now]
        return Totals(_with_step(_those(whole, now), shown[now]))

    def coming(self, stop: int) -> Totals:
        """Those shown at `stop`, as far as they are read: a series of these may begin there."""
        return Totals(_those(self._later, self._later_shown == stop))

    def _shown(self, whole: Cube) -> Array:
        """A window that was exported in part, and became an hour since, at once: nothing falls."""
        begins, stops = starts(whole), ends(whole)
        shown = upwards(stops, self._step)
        for mark in self._marks:
            is_begun = (begins < mark) & (mark < stops)
            shown = np.where(is_begun, np.minimum(shown, (mark // self._step + 1) * self._step), shown)
        return shown


def _those(whole: Cube, wanted: Array) -> Cube:
    """Of its rows."""
    return whole if wanted.all() else of_rows(whole, wanted)


def _with_step(whole: Cube, shown: Array) -> Cube:
    return replace(whole, cells=whole.cells.append_column(STEP, pa.array(shown)))


def steps_of(windows: Totals) -> Array:
    found: Array = windows.cube.cells[STEP].to_numpy()
    return found


def total_of(summary: Summary, windows: Windows) -> Cube:
    """What adds up in all of them."""
    total = cube.empty(summary, windowed=False)
    for part in windows.cubes():
        if np.any(ends(part)):
            total = live.settled(cube.merge([total, cube.totals(part)]))
    return total
