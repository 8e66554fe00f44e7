"""What is asked of a summary: which rows, by dimension and time, and how they are grouped."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import pandas as pd
import pyarrow as pa
from pandas.tseries.frequencies import to_offset

from . import datasets
from .catalogue import shipped
from .definitions import Catalogue, Measure, Summary
from .errors import UsageError

LABELS = "labels"
"""The dimension that holds an instrument's, as JSON."""

Where = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows of `summary` in time and `where`, to be grouped by `keys`. Its frames have `window_end` beside the keys."""

    out: str | Path
    summary: Summary
    by: tuple[str, ...]
    freq: str | None
    where: Where
    when: datasets.Span

    @classmethod
    def of(
        cls,
        out: str | Path,
        summary: str,
        by: Sequence[str],
        freq: str | None,
        where: Where | None,
        since: datetime | str | None,
        until: datetime | str | None,
        catalogue: Catalogue | None,
    ) -> Self:
        """`by` may be one name. Raises UsageError for names that do not exist, and times that are none."""
        by = (by,) if isinstance(by, str) else tuple(dict.fromkeys(by))
        known = catalogue or shipped()
        definition = known.summary(summary)
        if definition is None:
            raise UsageError(f"no summary {summary!r}; there are {', '.join(s.name for s in known.summaries)}")
        for name in (*by, *(where or {})):
            if name not in definition.group and LABELS not in definition.dimensions:
                raise UsageError(f"{summary} has no dimension {name!r}; it has {', '.join(definition.group)}")
            if name not in definition.group and name in _columns(definition):
                raise UsageError(f"label {name!r} has the name of a column of {summary}; use {LABELS!r}, which has all")
        if freq is not None:
            length(freq)
        return cls(out, definition, by, freq, where or {}, datasets.span(since, until))

    @property
    def keys(self) -> list[str]:
        return [*(["window_start"] if self.freq else []), *self.by]

    def measure(self, name: str | None) -> Measure | None:
        """By default the first that has bins, or the first; None where there is none. Raises UsageError."""
        if name is None:
            return (*self.summary.binned, *self.summary.measures, None)[0]
        found = self.summary.measure(name)
        if found is None:
            there = ", ".join(measure.name for measure in self.summary.measures)
            raise UsageError(f"{self.summary.name} has no measure {name!r}; it has {there}")
        return found

    def cells(self, columns: Iterable[str] = ()) -> pd.DataFrame:
        """With `events` and these columns. Raises InputError for a folder without this summary."""
        return self._framed(datasets.cells(self.out, self.summary, [*self._dimensions, "events", *columns], self.when))

    def bins(self, measure: Measure) -> pd.DataFrame:
        """With `le` and `n`, a bin a row. Raises InputError."""
        return self._framed(datasets.bins(self.out, self.summary, self._dimensions, measure, self.when))

    def grouped(self, frame: pd.DataFrame, *more: str) -> Any:
        return frame.groupby([*self.keys, *more] or (lambda _: 0), observed=True)

    def failed(self, frame: pd.DataFrame) -> "pd.Series[bool]":
        """Which rows are errors, as the summary says; none where it says nothing."""
        mask = pd.Series(self.summary.errors is not None, index=frame.index)
        if self.summary.errors is not None:
            for dimension, values in self.summary.errors.where:
                mask &= frame[dimension].isin(values)
            for dimension, values in self.summary.errors.unless:
                mask &= ~frame[dimension].isin(values)
        return mask

    @property
    def _dimensions(self) -> list[str]:
        """Those that are asked for, or tell errors."""
        asked = dict.fromkeys((*self.by, *self.where))
        errors = self.summary.errors
        told = (name for name, _ in (*errors.where, *errors.unless)) if errors else ()
        labels = [LABELS] if self._labels else []
        return [*(name for name in asked if name not in self._labels), *labels, *told]

    @property
    def _labels(self) -> list[str]:
        """What is asked for and no dimension."""
        return [name for name in dict.fromkeys((*self.by, *self.where)) if name not in self.summary.group]

    def _framed(self, table: pa.Table) -> pd.DataFrame:
        """The rows that `where` lets pass, with their labels, and their windows rounded down to `freq`."""
        frame: pd.DataFrame = table.to_pandas()
        for label in self._labels:
            frame[label] = _label(frame[LABELS], label)
        for dimension, values in self.where.items():
            frame = frame[frame[dimension].isin([values] if isinstance(values, str) else list(values))]
        frame = frame.assign(window_end=frame["window_start"] + pd.to_timedelta(frame["window_seconds"], unit="s"))
        if self.freq is not None:
            frame["window_start"] = frame["window_start"].dt.floor(self.freq)
        return frame


def _columns(summary: Summary) -> set[str]:
    """Those of frames that are no dimensions."""
    of_measures = {f"{measure.name}_{suffix}" for measure in summary.measures for suffix in ("sum", "min", "max")}
    of_gauges = {f"{gauge}_{suffix}" for gauge in summary.gauges for suffix in ("last", "last_at")}
    return {"window_start", "window_seconds", "window_end", "events", "le", "n", *of_measures, *of_gauges}


def length(freq: str) -> pd.Timedelta:
    """Of a pandas frequency. Raises UsageError for what is no fixed span of time, or none at all."""
    with suppress(TypeError, ValueError):
        offset: Any = to_offset(freq)
        found = pd.Timedelta(offset)
        if found > pd.Timedelta(0):
            return found
    raise UsageError(f"freq is {freq!r}, expected a fixed span such as 5min, 1h, 1D")


def _label(labels: "pd.Series[str]", name: str) -> Any:
    """One label of each row, "" where it has none."""
    found = {text: json.loads(text).get(name, "") if text.startswith("{") else text for text in labels.unique()}
    return labels.map(found)


def divisor(count: "pd.Series[Any]") -> Any:
    """nan for 0: a fold may count nothing, such as the keys not found by a read that found others."""
    return count.where(count > 0)
