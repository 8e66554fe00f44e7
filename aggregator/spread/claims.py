"""Events that a task found, as they claim to count; and what becomes of each, decided where the state is.

A task lets all events count and notes who claims it. The claims are put before the run's own `Seen`, slice after slice.
Nearly always all of them hold. Where some do not, the task is run again, and told which.

Of one process the claims keep their order; between processes there is none.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..grouping import Array
from ..intervals import Interval
from ..marks import FACTOR
from ..processes import HOUR, Processes
from ..seen import Seen

FIRST, LAST, EARLIEST, LATEST = range(4)
Event = tuple[int, int]
"""Number and moment."""


class Claims(NamedTuple):
    """Of a slice, in runs: numbers of one process, one after the other, within one hour."""

    procs: list[str]
    places: Array
    """int64[run]: the place of its process."""
    runs: Array
    """int64[run, 4]: first and last number, earliest and latest moment."""
    marks: bytes
    """Two for each event, run after run."""
    unchecked: int
    """Events without a process or a number."""

    @property
    def events(self) -> int:
        """How many there are, but for those that cannot be checked."""
        return len(self.marks) // 2

    def each(self) -> Iterator[tuple[str, Interval, int]]:
        """The process of each run, its numbers, and its place among all events."""
        start = 0
        for place, run in zip(self.places.tolist(), self.runs.tolist(), strict=True):
            interval = Interval(*run)
            yield self.procs[place], interval, start
            start += interval.numbers


class Refused(NamedTuple):
    """Of one process, the events of which some do not count, each as often as it came, in order."""

    proc: str
    seqs: Array
    moments: Array
    counts: Array
    """bool."""


class Noted(Seen):
    """In the place of what was seen: lets every event count, and notes it."""

    def __init__(self) -> None:
        super().__init__(lambda hour: (), Processes((), lambda proc: (), 0), "")
        self.asked = 0
        """Events that were asked about, but for those that cannot be checked."""
        self._noted: defaultdict[str, list[tuple[Array, Array]]] = defaultdict(list)
        self._single: defaultdict[str, list[Event]] = defaultdict(list)

    def admit(self, proc: str | None, seq: int | None, moment: int) -> bool:
        if proc is None or seq is None:
            self.unchecked += 1
        else:
            self.asked += 1
            self._single[proc].append((seq, moment))
        return True

    def admit_all(self, proc: str, run: Interval, marks: bytes, moments: Any) -> bool:
        self.asked += run.numbers
        self._settle(proc)
        self._noted[proc].append((np.arange(run.first, run.last + 1), moments))
        return True

    def _settle(self, proc: str) -> None:
        if single := self._single.pop(proc, None):
            seqs, moments = np.array(single, np.int64).T
            self._noted[proc].append((seqs, moments))

    def claims(self) -> tuple[Claims, Array]:
        """And the moment of each, in microseconds since 1970."""
        for proc in list(self._single):
            self._settle(proc)
        procs = list(self._noted)
        seqs = [np.concatenate([part for part, _ in self._noted[proc]]) for proc in procs]
        moments = [np.concatenate([part for _, part in self._noted[proc]]) for proc in procs]
        runs = [_runs(*each) for each in zip(seqs, moments, strict=True)]
        places = np.repeat(np.arange(len(procs)), [len(each) for each in runs])
        of_all = _joined(moments)
        table = np.concatenate(runs) if runs else np.zeros((0, 4), np.int64)
        return Claims(procs, places, table, marks_of(of_all).astype("<u2").tobytes(), self.unchecked), of_all


def _joined(arrays: list[Array]) -> Array:
    return np.concatenate(arrays) if arrays else np.zeros(0, np.int64)


def _runs(seqs: Array, moments: Array) -> Array:
    hours = moments // HOUR
    begins = np.flatnonzero(np.r_[True, (seqs[1:] != seqs[:-1] + 1) | (hours[1:] != hours[:-1])])
    ends = np.r_[begins[1:], len(seqs)] - 1
    earliest, latest = np.minimum.reduceat(moments, begins), np.maximum.reduceat(moments, begins)
    return np.stack([seqs[begins], seqs[ends], earliest, latest], axis=1)


def marks_of(moments: Array) -> Array:
    """As marks.mark makes them, uint64."""
    mixed = moments.astype(np.uint64) * np.uint64(FACTOR) >> np.uint64(24) & np.uint64(0xFFFFFFFF)
    found: Array = mixed % np.uint64(0xFFFF) + np.uint64(1)
    return found


def decide(seen: Seen, claims: Claims, moments: Callable[[], Array]) -> list[Refused]:
    """Put the claims before what was seen; what does not count of them. `moments` is asked when it must be."""
    seen.unchecked += claims.unchecked
    counts, refused = np.ones(claims.events, bool), dict[str, list[tuple[Interval, int]]]()
    for proc, run, start in claims.each():
        of_run = claims.marks[2 * start : 2 * (start + run.numbers)]
        if seen.admit_all(proc, run, of_run, None):
            continue
        of = moments()[start : start + run.numbers].tolist()
        admitted = [seen.admit(proc, run.first + place, moment) for place, moment in enumerate(of)]
        if not all(admitted):
            counts[start : start + run.numbers] = admitted
            refused[proc] = []
    for proc, run, start in claims.each() if refused else ():
        if proc in refused:
            refused[proc].append((run, start))
    return [_refused(proc, runs, moments(), counts) for proc, runs in sorted(refused.items())]


def _refused(proc: str, runs: list[tuple[Interval, int]], moments: Array, counts: Array) -> Refused:
    """An event that came twice counts once: it is told of all events that are equal to one that does not count."""
    rows = np.concatenate([np.arange(start, start + run.numbers) for run, start in runs])
    seqs = np.concatenate([np.arange(run.first, run.last + 1) for run, _ in runs])
    moments, counts = moments[rows], counts[rows]
    out = {*zip(seqs[~counts].tolist(), moments[~counts].tolist(), strict=True)}
    told = np.array([event in out for event in zip(seqs.tolist(), moments.tolist(), strict=True)])
    return Refused(proc, seqs[told], moments[told], counts[told])


class Decided(Noted):
    """The same, once it is decided: notes nothing more."""

    def __init__(self, refused: list[Refused]) -> None:
        super().__init__()
        self._told: dict[str, dict[Event, deque[bool]]] = {}
        for proc, seqs, moments, counts in refused:
            told = self._told[proc] = defaultdict(deque)
            for seq, moment, each in zip(seqs.tolist(), moments.tolist(), counts.tolist(), strict=True):
                told[seq, moment].append(each)
        self._numbers = {proc: np.unique(seqs) for proc, seqs, _, _ in refused}

    def admit(self, proc: str | None, seq: int | None, moment: int) -> bool:
        if proc is None or seq is None:
            return True
        self.asked += 1
        told = self._told.get(proc, {}).get((seq, moment))
        return told.popleft() if told else True

    def admit_all(self, proc: str, run: Interval, marks: bytes, moments: Any) -> bool:
        numbers = self._numbers.get(proc)
        if numbers is not None and np.searchsorted(numbers, run.first) < np.searchsorted(numbers, run.last, "right"):
            return False
        self.asked += run.numbers
        return True
