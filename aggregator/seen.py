"""What was seen of each process: duplicates are dropped, and what never arrived is known.

Two views of the same numbers. Per hour of the events, the intervals of `seq` of every `proc`, with a mark of each
event's time: loaded only for the hours that a run touches, they tell a duplicate from a new event, and from another
event of the same number. Over all hours, those of the processes, in which the holes are missing lines.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date as calendar_date
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Self

from .intervals import Interval, IntervalSet
from .marks import BLOCK, Marks
from .processes import HOUR, History, Processes

RETAINED_DATES = 400
"""Event dates for which duplicates are known."""

Verdict = Literal["new", "duplicate", "conflict"]


class SeenRow(NamedTuple):
    """Of one process in one hour: an interval `seen`, a number that two events had, a `conflict`, or `marks`."""

    proc: str
    kind: str
    first: int
    last: int
    earliest: int
    latest: int
    marks: bytes | None = None


@dataclass(slots=True)
class Hour:
    """What was seen of the events of one hour."""

    seen: dict[str, IntervalSet] = field(default_factory=dict)
    marks: dict[str, Marks] = field(default_factory=dict)
    conflicts: set[tuple[str, int, int]] = field(default_factory=set)
    """(proc, seq, moment) of events whose number another event has."""

    @classmethod
    def of(cls, rows: Iterable[SeenRow]) -> Self:
        hour, seen, marks = (
            cls(),
            defaultdict[str, list[Interval]](list),
            defaultdict[str, list[tuple[int, bytes]]](list),
        )
        for proc, kind, first, last, earliest, latest, data in rows:
            if kind == "conflict":
                hour.conflicts.add((proc, first, earliest))
            elif kind == "marks":
                marks[proc].append((first, data or b""))
            else:
                seen[proc].append(Interval(first, last, earliest, latest))
        hour.seen = {proc: IntervalSet(sorted(intervals)) for proc, intervals in seen.items()}
        hour.marks = {proc: Marks(blocks) for proc, blocks in marks.items()}
        return hour

    def rows(self) -> list[SeenRow]:
        seen = [SeenRow(proc, "seen", *interval) for proc in sorted(self.seen) for interval in self.seen[proc]]
        conflicts = [SeenRow(proc, "conflict", seq, seq, at, at) for proc, seq, at in sorted(self.conflicts)]
        marks = [
            SeenRow(proc, "marks", first, first + BLOCK - 1, 0, 0, data)
            for proc in sorted(self.marks)
            for first, data in self.marks[proc].blocks()
        ]
        return [*seen, *conflicts, *marks]

    def admit(self, proc: str, seq: int, moment: int) -> Verdict:
        intervals = self.seen.setdefault(proc, IntervalSet())
        known = intervals.find(seq)
        if known is None:
            intervals.add(seq, moment)
            self.marks.setdefault(proc, Marks()).add(seq, moment)
            return "new"
        marks = self.marks.get(proc)
        first = known.earliest <= moment <= known.latest and (marks is None or marks.may_be(seq, moment))
        if first or (proc, seq, moment) in self.conflicts:
            return "duplicate"
        self.conflicts.add((proc, seq, moment))
        return "conflict"

    def knows_any(self, proc: str, run: Interval) -> bool:
        known = self.seen.get(proc)
        return known is not None and known.touches(run.first, run.last)

    def admit_all(self, proc: str, run: Interval, marks: bytes) -> None:
        """Take in numbers one after the other of which none was seen."""
        self.seen.setdefault(proc, IntervalSet()).add_all(run)
        self.marks.setdefault(proc, Marks()).add_all(run.first, marks)


class Seen:
    """`load` gives the rows kept for an hour ("2026-11-20/13"); dates before `checked_from` are not kept any more."""

    def __init__(self, load: Callable[[str], Iterable[SeenRow]], processes: Processes, checked_from: str) -> None:
        self._load = load
        self._processes = processes
        self._checked_from = checked_from
        self._hours: dict[str, Hour] = {}
        self.duplicates = self.conflicts = self.unchecked = self.recovered = 0

    def admit(self, proc: str | None, seq: int | None, moment: int) -> bool:
        """Whether an event counts; False for one that was delivered before."""
        if proc is None or seq is None or (hour := hour_of(moment)) < self._checked_from:
            self.unchecked += 1
            return True
        history = self._processes.heard(proc, seq)
        if history.is_far(seq):  # a forged number must not make thousands of millions missing
            self.unchecked += 1
            return True
        verdict = self._hour(hour).admit(proc, seq, moment)
        if verdict == "new":
            self._remember(history, seq, moment)
        elif verdict == "duplicate":
            self.duplicates += 1
        else:
            self.conflicts += 1
        return verdict != "duplicate"

    def admit_all(self, proc: str, run: Interval, marks: bytes, moments: Any) -> bool:
        """Take in events of one hour, numbered one after the other and with these marks and moments, that all count.

        False where some may not, or where that must be told of each; then nothing was done.
        """
        if (name := hour_of(run.earliest)) < self._checked_from:
            self.unchecked += run.numbers
            return True
        history = self._processes.heard(proc, run.first)
        if history.is_far(run.first) or history.is_far(run.last):
            return False
        hour = self._hour(name)
        if hour.knows_any(proc, run):
            return False
        if history.seen.touches(run.first, run.last) or history.covered.touches(run.first, run.last):
            return False
        hour.admit_all(proc, run, marks)
        history.seen.add_all(run)
        history.covered.add_all(run)
        return True

    def _hour(self, name: str) -> Hour:
        hour = self._hours.get(name)
        if hour is None:
            hour = self._hours[name] = Hour.of(self._load(name))
        return hour

    def _remember(self, history: History, seq: int, moment: int) -> None:
        if history.seen.find(seq) is not None:  # in another hour
            self.conflicts += 1
            return
        history.seen.add(seq, moment)
        if history.covered.find(seq) is not None:
            self.recovered += 1
        else:
            history.covered.add(seq, moment)

    def rows(self) -> Iterator[tuple[str, list[SeenRow]]]:
        """(hour, rows) of every hour touched."""
        return ((name, hour.rows()) for name, hour in sorted(self._hours.items()))


def hour_of(moment: int) -> str:
    """The UTC date and hour of microseconds since 1970, as "2026-11-20/13"."""
    return _name_of_hour(moment // HOUR)


def hours_of(row: SeenRow) -> Iterator[str]:
    """The hours that an interval touches."""
    return (_name_of_hour(hour) for hour in range(row.earliest // HOUR, row.latest // HOUR + 1))


def date_of(moment: int) -> str:
    """The UTC date of microseconds since 1970."""
    return hour_of(moment)[:10]


@lru_cache(maxsize=4096)
def _name_of_hour(hour: int) -> str:
    return f"{calendar_date(1970, 1, 1) + timedelta(days=hour // 24)}/{hour % 24:02}"
