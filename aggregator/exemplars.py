"""Exemplars: of each bucket of a histogram of seconds, which request or task was the newest slow one to fall into it.

Only an event that counts can be one, and only where it is one operation: what is folded has no moment of its own. The
newest wins, of equally new ones the greatest id, so that any split of the lines gives the same.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from heapq import nlargest
from math import inf
from typing import Any, NamedTuple

from .config import Config
from .decode import Batch, parse
from .definitions import Catalogue, Column, Mapped, Measure, Metric, Summary
from .filters import lets_pass
from .mappings import mapper

IDS = ("request_id", "task_id")
"""Fields that say which it was; the first that can be told is."""

LONGEST_ID = 100
"""Characters: with its name within the 128 that OpenMetrics has room for."""

MOST_GATHERED = 10_000
"""Of one run, before its series are known as they are shown."""

Labels = tuple[str, ...]


class Exemplar(NamedTuple):
    """In the order in which one takes the place of another. Times are microseconds, the first since 1970."""

    moment: int
    id: str
    duration: int
    name: str
    """Of the field that the id is from."""


class Bucket(NamedTuple):
    """Of a series, before caps; `le` is the upper bound in seconds."""

    metric: str
    labels: Labels
    le: float


@dataclass(frozen=True)
class Wish:
    """A measure of a summary, from a threshold in microseconds on, and the histograms that show it."""

    summary: Summary
    measure: Measure
    metrics: tuple[Metric, ...]
    threshold: int
    service_label: bool

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The dimensions that say which series an event is in, the service first."""
        filters = [self.summary.taken, *(metric.filter for metric in self.metrics)]
        used = {name for each in filters for name, _ in (*each.where, *each.unless)}
        used.update(_dimension(column) for metric in self.metrics for _, column in metric.labels)
        return ("service", *(name for name in self.summary.dimensions if name in used))

    @cached_property
    def bounds(self) -> list[int]:
        """Of the buckets of all histograms, in nanoseconds."""
        return sorted({bound for metric in self.metrics for bound in _nanos(metric.buckets)})

    def buckets(self, texts: Sequence[str], duration: int) -> Iterator[Bucket]:
        """Where an event falls with these texts in `columns`."""
        values = dict(zip(self.columns, texts, strict=True))
        if not lets_pass(self.summary.taken, values):
            return
        service = (values["service"],) if self.service_label else ()
        for metric in self.metrics:
            if lets_pass(metric.filter, values):
                labels = (_shown(column, values) for _, column in metric.labels)
                le = (*metric.buckets, inf)[bisect_left(_nanos(metric.buckets), duration * 1000)]
                yield Bucket(metric.name, (*service, *labels), le)


def _dimension(column: Column) -> str:
    return column.dimension if isinstance(column, Mapped) else column


def _shown(column: Column, values: Mapping[str, str]) -> str:
    return mapper(column)(values[column.dimension]) if isinstance(column, Mapped) else values[column]


@lru_cache(maxsize=256)
def _nanos(buckets: tuple[float, ...]) -> list[int]:
    """They lie on the grid, whose bounds are whole ones."""
    return [round(bound * 10**9) for bound in buckets]


def wishes_of(config: Config) -> tuple[Wish, ...]:
    """None where no exemplars are wanted."""
    if config.exemplars_from is None:
        return ()
    threshold, label = round(config.exemplars_from * 10**6), config.service_label
    return tuple(Wish(*each, threshold, label) for each in _histograms(config.catalogue))


def _histograms(catalogue: Catalogue) -> Iterator[tuple[Summary, Measure, tuple[Metric, ...]]]:
    for summary in catalogue.summaries:
        for measure in summary.binned:
            shown = (metric for metric in catalogue.metrics if metric.summary == summary.name)
            metrics = tuple(metric for metric in shown if metric.measure == measure.name)
            if metrics and measure.unit == "seconds":
                yield summary, measure, metrics


def identity(event: Mapping[str, Any]) -> tuple[str, str] | None:
    """(name, id) of a line; None where there is none, or none that can be told."""
    found = ((name, event.get(name)) for name in IDS)
    return next(((name, id_) for name, id_ in found if isinstance(id_, str) and 0 < len(id_) <= LONGEST_ID), None)


class Exemplars:
    """Those of a run; not for several threads at once."""

    def __init__(self, wishes: Iterable[Wish]) -> None:
        self.wishes = tuple(wishes)
        self.newest: dict[Bucket, Exemplar] = {}

    def take(self, batch: Batch) -> None:
        """Events that count."""
        for wish in self.wishes:
            if wish.summary.event == batch.plan.name:
                self._take(batch, wish)

    def _take(self, batch: Batch, wish: Wish) -> None:
        counts, moments = batch.columns["count"], batch.columns["timestamp"]
        for row, duration in enumerate(batch.columns[wish.measure.name]):
            if duration is None or duration < wish.threshold or counts[row] != 1:
                continue
            if found := identity(parse(batch.records[row].text)):
                texts = [batch.columns[name][row] or "" for name in wish.columns]
                self.offer(wish, texts, Exemplar(moments[row], found[1], duration, found[0]))

    def of(self, metric: Metric) -> Iterator[tuple[Bucket, Exemplar]]:
        return ((bucket, exemplar) for bucket, exemplar in self.newest.items() if bucket.metric == metric.name)

    def offer(self, wish: Wish, texts: Sequence[str], exemplar: Exemplar) -> None:
        """`texts` are those of the wish's columns."""
        self.meet((bucket, exemplar) for bucket in wish.buckets(texts, exemplar.duration))

    def meet(self, found: Iterable[tuple[Bucket, Exemplar]]) -> None:
        """Those that are newer take the place of others."""
        for bucket, exemplar in found:
            self.newest[bucket] = max(exemplar, self.newest.get(bucket, exemplar))
        if len(self.newest) > 2 * MOST_GATHERED:
            self.newest = dict(nlargest(MOST_GATHERED, self.newest.items(), key=lambda each: each[::-1]))
