"""Which of a block's events count: those that were scanned at once, run by run; those of odd lines one by one."""

import numpy as np

from ..intake import Intake
from ..records import Record
from . import odd, runs
from .context import IN_TIME, LATE, Scanned
from .texts import Array, text


def judged(intake: Intake, scanned: Scanned) -> Array:
    """The verdict on each scanned row; what the odd lines hold is taken in on the way."""
    rows, left = scanned.rows, odd.left_over(scanned)
    intake.report.read += rows + left.foreign + left.records.read
    intake.report.foreign += left.foreign
    judge = _Judge(intake, scanned)
    batches = intake.present(left.records, scanned.name)
    intake.take_present(batches, lambda line: judge.admit_to(left.rows_before[line]))
    judge.admit_to(rows)
    judge.count()
    return judge.verdicts


class _Judge:
    def __init__(self, intake: Intake, scanned: Scanned) -> None:
        self._intake, self._scanned = intake, scanned
        self._records, self._texts = scanned.records, scanned.context.texts
        self._moments = self._records.moments[: scanned.rows]
        self._at = 0
        self.verdicts = np.zeros(scanned.rows, np.int8)
        self._is_ahead = self._moments > intake.held.limit
        self._is_any_ahead = bool(self._is_ahead.any())
        for row in np.flatnonzero(self._is_ahead).tolist():
            intake.hold(self._record(int(self._records.begins[row])), scanned.name)

    def _record(self, begin: int) -> Record:
        """Its place is known where lines were scanned as they stand in the log."""
        offset = 0 if self._scanned.opened else self._scanned.block.offset + begin
        return Record(0, offset, self._scanned.line(begin))

    def admit_to(self, stop: int) -> None:
        """All rows from where it stands to `stop`."""
        start, self._at = self._at, stop
        rows: Array | slice = slice(start, stop)
        if self._is_any_ahead:
            rows = start + np.flatnonzero(~self._is_ahead[rows])
        procs, seqs, moments = self._records.procs[rows], self._records.seqs[rows], self._moments[rows]
        if not len(procs):
            return
        late = np.where(moments < self._intake.late_before, LATE, IN_TIME)
        found = runs.runs_of(procs, seqs, moments, int(self._texts.used[0]))
        marks = memoryview(found.marks.astype("<u2", copy=False)).cast("B")
        for run in found:
            proc, part = self._proc(run.proc), found.rows[run.start : run.stop]
            of_run = marks[2 * run.start : 2 * run.stop]
            if not self._intake.seen.admit_all(proc, run.numbers, of_run, moments[part]):
                late[part] *= self._admitted(proc, seqs[part], moments[part])
        self.verdicts[rows] = late

    def _admitted(self, proc: str, seqs: Array, moments: Array) -> list[bool]:
        seen = self._intake.seen
        return [seen.admit(proc, seq, at) for seq, at in zip(seqs.tolist(), moments.tolist(), strict=True)]

    def _proc(self, code: int) -> str:
        return text(self._texts, code)

    def count(self) -> None:
        """Put what counts on the account."""
        plans = self._records.plans[: self._scanned.rows]
        counted, late = self.verdicts > 0, self.verdicts == LATE
        if not counted.any():
            return
        newest = int(self._moments[counted].max())
        places = self._scanned.context.plans
        events, of_late = (np.bincount(plans[which], minlength=len(places)).tolist() for which in (counted, late))
        for place, number, number_late in zip(places, events, of_late, strict=True):
            if number:
                self._intake.count(place.plan, number, number_late, newest)
