"""One run, from sources to the commit. The only place that knows the whole way."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from . import cube, exposition, follow, sources
from .config import Config
from .decode import Batch, Decoder, Rejection
from .envelopes import Records, unwrap
from .errors import ConfigError, InputError
from .held import Held
from .memory import Memory
from .migration import opened
from .outputs import Change, Outputs, check_summaries
from .positions import Positions
from .report import Progress, Report
from .retention import Marks, late_before, until
from .rollup import rollup
from .seen import Seen
from .store import State, Store

MERGE_AFTER = 64
"""Partial cubes of a summary that wait before they are merged: what a run holds does not grow with its input."""

EVENT_NAMES = 1000
"""Names of events that are counted apart; hostile logs could bring any number."""

WARNINGS = 20
"""Told at most, of a run."""


def aggregate(patterns: Sequence[str], out: Path, config: Config, progress: Progress | None = None) -> Report:
    """Take in what is new in the logs that paths, folders and globs name, and bring the outputs in `out` up to it.

    All or nothing. `progress` is told bytes done and bytes in all. Raises a LogemitError; then nothing has changed.
    """
    began = time.monotonic()
    now = time.time_ns() // 1000
    names = sources.find(patterns)
    listed = sources.identities(names)
    with opened(out) as store:
        run = _Run(store, config, now)
        run.take_released()
        total, done = sum(map(sources.size, names)), 0
        for name in _all_names(listed, patterns, run.reader):
            for block in run.reader.blocks(name):
                run.take(unwrap(block), name)
                if progress:
                    progress(done + run.reader.position, total)
            done += sources.size(name)
        return run.commit(began)


def _all_names(listed: sources.Listed, patterns: Sequence[str], reader: sources.Reader) -> Iterator[str]:
    """Also what was rotated since the last run, or is rotated while this one is at work."""
    yield from listed
    with suppress(InputError):
        yield from (name for name in sources.find(patterns) if not reader.is_read(name))
    yield from follow.rotated(reader)
    yield from follow.displaced(reader, listed)


class _Run:
    def __init__(self, store: Store, config: Config, now: int) -> None:
        state = store.state
        self.reader = sources.Reader(Positions(state.checkpoints, now))
        self._store = store
        self._config = config
        self._now = now
        self._marks = Marks(state.folded_before, state.dropped_before)
        self._outputs = Outputs(store)
        self._marks_after = self._moved_marks()
        self._late_before = late_before(config.retention, now, self._marks_after)
        self._memory = Memory(store)
        self._decoder = Decoder(config.catalogue)
        self._processes = self._memory.processes(now)
        self._seen = Seen(self._memory.seen, self._processes, state.checked_from)
        self._held = Held(self._memory.held(), now)
        self._partials: dict[str, list[cube.Cube]] = {}
        self._late: dict[str, list[cube.Cube]] = {}
        self._report = Report(run=state.runs + 1, out=str(store.out))
        self._by_event: Counter[str] = Counter()
        self._event_names = set(state.events)
        self._rejected: Counter[str] = Counter()
        self._newest = state.newest_event

    def _moved_marks(self) -> Marks:
        retention, state = self._config.retention, self._store.state
        after = self._marks.moved(retention, until(self._now, state.newest_event), self._outputs.dates())
        if after != self._marks:
            try:
                check_summaries(self._store.out, self._config.catalogue)
            except ConfigError as exc:
                self.reader.warnings.append(f"{exc}; until then nothing is folded or dropped")
                return self._marks
        return after

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
        in_time = self._in_time(batch)
        for summary in self._config.catalogue.of_event(event) if len(in_time) else ():
            _add(self._partials, rollup(in_time, summary, self._config.window_seconds))

    def _in_time(self, batch: Batch) -> Batch:
        """What changes partitions; the rest only adds to the totals."""
        is_late = [moment < self._late_before for moment in batch.columns["timestamp"]]
        if not any(is_late):
            return batch
        late = batch.keep(is_late)
        self._report.late += len(late)
        for summary in self._config.catalogue.of_event(batch.plan.name):
            _add(self._late, cube.totals(rollup(late, summary, self._config.window_seconds)))
        return batch.keep([not each for each in is_late])

    def commit(self, began: float) -> Report:
        report, catalogue, outputs = self._report, self._config.catalogue, self._outputs
        lost_now = self._processes.seal()
        gaps = follow.gaps(self.reader)
        self._complete(gaps)
        report.check_account()
        state = self._next_state(lost_now, gaps)
        state.check_account()
        report.missing, report.lost = state.missing, state.lost
        new = {name: cube.merge(partials) for name, partials in self._partials.items()}
        late = {name: cube.merge(partials) for name, partials in self._late.items()}
        report.partitions = outputs.write_partitions(catalogue, Change(new, self._marks, self._marks_after))
        totals = outputs.write_totals(catalogue, _totals(new, late))
        forgotten = self._memory.write(self._seen, self._processes, self._held, state, self._now)
        state.finished = time.time_ns() // 1000
        state.seconds = report.seconds = round(time.monotonic() - began, 3)
        outputs.write_metrics(exposition.text(catalogue, totals, state, service_label=self._config.service_label))
        report.warnings.extend(f"{name}: is gone; what it held is in the totals only" for name in self._store.gone)
        state.partitions_lost += len(self._store.gone)
        self._store.commit(state, forgotten)
        return report

    def _complete(self, gaps: list[follow.Gap]) -> None:
        report, seen, reader = self._report, self._seen, self.reader
        report.duplicates, report.conflicts, report.unchecked = seen.duplicates, seen.conflicts, seen.unchecked
        report.unfinished, report.sources, report.gaps = reader.unfinished, reader.sources, len(gaps)
        report.vanished = reader.vanished
        report.by_event = dict(self._by_event)
        told = [*reader.warnings, *map(str, gaps)]
        more = [f"{len(told) - WARNINGS} more warnings"] if len(told) > WARNINGS else []
        report.warnings = [*told[:WARNINGS], *more]

    def _next_state(self, lost_now: int, gaps: list[follow.Gap]) -> State:
        before, report, seen = self._store.state, self._report, self._seen
        return replace(
            before,
            commit=before.commit + 1,
            runs=report.run,
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
            late=before.late + report.late,
            gaps=before.gaps + len(gaps),
            gap_bytes=before.gap_bytes + sum(gap.rest for gap in gaps),
            missing=self._processes.missing,
            newest_event=self._newest,
            folded_before=self._marks_after.folded_before,
            dropped_before=self._marks_after.dropped_before,
            checkpoints=self.reader.positions.remembered(),
        )


def _add(partials: dict[str, list[cube.Cube]], new: cube.Cube) -> None:
    kept = partials.setdefault(new.summary.name, [])
    kept.append(new)
    if len(kept) >= MERGE_AFTER:
        kept[:] = [cube.merge(kept)]


def _totals(new: Mapping[str, cube.Cube], late: Mapping[str, cube.Cube]) -> dict[str, cube.Cube]:
    """What the totals gain, by summary."""
    parts: dict[str, list[cube.Cube]] = {name: [each] for name, each in late.items()}
    for name, each in new.items():
        parts.setdefault(name, []).append(cube.totals(each))
    return {name: cube.merge(found) for name, found in parts.items()}
