"""Quantiles from bins: the nearest rank's bin, its midpoint, clamped to what was seen: within 1.6 %.

Values are whole microseconds, bytes, counts or nanos, so the midpoint is that of the whole numbers in the bin.
"""

from decimal import Decimal
from functools import cache

import numpy as np

from logemit import grid

from .grouping import Array

_WHOLE = {
    "seconds": [bound // 1000 for bound in grid.SECONDS_NANO],
    "bytes": list(grid.COUNTS_INT),
    "count": list(grid.COUNTS_INT),
    "amount": list(grid.VALUES_NANO),
    "value": list(grid.VALUES_NANO),
}
_SCALE = {"seconds": 1_000_000, "amount": 1_000_000_000, "value": 1_000_000_000}


@cache
def _middles(unit: str) -> tuple[Array, Array]:
    """(upper bounds, midpoints) of the bins, ascending; of the last bin, which has no bound, infinite."""
    whole, scale = _WHOLE[unit], _SCALE.get(unit, 1)
    first = [whole[0], *(bound + 1 for bound in whole[:-1])]
    middles = [(min(low, high) + high) / 2 / scale for low, high in zip(first, whole, strict=True)]
    return np.array(grid.bounds(unit)), np.array([*middles, np.inf])


def quantiles(groups: Array, les: Array, counts: Array, q: float, unit: str, low: Array, high: Array) -> Array:
    """The q-quantile of each group, in the unit of `les`; nan for one without bins.

    A row of `groups`, `les` and `counts` is a bin: its group's number, its upper bound, how many fell into it. `low`
    and `high` are the least and the greatest value seen, by group.
    """
    order = np.lexsort((les, groups))
    sizes = np.zeros(len(low), dtype=np.int64)
    np.add.at(sizes, groups, counts)
    held = sizes > 0
    top, bottom = Decimal(str(q)).as_integer_ratio()  # as it is written: 0.07 * 100 is more than 7 in floats
    ranks = np.array([max(1, -(-size * top // bottom)) for size in sizes[held].tolist()], dtype=np.int64)
    before = (np.cumsum(sizes) - sizes)[held]
    reached = les[order][np.searchsorted(np.cumsum(counts[order]), before + ranks)]
    bounds, middles = _middles(unit)
    found = np.full(len(low), np.nan)
    found[held] = np.clip(middles[np.searchsorted(bounds, reached)], low[held], high[held])
    return found
