"""The numbers of each process over all its hours: the holes in them are lines that are missing, and at last lost.

Processes come and go by the thousand. One that is complete and was not heard of for a while is put away, in a file of
the hour in which that happened, and asked for again only when a number comes that would leave a hole. So a run costs
what lives, not what has lived.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .intervals import Interval, IntervalSet, united

HOUR = 3_600_000_000
DAY = 24 * HOUR
HORIZON = DAY
"""Microseconds after which a missing line counts as lost."""

QUIET_AFTER = 2 * HOUR
"""Microseconds without a line after which a complete process is put away."""

FORGET_AFTER = 7 * DAY
"""Microseconds without a line after which a process is closed for good."""

FAR = 10**9
"""Lines between two numbers of a process that are not believed."""


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
    is_whole: bool = False
    """Whether what was put away of it is in here, too."""

    def is_far(self, seq: int) -> bool:
        """Too far from all that the process is known for to be its next line."""
        last = self.seen.last
        return last is not None and abs(seq - last.last) > FAR

    @property
    def is_complete(self) -> bool:
        """Known from its first number on, without a hole."""
        return not self.covered.is_before(0) and not any(self.covered.holes())

    def would_gap(self, seq: int) -> bool:
        """Whether a number leaves a hole, or comes before all that is known."""
        last = self.covered.last
        return seq > (last.last + 1 if last else 0) or self.covered.is_before(seq)

    def unite(self, other: "History") -> None:
        self.seen, self.covered = united(self.seen, other.seen), united(self.covered, other.covered)

    def rows(self, proc: str) -> Iterator[HistoryRow]:
        for kind, intervals in (("seen", self.seen), ("covered", self.covered)):
            for interval in intervals:
                yield HistoryRow(proc, kind, *interval, self.heard_at)


def histories(rows: Iterable[HistoryRow]) -> dict[str, History]:
    """By process; what several files hold of one is united."""
    found: dict[str, History] = {}
    intervals: dict[tuple[str, str], list[Interval]] = defaultdict(list)
    for proc, kind, first, last, earliest, latest, heard_at in rows:
        history = found.setdefault(proc, History())
        history.heard_at = max(history.heard_at, heard_at)
        intervals[proc, kind].append(Interval(first, last, earliest, latest))
    for (proc, kind), parts in intervals.items():
        setattr(found[proc], kind, united(parts))
    return found


class Processes:
    """`rows` are of those that live; `put_away` gives those of the processes it is asked for, of all files."""

    def __init__(self, rows: Iterable[HistoryRow], put_away: Callable[[str], Iterable[HistoryRow]], now: int) -> None:
        self._known = histories(rows)
        self._put_away = put_away
        self._now = now

    def heard(self, proc: str, seq: int) -> History:
        """What is known of a process; also what was put away of it, before a hole is believed."""
        history = self._known.get(proc)
        if history is None:
            history = self._known[proc] = History()
        history.heard_at = self._now
        if not history.is_whole and history.would_gap(seq):
            history.is_whole = True
            for found in histories(self._put_away(proc)).values():
                history.unite(found)
        return history

    def seal(self) -> int:
        """Close the holes that are older than the horizon; how many lines were lost in them."""
        lost = 0
        for history in self._known.values():
            due = [hole for hole in history.covered.holes() if hole.latest < self._now - HORIZON]
            if due:
                lost += sum(hole.numbers for hole in due)
                history.covered.close(due)
        return lost

    @property
    def missing(self) -> int:
        """Lines that others of their process say were written, and that may still come."""
        return sum(hole.numbers for history in self._known.values() for hole in history.covered.holes())

    def rows(self) -> tuple[list[HistoryRow], list[HistoryRow]]:
        """Of those that live, and of those to be put away."""
        living: list[HistoryRow] = []
        quiet: list[HistoryRow] = []
        for proc, history in sorted(self._known.items()):
            age = self._now - history.heard_at
            if age > QUIET_AFTER and history.is_complete:
                quiet.extend(history.rows(proc))
            elif age <= FORGET_AFTER:
                living.extend(history.rows(proc))
        return living, quiet
