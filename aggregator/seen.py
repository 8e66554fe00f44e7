"""What was seen of each process: duplicates are dropped, and what never arrived is known.

Two views of the same numbers. Per event date, the intervals of `seq` of every `proc`: loaded only for the dates that a
run touches, they tell a duplicate from a new event. Over all dates, the intervals of the processes seen lately: the
holes in them are missing lines. A hole that has stayed open for the horizon is sealed: lost, and counted once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date as calendar_date
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple, Self

from .intervals import Interval, IntervalSet

DAY = 86_400_000_000
HORIZON = DAY
"""Microseconds after which a missing line counts as lost."""

FORGET_AFTER = 7 * DAY
"""Microseconds without a line after which the holes of a process are closed for good."""

FAR = 10**9
"""Lines between two numbers of a process that are not believed."""

RETAINED_DATES = 400
"""Event dates for which duplicates are known."""


class SeenRow(NamedTuple):
    """An interval of one process on one date: `seen`, or one number that two events had, a `conflict`."""

    proc: str
    kind: str
    first: int
    last: int
    earliest: int
    latest: int


class HistoryRow(NamedTuple):
    """An interval of one process over all dates: `seen`, or `covered`: seen or given up for lost."""

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
    """One process over all dates. The holes of `covered` may still be filled."""

    seen: IntervalSet = field(default_factory=IntervalSet)
    covered: IntervalSet = field(default_factory=IntervalSet)
    heard_at: int = 0

    def is_far(self, seq: int) -> bool:
        """Too far from all that the process is known for to be its next line."""
        last = self.seen.last
        return last is not None and abs(seq - last.last) > FAR


@dataclass(slots=True)
class Day:
    """What was seen on one date."""

    seen: dict[str, IntervalSet] = field(default_factory=dict)
    conflicts: set[tuple[str, int, int]] = field(default_factory=set)
    """(proc, seq, moment) of events whose number another event has."""

    @classmethod
    def of(cls, rows: Iterable[SeenRow]) -> Self:
        day, procs = cls(), defaultdict[str, list[Interval]](list)
        for proc, kind, *interval in rows:
            if kind == "conflict":
                day.conflicts.add((proc, interval[0], interval[2]))
            else:
                procs[proc].append(Interval(*interval))
        day.seen = {proc: IntervalSet(sorted(intervals)) for proc, intervals in procs.items()}
        return day

    def rows(self) -> list[SeenRow]:
        seen = [SeenRow(proc, "seen", *interval) for proc in sorted(self.seen) for interval in self.seen[proc]]
        return [*seen, *(SeenRow(proc, "conflict", seq, seq, at, at) for proc, seq, at in sorted(self.conflicts))]


class Seen:
    """`load` gives the rows kept for a date ("2026-11-20"); dates before `checked_from` are not kept any more."""

    def __init__(
        self, load: Callable[[str], Iterable[SeenRow]], history: Iterable[HistoryRow], checked_from: str, now: int
    ) -> None:
        self._load = load
        self._checked_from = checked_from
        self._now = now
        self._days: dict[str, Day] = {}
        self._history: dict[str, History] = {}
        rows: dict[tuple[str, str], list[Interval]] = defaultdict(list)
        for proc, kind, first, last, earliest, latest, heard_at in history:
            self._history.setdefault(proc, History(heard_at=heard_at))
            rows[proc, kind].append(Interval(first, last, earliest, latest))
        for (proc, kind), intervals in rows.items():
            setattr(self._history[proc], kind, IntervalSet(intervals))
        self.duplicates = self.conflicts = self.unchecked = self.recovered = 0

    def admit(self, proc: str | None, seq: int | None, moment: int) -> bool:
        """Whether an event counts; False for one that was delivered before."""
        if proc is None or seq is None or (date := date_of(moment)) < self._checked_from:
            self.unchecked += 1
            return True
        history = self._history.setdefault(proc, History())
        history.heard_at = self._now
        if history.is_far(seq):  # a forged number must not make thousands of millions missing
            self.unchecked += 1
            return True
        day = self._day(date)
        intervals = day.seen.setdefault(proc, IntervalSet())
        known = intervals.find(seq)
        if known is None:
            intervals.add(seq, moment)
            self._remember(history, seq, moment)
            return True
        repeated = (proc, seq, moment) in day.conflicts or known.earliest <= moment <= known.latest
        if repeated:
            self.duplicates += 1
        else:
            self.conflicts += 1
            day.conflicts.add((proc, seq, moment))
        return not repeated

    def _day(self, date: str) -> Day:
        day = self._days.get(date)
        if day is None:
            day = self._days[date] = Day.of(self._load(date))
        return day

    def _remember(self, history: History, seq: int, moment: int) -> None:
        if history.seen.find(seq) is not None:  # on another date
            self.conflicts += 1
            return
        history.seen.add(seq, moment)
        if history.covered.find(seq) is not None:
            self.recovered += 1
        else:
            history.covered.add(seq, moment)

    def seal(self) -> int:
        """Close the holes that are older than the horizon; how many lines were lost in them."""
        lost = 0
        for proc, history in list(self._history.items()):
            due = [hole for hole in history.covered.holes() if hole.latest < self._now - HORIZON]
            if due:
                lost += sum(hole.numbers for hole in due)
                history.covered.close(due)
            if history.heard_at < self._now - FORGET_AFTER:
                del self._history[proc]
        return lost

    @property
    def missing(self) -> int:
        """Lines that others of their process say were written, and that may still come."""
        return sum(hole.numbers for history in self._history.values() for hole in history.covered.holes())

    def rows(self) -> Iterator[tuple[str, list[SeenRow]]]:
        """(date, rows) of every date touched."""
        return ((date, day.rows()) for date, day in sorted(self._days.items()))

    def history_rows(self) -> list[HistoryRow]:
        return [
            HistoryRow(proc, kind, *interval, history.heard_at)
            for proc, history in sorted(self._history.items())
            for kind, intervals in (("seen", history.seen), ("covered", history.covered))
            for interval in intervals
        ]


def date_of(moment: int) -> str:
    """The UTC date of microseconds since 1970."""
    return _date_of_day(moment // DAY)


@lru_cache(maxsize=1024)
def _date_of_day(day: int) -> str:
    return (calendar_date(1970, 1, 1) + timedelta(days=day)).isoformat()
