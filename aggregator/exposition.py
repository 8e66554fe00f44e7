"""Totals as Prometheus text 0.0.4: cumulative, without timestamps, every family once with a stable HELP."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate
from math import fsum, inf
from typing import Self

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family

from . import figures
from .admission import Admission
from .config import Config
from .cube import Cube
from .decimals import NANOS
from .definitions import PROC, Filter, Metric, Summary
from .promtext import SERIES_AT_ONCE, number, rendered
from .series import Grouping, Labels, Series, Totals
from .store import State

_SCALES = {"seconds": 1_000_000, "amount": NANOS, "value": NANOS}


@dataclass(frozen=True, slots=True)
class Source:
    """Gives the totals of a summary: by its name those to show, and those that were shown before."""

    now: Callable[[str], Cube]
    before: Callable[[Summary], Cube]


def families(
    config: Config, source: Source, admission: Admission, meet: Callable[[Metric, str], None]
) -> Iterator[str]:
    """All families of the catalogue, in pieces, of each of which `meet` is told."""
    totals = cache(lambda name: Totals(source.now(name)))
    before = cache(lambda summary: Totals(source.before(summary)))
    for metric in config.catalogue.metrics:
        head = True
        for part in _parts(metric, totals(metric.summary), before, config, admission):
            text = rendered(part, head=head)
            meet(metric, text)
            yield text
            head = False


def about_runs(state: State) -> Iterator[str]:
    """The families about the runs."""
    return map(rendered, figures.families(state))


def _parts(
    metric: Metric,
    totals: Totals,
    before: Callable[[Summary], Totals],
    config: Config,
    admission: Admission,
) -> Iterator[Family]:
    """One metric's family, a part of its series each time, at least one part."""
    view = View.of(metric, totals, before, config, admission)
    shown, found = view.shown, view.series(totals, metric.filter)
    make = made(metric, found if shown is None else found.shown_as(shown))
    known: set[Labels] = set()
    if view.at_zero:
        known = set(view.series(totals, Filter()).labels if shown is None else shown.values())
    keys = sorted(known | make.keys)
    for start in range(0, max(1, len(keys)), SERIES_AT_ONCE):
        yield make.family(view.labels, keys[start : start + SERIES_AT_ONCE])


@dataclass(frozen=True, slots=True)
class View:
    """How a metric shows the rows of totals."""

    metric: Metric
    grouping: Grouping
    labels: list[str]
    """Their names, in the order of the grouping."""
    is_living: bool
    """It shows processes that live."""
    shown: Mapping[Labels, Labels] | None
    """What each label set is shown as; None where all are as they are."""

    @classmethod
    def of(
        cls,
        metric: Metric,
        totals: Totals,
        before: Callable[[Summary], Totals],
        config: Config,
        admission: Admission,
    ) -> Self:
        service = ("service",) if config.service_label else ()
        grouping = (*service, *(column for _, column in metric.labels))
        labels = [*service, *(label for label, _ in metric.labels)]
        view = cls(metric, grouping, labels, metric.type == "gauge" and totals.cube.summary.by_process, None)
        wanted = Filter() if view.at_zero else metric.filter
        caps, events = config.limits.of(metric.name), view.series(totals, wanted).sums("events")

        def old() -> list[Labels]:
            return view.series(before(totals.cube.summary), wanted).labels

        return replace(view, shown=admission.shown(metric, grouping, caps, events, old))

    @property
    def at_zero(self) -> bool:
        """Without labels of its own it shows every known service, also at 0; a gauge shows what there is."""
        return not self.metric.labels and self.metric.type != "gauge"

    def series(self, of: Totals, wanted: Filter) -> Series:
        return of.series(wanted, self.grouping, living=self.is_living)


def made(metric: Metric, series: Series) -> "Numbers | Histogram":
    """What a metric makes of each label set."""
    return _MAKE[metric.type](metric, series)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of a counter or a gauge."""

    metric: Metric
    values: Mapping[Labels, float]

    @property
    def keys(self) -> set[Labels]:
        return set(self.values)

    def family(self, labels: list[str], keys: list[Labels]) -> Family:
        make = GaugeMetricFamily if self.metric.type == "gauge" else CounterMetricFamily
        family = make(self.metric.name, self.metric.help, labels=labels)
        for key in keys:
            family.add_metric(key, self.values.get(key, 0))
        return family


@dataclass(frozen=True, slots=True)
class Histogram:
    metric: Metric
    counts: dict[Labels, list[int]]
    """Of each bucket, not cumulative."""
    sums: dict[Labels, float]

    @property
    def keys(self) -> set[Labels]:
        return set(self.counts)

    def family(self, labels: list[str], keys: list[Labels]) -> Family:
        histogram = HistogramMetricFamily(self.metric.name, self.metric.help, labels=labels)
        places = [number(bound) for bound in (*self.metric.buckets, inf)]
        for key in keys:
            cumulative = accumulate(self.counts.get(key, [0] * len(places)))
            histogram.add_metric(key, list(zip(places, cumulative, strict=True)), self.sums.get(key, 0))
        return histogram


def _counter(metric: Metric, series: Series) -> Numbers:
    if metric.value.endswith("_missing"):
        present = series.counts(metric.value.removesuffix("_missing"), ())
        events = series.sums("events")
        return Numbers(metric, {key: count - sum(present.get(key, ())) for key, count in events.items()})
    return Numbers(metric, _scaled(series, metric.value))


def _gauge(metric: Metric, series: Series) -> Numbers:
    """Of the processes that live, where the summary tells processes apart."""
    if metric.value == "info":
        return Numbers(metric, dict.fromkeys(series.labels, 1))
    if metric.value == "processes":
        named = set(zip(series.of_rows(), series.column(PROC), strict=True))
        return Numbers(metric, Counter(key for key, _ in named))
    values: dict[Labels, list[tuple[int, float]]] = defaultdict(list)
    told = zip(series.of_rows(), series.column(f"{metric.value}_at"), series.column(metric.value), strict=True)
    for key, at, value in told:
        if value is not None:
            values[key].append((at, value))
    return Numbers(metric, {key: combined(metric.over, found) for key, found in values.items()})


def combined(over: str, found: list[tuple[int, float]]) -> float:
    """One value of (time, value) pairs, the same in any order."""
    values = [value for _, value in found]
    match over:
        case "sum":
            return fsum(values)
        case "max":
            return max(values)
        case "min":
            return min(values)
        case _:
            return max(found)[1]


def _histogram(metric: Metric, series: Series) -> Histogram:
    counts = series.counts(metric.measure, metric.buckets)
    return Histogram(metric, counts, _scaled(series, f"{metric.measure}_sum"))


_MAKE: Mapping[str, Callable[[Metric, Series], Numbers | Histogram]] = {
    "counter": _counter,
    "gauge": _gauge,
    "histogram": _histogram,
}


def _scaled(series: Series, column: str) -> dict[Labels, float]:
    scale = scale_of(series.totals.cube.summary, column.removesuffix("_sum"))
    return {key: total / scale if scale != 1 else total for key, total in series.sums(column).items()}


def scale_of(summary: Summary, measure: str) -> int:
    found = summary.measure(measure)
    return _SCALES.get(found.unit, 1) if found is not None else 1
