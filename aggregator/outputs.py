"""What a run reads of the folder and what it writes: each file's name, form and content."""

import os
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from . import cube, live
from .cube import Cube
from .definitions import Catalogue, Summary
from .held import Held
from .seen import RETAINED_DATES, HistoryRow, Seen, SeenRow
from .store import State, Store, tables

_SEEN = {name: pa.string() if name in ("proc", "kind") else pa.int64() for name in SeenRow._fields}
_HISTORY = {name: pa.string() if name in ("proc", "kind") else pa.int64() for name in HistoryRow._fields}
METRICS = "metrics.prom"
_STATE = "_logemit"


class Outputs:
    def __init__(self, store: Store) -> None:
        self._store = store

    def _read(self, relative: str) -> pa.Table | None:
        self._store.check(relative)
        return tables.read(self._store.path(relative))

    def _write(self, relative: str, table: pa.Table) -> None:
        with self._store.staged(relative) as path:
            tables.write(table, path)

    # Summaries.

    def write_partitions(self, new: Cube) -> int:
        """Merge a cube into the partitions that it touches; how many there are."""
        summary = new.summary
        count = 0
        parts = dict(_by_partition(new))
        for partition in self._outdated(summary):
            parts.setdefault(partition, cube.empty(summary))
        for partition, part in parts.items():
            cells_path, bins_path = f"{summary.name}/{partition}.parquet", f"{summary.name}_bins/{partition}.parquet"
            bins = self._read(bins_path) if summary.binned else None
            merged = cube.merge([tables.cube_of(summary, self._read(cells_path), bins), part])
            cells_table, bins_table = tables.partition_tables(merged)
            self._write(cells_path, cells_table)
            if bins_table is not None:
                self._write(bins_path, bins_table)
            count += 1
        return count

    def _outdated(self, summary: Summary) -> list[str]:
        """All partitions, where the summary has gained columns: a reader takes the columns from any one file."""
        totals = self._read(f"{_STATE}/totals/{summary.name}.parquet")
        wanted = set(cube.cells_schema(summary, windowed=False).names)
        if totals is None or wanted <= set(totals.column_names):
            return []
        folder = self._store.path(summary.name)
        return sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.glob("date=*/*.parquet"))

    def write_totals(self, catalogue: Catalogue, new: Mapping[str, Cube]) -> dict[str, Cube]:
        """The totals of every summary, brought up to the new cubes."""
        totals = {}
        for summary in catalogue.summaries:
            cells_path, bins_path = (f"{_STATE}/totals/{summary.name}{kind}.parquet" for kind in ("", "_bins"))
            total = tables.totals_of(summary, self._read(cells_path), self._read(bins_path))
            if summary.name in new:
                total = live.settled(cube.merge([total, cube.totals(new[summary.name])]))
                for path, table in zip((cells_path, bins_path), tables.totals_tables(total), strict=True):
                    self._write(path, table)
            totals[summary.name] = total
        return totals

    def write_metrics(self, text: Iterable[str]) -> None:
        with self._store.staged(METRICS) as path:
            with path.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(text)
            os.chmod(path, 0o644)  # node_exporter skips what it may not read, whatever the umask was

    # What was seen.

    def seen(self, date: str) -> Iterator[SeenRow]:
        return (SeenRow(*row) for row in tables.table_rows(self._read(_seen_path(date))))

    def history(self) -> Iterator[HistoryRow]:
        return (HistoryRow(*row) for row in tables.table_rows(self._read(f"{_STATE}/history.parquet")))

    def write_seen(self, seen: Seen, state: State) -> None:
        """Also moves `state` on to the dates kept now."""
        dates = set(state.seen_dates)
        for date, rows in seen.rows():
            self._write(_seen_path(date), tables.rows_table(_SEEN, rows))
            dates.add(date)
        self._write(f"{_STATE}/history.parquet", tables.rows_table(_HISTORY, seen.history_rows()))
        state.seen_dates = sorted(dates)[-RETAINED_DATES:]
        if len(dates) > RETAINED_DATES:
            state.checked_from = state.seen_dates[0]

    # What waits for its time.

    def held(self) -> list[bytes]:
        self._store.check(f"{_STATE}/held/lines.jsonl")
        path = self._store.path(f"{_STATE}/held/lines.jsonl")
        return path.read_bytes().split(b"\n")[:-1] if path.exists() else []

    def write_held(self, held: Held) -> None:
        if held.lines or held.due:
            with self._store.staged(f"{_STATE}/held/lines.jsonl") as path:
                path.write_bytes(b"".join(line + b"\n" for line in held.lines))


def _seen_path(date: str) -> str:
    return f"{_STATE}/seen/date={date}/part.parquet"


def partition_of(summary: Summary, window_starts: pa.ChunkedArray) -> pa.ChunkedArray:
    """The partition of each window, as a path below its summary's folder."""
    return pc.strftime(window_starts, "date=%Y-%m-%d/" + ("%H" if summary.partition == "hour" else "part"))


def _by_partition(whole: Cube) -> Iterator[tuple[str, Cube]]:
    of_cells = partition_of(whole.summary, whole.cells["window_start"])
    of_bins = partition_of(whole.summary, whole.bins["window_start"])
    for partition in sorted(of_cells.unique().to_pylist()):
        cells, bins = whole.cells.filter(pc.equal(of_cells, partition)), whole.bins.filter(pc.equal(of_bins, partition))
        yield partition, Cube(whole.summary, cells, bins)
