"""How many events fell into each bin: what heat maps, and shares of what was slower than some limit, are made of."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from . import bins
from .definitions import Catalogue, Measure
from .errors import UsageError
from .selections import Selection, Where


def histogram(
    out: str | Path,
    summary: str,
    *,
    by: Sequence[str] = (),
    freq: str | None = None,
    measure: str | None = None,
    bounds: Sequence[float] | None = None,
    where: Where | None = None,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    catalogue: Catalogue | None = None,
) -> pd.DataFrame:
    """Events by how much of `measure` they had, grouped as `read` groups.

    Indexed by `window_start` (UTC, with `freq`), `by`, and `le`, the bin's inclusive upper bound in the measure's unit,
    inf for what is above all. Column: `count`, of this bin alone. Bins without events have no row. `bounds` asks for
    wider bins: each must be a bound of the grid, so that every count is exact.

    Raises UsageError for names that do not exist, a measure without bins, and bounds off the grid; InputError for a
    folder without this summary.
    """
    asked = Selection.of(out, summary, by, freq, where, since, until, catalogue)
    shown = binned(asked, measure)
    held = asked.bins(shown)
    if bounds is not None:
        held["le"] = rounded_up(held["le"], bounds, shown)
    return pd.DataFrame({"count": asked.grouped(held, "le")["n"].sum()})


def binned(asked: Selection, name: str | None) -> Measure:
    """The measure of this name, or the first with bins. Raises UsageError."""
    found = asked.measure(name)
    if found is None or not found.bins:
        there = ", ".join(measure.name for measure in asked.summary.binned) or "none"
        raise UsageError(
            f"{asked.summary.name} has no bins of {name or 'anything'}; of its measures, {there} have them"
        )
    return found


def rounded_up(les: "pd.Series[float]", bounds: Sequence[float], measure: Measure) -> "pd.Series[float]":
    """Each to the least of `bounds` that is no less, or inf. Raises UsageError for bounds off the measure's grid."""
    grid = bins.bounds(measure.unit)
    for bound in bounds:
        at = int(np.searchsorted(grid, bound))
        if not bound >= grid[0] or grid[at] != bound:
            near = " and ".join(f"{float(each):g}" for each in grid[max(0, at - 1) : at + 1])
            raise UsageError(f"{bound} is no bound of the bins of {measure.name}; nearest are {near}")
    wide = np.array([*sorted(set(bounds) - {np.inf}), np.inf])
    return pd.Series(wide[np.searchsorted(wide, les.to_numpy())], index=les.index)
