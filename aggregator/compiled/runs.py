"""Which records of a block are numbered one after the other, by process: such are checked at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..intervals import Interval
from ..marks import FACTOR
from ..processes import HOUR
from .native import compiled, inlined
from .texts import Array

PROC, FIRST, LAST, EARLIEST, LATEST, BEGIN = range(6)


class Run(NamedTuple):
    """Records of one process in one hour."""

    proc: int
    """Its code."""
    numbers: Interval
    start: int
    stop: int
    """Where its records are told, by number."""


@dataclass(frozen=True, slots=True)
class Runs:
    """In the order in which they begin; `rows` are the records of one run after the other."""

    rows: Array
    marks: Array
    """uint16: of each of the rows."""
    table: Array
    """int64[run, 6]."""

    def __iter__(self) -> Iterator[Run]:
        for proc, first, last, earliest, latest, stop in self.table.tolist():
            yield Run(proc, Interval(first, last, earliest, latest), stop - (last - first + 1), stop)


@compiled
def find_runs(procs: Any, seqs: Any, moments: Any, current: Any, runs: Any, run_of: Any) -> int:
    """How many runs there are; fills `runs` (int64[run, 6]), and the run of each record. `current` is -1 all over."""
    count = 0
    for row in range(len(procs)):
        proc, seq, moment = procs[row], seqs[row], moments[row]
        run = current[proc]
        if run < 0 or seq != runs[run, LAST] + 1 or moment // HOUR != runs[run, EARLIEST] // HOUR:
            run = count
            count += 1
            current[proc] = run
            runs[run, PROC], runs[run, FIRST], runs[run, LAST] = proc, seq, seq
            runs[run, EARLIEST], runs[run, LATEST] = moment, moment
        runs[run, LAST] = seq
        runs[run, EARLIEST] = min(runs[run, EARLIEST], moment)
        runs[run, LATEST] = max(runs[run, LATEST], moment)
        run_of[row] = run
    return count


@inlined
def mark(moment: int) -> int:
    """As marks.mark makes it."""
    mixed = np.uint64(moment) * np.uint64(FACTOR) >> np.uint64(24) & np.uint64(0xFFFFFFFF)
    return mixed % np.uint64(0xFFFF) + np.uint64(1)


@compiled
def gather_rows(run_of: Any, runs: Any, count: int, moments: Any, rows: Any, marks: Any) -> None:
    """Fills `rows` with the records of each run, one run after the other, and `marks` with their marks."""
    begin = 0
    for run in range(count):
        runs[run, BEGIN] = begin
        begin += runs[run, LAST] - runs[run, FIRST] + 1
    for row in range(len(run_of)):
        run = run_of[row]
        rows[runs[run, BEGIN]] = row
        marks[runs[run, BEGIN]] = mark(moments[row])
        runs[run, BEGIN] += 1


def runs_of(procs: Array, seqs: Array, moments: Array, texts: int) -> Runs:
    """Of records in disorder, as if these had come in order. Processes are codes of so many texts."""
    found = _found(procs, seqs, moments, texts)
    if 4 * len(found.table) <= len(procs) + 64:
        return found
    order = np.lexsort((seqs, procs))
    sorted_ones = _found(procs[order], seqs[order], moments[order], texts)
    return Runs(order[sorted_ones.rows], sorted_ones.marks, sorted_ones.table)


def _found(procs: Array, seqs: Array, moments: Array, texts: int) -> Runs:
    runs, run_of = np.empty((len(procs), 6), np.int64), np.empty(len(procs), np.int32)
    rows, marks = np.empty(len(procs), np.int64), np.empty(len(procs), np.uint16)
    count = find_runs(procs, seqs, moments, np.full(texts, -1, np.int32), runs, run_of)
    gather_rows(run_of, runs, count, moments, rows, marks)
    return Runs(rows, marks, runs[:count])
