"""The summaries, the totals and the metrics of a folder: each file's name, form and content."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa

from . import cube, live
from .capacity import Capacity, Part, Steps, digests
from .cube import Cube
from .definitions import Catalogue, Summary
from .errors import ConfigError
from .grouping import Array
from .limits import DEFAULT, Room
from .partials import Partials
from .promtext import METRICS
from .retention import Cutoffs, folded
from .store import Store, files, manifests, tables

THREADS_FROM = 1 << 19
"""Bytes of new cubes and of old files from which on threads write them."""

_AT_ONCE = 2
"""Partitions that are written at once: each is merged as a whole, in memory."""

TOTALS = "_logemit/totals"

Touched = list[tuple[Summary, str]]
"""Partitions to write, by summary."""

Kept = Callable[[Cube, int], None]
"""Takes the totals of what is new in a partition, and the number of events in it that were folded."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a run brings: what is `new`, what is too `late` for any partition, and the cutoffs of before and after."""

    before: Cutoffs
    after: Cutoffs
    new: Partials = field(default_factory=Partials)
    late: Partials = field(default_factory=Partials)
    room: Room = DEFAULT.room


class Update:
    """What is being written: how many partitions, and the totals of each summary once all of its parts are there."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.folded: Counter[str] = Counter()
        """By summary, events that count in `__other__` as there was no room for their keys."""
        self._waiting: dict[str, Callable[[], Cube]] = {}
        self._totals: dict[str, Cube] = {}

    def add(self, summary: Summary, total: Callable[[], Cube]) -> None:
        self._waiting[summary.name] = total

    def total(self, summary: str) -> Cube:
        if summary not in self._totals:
            self._totals[summary] = self._waiting.pop(summary)()
        return self._totals[summary]

    def finish(self) -> None:
        for summary in list(self._waiting):
            self.total(summary)


class Outputs:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._totals: dict[str, pa.Table | None] = {}
        self._known: dict[str, Array] = {}

    def _read(self, relative: str) -> pa.Table | None:
        data = self._store.read(relative)
        return None if data is None else tables.parsed(data, self._store.path(relative))

    def _write(self, relative: str, table: pa.Table) -> None:
        self._store.stage(relative, [tables.encoded(table)])

    # Summaries.

    @contextmanager
    def updated(self, catalogue: Catalogue, change: Change, workers: int) -> Iterator[Update]:
        """Bring all partitions and totals up to a change; what is much is written meanwhile, by threads.

        All is written where the block ends.
        """
        touched = self._touched(catalogue, change)
        update = Update(len(touched))
        if change.new.nbytes + self._bytes(touched) < THREADS_FROM:
            self._begin(update, catalogue, touched, change, None)
            update.finish()
            yield update
            return
        pool = ThreadPoolExecutor(min(workers, _AT_ONCE))
        try:
            self._begin(update, catalogue, touched, change, pool)
            yield update
            update.finish()
        finally:
            pool.shutdown(cancel_futures=True)

    def _begin(
        self, update: Update, catalogue: Catalogue, touched: Touched, change: Change, pool: ThreadPoolExecutor | None
    ) -> None:
        for summary in catalogue.summaries:
            new = _NewTotals(Capacity(catalogue, summary, change.room), self)
            names = [name for of, name in touched if of is summary]
            writes = [
                partial(self._write_part, new.capacity, name, change, partial(new.add, place=place))
                for place, name in enumerate(names)
            ]
            waits = [pool.submit(write).result if pool else write for write in writes]
            update.add(summary, partial(self._write_totals, new, waits, change.late, update.folded))

    def _bytes(self, touched: Touched) -> int:
        """Of the cells that are there already."""
        paths = [self._store.path(partition_paths(*each)[0]) for each in touched]
        return sum(path.stat().st_size for path in paths if path.exists())

    def write_partitions(self, catalogue: Catalogue, change: Change) -> int:
        """Bring every partition that a change touches up to it; how many there are."""
        touched = self._touched(catalogue, change)
        for summary, partition in touched:
            self._write_part(Capacity(catalogue, summary, change.room), partition, change, lambda new, folded: None)
        return len(touched)

    def _touched(self, catalogue: Catalogue, change: Change) -> Touched:
        found: Touched = []
        for summary in catalogue.summaries:
            old = [*self._outdated(summary), *self._crossing(summary, change)]
            found += [(summary, name) for name in dict.fromkeys([*sorted(change.new.partitions(summary)), *old])]
        return found

    def _write_part(self, capacity: Capacity, partition: str, change: Change, keep: Kept) -> None:
        summary = capacity.summary
        is_dropped = change.after.is_dropped(partition)
        old = cube.empty(summary) if is_dropped else self.partition(summary, partition)
        parts = change.new.take(summary, partition)
        new, folded_events = capacity.merged(parts, old, partial(self.known_to_totals, summary))
        if is_dropped:
            self._write_partition(partition, old)
        else:
            merged = cube.merge([old, new])
            self._write_partition(partition, folded(merged) if change.after.is_folded(partition) else merged)
        keep(cube.totals(new), folded_events)

    def partitions(self, summary: Summary) -> Iterator[Cube]:
        """All of a summary's, one after the other. Raises StateError."""
        return (self.partition(summary, partition) for partition in self.partition_names(summary))

    def partition(self, summary: Summary, partition: str, *, with_bins: bool = True) -> Cube:
        """One of a summary's, not sorted. Raises StateError."""
        cells_path, bins_path = partition_paths(summary, partition)
        cells = self._read(cells_path)
        bins = self._read(bins_path) if summary.binned and with_bins else None
        return tables.cube_of(summary, cells, bins)

    def _write_partition(self, partition: str, whole: Cube) -> None:
        cells, bins = tables.partition_tables(whole)
        cells_path, bins_path = partition_paths(whole.summary, partition)
        self._write(cells_path, cells)
        if bins is not None:
            self._write(bins_path, bins)

    def _outdated(self, summary: Summary) -> list[str]:
        """All partitions, where the summary has gained columns: a reader takes the columns from any one file."""
        totals = self._cells_of_totals(summary)
        wanted = set(cube.cells_schema(summary, windowed=False).names)
        return [] if totals is None or wanted <= set(totals.column_names) else list(self.partition_names(summary))

    def _crossing(self, summary: Summary, change: Change) -> list[str]:
        """The partitions that come to be folded or dropped."""
        before, after = change.before, change.after
        if before == after:
            return []
        return [
            partition
            for partition in self.partition_names(summary)
            if before.is_folded(partition) < after.is_folded(partition)
            or before.is_dropped(partition) < after.is_dropped(partition)
        ]

    def dates(self) -> list[str]:
        """Those that have a folder in any summary."""
        folders = self._store.out.glob(f"*/{manifests.DATED}")
        return sorted({path.name.removeprefix("date=") for path in folders})

    def partition_names(self, summary: Summary) -> Iterator[str]:
        """As paths below its folder, in the order of time."""
        folder = self._store.path(summary.name)
        return (
            str(path.relative_to(folder).with_suffix(""))
            for path in sorted(folder.glob(f"{manifests.DATED}/*.parquet"))
        )

    # Totals, and what they are shown as.

    def _write_totals(
        self, new: "_NewTotals", waits: Iterable[Callable[[], None]], late: Partials, folded_events: Counter[str]
    ) -> Cube:
        summary = new.capacity.summary
        for wait in waits:
            wait()
        if late_parts := late.take(summary, ""):
            before, known = self.totals_before(summary), partial(self.known_to_totals, summary)
            new.add(*new.capacity.merged(late_parts, before, known))
        added = new.merged()
        folded_events[summary.name] += new.folded_events
        total = cube.merge([self.totals(summary), added])
        if len(added.cells):
            total = live.settled(total)
            self.replace_totals(total)
        return total

    def known_to_totals(self, summary: Summary) -> Array:
        """The digests of the keys that they had when they were committed."""
        if summary.name not in self._known:
            self._known[summary.name] = digests(self.totals_before(summary).cells, summary.group)[0]
        return self._known[summary.name]

    def totals(self, summary: Summary) -> Cube:
        """As they were committed. Raises StateError."""
        bins = self._read(_totals_paths(summary)[1])
        return tables.totals_of(summary, self._cells_of_totals(summary), bins)

    def totals_before(self, summary: Summary) -> Cube:
        """As they were committed, without bins."""
        return tables.totals_of(summary, self._cells_of_totals(summary), None)

    def _cells_of_totals(self, summary: Summary) -> pa.Table | None:
        if summary.name not in self._totals:
            self._totals[summary.name] = self._read(_totals_paths(summary)[0])
        return self._totals[summary.name]

    def replace_totals(self, total: Cube) -> None:
        made = tables.totals_tables(total)
        for path in _totals_paths(total.summary):
            self._write(path, next(made))  # which nothing holds while the next is made

    def write_metrics(self, text: Iterable[str]) -> None:
        # node_exporter skips what it may not read.
        self._store.stage(METRICS, (piece.encode() for piece in text), files.PUBLIC)


class _NewTotals:
    """What a run adds to the totals of a summary, as its parts come."""

    def __init__(self, capacity: Capacity, outputs: Outputs) -> None:
        self.capacity, self._outputs = capacity, outputs
        self._folded: list[int] = []  # several threads append
        self._steps = Steps(capacity.room.max_combinations // 2, self._merge)
        self._steps.add(cube.empty(capacity.summary, windowed=False), 0)

    def add(self, part: Cube, folded_events: int, place: int | None = None) -> None:
        """Of the partition in this place, from any thread; without a place, when all of these are there."""
        self._folded.append(folded_events)
        self._steps.add(part, None if place is None else place + 1)

    def merged(self) -> Cube:
        return self._steps.merged()

    @property
    def folded_events(self) -> int:
        return sum(self._folded)

    def _merge(self, cubes: Sequence[Cube]) -> Cube:
        summary, whole = self.capacity.summary, live.settled(cube.merge(cubes))
        if not len(whole.cells):
            return whole
        known = partial(self._outputs.known_to_totals, summary)
        before = self._outputs.totals_before(summary)
        found, events = self.capacity.merged([Part.of(whole)], before, known)
        self._folded.append(events)
        return found


def check_summaries(out: Path, catalogue: Catalogue) -> None:
    """Raises ConfigError where a folder holds a summary that the catalogue does not have."""
    names = {path.parent.name.removesuffix("_bins") for path in out.glob("*/date=*")}
    unknown = sorted(name for name in names if catalogue.summary(name) is None)
    if unknown:
        raise ConfigError(f"{out}: holds a summary {unknown[0]!r} that is not configured; give its --config")


def partition_paths(summary: Summary, partition: str) -> tuple[str, str]:
    """Of its cells and of its bins."""
    return f"{summary.name}/{partition}.parquet", f"{summary.name}_bins/{partition}.parquet"


def _totals_paths(summary: Summary) -> tuple[str, str]:
    return f"{TOTALS}/{summary.name}.parquet", f"{TOTALS}/{summary.name}_bins.parquet"


def partition_files(out: Path, dated: str = manifests.DATED) -> list[Path]:
    """The files of all summaries, or of one date's folders."""
    return [path for path in sorted(out.glob(f"*/{dated}/*.parquet")) if path.parts[len(out.parts)] != "_logemit"]
