"""How many of each measure fell where, and how the bins of several cells become those of one.

A row has the `row` of the cell, `measure`, its place in `summary.binned`, `bin`, its place among the `bounds` of the
measure's unit, and `n`, which stays at 2^62.
"""

from functools import cache

import numpy as np
import pyarrow as pa

from logemit import grid

from .grouping import Array, Groups, fits

BINS = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("measure", pa.int16(), nullable=False),
        pa.field("bin", pa.int16(), nullable=False),
        pa.field("n", pa.int64(), nullable=False),
    ]
)
_DENSE, _MOST_PLACES = 32, 1 << 21
"""Bins that there may be for each that there is, and in all, where each has a place in an array."""


@cache
def bounds(unit: str) -> Array:
    """The inclusive upper bounds of a unit's bins as doubles, ascending, +Inf last."""
    return np.array(grid.bounds(unit), dtype=np.float64)


def bins_table(row: Array, measure: Array, place: Array, n: Array) -> pa.Table:
    columns = zip((row, measure, place, n), BINS.types, strict=True)
    return pa.table([pa.array(column).cast(kind) for column, kind in columns], schema=BINS)


def grouped(bins: pa.Table, cells: Groups) -> pa.Table:
    """The bins of the groups of cells, sorted by all but `n`."""
    if not len(bins):
        return BINS.empty_table()
    row, measure, place, n = (column.to_numpy() for column in bins.columns)
    low = int(place.max()).bit_length()
    high = low + int(measure.max()).bit_length()
    ids = cells.numbers[row] << high | measure.astype(np.int64) << low | place
    ids, sums = _added_up(ids, n, row, cells, len(cells) << high)
    return bins_table(ids >> high, ids >> low & (1 << high - low) - 1, ids & (1 << low) - 1, sums)


def _added_up(ids: Array, n: Array, row: Array, cells: Groups, space: int) -> tuple[Array, Array]:
    """The distinct ids below `space`, ascending, and what each adds up to, where that is anything."""
    if space <= min(_DENSE * len(ids), _MOST_PLACES) and fits(n):
        totals = np.zeros(space, np.int64)
        np.add.at(totals, ids, n)
        found = np.flatnonzero(totals)
        return found, totals[found]
    if (row[1:] >= row[:-1]).all():  # hardly anything is left to sort, once they stand as their groups do
        order = _in_order(row, cells.order)
        ids, n = ids[order], n[order]
    groups = Groups.of(ids)
    sums = groups.sums(n)
    held = sums > 0
    return ids[groups.firsts[held]], sums[held]


def _in_order(row: Array, cells: Array) -> Array:
    """The places of bins that are sorted by their row, cell after cell in another order."""
    starts = np.searchsorted(row, np.arange(len(cells) + 1))
    counts = np.diff(starts)[cells]
    ends = np.cumsum(counts)
    order: Array = np.repeat(starts[cells] - (ends - counts), counts) + np.arange(len(row))
    return order
