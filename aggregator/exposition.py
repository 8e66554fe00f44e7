"""Totals as Prometheus text 0.0.4: cumulative, without timestamps, every family once with a stable HELP."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from math import fsum, inf
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from .cube import Cube, group, total
from .definitions import PROC, Catalogue, Filter, Metric, Summary
from .live import living
from .store import State

Labels = tuple[str, ...]
SERIES_AT_ONCE = 1000
"""Of one family, held as samples at a time: a family may have any number."""


def text(catalogue: Catalogue, totals: Mapping[str, Cube], state: State, *, service_label: bool) -> Iterator[str]:
    """All families of the catalogue and those about the runs, in pieces."""
    for metric in catalogue.metrics:
        head = True
        for part in family_parts(metric, totals[metric.summary], service_label):
            rendered = _render([part])
            yield rendered if head else rendered.split("\n", 2)[2]  # HELP and TYPE stand once
            head = False
    yield _render(_about_runs(state))


class _Fixed(Collector):
    def __init__(self, families: Iterable[Family]) -> None:
        self._families = list(families)

    def collect(self) -> Iterator[Family]:
        return iter(self._families)


def _render(families: Iterable[Family]) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Fixed(families))
    return generate_latest(registry).decode()


def family_parts(metric: Metric, totals: Cube, service_label: bool) -> Iterator[Family]:
    """One metric's family, a part of its series each time, at least one part.

    Without labels of its own it shows every known service, also at 0; a gauge shows what there is.
    """
    grouping = (*(("service",) if service_label else ()), *(dimension for _, dimension in metric.labels))
    labels = [*(("service",) if service_label else ()), *(label for label, _ in metric.labels)]
    zero = not metric.labels and metric.type != "gauge"
    known = set(_by(totals.cells, grouping, "events")) if zero else set()
    make = _MAKE[metric.type](metric, totals, grouping)
    keys = sorted(known | make.keys)
    for start in range(0, max(1, len(keys)), SERIES_AT_ONCE):
        yield make.family(labels, keys[start : start + SERIES_AT_ONCE])


@dataclass(frozen=True, slots=True)
class _Numbers:
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
class _Histogram:
    metric: Metric
    counts: dict[Labels, dict[int, int]]
    """By bucket, its place among the metric's, not cumulative."""
    sums: dict[Labels, float]

    @property
    def keys(self) -> set[Labels]:
        return set(self.counts)

    def family(self, labels: list[str], keys: list[Labels]) -> Family:
        histogram = HistogramMetricFamily(self.metric.name, self.metric.help, labels=labels)
        bounds = [_le(bound) for bound in (*self.metric.buckets, inf)]
        for key in keys:
            held = self.counts.get(key, {})
            cumulative = accumulate(held.get(place, 0) for place in range(len(bounds)))
            histogram.add_metric(key, list(zip(bounds, cumulative, strict=True)), self.sums.get(key, 0))
        return histogram


def _counter(metric: Metric, totals: Cube, grouping: Labels) -> _Numbers:
    cells = chosen(totals.cells, metric.filter)
    if metric.value.endswith("_missing"):
        measure = metric.value.removesuffix("_missing")
        bins = chosen(totals.bins, metric.filter).filter(pc.field("measure") == measure)
        present, events = _by(bins, grouping, "n"), _by(cells, grouping, "events")
        return _Numbers(metric, {key: count - present.get(key, 0) for key, count in events.items()})
    return _Numbers(metric, _sums(totals.summary, cells, grouping, metric.value))


def _gauge(metric: Metric, totals: Cube, grouping: Labels) -> _Numbers:
    """Of the processes that live, where the summary tells processes apart."""
    cells = chosen(totals.cells, metric.filter)
    if totals.summary.by_process:
        cells = living(cells)
    if metric.value == "info":
        return _Numbers(metric, dict.fromkeys(_rows(cells, grouping), 1))
    if metric.value == "processes":
        named = set(_rows(cells, (*grouping, PROC)))
        return _Numbers(metric, Counter(key[:-1] for key in named))
    values: dict[Labels, list[tuple[int, float]]] = defaultdict(list)
    cells = cells.filter(pc.is_valid(pc.field(metric.value)))
    for *key, at, value in _rows(cells, (*grouping, f"{metric.value}_at", metric.value)):
        values[tuple(key)].append((at, value))
    return _Numbers(metric, {key: _combined(metric.over, found) for key, found in values.items()})


def _rows(cells: pa.Table, names: Labels) -> Iterator[tuple[Any, ...]]:
    if not names:
        return iter([()] * min(1, len(cells)))
    return zip(*(cells[name].to_pylist() for name in names), strict=True)


def _combined(over: str, found: list[tuple[int, float]]) -> float:
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


def _histogram(metric: Metric, totals: Cube, grouping: Labels) -> _Histogram:
    bins = chosen(totals.bins, metric.filter).filter(pc.field("measure") == metric.measure)
    places = np.searchsorted(np.array(metric.buckets), bins["le"].to_numpy(), side="left")  # a bound holds its equal
    counts: dict[Labels, dict[int, int]] = defaultdict(dict)
    for key, n in _by(bins.append_column("bucket", pa.array(places)), (*grouping, "bucket"), "n").items():
        counts[key[:-1]][int(key[-1])] = n
    cells = chosen(totals.cells, metric.filter)
    return _Histogram(metric, dict(counts), _sums(totals.summary, cells, grouping, f"{metric.measure}_sum"))


_MAKE: Mapping[str, Callable[[Metric, Cube, Labels], _Numbers | _Histogram]] = {
    "counter": _counter,
    "gauge": _gauge,
    "histogram": _histogram,
}


def _sums(summary: Summary, cells: pa.Table, grouping: Labels, column: str) -> dict[Labels, float]:
    scale = _scale(summary, column.removesuffix("_sum"))
    return {key: total / scale if scale != 1 else total for key, total in _by(cells, grouping, column).items()}


def _le(bound: float) -> str:
    return str(floatToGoString(bound))  # type: ignore[no-untyped-call]


def _scale(summary: Summary, measure: str) -> int:
    found = summary.measure(measure)
    return 1_000_000 if found is not None and found.unit == "seconds" else 1


def chosen(table: pa.Table, wanted: Filter) -> pa.Table:
    """The rows that a filter lets pass."""
    for dimension, values in wanted.where:
        table = table.filter(pc.field(dimension).isin(values))
    for dimension, values in wanted.unless:
        table = table.filter(~pc.field(dimension).isin(values))
    return table


def _by(table: pa.Table, grouping: Labels, column: str) -> dict[Labels, int]:
    if not grouping:
        return {(): total(table[column])} if len(table) else {}
    names = list(dict.fromkeys(grouping))
    grouped = group(table.select([*names, column]), names, [(column, "sum")])
    return dict(zip(_rows(grouped, grouping), grouped[column].to_pylist(), strict=True))


def _about_runs(state: State) -> Iterator[Family]:
    counters: tuple[tuple[str, str, int], ...] = (
        ("runs", "Runs of the aggregator.", state.runs),
        ("records_read", "Records read from logs: lines, after partial ones were joined.", state.read),
        ("records_released", "Records that were held for the future and came due.", state.released),
        ("records_foreign", "Records that are no events.", state.foreign),
        ("events_duplicate", "Events that were delivered before and dropped.", state.duplicates),
        (
            "events_conflicting",
            "Events whose number another event of their process has, counted both.",
            state.conflicts,
        ),
        ("events_unchecked", "Events that could not be checked for duplicates.", state.unchecked),
        ("events_lost", "Events that were written and never arrived.", state.lost),
        ("events_recovered", "Events that arrived after they were counted as lost.", state.recovered),
        ("events_late", "Events that came after their limit, and are in no summary.", state.late),
        ("source_gaps", "Logs that went away before they were read to their end.", state.gaps),
        ("source_gap_bytes", "Bytes known to have stood unread in logs that went away.", state.gap_bytes),
        (
            "fields_invalid",
            "Fields left out of an event: not a number, negative or beyond the grid.",
            state.fields_invalid,
        ),
    )
    for name, help_text, value in counters:
        yield CounterMetricFamily(f"logemit_{name}", help_text, value=value)
    yield _labelled("logemit_events", "Events taken in, by name.", "event", state.events)
    yield _labelled("logemit_records_rejected", "Records that begin as events and are none.", "reason", state.rejected)
    gauges: tuple[tuple[str, str, float], ...] = (
        ("events_missing", "Events that were written and have not arrived yet.", state.missing),
        ("events_held", "Events dated in the future, held until their time comes.", state.held),
        ("last_run_timestamp_seconds", "When the last run ended.", state.finished / 1e6),
        ("last_run_duration_seconds", "How long the last run took.", state.seconds),
        ("newest_event_timestamp_seconds", "Time of the newest event.", state.newest_event / 1e6),
        ("duplicates_known_dates", "Dates of events for which duplicates are known.", len(state.seen_dates)),
        (
            "duplicates_known_from_timestamp_seconds",
            "Events of before this time are not checked for duplicates; 0 where all are.",
            timestamp_of(state.checked_from),
        ),
        ("lag_seconds", "From the newest event to the end of the last run.", _lag(state)),
    )
    for name, help_text, level in gauges:
        yield GaugeMetricFamily(f"logemit_{name}", help_text, value=level)


def timestamp_of(date: str) -> float:
    """Seconds since 1970; 0 for no date."""
    return datetime.fromisoformat(f"{date}T00:00:00+00:00").timestamp() if date else 0.0


def _lag(state: State) -> float:
    return (state.finished - state.newest_event) / 1e6 if state.newest_event else 0.0


def _labelled(name: str, help_text: str, label: str, values: Mapping[str, int]) -> Family:
    counter = CounterMetricFamily(name, help_text, labels=[label])
    for value, count in sorted(values.items()):
        counter.add_metric([value], count)
    return counter
