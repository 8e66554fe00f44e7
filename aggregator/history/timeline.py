"""When history is sampled, and how that is split over files. All times are whole seconds since 1970."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from ..grouping import Array
from ..spans import DAY

T = TypeVar("T", int, Array)
STALE_AFTER = 240
"""Seconds: Prometheus lets go of a series after 300, and no scrape is quite on time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. Without `begin` all there is; `end` is the last moment that may have a sample.

    `step` None is the window or a minute, whichever is longer; `split` 0 is one file.
    """

    metrics: tuple[str, ...] = ()
    begin: int = 0
    end: int | None = None
    step: int | None = None
    split: int = DAY
    sealed_after: int = 3600
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slice:
    """The samples of one file: at `begin`, and every `step` before `end`."""

    begin: int
    end: int
    step: int

    @property
    def times(self) -> range:
        return range(self.begin, self.end, self.step)

    def place(self, shown: Array) -> Array:
        """The place among the times of moments that are among them."""
        return (shown - self.begin) // self.step


def slices(begin: int, end: int, step: int, split: int) -> Iterator[Slice]:
    """Of all samples from `begin` to `end`, both included, and both whole steps."""
    while begin <= end:
        stop = min(end, (begin // split + 1) * split - 1 if split else end)
        after = stop // step * step + step
        yield Slice(begin, after, step)
        begin = after


def upwards(moment: T, step: int) -> T:
    """The first whole step at or after a moment, or after each."""
    return -(-moment // step) * step
