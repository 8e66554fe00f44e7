"""What a catalogue holds: summaries, which are cubes of one event, and metrics, which are views of a cube."""

from dataclasses import dataclass
from typing import Literal

PROC = "proc"
"""The dimension that tells processes apart. They come and go: it is never a label."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of an event that adds up. Held as an integer: microseconds, bytes or a count."""

    name: str
    unit: Literal["seconds", "bytes", "count"]
    bins: bool


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
class Metric:
    """A family. `labels` are (label, dimension); a histogram shows `measure`, others `value`.

    `over` says how the rows of one label set make one gauge.
    """

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str
    summary: str
    labels: tuple[tuple[str, str], ...]
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
