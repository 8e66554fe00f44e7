"""From an event's rows to a partial summary: group by window and dimensions, add up, bin."""

from typing import Any

import numpy as np
import pyarrow as pa

from logemit import grid

from .bins import BINS, bins_table, bounds
from .cube import MOMENT, Cube, cells_schema, grouped
from .decimals import decimals
from .decode import Batch
from .definitions import PROC, Measure, Summary
from .grouping import Array

_BOUNDS = {
    "seconds": np.array(grid.SECONDS_NANO, dtype=np.int64),
    "bytes": np.array(grid.COUNTS_INT, dtype=np.int64),
    "count": np.array(grid.COUNTS_INT, dtype=np.int64),
    "amount": np.array(grid.VALUES_NANO, dtype=np.int64),
    "value": np.array(grid.VALUES_NANO, dtype=np.int64),
}


def rollup(batch: Batch, summary: Summary, window_seconds: int) -> Cube:
    """The batch as a cube of one of its event's summaries."""
    return grouped(summary, _cells(batch, summary, window_seconds), _bins(batch, summary))


def lined(batch: Batch, summary: Summary, window_seconds: int) -> Cube:
    """The same with a row for each line, in their order."""
    bins = _bins(batch, summary).sort_by("row")
    return Cube(summary, _cells(batch, summary, window_seconds), bins, is_sorted=False)


def bins_of(values: Array, unit: str) -> Array:
    """The place of each value's bin; the last beyond the grid. Values are microseconds, bytes, counts or nanos."""
    return np.searchsorted(_BOUNDS[unit], values * 1000 if unit == "seconds" else values, side="left")


def _cells(batch: Batch, summary: Summary, window_seconds: int) -> pa.Table:
    """A row for each line."""
    moments = np.array(batch.columns["timestamp"], dtype=np.int64)
    window = window_seconds * 1_000_000
    columns: dict[str, Any] = {name: _texts(batch, name) for name in summary.group}
    columns["window_start"] = pa.array(moments // window * window).cast(MOMENT)
    columns["window_seconds"] = pa.array(np.full(len(moments), window_seconds, dtype=np.int32))
    columns["events"] = batch.columns["count"]
    for measure in summary.measures:
        value, low, high = (batch.columns[f"{measure.name}{suffix}"] for suffix in ("", "_low", "_high"))
        sums = [number or 0 for number in value]  # a sum of nothing is 0
        columns[f"{measure.name}_sum"] = decimals(sums) if measure.is_value else sums
        columns[f"{measure.name}_min"], columns[f"{measure.name}_max"] = low, high
    for gauge in summary.gauges:
        values = columns[f"{gauge}_last"] = batch.columns[f"{gauge}_last"]
        told = zip(batch.columns["timestamp"], values, strict=True)
        columns[f"{gauge}_last_at"] = [at if value is not None else None for at, value in told]
    columns["last_at"] = batch.columns["timestamp"]
    schema = cells_schema(summary)
    return pa.table({field.name: _array(columns[field.name], field.type) for field in schema}, schema=schema)


def _texts(batch: Batch, dimension: str) -> pa.Array:
    values = batch.columns[dimension]
    return pa.array([proc or "" for proc in values] if dimension == PROC else values, pa.string()).dictionary_encode()


def _array(values: Any, kind: pa.DataType) -> Any:
    if not isinstance(values, list):
        return values
    return pa.array(values, pa.int64()).cast(kind) if kind == MOMENT else pa.array(values, kind)


def _bins(batch: Batch, summary: Summary) -> pa.Table:
    parts = (_measure_bins(batch, place, measure) for place, measure in enumerate(summary.binned))
    return pa.concat_tables([BINS.empty_table(), *parts])


def _measure_bins(batch: Batch, place: int, measure: Measure) -> pa.Table:
    """The bins of one measure: of folds as they came, of single events from their value."""
    values, folds, counts = (batch.columns[name] for name in (measure.name, f"{measure.name}_bins", "count"))
    single = [i for i, value in enumerate(values) if value is not None and folds[i] is None and not measure.is_value]
    folded = [(i, le, n) for i, bins in enumerate(folds) if bins is not None for le, n in bins]
    rows = np.array([*single, *(i for i, _, _ in folded)], dtype=np.int64)
    own = bins_of(np.array([values[i] for i in single], dtype=np.int64), measure.unit)
    told = np.searchsorted(bounds(measure.unit), np.array([le for _, le, _ in folded], dtype=np.float64))
    n = np.array([*(counts[i] for i in single), *(n for _, _, n in folded)], dtype=np.int64)
    return bins_table(rows, np.full(len(rows), place), np.concatenate([own, told]), n)
