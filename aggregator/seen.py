"""What was seen of each process: duplicates are dropped, and what never arrived is known.

Two views of the same numbers. Per event date, the intervals of `seq` of every `proc`: loaded only for the dates that a
run touches, they tell a duplicate from a new event. Over all dates, the intervals of the processes seen lately: the
holes in them are missing lines. A hole that has stayed open for the horizon is sealed: lost, and counted once.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from .intervals import Interval, IntervalSet

DAY = 86_400_000_000
HORIZON = DAY
"""Microseconds after which a missing line counts as lost."""

FORGET_AFTER = 7 * DAY
"""Microseconds without a line after which the holes of a process are closed for good."""

RETAINED_DATES = 400
"""Event dates for which duplicates are known."""


class SeenRow(NamedTuple):
    """An interval of one process on one date."""

    proc: str
    first: int
    last: int
    earliest: int
    latest: int


class HistoryRow(NamedTuple):
    """An interval of one process over all dates: `seen`, or `lost` once sealed."""

    proc: str
    kind: str
    first: int
    last: int
    earliest: int
    latest: int
    heard_at: int
    """When a run last took in a line of the process."""


@dataclass(slots=True)
class History:
    """One process over all dates."""

    seen: IntervalSet = field(default_factory=IntervalSet)
    lost: list[Interval] = field(default_factory=list)
    heard_at: int = 0

    def open_holes(self) -> Iterator[Interval]:
        """Missing lines that are not sealed yet."""
        for hole in self.seen.holes():
            yield from _without(hole, self.lost)


def _without(hole: Interval, sealed: list[Interval]) -> Iterator[Interval]:
    start = hole.first
    for interval in sealed:
        if interval.last < start or interval.first > hole.last:
            continue
        if interval.first > start:
            yield hole._replace(first=start, last=interval.first - 1)
        start = max(start, interval.last + 1)
    if start <= hole.last:
        yield hole._replace(first=start)


class Seen:
    """`load` gives the rows kept for a date ("2026-11-20"); dates before `checked_from` are not kept any more."""

    def __init__(
        self, load: Callable[[str], Iterable[SeenRow]], history: Iterable[HistoryRow], checked_from: str, now: int
    ) -> None:
        self._load = load
        self._checked_from = checked_from
        self._now = now
        self._dates: dict[str, dict[str, IntervalSet]] = {}
        self._history: dict[str, History] = {}
        seen: dict[str, list[Interval]] = {}
        for proc, kind, first, last, earliest, latest, heard_at in history:
            known = self._history.setdefault(proc, History(heard_at=heard_at))
            intervals = known.lost if kind == "lost" else seen.setdefault(proc, [])
            intervals.append(Interval(first, last, earliest, latest))
        for proc, intervals in seen.items():
            self._history[proc].seen = IntervalSet(intervals)
        self.duplicates = self.conflicts = self.unchecked = self.recovered = 0

    def admit(self, proc: str | None, seq: int | None, moment: int) -> bool:
        """Whether an event counts; False for one that was delivered before."""
        if proc is None or seq is None:
            self.unchecked += 1
            return True
        day = date_of(moment)
        if day < self._checked_from:
            self.unchecked += 1
            return True
        intervals = self._on(day).setdefault(proc, IntervalSet())
        known = intervals.find(seq)
        if known is not None:
            if known.earliest <= moment <= known.latest:
                self.duplicates += 1
                return False
            self.conflicts += 1
            return True
        intervals.add(seq, moment)
        self._remember(proc, seq, moment)
        return True

    def _on(self, day: str) -> dict[str, IntervalSet]:
        if day not in self._dates:
            procs: dict[str, list[Interval]] = {}
            for proc, *interval in self._load(day):
                procs.setdefault(proc, []).append(Interval(*interval))
            self._dates[day] = {proc: IntervalSet(sorted(intervals)) for proc, intervals in procs.items()}
        return self._dates[day]

    def _remember(self, proc: str, seq: int, moment: int) -> None:
        history = self._history.setdefault(proc, History())
        history.heard_at = self._now
        if history.seen.find(seq) is None:
            history.seen.add(seq, moment)
        for index, sealed in enumerate(history.lost):
            if sealed.first <= seq <= sealed.last:
                self.recovered += 1
                left = [sealed._replace(last=seq - 1)] if seq > sealed.first else []
                right = [sealed._replace(first=seq + 1)] if seq < sealed.last else []
                history.lost[index : index + 1] = [*left, *right]
                break

    def seal(self) -> int:
        """Close the holes that are older than the horizon; how many lines were lost in them."""
        lost = 0
        for proc, history in list(self._history.items()):
            due = [hole for hole in history.open_holes() if hole.latest < self._now - HORIZON]
            lost += sum(hole.last - hole.first + 1 for hole in due)
            history.lost = sorted([*history.lost, *due])
            if history.heard_at < self._now - FORGET_AFTER:
                del self._history[proc]
        return lost

    @property
    def missing(self) -> int:
        """Lines that others of their process say were written, and that may still come."""
        return sum(hole.last - hole.first + 1 for h in self._history.values() for hole in h.open_holes())

    def rows(self) -> Iterator[tuple[str, list[SeenRow]]]:
        """(date, rows) of every date touched."""
        for day, procs in sorted(self._dates.items()):
            yield day, [SeenRow(proc, *interval) for proc, intervals in sorted(procs.items()) for interval in intervals]

    def history_rows(self) -> list[HistoryRow]:
        return [
            HistoryRow(proc, kind, *interval, history.heard_at)
            for proc, history in sorted(self._history.items())
            for kind, intervals in (("seen", history.seen), ("lost", history.lost))
            for interval in intervals
        ]


def date_of(moment: int) -> str:
    """The UTC date of microseconds since 1970."""
    return _date_of_day(moment // DAY)


@lru_cache(maxsize=1024)
def _date_of_day(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
