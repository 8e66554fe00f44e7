"""Quantiles from bins: the nearest rank's bin, its midpoint, clamped to what was seen: within 1.6 %.

Values are whole microseconds, bytes, counts or nanos, so the midpoint is that of the whole numbers in the bin.
"""

from decimal import Decimal
from math import ceil, isinf

import numpy as np
import numpy.typing as npt

from logemit import grid

_LE = {unit: np.array(grid.bounds(unit)) for unit in ("seconds", "bytes", "count", "amount", "value")}
_WHOLE = {
    "seconds": [bound // 1000 for bound in grid.SECONDS_NANO],
    "bytes": list(grid.COUNTS_INT),
    "count": list(grid.COUNTS_INT),
    "amount": list(grid.VALUES_NANO),
    "value": list(grid.VALUES_NANO),
}
_SCALE = {"seconds": 1_000_000, "amount": 1_000_000_000, "value": 1_000_000_000}


def quantile(
    les: npt.NDArray[np.float64], counts: npt.NDArray[np.int64], q: float, unit: str, low: float, high: float
) -> float:
    """The q-quantile of bins given by their upper bounds, ascending; nan where there are none."""
    total = int(counts.sum())
    if total == 0:
        return float("nan")
    rank = max(1, ceil(Decimal(str(q)) * total))  # as q is written: 0.07 * 100 is more than 7 in floats
    le = float(les[int(np.searchsorted(np.cumsum(counts), rank))])
    if isinf(le):
        return high
    index = int(np.searchsorted(_LE[unit], le))
    last = _WHOLE[unit][index]
    first = min(_WHOLE[unit][index - 1] + 1, last) if index else last
    middle: float = (first + last) / 2 / _SCALE.get(unit, 1)
    return min(max(middle, low), high)
