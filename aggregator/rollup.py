"""From an event's rows to a partial summary: group by window and dimensions, add up, bin."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logemit import grid

from .cube import Cube, bins_schema, cells_schema, group
from .decode import Batch
from .definitions import Measure, Summary

_BOUNDS = {
    "seconds": np.array(grid.SECONDS_NANO, dtype=np.int64),
    "bytes": np.array(grid.COUNTS_INT, dtype=np.int64),
    "count": np.array(grid.COUNTS_INT, dtype=np.int64),
}
_LE = {unit: np.array(grid.bounds(unit), dtype=np.float64) for unit in _BOUNDS}


def rollup(batch: Batch, summary: Summary, window_seconds: int) -> Cube:
    """The batch as a cube of one of its event's summaries."""
    keys = _keys(batch, summary, window_seconds)
    return Cube(summary, _cells(batch, summary, keys), _bins(batch, summary, keys))


def bin_bounds(values: np.ndarray[Any, Any], unit: str) -> np.ndarray[Any, Any]:
    """The inclusive upper bound of each value's bin; +Inf beyond the grid. Values are microseconds, bytes or counts."""
    scaled = values * 1000 if unit == "seconds" else values
    indices: np.ndarray[Any, Any] = _LE[unit][np.searchsorted(_BOUNDS[unit], scaled, side="left")]
    return indices


def _keys(batch: Batch, summary: Summary, window_seconds: int) -> pa.Table:
    moments = np.array(batch.columns["timestamp"], dtype=np.int64)
    window = window_seconds * 1_000_000
    starts = pa.array(moments // window * window).cast(pa.timestamp("us", "UTC"))
    return pa.table(
        {
            "window_start": starts,
            "window_seconds": pa.array(np.full(len(moments), window_seconds, dtype=np.int32)),
            **{name: pa.array(batch.columns[name], pa.string()) for name in summary.group},
        }
    )


def _cells(batch: Batch, summary: Summary, keys: pa.Table) -> pa.Table:
    table = keys.append_column("events", pa.array(batch.columns["count"], pa.int64()))
    aggregates = [("events", "sum")]
    for measure in summary.measures:
        for suffix, source, function in (("sum", "", "sum"), ("min", "_low", "min"), ("max", "_high", "max")):
            column = pa.array(batch.columns[f"{measure.name}{source}"], pa.int64())
            # A sum of nothing is 0; an extreme of nothing is missing.
            column = column.fill_null(0) if function == "sum" else column
            table = table.append_column(f"{measure.name}_{suffix}", column)
            aggregates.append((f"{measure.name}_{suffix}", function))
    schema = cells_schema(summary)
    return group(table, list(summary.keys), aggregates).select(schema.names).cast(schema)


def _bins(batch: Batch, summary: Summary, keys: pa.Table) -> pa.Table:
    schema = bins_schema(summary)
    parts = [_measure_bins(batch, measure, keys) for measure in summary.binned]
    if not parts:
        return schema.empty_table()
    grouped = group(pa.concat_tables(parts), [*summary.keys, "measure", "le"], [("n", "sum")])
    return grouped.select(schema.names).cast(schema)


def _measure_bins(batch: Batch, measure: Measure, keys: pa.Table) -> pa.Table:
    """Long bins of one measure: of folds as they came, of single events from their value."""
    values, folds, counts = (batch.columns[name] for name in (measure.name, f"{measure.name}_bins", "count"))
    single = [i for i, value in enumerate(values) if value is not None and folds[i] is None]
    folded = [(i, le, n) for i, bins in enumerate(folds) if bins is not None for le, n in bins]
    rows = np.array([*single, *(i for i, _, _ in folded)], dtype=np.int64)
    le = bin_bounds(np.array([values[i] for i in single], dtype=np.int64), measure.unit)
    le = np.concatenate([le, np.array([le for _, le, _ in folded], dtype=np.float64)])
    n = np.array([*(counts[i] for i in single), *(n for _, _, n in folded)], dtype=np.int64)
    table = keys.take(pa.array(rows))
    for name, column in (("measure", pa.repeat(measure.name, len(rows))), ("le", pa.array(le)), ("n", pa.array(n))):
        table = table.append_column(name, column)
    return table.filter(pc.field("n") > 0)
