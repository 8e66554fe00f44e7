"""Partial summaries and how they merge.

A cube holds `cells`: the keys, `events`, per measure `<m>_sum`, `<m>_min`, `<m>_max`, per gauge `<g>_last` and
`<g>_last_at`, and, where processes are told apart, `last_at`, the time of the newest line; and their `bins`.
Everything that adds up is an integer (seconds are microseconds) and stays at 2^62, or a decimal (values, in nanos), and
of gauges the latest is kept, of equally late ones the greatest. So merging is associative to the last bit, and any
split, order or number of workers gives the same cube.

Both are sorted, cells by their keys and bins by all but `n`, each column is in one piece, and a text's dictionary
ascends and holds what is used: equal cubes have equal tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .bins import BINS, bins_table
from .bins import grouped as grouped_bins
from .decimals import DECIMAL
from .decimals import sums as decimal_sums
from .definitions import Summary
from .grouping import TEXT, Array, Groups, Key, combined

MOMENT = pa.timestamp("us", "UTC")
WINDOW_START = pa.field("window_start", MOMENT, nullable=False)
WINDOW_SECONDS = pa.field("window_seconds", pa.int32(), nullable=False)
NO_MIN, NO_MAX, NEVER = 2**63 - 1, -1, -(2**63)
"""In an array of integers: no smallest, no largest, no time."""


@dataclass(frozen=True, slots=True)
class Cube:
    """`windowed` is False for totals, which have no window.

    `is_sorted` is False where rows are as they came, and several may have the same keys.
    """

    summary: Summary
    cells: pa.Table
    bins: pa.Table
    windowed: bool = True
    is_sorted: bool = True

    @property
    def nbytes(self) -> int:
        """In memory; texts that several columns share count once."""
        return sum(min(table.nbytes, table.get_total_buffer_size()) for table in (self.cells, self.bins))

    @property
    def text_bytes(self) -> int:
        """Of the distinct texts of each column."""
        columns = (self.cells[name] for name in self.summary.group)
        return sum(chunk.dictionary.nbytes for column in columns for chunk in column.chunks)

    @property
    def keys(self) -> tuple[str, ...]:
        return self.summary.keys if self.windowed else self.summary.group


@lru_cache(maxsize=256)
def cells_schema(summary: Summary, *, windowed: bool = True) -> pa.Schema:
    """Of a cube in memory: measures are integers, values decimals between doubles."""
    windows = [WINDOW_START, WINDOW_SECONDS] if windowed else []
    texts = (pa.field(name, TEXT, nullable=False) for name in summary.group)
    fields = [*windows, *texts, pa.field("events", pa.int64(), nullable=False)]
    for measure in summary.measures:
        total, extreme = (DECIMAL, pa.float64()) if measure.is_value else (pa.int64(), pa.int64())
        fields.append(pa.field(f"{measure.name}_sum", total, nullable=False))
        fields.extend(pa.field(f"{measure.name}_{end}", extreme) for end in ("min", "max"))
    for gauge in summary.gauges:
        fields.extend([pa.field(f"{gauge}_last", pa.float64()), pa.field(f"{gauge}_last_at", MOMENT)])
    return pa.schema([*fields, *([pa.field("last_at", MOMENT)] if summary.by_process else [])])


@lru_cache(maxsize=256)
def empty(summary: Summary, *, windowed: bool = True) -> Cube:
    return Cube(summary, cells_schema(summary, windowed=windowed).empty_table(), BINS.empty_table(), windowed)


def merge(cubes: Sequence[Cube]) -> Cube:
    """The sorted cube of all that went into any of them; at least one, all of the same summary."""
    first = cubes[0]
    filled = [cube for cube in cubes if len(cube.cells)]
    if not filled:
        return empty(first.summary, windowed=first.windowed)
    if len(filled) == 1 and filled[0].is_sorted:
        return filled[0]
    cells = pa.concat_tables([cube.cells for cube in filled])
    starts = np.cumsum([0, *(len(cube.cells) for cube in filled[:-1])])
    bins = pa.concat_tables([moved(cube.bins, int(start)) for cube, start in zip(filled, starts, strict=True)])
    return grouped(first.summary, cells, bins, windowed=first.windowed)


def moved(bins: pa.Table, by: int) -> pa.Table:
    """The bins, of cells so many rows further down."""
    return bins.set_column(0, BINS.field("row"), pc.add(bins["row"], by))


def totals(cube: Cube) -> Cube:
    """The cube without its windows."""
    cells = cube.cells.drop_columns(["window_start", "window_seconds"])
    return grouped(cube.summary, cells, cube.bins, windowed=False)


def part(cube: Cube, start: int, stop: int) -> Cube:
    """The cube of some of the rows."""
    cells = cube.cells.slice(start, stop - start)
    for name in cube.summary.group:
        used = Key.of(cells[name]).column(slice(None))
        cells = cells.set_column(cells.column_names.index(name), cells.schema.field(name), used)
    low, high = np.searchsorted(cube.bins["row"].to_numpy(), [start, stop])
    return Cube(cube.summary, cells, moved(cube.bins.slice(low, high - low), -start), cube.windowed)


def grouped(summary: Summary, cells: pa.Table, bins: pa.Table, *, windowed: bool = True) -> Cube:
    """The cube of rows of which several may have the same keys; text may also be plain, or in any dictionaries."""
    names = summary.keys if windowed else summary.group
    keys = {name: Key.of(cells[name]) for name in names}
    groups = Groups.of(combined(keys.values(), len(cells)))
    columns = {name: key.column(groups.firsts) for name, key in keys.items()}
    columns["events"] = pa.array(groups.sums(cells["events"].to_numpy()))
    for measure in summary.measures:
        total, low, high = (f"{measure.name}_{part}" for part in ("sum", "min", "max"))
        if measure.is_value:
            columns[total] = decimal_sums(cells[total], groups)
            columns[low] = _known(groups.least(pc.fill_null(cells[low], np.inf).to_numpy()), np.inf)
            columns[high] = _known(groups.greatest(pc.fill_null(cells[high], -np.inf).to_numpy()), -np.inf)
        else:
            columns[total] = pa.array(groups.sums(cells[total].to_numpy()))
            columns[low] = _known(groups.least(_filled(cells[low], NO_MIN)), NO_MIN)
            columns[high] = _known(groups.greatest(_filled(cells[high], NO_MAX)), NO_MAX)
    for gauge in summary.gauges:
        value, at = f"{gauge}_last", f"{gauge}_last_at"
        known = pc.fill_null(cells[value], 0).to_numpy()
        latest, newest = groups.latest(known, _filled(cells[at], NEVER))
        columns[value] = pa.array(latest, mask=newest == NEVER)
        columns[at] = _known(newest, NEVER).cast(MOMENT)
    if summary.by_process:
        columns["last_at"] = _known(groups.greatest(_filled(cells["last_at"], NEVER)), NEVER).cast(MOMENT)
    schema = cells_schema(summary, windowed=windowed)
    table = pa.table([columns[name] for name in schema.names], schema=schema)
    return Cube(summary, table, grouped_bins(bins, groups), windowed)


def coded(
    summary: Summary,
    texts: pa.StringArray,
    windows: Array,
    window_seconds: int,
    codes: Array,
    events: Array,
    measures: Array,
    gauges: Array,
    gauge_at: Array,
    last_at: Array,
    bins_row: Array,
    bins_measure: Array,
    bins_bin: Array,
    bins_n: Array,
) -> Cube:
    """A cube that is not sorted yet, of arrays; all times are in microseconds since 1970.

    `texts` are distinct, and `codes[row, place in summary.group]` their places. `measures[row, measure]` are (sum, min,
    max), with NO_MIN and NO_MAX where there was none; `gauges[row, gauge]` was told at `gauge_at`, NEVER where it was
    not; `last_at` is asked where processes are told apart. `bins_…` are the columns of bins, by row.
    """
    columns = {
        "window_start": pa.array(windows).cast(MOMENT),
        "window_seconds": pa.array(np.full(len(windows), window_seconds, dtype=np.int32)),
        "events": pa.array(events),
        "last_at": _known(last_at, NEVER).cast(MOMENT),
    }
    for place, name in enumerate(summary.group):
        columns[name] = _spelled(codes[:, place], texts)
    for place, measure in enumerate(summary.measures):
        total, low, high = (np.ascontiguousarray(column) for column in measures[:, place].T)
        columns[f"{measure.name}_sum"] = pa.array(total)
        columns[f"{measure.name}_min"], columns[f"{measure.name}_max"] = _known(low, NO_MIN), _known(high, NO_MAX)
    for place, gauge in enumerate(summary.gauges):
        at = np.ascontiguousarray(gauge_at[:, place])
        columns[f"{gauge}_last"] = pa.array(np.ascontiguousarray(gauges[:, place]), mask=at == NEVER)
        columns[f"{gauge}_last_at"] = _known(at, NEVER).cast(MOMENT)
    schema = cells_schema(summary)
    cells = pa.table([columns[name] for name in schema.names], schema=schema)
    return Cube(summary, cells, bins_table(bins_row, bins_measure, bins_bin, bins_n), is_sorted=False)


def _spelled(codes: Array, texts: pa.StringArray) -> pa.DictionaryArray:
    """A column of texts by their codes, with those that it uses."""
    used = np.zeros(len(texts), dtype=bool)
    used[codes] = True
    places = np.cumsum(used, dtype=np.int32) - 1
    return pa.DictionaryArray.from_arrays(places[codes], texts.filter(pa.array(used)))


def _filled(column: pa.ChunkedArray, missing: int) -> Array:
    filled: Array = pc.fill_null(column.cast(pa.int64()), missing).to_numpy()
    return filled


def _known(values: Array, missing: float) -> pa.Array:
    return pa.array(values, mask=values == missing)


def largest(column: pa.ChunkedArray) -> int:
    """0 for an empty one."""
    return int(pc.max(column).as_py() or 0)
