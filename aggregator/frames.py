"""Summaries as DataFrames: regrouped, resampled, with rates, shares, means and quantiles."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .definitions import Catalogue, Measure
from .errors import UsageError
from .quantiles import quantiles as quantiles_of
from .selections import Selection, Where, divisor, length

QUANTILES = (0.5, 0.95, 0.99)


def read(
    out: str | Path,
    summary: str,
    *,
    by: Sequence[str] = (),
    freq: str | None = None,
    measure: str | None = None,
    where: Where | None = None,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    quantiles: Sequence[float] = QUANTILES,
    catalogue: Catalogue | None = None,
) -> pd.DataFrame:
    """A summary grouped by some of its dimensions, and by time where `freq` is given.

    `out` is the folder, or the URL, that `logemit aggregate` writes to; `freq` any pandas frequency, such as "5min";
    `where` keeps rows by dimension; of what instruments measured, it and `by` take labels, too. `since` and `until`,
    moments or ISO text, in UTC where they have no zone, keep windows that begin at `since` or later and before `until`;
    files of other dates are not opened.

    Indexed by `window_start` (UTC, with `freq`) and `by`. Columns: `count`; `rate` (events a second of the row's time,
    which is a folded window's where that is longer); `error_share` (0 to 1, where the summary knows errors); and of
    `measure` (by default the summary's first that has bins) `sum`, where it is a value, `mean`, and one for each of
    `quantiles` (from 0 to 1; 0.5 is `p50`, 0.999 `p99_9`) in its unit, nan where no event had it; and of each gauge
    `<gauge>_last`, the newest value in the row: with proc in `by`, that of each process.

    Raises UsageError for names that do not exist, InputError for a folder without this summary, StateError for files
    that are damaged.
    """
    asked = Selection.of(out, summary, by, freq, where, since, until, catalogue)
    shown = asked.measure(measure)
    named = {quantile_name(q): q for q in quantiles}
    columns = [f"{shown.name}_{suffix}" for suffix in ("sum", "min", "max")] if shown else []
    columns += [f"{gauge}_{suffix}" for gauge in asked.summary.gauges for suffix in ("last", "last_at")]
    cells = asked.cells(columns)
    table = _counted(asked, cells)
    if shown is not None:
        total = asked.grouped(cells)[f"{shown.name}_sum"].sum()
        if shown.is_value:
            table["sum"] = total
        table["mean"] = total / divisor(table["count"])
        if shown.bins:
            _add_quantiles(table, asked, cells, shown, named)
    for gauge in asked.summary.gauges:
        table[f"{gauge}_last"] = _latest(asked, cells, gauge).reindex(table.index)
    return table if asked.keys else table.reset_index(drop=True)


def quantile_name(q: float) -> str:
    """The column of a quantile: "p50" of 0.5, "p99_9" of 0.999. Raises UsageError for what is none."""
    if not 0 <= q <= 1:
        raise UsageError(f"a quantile is {q!r}, expected a number from 0 to 1, such as 0.5, 0.999")
    return f"p{(Decimal(str(q)) * 100).normalize():f}".replace(".", "_")


def _counted(asked: Selection, cells: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame({"count": asked.grouped(cells)["events"].sum()})
    table["rate"] = table["count"] / _seconds(asked, cells)
    if asked.summary.errors is not None:
        failed = asked.grouped(cells[asked.failed(cells)])["events"].sum()
        table["error_share"] = failed.reindex(table.index, fill_value=0) / divisor(table["count"])
    return table


def _seconds(asked: Selection, cells: pd.DataFrame) -> Any:
    """How long the time of a row of the answer is; where windows were folded, it is theirs if that is longer."""
    if asked.freq is not None:
        wanted = length(asked.freq).total_seconds()
        return asked.grouped(cells)["window_seconds"].max().clip(lower=wanted)
    span = cells["window_end"].max() - cells["window_start"].min()
    return float(span.total_seconds()) if len(cells) else float("nan")


def _add_quantiles(
    table: pd.DataFrame, asked: Selection, cells: pd.DataFrame, measure: Measure, named: Mapping[str, float]
) -> None:
    """Quantiles, and the mean over the events that had the measure, from the bins of each group."""
    counted = asked.grouped(asked.bins(measure), "le")["n"].sum().reset_index("le")
    groups = table.index.get_indexer(counted.index) if asked.keys else np.zeros(len(counted), dtype=np.int64)
    held = groups >= 0  # a run that has just committed may have brought bins of what was not there a moment ago
    groups, les, n = groups[held], counted["le"].to_numpy()[held], counted["n"].to_numpy()[held]
    grouped = asked.grouped(cells)
    low, high = (grouped[f"{measure.name}_{suffix}"].agg(suffix).to_numpy("float64") for suffix in ("min", "max"))
    sizes = np.bincount(groups, n, len(table))
    table["mean"] = grouped[f"{measure.name}_sum"].sum() / np.where(sizes, sizes, np.nan)
    for name, q in named.items():
        table[name] = quantiles_of(groups, les, n, q, measure.unit, low, high)


def _latest(asked: Selection, cells: pd.DataFrame, gauge: str) -> Any:
    value = f"{gauge}_last"
    told = cells.dropna(subset=[value]).sort_values([f"{value}_at", value])
    return asked.grouped(told)[value].last()
