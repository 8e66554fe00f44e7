"""What makes a sample of a metric, told by the same functions that make metrics.prom.

A number is asked twice: for its samples in what was added up, and then, as it knows that, for the lines that make them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import fsum
from typing import Any, Protocol

import numpy as np

from .. import exposition
from ..admission import Admission
from ..config import Config
from ..decode import Batch
from ..definitions import Catalogue, Metric, Summary
from ..errors import UsageError
from ..exposition import Histogram, Source, View
from ..families import sample_names
from ..filters import passing
from ..grouping import Array, Groups
from ..origin import suggestion
from ..promtext import number
from ..rollup import lined
from ..series import Labels, Series, Totals
from .query import Query, Sample

Row = tuple[int, float]
"""Its place in a batch, and what it adds to the number, or sets it to."""


class Number(Protocol):
    summaries: tuple[Summary, ...]
    """Of whose rows it is made."""

    @property
    def adds_up(self) -> bool:
        """Otherwise its samples are what lines told last, and do not add up."""

    def settle(self, source: Source) -> None:
        """Learn what all lines come to, before any is asked about. Raises UsageError for what does not exist."""

    def samples(self, source: Source) -> list[Sample]: ...

    def lines(self, batch: Batch) -> Iterator[Row]:
        """Of those rows that make it."""


def total(number: Number, samples: Sequence[Sample]) -> float | None:
    """What samples come to."""
    values: list[float] = [sample.value for sample in samples]
    if number.adds_up:
        return fsum(values)
    return values[0] if len(values) == 1 else None


def metrics_by_sample(catalogue: Catalogue) -> Mapping[str, Metric]:
    """The metric of each name that a sample may have."""
    return {name: metric for metric in catalogue.metrics for name in _samples_of(metric)}


def _samples_of(metric: Metric) -> set[str]:
    names = sample_names(metric.name, metric.type)
    return names - {metric.name} if metric.type == "histogram" else names


def check_labels(query: Query, known: Iterable[str]) -> None:
    """Raises UsageError for the first that is not known, and for a bucket without its bound."""
    names = list(known)
    for label in query.labels:
        if label not in names:
            told = ", ".join(names) or "none"
            raise UsageError(f"{query.name} has no label {label!r:.80}; it has {told}{suggestion(label, names)}")


def check_bound(query: Query, buckets: Iterable[float]) -> None:
    """Raises UsageError where a bucket is asked for, and not by one of its bounds."""
    bounds = [*map(number, buckets), "+Inf"]
    if query.name.endswith("_bucket") and query.labels.get("le") not in bounds:
        found = f"le is {query.labels['le']}" if "le" in query.labels else "le is missing"
        raise UsageError(f"{query.name}: {found}, expected one of {', '.join(bounds)}")


class OfMetric:
    """Of the catalogue; `query` names one of its samples. Raises UsageError for labels that it does not have."""

    def __init__(self, query: Query, metric: Metric, config: Config, admission: Admission) -> None:
        summary = config.catalogue.summary(metric.summary)
        assert summary is not None, metric.summary
        self.summaries: tuple[Summary, ...] = (summary,)
        self._summary = summary
        self._query, self._metric, self._admission = query, metric, admission
        self._config = replace(config, catalogue=Catalogue((summary,), (metric,)))
        self._left: dict[Labels, Any] = {}
        is_bucket = metric.type == "histogram" and query.name.endswith("_bucket")
        own = [*(["service"] if config.service_label else []), *(label for label, _ in metric.labels)]
        check_labels(query, [*own, *(["le"] if is_bucket else [])])
        if is_bucket:
            check_bound(query, metric.buckets)
        self._without_bound = Query(query.name, {name: value for name, value in query.labels.items() if name in own})

    @property
    def adds_up(self) -> bool:
        return self._metric.type != "gauge"

    def settle(self, source: Source) -> None:
        totals, before = Totals(source.now(self._summary.name)), Totals(source.before(self._summary))
        self._view = View.of(self._metric, totals, lambda _: before, self._config, self._admission)
        if not self.adds_up:
            self._left = self._deciding(totals)

    def samples(self, source: Source) -> list[Sample]:
        pieces = exposition.families(self._config, source, self._admission, lambda *_: None)
        return [sample for piece in pieces for sample in self._query.among(piece.split("\n"))]

    def lines(self, batch: Batch) -> Iterator[Row]:
        totals = Totals(lined(batch, self._summary, self._config.window_seconds))
        series = self._fitting(totals, totals.series(self._metric.filter, self._view.grouping))
        if self.adds_up:
            yield from self._added(series)
            return
        for row, key, last in zip(series.rows.tolist(), self._keys(series), self._lasts(series), strict=True):
            if key in self._left and self._left[key] == last:
                del self._left[key]
                yield row, 1.0 if last[1] is None else last[1]

    def _fitting(self, totals: Totals, series: Series) -> Series:
        """Those of its rows that the sample is made of; its groups are not kept."""
        names, shown = self._view.labels, self._view.shown or {}
        as_shown = (dict(zip(names, shown.get(key, key), strict=True)) for key in series.labels)
        fits = np.array([self._without_bound.fits(self._query.name, labels) for labels in as_shown], dtype=bool)
        taken = passing(self._summary.taken, len(totals.cube.cells), totals.key)
        return replace(series, rows=series.rows[fits[series.groups.numbers] & taken[series.rows]])

    def _added(self, series: Series) -> Iterator[Row]:
        rows: Array = series.rows
        names: list[Labels] = [(str(row),) for row in rows.tolist()]
        alone = Series(series.totals, rows, Groups.of(np.arange(len(rows))), names)
        made = exposition.made(self._metric, alone)
        values: Mapping[Labels, float]
        if isinstance(made, Histogram):
            values = made.sums if self._query.name.endswith("_sum") else _counts(made, self._query)
        else:
            values = made.values
        return ((int(key[0]), values[key]) for key in names if values.get(key))

    def _deciding(self, totals: Totals) -> dict[Labels, Any]:
        """By all dimensions, when and what a gauge was told last, of those rows that its samples show."""
        series = self._fitting(totals, self._view.series(totals, self._metric.filter))
        if not len(series.rows):
            return {}
        found: dict[Labels, list[tuple[Any, Labels]]] = defaultdict(list)
        labels = Series.of(totals, _mask(series.rows, len(totals.cube.cells)), self._view.grouping).of_rows()
        for key, last, of in zip(self._keys(series), self._lasts(series), labels, strict=True):
            if last[0] is not None:
                found[of].append((last, key))
        return {key: last for told in found.values() for last, key in _shown(self._metric.over, told)}

    def _keys(self, series: Series) -> list[Labels]:
        return list(zip(*map(series.column, self._summary.group), strict=True))

    def _lasts(self, series: Series) -> list[Any]:
        value = self._metric.value
        if value not in ("info", "processes"):
            return list(zip(series.column(f"{value}_at"), series.column(value), strict=True))
        at = series.column("last_at") if self._summary.by_process else [0] * len(series.rows)
        return [(each, None) for each in at]


def _counts(made: Histogram, query: Query) -> dict[Labels, float]:
    bounds = [*map(number, made.metric.buckets), "+Inf"]
    stop = bounds.index(query.labels["le"]) + 1 if query.name.endswith("_bucket") else len(bounds)
    return {key: sum(counts[:stop]) for key, counts in made.counts.items()}


def _mask(rows: Array, length: int) -> Array:
    found = np.zeros(length, dtype=bool)
    found[rows] = True
    return found


def _shown(over: str, told: list[tuple[Any, Labels]]) -> list[tuple[Any, Labels]]:
    """Those that make the gauge of one label set; each is ((time, value), key)."""
    match over:
        case "last":
            return [max(told)]
        case "max" | "min":
            choose = max if over == "max" else min
            wanted = choose(value for (_, value), _ in told)
            return [max(each for each in told if each[0][1] == wanted)]
        case _:
            return told
