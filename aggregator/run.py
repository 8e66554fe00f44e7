"""One run, from sources to the commit. The only place that knows the whole way."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from . import exposition, follow, joins, remote, sources
from .admission import ADMITTED_PATH, OTHER, Admission
from .attached import EXEMPLARS_PATH, Attached
from .config import Config
from .engines import default_workers
from .errors import ConfigError, InputError
from .held import Held
from .instruments import Instruments
from .intake import WARNINGS, Intake
from .limits import Room
from .memory import Memory
from .migration import opened
from .outputs import Change, Outputs, Update, check_summaries
from .positions import Positions
from .promtext import METRICS
from .reading import Reader
from .rejects import Rejects
from .report import Progress, Report
from .retention import Cutoffs, late_before, until
from .seen import Seen
from .spread.driver import Spread
from .spread.slicing import Slicer, new_bytes, slice_bytes
from .spread.workers import Workers
from .store import State, Store
from .store.spill import SPILL, Spill
from .textfile import TextFile
from .urls import is_url
from .ways import Threads, Way

Cluster = AbstractContextManager[Workers]


def aggregate(
    patterns: Sequence[str],
    out: Path | str,
    config: Config,
    progress: Progress | None = None,
    workers: int | None = None,
    *,
    envelope: str | None = None,
    rejects: Path | None = None,
    look_back: int | None = None,
    textfile: Path | None = None,
    cluster: Callable[[], Cluster] | None = None,
) -> Report:
    """Take in what is new in the logs that paths, folders, globs and URLs name, and bring what is in `out` up to it.

    All or nothing. `out` is a folder, or a URL. `progress` is told bytes done and bytes in all; `workers` are as many
    threads as there are processors, where it is None; `envelope` is the name of what the lines are in, where it is not
    to be recognised; `rejects` is a file that rejected lines are added to; `look_back` are the days before the newest
    object read within which others may still come, for URLs with a date; `textfile` is where node_exporter reads
    text, a folder or a file in it; `cluster` gives the workers that read the logs, where this process does not do it
    by itself. Raises a LogemitError; then nothing has changed, or, where it speaks of the text
    file, all but that.
    """
    began = time.monotonic()
    workers = workers or default_workers()
    now = time.time_ns() // 1000
    published = TextFile(textfile, str(out)) if textfile is not None else None
    names = sources.find(patterns)
    listed = sources.identities(names)
    with opened(out) as store:
        kept = Rejects(rejects) if rejects else None
        is_spread = cluster is not None
        with_objects = any(map(is_url, patterns))
        run = _Run(store, config, workers, now, envelope, kept, with_objects=with_objects, is_spread=is_spread)
        objects = run.reader.objects.meet(remote.find(patterns, run.reader.objects, look_back))
        run.intake.take_released()
        with ExitStack() as stack:
            found = stack.enter_context(cluster()) if cluster else None
            way = stack.enter_context(run.way(found, names, objects, progress))
            _take_all(way, listed, patterns, run.reader, objects)
        run.reader.forget_buffers()
        run.settle()
        pa.default_memory_pool().release_unused()
        report = run.commit(began)
        if published:
            published.publish(store.path(METRICS))
        return report


def _take_all(
    way: Way, listed: sources.Listed, patterns: Sequence[str], reader: Reader, objects: Sequence[remote.Object]
) -> None:
    """Also what was rotated since the last run, or is rotated while this one is at work."""
    way.take(listed)
    again: Sequence[str] = ()
    with suppress(InputError):
        again = sources.find(patterns)
    way.take(name for name in again if not reader.is_read(name))
    for name in follow.rotated(reader):
        way.take([name])
    way.take(follow.displaced(reader, listed))
    way.take(objects)


class _Run:
    def __init__(
        self,
        store: Store,
        config: Config,
        workers: int,
        now: int,
        envelope: str | None,
        rejects: Rejects | None,
        *,
        with_objects: bool,
        is_spread: bool,
    ) -> None:
        state = store.state
        self._store = store
        self._config = config
        self._workers = workers
        self._now = now
        self._memory = Memory(store)
        self._objects = self._memory.objects(now) if with_objects else None
        reader = Slicer if is_spread else Reader
        self.reader = reader(Positions(state.checkpoints, now), self._objects, envelope)
        self._cutoffs = Cutoffs.of(state)
        self._outputs = Outputs(store)
        self._cutoffs_after = self._moved_cutoffs()
        self._processes = self._memory.processes(now)
        self._seen = Seen(self._memory.seen, self._processes, state.checked_from)
        self._held = Held(self._memory.held(), now)
        self._report = Report(run=state.runs + 1, out=store.name)
        self._admission = Admission(store.read(ADMITTED_PATH))
        self._spill = Spill(store.path(SPILL))
        self._rejects = rejects
        self.intake = Intake(config, self._seen, self._held, self._report, set(state.events), self._spill, rejects)
        label = config.service_label
        self._attached = Attached(store, self.intake.exemplars, self._admission, service_label=label)
        self.intake.late_before = late_before(config.retention, now, self._cutoffs_after)

    def way(
        self,
        cluster: Workers | None,
        names: Sequence[str],
        objects: Sequence[remote.Object],
        progress: Progress | None,
    ) -> Way:
        """How sources are taken in."""
        total, of_objects = sum(map(sources.size, names)), sum(map(sources.size, objects))

        def tell(done: int) -> None:
            if progress:
                progress(done, total + of_objects)

        reader, intake, config = self.reader, self.intake, self._config
        if not isinstance(reader, Slicer) or cluster is None:
            return Threads(reader, intake, config, self._workers, tell)
        reader.slice_bytes = slice_bytes(new_bytes(names, reader.positions) + of_objects, cluster.threads)
        return Spread(reader, intake, config, self._rejects is not None, cluster, tell)

    def _moved_cutoffs(self) -> Cutoffs:
        retention, state = self._config.retention, self._store.state
        after = self._cutoffs.moved(retention, until(self._now, state.newest_event), self._outputs.dates())
        if after != self._cutoffs:
            try:
                check_summaries(self._store.out, self._config.catalogue)
            except ConfigError as exc:
                self.reader.warn(f"{exc}; until then nothing is folded or dropped")
                return self._cutoffs
        return after

    def settle(self) -> None:
        """Take in what waited for all else to be read."""
        for stream in self.reader.passing:
            self.intake.take(joins.finished(stream), stream.name)
        for name, records in joins.settled(self.reader.positions):
            self.intake.take(records, name)

    def commit(self, began: float) -> Report:
        report, catalogue, outputs = self._report, self._config.catalogue, self._outputs
        lost_now = self._processes.seal()
        gaps = follow.gaps(self.reader)
        self._complete(gaps)
        report.check_account()
        state = self._next_state(lost_now, gaps)
        state.check_account()
        report.missing, report.lost = state.missing, state.lost
        room = self._config.limits.room
        change = Change(self._cutoffs, self._cutoffs_after, self.intake.in_time, self.intake.late, room)
        with outputs.updated(catalogue, change, self._workers) as update:
            forgotten = self._memory.write(self._seen, self._processes, self._held, state, self._now)
            if self._objects is not None:
                self._memory.write_objects(self._objects)
            outputs.write_metrics(self._metrics(update, state, began))
        if (admitted := self._admission.encoded()) is not None:
            self._store.stage(ADMITTED_PATH, [admitted])
        if (exemplars := self._attached.encoded()) is not None:
            self._store.stage(EXEMPLARS_PATH, [exemplars])
        report.partitions = update.partitions
        if self._rejects and (full := self._rejects.write()):
            report.warnings.append(full)
        report.warnings.extend([*_folded(+update.folded, room), *self._admission.warnings, *self._attached.warnings])
        report.warnings.extend(f"{name}: is gone; what it held is in the totals only" for name in self._store.gone)
        state.partitions_lost += len(self._store.gone)
        self._store.commit(state, forgotten)
        self._spill.remove()
        report.seconds = _since(began)
        return report

    def _metrics(self, update: Update, state: State, began: float) -> Iterator[str]:
        """Their text, as it becomes known; what is said of the run comes last."""
        source = exposition.Source(update.total, self._outputs.totals_before)
        yield from exposition.families(self._config, source, self._admission, self._attached.meet)
        instruments = Instruments(self._config, source, self._admission)
        yield from instruments.families()
        self._report.warnings.extend(instruments.warnings[:WARNINGS])
        update.finish()
        state.capped = self._admission.hidden
        state.folded = dict(Counter(state.folded) + update.folded)
        state.finished, state.seconds = time.time_ns() // 1000, _since(began)
        yield from exposition.about_runs(state)

    def _complete(self, gaps: list[follow.Gap]) -> None:
        report, seen, reader = self._report, self._seen, self.reader
        report.duplicates, report.conflicts, report.unchecked = seen.duplicates, seen.conflicts, seen.unchecked
        report.unfinished, report.sources, report.gaps = reader.unfinished, reader.sources, len(gaps)
        report.vanished = reader.vanished
        report.by_event = dict(self.intake.by_event)
        told = [*reader.warnings, *reader.objects.warnings, *self.intake.warnings, *map(str, gaps)]
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
            events=dict(sorted((Counter(before.events) + self.intake.by_event).items())),
            rejected=dict(sorted((Counter(before.rejected) + self.intake.rejected).items())),
            fields_invalid=before.fields_invalid + report.fields_invalid,
            texts_cut=before.texts_cut + report.texts_cut,
            conflicts=before.conflicts + seen.conflicts,
            unchecked=before.unchecked + seen.unchecked,
            lost=before.lost + lost_now,
            recovered=before.recovered + seen.recovered,
            late=before.late + report.late,
            gaps=before.gaps + len(gaps),
            gap_bytes=before.gap_bytes + sum(gap.rest for gap in gaps),
            missing=self._processes.missing,
            newest_event=max(before.newest_event, self.intake.newest),
            folded_before=self._cutoffs_after.folded_before,
            dropped_before=self._cutoffs_after.dropped_before,
            checkpoints=self.reader.positions.remembered(),
        )


def _folded(events: Mapping[str, int], room: Room) -> Iterator[str]:
    for summary, number in sorted(events.items()):
        yield (
            f"{summary}: has {room.max_combinations:,} combinations of dimensions, or {room.max_cells:,} cells; "
            f"{number:,} events with new ones count as {OTHER}: set max_combinations, max_cells in logemit.toml"
        )


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
