"""Summaries as DataFrames: regrouped, resampled, with rates, shares, means and quantiles."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import remote
from .catalogue import shipped
from .definitions import Catalogue, Filter, Measure, Summary
from .errors import InputError, UsageError
from .quantiles import quantile
from .urls import is_url

LABELS = "labels"
"""The dimension that holds an instrument's, as JSON."""

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def read(
    out: str | Path,
    summary: str,
    *,
    by: Sequence[str] = (),
    freq: str | None = None,
    measure: str | None = None,
    where: dict[str, str | Sequence[str]] | None = None,
    catalogue: Catalogue | None = None,
) -> pd.DataFrame:
    """A summary grouped by some of its dimensions, and by time where `freq` is given.

    `out` is the folder, or the URL, that `logemit aggregate` writes to; `freq` any pandas frequency, such as "5min";
    `where` keeps rows by dimension; of what instruments measured, it and `by` take labels, too. Indexed by
    `window_start` (UTC, with `freq`) and `by`. Columns: `count`; `rate` (events a second of the row's time, which is a
    folded window's where that is longer); `error_share` (0 to 1, where the summary knows errors); and of `measure` (by
    default the summary's first that has bins) `sum`, where it is a value, `mean`, `p50`, `p95`, `p99` in its unit, nan
    where no event had it; and of each gauge `<gauge>_last`, the newest value in the row: with proc in `by`, that of
    each process.

    Raises UsageError for names that do not exist, InputError for a folder without this summary.
    """
    definition = _definition(summary, catalogue or shipped())
    extra = [name for name in dict.fromkeys((*by, *(where or {}))) if name not in definition.group]
    for name in extra:
        if LABELS not in definition.dimensions:
            raise UsageError(f"{summary} has no dimension {name!r}; it has {', '.join(definition.group)}")
    shown = _measure(definition, measure)
    folder = out if isinstance(out, str) and is_url(out) else Path(out)
    load = partial(_load, folder, dimensions=definition.dimensions, labels=extra, where=where, freq=freq)
    cells = load(definition.name)
    keys = [*(["window_start"] if freq else []), *by]
    table = _counted(cells, keys, definition, _seconds(cells, keys, freq))
    if shown is not None:
        if shown.is_value:
            table["sum"] = _grouped(cells, keys)[f"{shown.name}_sum"].sum()
        if not shown.bins:
            table["mean"] = _grouped(cells, keys)[f"{shown.name}_sum"].sum() / _divisor(table["count"])
        else:
            _add_quantiles(table, cells, load(f"{definition.name}_bins"), keys, shown)
    for gauge in definition.gauges:
        table[f"{gauge}_last"] = _latest(cells, keys, gauge).reindex(table.index)
    return table if keys else table.reset_index(drop=True)


def _latest(cells: pd.DataFrame, keys: list[str], gauge: str) -> Any:
    value = f"{gauge}_last"
    if value not in cells:  # files from before the summary had it
        return pd.Series(dtype="float64")
    told = cells.dropna(subset=[value]).sort_values([f"{value}_at", value])
    return _grouped(told, keys)[value].last()


def _load(
    folder: Path | str,
    name: str,
    dimensions: Sequence[str],
    labels: Sequence[str],
    where: dict[str, str | Sequence[str]] | None,
    freq: str | None,
) -> pd.DataFrame:
    """The rows of a folder that `where` lets pass, their windows rounded down to `freq`, with these of their labels."""
    try:
        frame = _frame(folder, name)
    except FileNotFoundError:
        raise InputError(
            f"{folder}: no {name} here; run logemit aggregate … --out {folder} on logs that hold such events"
        ) from None
    frame = frame.assign(**dict.fromkeys((each for each in dimensions if each not in frame.columns), ""))
    for label in labels:
        frame[label] = _label(frame[LABELS], label)
    for dimension, values in (where or {}).items():
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


def _frame(folder: Path | str, name: str) -> pd.DataFrame:
    """All of a summary. Raises FileNotFoundError."""
    if isinstance(folder, str):
        files = remote.filesystem(folder)
        with remote.told(folder):
            return pd.read_parquet(remote.path_of(files, f"{folder.rstrip('/')}/{name}"), filesystem=files)
    if not (folder / name).is_dir():
        raise FileNotFoundError(name)
    return pd.read_parquet(folder / name)


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
    table: pd.DataFrame, cells: pd.DataFrame, bins: pd.DataFrame, keys: list[str], measure: Measure
) -> None:
    """Mean over the events that had the measure, and quantiles, from the bins of each group."""
    columns = {f"{measure.name}_le": "le", f"{measure.name}_n": "n"}
    long = bins[[*keys, *columns]].rename(columns=columns).explode(["le", "n"]).dropna(subset=["le"])
    long = long.astype({"le": float, "n": "int64"})
    counted = _grouped(long, [*keys, "le"])["n"].sum().reset_index("le")
    by_key = (
        {key: (part["le"].to_numpy(), part["n"].to_numpy()) for key, part in counted.groupby(counted.index)}
        if keys
        else {0: (counted["le"].to_numpy(), counted["n"].to_numpy())}
    )
    grouped = _grouped(cells, keys)
    low, high = grouped[f"{measure.name}_min"].min(), grouped[f"{measure.name}_max"].max()
    nothing = (np.array([]), np.array([], dtype=np.int64))
    held = [by_key.get(key, nothing) for key in table.index]
    table["mean"] = grouped[f"{measure.name}_sum"].sum() / np.array([int(n.sum()) or np.nan for _, n in held])
    for name, q in QUANTILES.items():
        table[name] = [
            quantile(les, n, q, measure.unit, float(low[key]), float(high[key]))
            for key, (les, n) in zip(table.index, held, strict=True)
        ]


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
