"""Partial summaries and how they merge.

A cube holds `cells`: the keys, `events`, and per measure `<m>_sum`, `<m>_min`, `<m>_max`; and `bins`, long: the keys,
`measure`, `le`, `n`. Everything that adds up is an integer (seconds are microseconds), so merging is associative to
the last bit, and any split, order or number of workers gives the same cube.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from .definitions import Summary

WINDOW_START = pa.field("window_start", pa.timestamp("us", "UTC"), nullable=False)
WINDOW_SECONDS = pa.field("window_seconds", pa.int32(), nullable=False)


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
    return pa.schema(fields)


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
    return _grouped(
        first.summary,
        pa.concat_tables([cube.cells for cube in cubes]),
        pa.concat_tables([cube.bins for cube in cubes]),
        first.windowed,
    )


def totals(cube: Cube) -> Cube:
    """The cube without its windows."""
    cells = cube.cells.drop_columns(["window_start", "window_seconds"])
    bins = cube.bins.drop_columns(["window_start", "window_seconds"])
    return _grouped(cube.summary, cells, bins, windowed=False)


def _grouped(summary: Summary, cells: pa.Table, bins: pa.Table, windowed: bool) -> Cube:
    keys = list(summary.keys if windowed else summary.group)
    sums = ["events", *(f"{measure.name}_sum" for measure in summary.measures)]
    extremes = [(f"{m.name}_{extreme}", extreme) for m in summary.measures for extreme in ("min", "max")]
    merged = group(cells, keys, [*((name, "sum") for name in sums), *extremes])
    merged_bins = group(bins, [*keys, "measure", "le"], [("n", "sum")])
    return Cube(
        summary,
        merged.select(cells_schema(summary, windowed=windowed).names).cast(cells_schema(summary, windowed=windowed)),
        merged_bins.select(bins_schema(summary, windowed=windowed).names).cast(bins_schema(summary, windowed=windowed)),
        windowed,
    )


def group(table: pa.Table, keys: list[str], aggregates: list[tuple[str, str]]) -> pa.Table:
    """Group and aggregate, each result under its input's name, sorted by the keys."""
    grouped = table.group_by(keys, use_threads=False).aggregate(aggregates)
    named = grouped.rename_columns({f"{column}_{function}": column for column, function in aggregates})
    return named.sort_by([(key, "ascending") for key in keys])
