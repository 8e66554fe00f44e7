"""What a catalogue holds: summaries, which are cubes of one event, and metrics, which are views of a cube."""

import json
from dataclasses import dataclass
from typing import Literal

PROC = "proc"
"""The dimension that tells processes apart. They come and go: it is never a label."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of an event that adds up. Held as an integer: microseconds, bytes or a count; others in nanos.

    An amount is any number that is not negative, a value any at all.
    """

    name: str
    unit: Literal["seconds", "bytes", "count", "amount", "value"]
    bins: bool

    @property
    def is_value(self) -> bool:
        """It need not be whole."""
        return self.unit in ("amount", "value")


@dataclass(frozen=True, slots=True)
class Filter:
    """Rows whose dimensions are in `where` and not in `unless`; both (dimension, values) pairs."""

    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unless: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    name: str
    event: str
    partition: Literal["hour", "day"]
    dimensions: tuple[str, ...]
    measures: tuple[Measure, ...]
    gauges: tuple[str, ...]
    """Numbers that replace each other; the last is kept."""
    errors: Filter | None
    taken: Filter = Filter()
    """The rows of its event that it takes in."""

    @property
    def group(self) -> tuple[str, ...]:
        """What identifies a row but for its window."""
        return ("service", *self.dimensions)

    @property
    def keys(self) -> tuple[str, ...]:
        """What identifies a row."""
        return ("window_start", "window_seconds", *self.group)

    @property
    def binned(self) -> tuple[Measure, ...]:
        return tuple(measure for measure in self.measures if measure.bins)

    @property
    def by_process(self) -> bool:
        return PROC in self.dimensions

    def measure(self, name: str) -> Measure | None:
        return next((measure for measure in self.measures if measure.name == name), None)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A dimension with other values: one of `by_class`, `segments` and `values` says which."""

    dimension: str
    by_class: bool = False
    """Of a status: 404 is 4xx."""
    segments: int = 0
    """How many of a path are kept, from the left."""
    values: tuple[tuple[str, str], ...] = ()
    """(pattern, value): the first pattern that fits."""
    default: str | None = None
    """Where no pattern fits; None for the value as it is."""

    def __str__(self) -> str:
        """Names it: equal for what maps alike."""
        return json.dumps([self.dimension, self.by_class, self.segments, self.values, self.default])


Column = str | Mapped
"""What a label shows: a dimension as it is, or with other values."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A family. `labels` are (label, column); a histogram shows `measure`, others `value`.

    `over` says how the rows of one label set make one gauge.
    """

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str
    summary: str
    labels: tuple[tuple[str, Column], ...]
    value: str
    over: Literal["", "sum", "max", "min", "last"]
    measure: str
    buckets: tuple[float, ...]
    filter: Filter


@dataclass(frozen=True, slots=True)
class Catalogue:
    summaries: tuple[Summary, ...] = ()
    metrics: tuple[Metric, ...] = ()

    def summary(self, name: str) -> Summary | None:
        return next((summary for summary in self.summaries if summary.name == name), None)

    def of_event(self, event: str) -> tuple[Summary, ...]:
        return tuple(summary for summary in self.summaries if summary.event == event)
