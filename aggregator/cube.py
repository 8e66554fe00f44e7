"""Partial summaries and how they merge.

A cube holds `cells`: the keys, `events`, per measure `<m>_sum`, `<m>_min`, `<m>_max`, per gauge `<g>_last` and
`<g>_last_at`, and, where processes are told apart, `last_at`, the time of the newest line; and `bins`, long: the keys,
`measure`, `le`, `n`. Everything that adds up is an integer (seconds are microseconds) and stays at 2^62, and of gauges
the latest is kept, of equally late ones the greatest. So merging is associative to the last bit, and any split, order
or number of workers gives the same cube.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from .definitions import Summary
from .fields import MAX_SUM

MOMENT = pa.timestamp("us", "UTC")
WINDOW_START = pa.field("window_start", MOMENT, nullable=False)
WINDOW_SECONDS = pa.field("window_seconds", pa.int32(), nullable=False)
_WIDE = pa.decimal128(38, 0)


@dataclass(frozen=True, slots=True)
class Cube:
    """`windowed` is False for totals, which have no window."""

    summary: Summary
    cells: pa.Table
    bins: pa.Table
    windowed: bool = True

    @property
    def keys(self) -> tuple[str, ...]:
        return self.summary.keys if self.windowed else self.summary.group


def cells_schema(summary: Summary, *, windowed: bool = True) -> pa.Schema:
    """Of a cube in memory: measures are integers."""
    fields = [*_key_fields(summary, windowed), pa.field("events", pa.int64(), nullable=False)]
    for measure in summary.measures:
        fields.append(pa.field(f"{measure.name}_sum", pa.int64(), nullable=False))
        fields.extend(pa.field(f"{measure.name}_{extreme}", pa.int64()) for extreme in ("min", "max"))
    for gauge in summary.gauges:
        fields.extend([pa.field(f"{gauge}_last", pa.float64()), pa.field(f"{gauge}_last_at", MOMENT)])
    return pa.schema([*fields, *([pa.field("last_at", MOMENT)] if summary.by_process else [])])


def bins_schema(summary: Summary, *, windowed: bool = True) -> pa.Schema:
    extra = [("measure", pa.string()), ("le", pa.float64()), ("n", pa.int64())]
    return pa.schema([*_key_fields(summary, windowed), *(pa.field(n, t, nullable=False) for n, t in extra)])


def _key_fields(summary: Summary, windowed: bool) -> list[pa.Field]:
    windows = [WINDOW_START, WINDOW_SECONDS] if windowed else []
    return [*windows, *(pa.field(name, pa.string(), nullable=False) for name in summary.group)]


def empty(summary: Summary, *, windowed: bool = True) -> Cube:
    cells, bins = cells_schema(summary, windowed=windowed), bins_schema(summary, windowed=windowed)
    return Cube(summary, cells.empty_table(), bins.empty_table(), windowed)


def merge(cubes: Sequence[Cube]) -> Cube:
    """The cube of all that went into any of them; at least one, all of the same summary."""
    first = cubes[0]
    return grouped(
        first.summary,
        pa.concat_tables([cube.cells for cube in cubes]),
        pa.concat_tables([cube.bins for cube in cubes]),
        windowed=first.windowed,
    )


def totals(cube: Cube) -> Cube:
    """The cube without its windows."""
    cells = cube.cells.drop_columns(["window_start", "window_seconds"])
    bins = cube.bins.drop_columns(["window_start", "window_seconds"])
    return grouped(cube.summary, cells, bins, windowed=False)


def grouped(summary: Summary, cells: pa.Table, bins: pa.Table, *, windowed: bool = True) -> Cube:
    """The cube of rows of which several may have the same keys."""
    keys = list(summary.keys if windowed else summary.group)
    sums = ["events", *(f"{measure.name}_sum" for measure in summary.measures)]
    extremes = [(f"{m.name}_{extreme}", extreme) for m in summary.measures for extreme in ("min", "max")]
    newest = [("last_at", "max")] if summary.by_process else []
    merged = group(cells, keys, [*((name, "sum") for name in sums), *extremes, *newest])
    for gauge in summary.gauges:
        for name, column in _latest(cells, keys, gauge).items():
            merged = merged.append_column(name, column)
    merged_bins = group(bins, [*keys, "measure", "le"], [("n", "sum")])
    cells_columns, bins_columns = cells_schema(summary, windowed=windowed), bins_schema(summary, windowed=windowed)
    return Cube(
        summary,
        merged.select(cells_columns.names).cast(cells_columns),
        merged_bins.select(bins_columns.names).cast(bins_columns),
        windowed,
    )


def _latest(cells: pa.Table, keys: list[str], gauge: str) -> dict[str, pa.ChunkedArray]:
    """Of each group the value with the greatest time, and of those the greatest; in the order of the keys."""
    value, at = f"{gauge}_last", f"{gauge}_last_at"
    ordered = cells.select([*keys, value, at]).sort_by([(at, "ascending"), (value, "ascending")])
    found = group(ordered, keys, [(value, "last"), (at, "last")])
    return {name: found[name] for name in (value, at)}


def group(table: pa.Table, keys: list[str], aggregates: list[tuple[str, str]]) -> pa.Table:
    """Group and aggregate, each result under its input's name, sorted by the keys."""
    wide = [name for name, function in aggregates if function == "sum" and _may_overflow(table[name])]
    for name in wide:
        table = table.set_column(table.column_names.index(name), name, table[name].cast(_WIDE))
    result = table.group_by(keys, use_threads=False).aggregate(aggregates)
    named = result.rename_columns({f"{column}_{function}": column for column, function in aggregates})
    for name in wide:
        held = pc.min_element_wise(named[name], pa.scalar(MAX_SUM, _WIDE)).cast(pa.int64())
        named = named.set_column(named.column_names.index(name), name, held)
    return named.sort_by([(key, "ascending") for key in keys])


def total(column: pa.ChunkedArray) -> int:
    """What a column adds up to, as far as sums go."""
    exact = column.cast(_WIDE) if _may_overflow(column) else column
    return min(int(pc.sum(exact).as_py() or 0), MAX_SUM)


def largest(column: pa.ChunkedArray) -> int:
    """0 for an empty one."""
    return int(pc.max(column).as_py() or 0)


def _may_overflow(column: pa.ChunkedArray) -> bool:
    return largest(column) * len(column) > MAX_SUM
