"""The summaries, the totals and the metrics of a folder: each file's name, form and content."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from . import cube, live
from .cube import Cube
from .definitions import Catalogue, Summary
from .errors import ConfigError
from .retention import Marks, folded
from .store import Store, files, manifests, tables

METRICS = "metrics.prom"
TOTALS = "_logemit/totals"


@dataclass(frozen=True, slots=True)
class Change:
    """What a run does to partitions: `new` cubes, and the marks of before and after."""

    new: Mapping[str, Cube]
    before: Marks
    after: Marks


class Outputs:
    def __init__(self, store: Store) -> None:
        self._store = store

    def _read(self, relative: str) -> pa.Table | None:
        data = self._store.read(relative)
        return None if data is None else tables.parsed(data, self._store.path(relative))

    def _write(self, relative: str, table: pa.Table) -> None:
        self._store.stage(relative, [tables.encoded(table)])

    # Summaries.

    def write_partitions(self, catalogue: Catalogue, change: Change) -> int:
        """Bring every partition that a change touches up to it; how many there are."""
        return sum(self._write_summary(summary, change) for summary in catalogue.summaries)

    def _write_summary(self, summary: Summary, change: Change) -> int:
        parts = dict(_by_partition(change.new[summary.name])) if summary.name in change.new else {}
        nothing = cube.empty(summary)
        for partition in [*self._outdated(summary), *self._crossing(summary, change)]:
            parts.setdefault(partition, nothing)
        for partition, part in parts.items():
            if change.after.is_dropped(partition):
                self._write_partition(partition, nothing)
                continue
            merged = cube.merge([self._partition(summary, partition), part])
            self._write_partition(partition, folded(merged) if change.after.is_folded(partition) else merged)
        return len(parts)

    def partitions(self, summary: Summary) -> Iterator[Cube]:
        """All of a summary's, one after the other. Raises StateError."""
        return (self._partition(summary, partition) for partition in self._partitions(summary))

    def _partition(self, summary: Summary, partition: str) -> Cube:
        cells = self._read(f"{summary.name}/{partition}.parquet")
        bins = self._read(f"{summary.name}_bins/{partition}.parquet") if summary.binned else None
        return tables.cube_of(summary, cells, bins)

    def _write_partition(self, partition: str, whole: Cube) -> None:
        name = whole.summary.name
        cells, bins = tables.partition_tables(whole)
        self._write(f"{name}/{partition}.parquet", cells)
        if bins is not None:
            self._write(f"{name}_bins/{partition}.parquet", bins)

    def _outdated(self, summary: Summary) -> list[str]:
        """All partitions, where the summary has gained columns: a reader takes the columns from any one file."""
        totals = self._read(f"{TOTALS}/{summary.name}.parquet")
        wanted = set(cube.cells_schema(summary, windowed=False).names)
        return [] if totals is None or wanted <= set(totals.column_names) else list(self._partitions(summary))

    def _crossing(self, summary: Summary, change: Change) -> list[str]:
        """The partitions that come to be folded or dropped."""
        before, after = change.before, change.after
        if before == after:
            return []
        return [
            partition
            for partition in self._partitions(summary)
            if before.is_folded(partition) < after.is_folded(partition)
            or before.is_dropped(partition) < after.is_dropped(partition)
        ]

    def dates(self) -> list[str]:
        """Those that have a folder in any summary."""
        folders = self._store.out.glob(f"*/{manifests.DATED}")
        return sorted({path.name.removeprefix("date=") for path in folders})

    def _partitions(self, summary: Summary) -> Iterator[str]:
        folder = self._store.path(summary.name)
        return (
            str(path.relative_to(folder).with_suffix(""))
            for path in sorted(folder.glob(f"{manifests.DATED}/*.parquet"))
        )

    # Totals, and what they are shown as.

    def write_totals(self, catalogue: Catalogue, new: Mapping[str, Cube]) -> dict[str, Cube]:
        """The totals of every summary, brought up to new totals."""
        totals = {}
        for summary in catalogue.summaries:
            total = tables.totals_of(summary, *map(self._read, _totals_paths(summary)))
            if summary.name in new:
                total = live.settled(cube.merge([total, new[summary.name]]))
                self.replace_totals(total)
            totals[summary.name] = total
        return totals

    def replace_totals(self, total: Cube) -> None:
        for path, table in zip(_totals_paths(total.summary), tables.totals_tables(total), strict=True):
            self._write(path, table)

    def write_metrics(self, text: Iterable[str]) -> None:
        # node_exporter skips what it may not read.
        self._store.stage(METRICS, (piece.encode() for piece in text), files.PUBLIC)


def check_summaries(out: Path, catalogue: Catalogue) -> None:
    """Raises ConfigError where a folder holds a summary that the catalogue does not have."""
    names = {path.parent.name.removesuffix("_bins") for path in out.glob("*/date=*")}
    unknown = sorted(name for name in names if catalogue.summary(name) is None)
    if unknown:
        raise ConfigError(f"{out}: holds a summary {unknown[0]!r} that is not configured; give its --config")


def _totals_paths(summary: Summary) -> tuple[str, str]:
    return f"{TOTALS}/{summary.name}.parquet", f"{TOTALS}/{summary.name}_bins.parquet"


def partition_files(out: Path, dated: str = manifests.DATED) -> list[Path]:
    """The files of all summaries, or of one date's folders."""
    return [path for path in sorted(out.glob(f"*/{dated}/*.parquet")) if path.parts[len(out.parts)] != "_logemit"]


def partition_of(summary: Summary, window_starts: pa.ChunkedArray) -> pa.ChunkedArray:
    """The partition of each window, as a path below its summary's folder."""
    return pc.strftime(window_starts, "date=%Y-%m-%d/" + ("%H" if summary.partition == "hour" else "part"))


def _by_partition(whole: Cube) -> Iterator[tuple[str, Cube]]:
    of_cells = partition_of(whole.summary, whole.cells["window_start"])
    of_bins = partition_of(whole.summary, whole.bins["window_start"])
    for partition in sorted(of_cells.unique().to_pylist()):
        cells, bins = whole.cells.filter(pc.equal(of_cells, partition)), whole.bins.filter(pc.equal(of_bins, partition))
        yield partition, Cube(whole.summary, cells, bins)
