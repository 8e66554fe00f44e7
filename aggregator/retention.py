"""How long minutes stay minutes, how long partitions stay, and how late an event may be.

Counters come from the totals, which nothing here touches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from .cube import WINDOW_SECONDS, WINDOW_START, Cube, grouped
from .processes import DAY
from .seen import date_of
from .store import State

HOUR_SECONDS = 3600
STEP_DAYS = 31
"""Dates that one commit folds or empties at most: a long history is worked off in steps."""


@dataclass(frozen=True, slots=True)
class Retention:
    """In days; None for ever. `late_days` is the age at which an event changes no partition any more."""

    fold_days: int | None = None
    drop_days: int | None = None
    late_days: int | None = None


FOR_EVER = Retention()


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """Dates ("2026-11-20", "" for none): windows of earlier ones are hours, partitions of earlier ones are empty."""

    folded_before: str = ""
    dropped_before: str = ""

    @classmethod
    def of(cls, state: State) -> Self:
        return cls(state.folded_before, state.dropped_before)

    def moved(self, retention: Retention, until: int, dates: Sequence[str]) -> "Cutoffs":
        """The cutoffs at a time (microseconds since 1970), past a month at most of the dates that have partitions.

        They never go back: what is gone does not come again.
        """
        return Cutoffs(
            _moved(self.folded_before, _days_before(until, retention.fold_days), dates),
            _moved(self.dropped_before, _days_before(until, retention.drop_days), dates),
        )

    def is_folded(self, partition: str) -> bool:
        return _date(partition) < self.folded_before

    def is_dropped(self, partition: str) -> bool:
        return _date(partition) < self.dropped_before


def late_before(retention: Retention, now: int, cutoffs: Cutoffs) -> int:
    """Events of before this time (microseconds since 1970) change no partition."""
    limit = now - retention.late_days * DAY if retention.late_days is not None else 0
    return max(limit, _start_of(cutoffs.dropped_before) if cutoffs.dropped_before else 0)


def folded(cube: Cube) -> Cube:
    """The same cube in windows of an hour at least."""
    return grouped(cube.summary, _folded(cube.cells), cube.bins)


def _folded(cells: pa.Table) -> pa.Table:
    seconds = cells["window_seconds"]
    hours = pc.floor_temporal(cells["window_start"], unit="hour")
    is_short = pc.less(seconds, HOUR_SECONDS)
    start = pc.if_else(is_short, hours, cells["window_start"])
    cells = cells.set_column(0, WINDOW_START, start)
    return cells.set_column(1, WINDOW_SECONDS, pc.max_element_wise(seconds, pa.scalar(HOUR_SECONDS, pa.int32())))


def until(now: int, newest_event: int) -> int:
    """The time that ages are counted from: a clock that is ahead of all events must not fold or empty anything."""
    return min(now, newest_event + DAY) if newest_event else now


def _moved(before: str, target: str, dates: Sequence[str]) -> str:
    first = min((date for date in dates if date >= before), default=target)
    if target <= before or target <= first:
        return max(before, target)
    return min(target, date_of(_start_of(first) + STEP_DAYS * DAY))


def _date(partition: str) -> str:
    """Of "date=2026-11-20/13"."""
    return partition[len("date=") :][:10]


def _days_before(now: int, days: int | None) -> str:
    return "" if days is None else date_of(now - days * DAY)


def _start_of(date: str) -> int:
    return int(pa.scalar(date).cast(pa.timestamp("us")).value)
