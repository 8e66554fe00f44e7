"""Summaries as DataFrames: regrouped, resampled, with rates, shares, means and quantiles."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from . import datasets
from .catalogue import shipped
from .definitions import Catalogue, Filter, Measure, Summary
from .errors import UsageError
from .quantiles import quantiles as quantiles_of

LABELS = "labels"
"""The dimension that holds an instrument's, as JSON."""

QUANTILES = (0.5, 0.95, 0.99)

Where = Mapping[str, str | Sequence[str]]


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

    Raises UsageError for names that do not exist, InputError for a folder without this summary.
    """
    definition = _definition(summary, catalogue or shipped())
    shown = _measure(definition, measure)
    named = {quantile_name(q): q for q in quantiles}
    keys = [*(["window_start"] if freq else []), *by]
    names = dict.fromkeys((*by, *(where or {})))
    labels = [name for name in names if name not in definition.group]
    for name in labels:
        if LABELS not in definition.dimensions:
            raise UsageError(f"{summary} has no dimension {name!r}; it has {', '.join(definition.group)}")
    dimensions = [*(name for name in names if name not in labels), *([LABELS] if labels else [])]
    when = datasets.span(since, until)

    def framed(table: pa.Table) -> pd.DataFrame:
        return _framed(table.to_pandas(), labels, where or {}, freq)

    errors = definition.errors or Filter()
    columns = [*dimensions, *(name for name, _ in (*errors.where, *errors.unless)), "events"]
    if shown is not None:
        columns += [f"{shown.name}_{suffix}" for suffix in ("sum", "min", "max")]
    columns += [f"{gauge}_{suffix}" for gauge in definition.gauges for suffix in ("last", "last_at")]
    cells = framed(datasets.cells(out, definition, columns, when))
    table = _counted(cells, keys, definition, _seconds(cells, keys, freq))
    if shown is not None:
        if shown.is_value:
            table["sum"] = _grouped(cells, keys)[f"{shown.name}_sum"].sum()
        if not shown.bins:
            table["mean"] = _grouped(cells, keys)[f"{shown.name}_sum"].sum() / _divisor(table["count"])
        else:
            bins = framed(datasets.bins(out, definition, dimensions, shown, when))
            _add_quantiles(table, cells, bins, keys, shown, named)
    for gauge in definition.gauges:
        table[f"{gauge}_last"] = _latest(cells, keys, gauge).reindex(table.index)
    return table if keys else table.reset_index(drop=True)


def quantile_name(q: float) -> str:
    """The column of a quantile: "p50" of 0.5, "p99_9" of 0.999. Raises UsageError for what is none."""
    if not 0 <= q <= 1:
        raise UsageError(f"a quantile is {q!r}, expected a number from 0 to 1, such as 0.5, 0.999")
    return f"p{(Decimal(str(q)) * 100).normalize():f}".replace(".", "_")


def _latest(cells: pd.DataFrame, keys: list[str], gauge: str) -> Any:
    value = f"{gauge}_last"
    told = cells.dropna(subset=[value]).sort_values([f"{value}_at", value])
    return _grouped(told, keys)[value].last()


def _framed(frame: pd.DataFrame, labels: Sequence[str], where: Where, freq: str | None) -> pd.DataFrame:
    """The rows that `where` lets pass, with these of their labels, and their windows rounded down to `freq`."""
    for label in labels:
        frame[label] = _label(frame[LABELS], label)
    for dimension, values in where.items():
        frame = frame[frame[dimension].isin([values] if isinstance(values, str) else list(values))]
    frame = frame.assign(window_end=frame["window_start"] + pd.to_timedelta(frame["window_seconds"], unit="s"))
    if freq is not None:
        try:
            frame["window_start"] = frame["window_start"].dt.floor(freq)
        except ValueError as exc:
            raise UsageError(f"freq is {freq!r}, expected a fixed span such as 5min, 1h, 1D: {exc}") from None
    return frame


def _label(labels: "pd.Series[str]", name: str) -> Any:
    """One label of each row, "" where it has none."""
    found = {text: json.loads(text).get(name, "") if text.startswith("{") else text for text in labels.unique()}
    return labels.map(found)


def _seconds(cells: pd.DataFrame, keys: list[str], freq: str | None) -> Any:
    """How long the time of a row of the answer is; where windows were folded, it is theirs if that is longer."""
    if freq is not None:
        asked = pd.Timedelta(freq if freq[:1].isdigit() else f"1{freq}").total_seconds()
        return _grouped(cells, keys)["window_seconds"].max().clip(lower=asked)
    span = cells["window_end"].max() - cells["window_start"].min()
    return float(span.total_seconds()) if len(cells) else float("nan")


def _grouped(frame: pd.DataFrame, keys: list[str]) -> Any:
    return frame.groupby(keys or (lambda _: 0), observed=True)


def _counted(cells: pd.DataFrame, keys: list[str], summary: Summary, seconds: Any) -> pd.DataFrame:
    table = pd.DataFrame({"count": _grouped(cells, keys)["events"].sum()})
    table["rate"] = table["count"] / seconds
    if summary.errors is not None:
        failed = _grouped(cells[_mask(cells, summary.errors)], keys)["events"].sum()
        table["error_share"] = failed.reindex(table.index, fill_value=0) / _divisor(table["count"])
    return table


def _divisor(count: "pd.Series[int]") -> Any:
    """A fold may count nothing, such as the keys not found by a read that found others."""
    return count.where(count > 0)


def _mask(cells: pd.DataFrame, wanted: Filter) -> "pd.Series[bool]":
    mask = pd.Series(True, index=cells.index)
    for dimension, values in wanted.where:
        mask &= cells[dimension].isin(values)
    for dimension, values in wanted.unless:
        mask &= ~cells[dimension].isin(values)
    return mask


def _add_quantiles(
    table: pd.DataFrame,
    cells: pd.DataFrame,
    bins: pd.DataFrame,
    keys: list[str],
    measure: Measure,
    named: Mapping[str, float],
) -> None:
    """Mean over the events that had the measure, and quantiles, from the bins of each group."""
    counted = _grouped(bins, [*keys, "le"])["n"].sum().reset_index("le")
    groups = table.index.get_indexer(counted.index) if keys else np.zeros(len(counted), dtype=np.int64)
    held = groups >= 0  # a run that has just committed may have brought bins of what was not there a moment ago
    groups, les, n = groups[held], counted["le"].to_numpy()[held], counted["n"].to_numpy()[held]
    grouped = _grouped(cells, keys)
    low, high = (grouped[f"{measure.name}_{suffix}"].agg(suffix).to_numpy("float64") for suffix in ("min", "max"))
    sizes = np.bincount(groups, n, len(table))
    table["mean"] = grouped[f"{measure.name}_sum"].sum() / np.where(sizes, sizes, np.nan)
    for name, q in named.items():
        table[name] = quantiles_of(groups, les, n, q, measure.unit, low, high)


def _definition(name: str, catalogue: Catalogue) -> Summary:
    found = catalogue.summary(name)
    if found is None:
        raise UsageError(f"no summary {name!r}; there are {', '.join(s.name for s in catalogue.summaries)}")
    return found


def _measure(summary: Summary, name: str | None) -> Measure | None:
    if name is None:
        return (*summary.binned, *summary.measures, None)[0]
    found = summary.measure(name)
    if found is None:
        raise UsageError(
            f"{summary.name} has no measure {name!r}; it has {', '.join(m.name for m in summary.measures)}"
        )
    return found
