"""One run, from sources to the commit. The only place that knows the whole way."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import cube, exposition, sources
from .config import Config
from .decode import Batch, Decoder, Rejection
from .envelopes import Records, unwrap
from .errors import LogemitError
from .held import Held
from .outputs import Outputs
from .rollup import rollup
from .seen import Seen
from .store import State, Store, opened

MERGE_AFTER = 64
"""Partial cubes of a summary that wait before they are merged: what a run holds does not grow with its input."""

EVENT_NAMES = 1000
"""Names of events that are counted apart; hostile logs could bring any number."""

WARNINGS = 20
"""Told at most, of a run."""

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Report:
    """What a run did, for people and scripts. Counts are of this run; `missing` and `lost` of all."""

    run: int = 0
    read: int = 0
    released: int = 0
    events: int = 0
    foreign: int = 0
    rejected: int = 0
    duplicates: int = 0
    held: int = 0
    missing: int = 0
    lost: int = 0
    conflicts: int = 0
    unchecked: int = 0
    fields_invalid: int = 0
    unfinished: int = 0
    sources: int = 0
    partitions: int = 0
    seconds: float = 0.0
    out: str = ""
    by_event: dict[str, int] = field(default_factory=dict)
    rejections: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def check_account(self) -> None:
        """read + released = events + foreign + rejected + duplicates + newly held."""
        accounted = self.events + self.foreign + self.rejected + self.duplicates + self.held
        if self.read + self.released != accounted:
            raise LogemitError(
                f"{self.read} + {self.released} records read, {accounted} accounted for; nothing changed"
            )


def aggregate(names: Sequence[str], out: Path, config: Config, progress: Progress | None = None) -> Report:
    """Take in what is new in the files `names` and bring the outputs in `out` up to it, all or nothing.

    `progress` is told bytes done and bytes in all. Raises a LogemitError; then nothing has changed.
    """
    began = time.monotonic()
    now = time.time_ns() // 1000
    with opened(out) as store:
        run = _Run(store, config, now)
        run.take_released()
        total, done = sum(map(sources.size, names)), 0
        for name in names:
            for block in run.reader.blocks(name):
                run.take(unwrap(block), name)
                if progress:
                    progress(done + run.reader.position, total)
            done += sources.size(name)
        return run.commit(len(names), began)


class _Run:
    def __init__(self, store: Store, config: Config, now: int) -> None:
        self.reader = sources.Reader(store.state.checkpoints)
        self._store = store
        self._config = config
        self._now = now
        self._outputs = Outputs(store)
        self._decoder = Decoder(config.catalogue)
        self._seen = Seen(self._outputs.seen, self._outputs.history(), store.state.checked_from, now)
        self._held = Held(self._outputs.held(), now)
        self._partials: dict[str, list[cube.Cube]] = {}
        self._report = Report(run=store.state.run + 1, out=str(store.out))
        self._by_event: Counter[str] = Counter()
        self._event_names = set(store.state.events)
        self._rejected: Counter[str] = Counter()
        self._newest = store.state.newest_event

    def take_released(self) -> None:
        """Events that were held until now."""
        released = Records(events=[(0, line) for line in self._held.due])
        self._report.released = released.read
        self._take(released, "held")

    def take(self, records: Records, name: str) -> None:
        self._report.read += records.read
        self._take(records, name)

    def _take(self, records: Records, name: str) -> None:
        report = self._report
        decoded = self._decoder.decode(records)
        report.foreign += records.foreign
        for rejection in decoded.rejections:
            self._reject(rejection, name)
        for batch in decoded.batches.values():
            present, held, refused = self._held.take(batch)
            report.held += held
            self._count_rejected("future", refused)
            columns = present.columns
            moments = columns["timestamp"]
            wanted = [
                self._seen.admit(*origin) for origin in zip(columns["proc"], columns["seq"], moments, strict=True)
            ]
            counted = present if all(wanted) else present.keep(wanted)
            report.fields_invalid += sum(map(len, counted.invalid))
            self._roll_up(counted)

    def _reject(self, rejection: Rejection, name: str) -> None:
        self._count_rejected(rejection.kind, 1)
        if len(self._report.rejections) < 10:
            self._report.rejections.append(f"{name}:{rejection.line}: {rejection.reason}")

    def _count_rejected(self, kind: str, count: int) -> None:
        if count:
            self._report.rejected += count
            self._rejected[kind] += count

    def _roll_up(self, batch: Batch) -> None:
        if not len(batch):
            return
        event = batch.plan.name
        plan = batch.plan
        if event not in self._event_names and (plan.known or plan.wanted or len(self._event_names) < EVENT_NAMES):
            self._event_names.add(event)
            if plan.warning and len(self.reader.warnings) < WARNINGS:
                self.reader.warnings.append(plan.warning)
        self._by_event[event if event in self._event_names else "__other__"] += len(batch)
        self._report.events += len(batch)
        self._newest = max([self._newest, *batch.columns["timestamp"]])
        for summary in self._config.catalogue.of_event(event):
            partials = self._partials.setdefault(summary.name, [])
            partials.append(rollup(batch, summary, self._config.window_seconds))
            if len(partials) >= MERGE_AFTER:
                partials[:] = [cube.merge(partials)]

    def commit(self, source_count: int, began: float) -> Report:
        report, outputs = self._report, self._outputs
        lost_now = self._seen.seal()
        report.duplicates = self._seen.duplicates
        report.conflicts, report.unchecked = self._seen.conflicts, self._seen.unchecked
        report.warnings, report.unfinished = self.reader.warnings, self.reader.unfinished
        report.by_event, report.sources = dict(self._by_event), source_count
        report.check_account()
        state = self._next_state(lost_now)
        state.check_account()
        report.missing, report.lost = state.missing, state.lost
        new = {name: cube.merge(partials) for name, partials in self._partials.items()}
        report.partitions = sum(outputs.write_partitions(new[name]) for name in new)
        totals = outputs.write_totals(self._config.catalogue, new)
        outputs.write_seen(self._seen, state)
        outputs.write_held(self._held)
        state.finished = time.time_ns() // 1000
        state.seconds = report.seconds = round(time.monotonic() - began, 3)
        text = exposition.text(self._config.catalogue, totals, state, service_label=self._config.service_label)
        outputs.write_metrics(text)
        self._store.commit(state)
        return report

    def _next_state(self, lost_now: int) -> State:
        before, report, seen = self._store.state, self._report, self._seen
        return State(
            run=report.run,
            read=before.read + report.read,
            released=before.released + report.released,
            foreign=before.foreign + report.foreign,
            duplicates=before.duplicates + report.duplicates,
            newly_held=before.newly_held + report.held,
            events=dict(Counter(before.events) + self._by_event),
            rejected=dict(Counter(before.rejected) + self._rejected),
            fields_invalid=before.fields_invalid + report.fields_invalid,
            conflicts=before.conflicts + seen.conflicts,
            unchecked=before.unchecked + seen.unchecked,
            lost=before.lost + lost_now,
            recovered=before.recovered + seen.recovered,
            missing=seen.missing,
            newest_event=self._newest,
            checked_from=before.checked_from,
            seen_dates=before.seen_dates,
            checkpoints=list(self.reader.checkpoints),
        )
