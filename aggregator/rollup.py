"""From an event's rows to a partial summary: group by window and dimensions, add up, bin."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logemit import grid

from .cube import MOMENT, Cube, bins_schema, cells_schema, grouped
from .decode import Batch
from .definitions import PROC, Measure, Summary

_BOUNDS = {
    "seconds": np.array(grid.SECONDS_NANO, dtype=np.int64),
    "bytes": np.array(grid.COUNTS_INT, dtype=np.int64),
    "count": np.array(grid.COUNTS_INT, dtype=np.int64),
}
_LE = {unit: np.array(grid.bounds(unit), dtype=np.float64) for unit in _BOUNDS}


def rollup(batch: Batch, summary: Summary, window_seconds: int) -> Cube:
    """The batch as a cube of one of its event's summaries."""
    keys = _keys(batch, summary, window_seconds)
    return grouped(summary, _cells(batch, summary, keys), _bins(batch, summary, keys))


def bin_bounds(values: np.ndarray[Any, Any], unit: str) -> np.ndarray[Any, Any]:
    """The inclusive upper bound of each value's bin; +Inf beyond the grid. Values are microseconds, bytes or counts."""
    scaled = values * 1000 if unit == "seconds" else values
    indices: np.ndarray[Any, Any] = _LE[unit][np.searchsorted(_BOUNDS[unit], scaled, side="left")]
    return indices


def _keys(batch: Batch, summary: Summary, window_seconds: int) -> pa.Table:
    moments = np.array(batch.columns["timestamp"], dtype=np.int64)
    window = window_seconds * 1_000_000
    starts = pa.array(moments // window * window).cast(MOMENT)
    return pa.table(
        {
            "window_start": starts,
            "window_seconds": pa.array(np.full(len(moments), window_seconds, dtype=np.int32)),
            **{name: pa.array(_texts(batch, name), pa.string()) for name in summary.group},
        }
    )


def _texts(batch: Batch, dimension: str) -> list[str]:
    values = batch.columns[dimension]
    return [proc or "" for proc in values] if dimension == PROC else values


def _cells(batch: Batch, summary: Summary, keys: pa.Table) -> pa.Table:
    """A row for each line."""
    columns: dict[str, Any] = {name: keys[name] for name in keys.column_names}
    columns["events"] = batch.columns["count"]
    for measure in summary.measures:
        value, low, high = (batch.columns[f"{measure.name}{suffix}"] for suffix in ("", "_low", "_high"))
        columns[f"{measure.name}_sum"] = [number or 0 for number in value]  # a sum of nothing is 0
        columns[f"{measure.name}_min"], columns[f"{measure.name}_max"] = low, high
    moments = batch.columns["timestamp"]
    for gauge in summary.gauges:
        values = columns[f"{gauge}_last"] = batch.columns[f"{gauge}_last"]
        columns[f"{gauge}_last_at"] = [at if v is not None else None for at, v in zip(moments, values, strict=True)]
    columns["last_at"] = moments
    schema = cells_schema(summary)
    return pa.table({field.name: _array(columns[field.name], field.type) for field in schema}, schema=schema)


def _array(values: Any, kind: pa.DataType) -> Any:
    if not isinstance(values, list):
        return values
    return pa.array(values, pa.int64()).cast(kind) if kind == MOMENT else pa.array(values, kind)


def _bins(batch: Batch, summary: Summary, keys: pa.Table) -> pa.Table:
    parts = [_measure_bins(batch, summary, measure, keys) for measure in summary.binned]
    return pa.concat_tables([bins_schema(summary).empty_table(), *parts])


def _measure_bins(batch: Batch, summary: Summary, measure: Measure, keys: pa.Table) -> pa.Table:
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
    return table.filter(pc.field("n") > 0).cast(bins_schema(summary))
