"""Quantiles from bins: the nearest rank's bin, its midpoint, clamped to what was seen: within 1.6 %."""

from math import ceil, isinf

import numpy as np
import numpy.typing as npt

from logemit import grid

_BOUNDS = {unit: np.array(grid.bounds(unit)) for unit in ("seconds", "bytes", "count")}


def quantile(
    les: npt.NDArray[np.float64], counts: npt.NDArray[np.int64], q: float, unit: str, low: float, high: float
) -> float:
    """The q-quantile of bins given by their upper bounds, ascending; nan where there are none."""
    total = int(counts.sum())
    if total == 0:
        return float("nan")
    rank = max(1, ceil(q * total))
    le = float(les[int(np.searchsorted(np.cumsum(counts), rank))])
    bounds = _BOUNDS[unit]
    index = int(np.searchsorted(bounds, le))
    below = float(bounds[index - 1]) if index else 0.0
    middle = high if isinf(le) else (below + le) / 2
    return min(max(middle, low), high)
