"""From records to what counts: dated ahead, delivered twice, late or in time; each on the run's account."""

from collections import Counter
from collections.abc import Callable

from . import cube
from .config import Config
from .decode import Batch, Decoder, Rejection
from .exemplars import Exemplars, wishes_of
from .filters import taken
from .held import Held
from .partials import Partials
from .plans import EventPlan
from .records import Record, Records
from .rejects import Rejects
from .report import Report
from .rollup import rollup
from .seen import Seen
from .store.spill import Spill

EVENT_NAMES = 1000
"""Names of events that are counted apart; hostile logs could bring any number."""

WARNINGS = 20
"""Told at most, of a run."""

REJECTIONS = 10
"""Told at most, of a run."""


class Intake:
    """Fills a run's report, its exemplars and its partials: what changes partitions, what only adds to the totals."""

    def __init__(
        self,
        config: Config,
        seen: Seen,
        held: Held,
        report: Report,
        names: set[str],
        spill: Spill | None = None,
        rejects: Rejects | None = None,
    ) -> None:
        self._config = config
        self._decoder = Decoder(config.catalogue)
        self.seen, self.held, self.report = seen, held, report
        self.in_time, self.late = Partials(spill), Partials(spill)
        self.exemplars = Exemplars(wishes_of(config))
        self.by_event: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.newest = 0
        self.late_before = 0
        """Microseconds since 1970: events of before change no partition."""
        self.warnings: list[str] = []
        self._names = names
        self._rejects = rejects

    def take(self, records: Records, name: str) -> None:
        """All records of a block of a source."""
        self.report.read += records.read
        self.take_present(self.present(records, name))

    def take_released(self) -> None:
        """Events that were held until now."""
        released = Records(events=[Record(0, 0, line) for line in self.held.due])
        self.report.released = released.read
        self.take_present(self.present(released, "held"))

    def present(self, records: Records, name: str) -> list[Batch]:
        """The events among them that are not dated ahead."""
        decoded = self._decoder.decode(records)
        self.report.foreign += records.foreign
        for rejection in decoded.rejections:
            self.reject(rejection, name)
        return [self._not_ahead(batch, name) for batch in decoded.batches.values()]

    def _not_ahead(self, batch: Batch, name: str) -> Batch:
        is_ahead = [moment > self.held.limit for moment in batch.columns["timestamp"]]
        for record, ahead in zip(batch.records, is_ahead, strict=True):
            if ahead:
                self.hold(record, name)
        return batch.keep([not ahead for ahead in is_ahead]) if any(is_ahead) else batch

    def hold(self, record: Record, name: str) -> None:
        """An event that is dated ahead."""
        if self.held.take(record.text):
            self.report.held += 1
        else:
            self.reject(Rejection(record, "future", "dated ahead, and no more such events can be held"), name)

    def take_present(self, batches: list[Batch], come_to: Callable[[int], None] = lambda line: None) -> None:
        """Add up the events that count. `come_to` is told of each line before its turn to be admitted."""
        wanted = [[False] * len(batch) for batch in batches]
        places = (
            (line, which, row)
            for which, batch in enumerate(batches)
            for row, line in enumerate(record.line for record in batch.records)
        )
        for line, which, row in sorted(places):
            come_to(line)
            wanted[which][row] = self.seen.admit(*batches[which].origin(row))
        kept = [batch if all(each) else batch.keep(each) for batch, each in zip(batches, wanted, strict=True)]
        for batch in sorted(filter(len, kept), key=lambda batch: batch.records[0].line):
            self._roll_up(batch)

    def reject(self, rejection: Rejection, name: str) -> None:
        self.report.rejected += 1
        self.rejected[rejection.kind] += 1
        if self._rejects:
            self._rejects.take(name, rejection)
        if len(self.report.rejections) < REJECTIONS:
            line = rejection.record.line
            self.report.rejections.append(f"{name}{f':{line}' if line else ''}: {rejection.reason}")

    def reject_more(self, kind: str, number: int) -> None:
        """Lines of which no more is known."""
        self.report.rejected += number
        self.rejected[kind] += number
        if self._rejects:
            self._rejects.leave_out(number)

    def plan(self, name: str) -> EventPlan:
        return self._decoder.plan(name)

    def count(self, plan: EventPlan, events: int, late: int, newest: int) -> None:
        """Events of one name that count, `late` of them too late for partitions."""
        name = plan.name
        if name not in self._names and (plan.known or plan.wanted or len(self._names) < EVENT_NAMES):
            self._names.add(name)
            if plan.warning and len(self.warnings) < WARNINGS:
                self.warnings.append(plan.warning)
        self.by_event[name if name in self._names else "__other__"] += events
        self.report.events += events
        self.report.late += late
        self.newest = max(self.newest, newest)

    def _roll_up(self, batch: Batch) -> None:
        moments = batch.columns["timestamp"]
        self.report.fields_invalid += sum(map(len, batch.invalid))
        self.report.texts_cut += sum(batch.cut)
        self.exemplars.take(batch)
        is_late = [moment < self.late_before for moment in moments]
        self.count(batch.plan, len(batch), sum(is_late), max(moments))
        for late in (False, True):
            part = batch if is_late.count(late) == len(batch) else batch.keep([each is late for each in is_late])
            for summary in self._config.catalogue.of_event(batch.plan.name) if len(part) else ():
                self.add(rollup(part, summary, self._config.window_seconds), is_late=late)

    def add(self, part: cube.Cube, *, is_late: bool) -> None:
        """What was added up of events that count, as far as its summary takes it in."""
        part = taken(part)
        if not len(part.cells):
            return
        if is_late:
            self.late.add(cube.totals(part))
        else:
            self.in_time.add(part)
