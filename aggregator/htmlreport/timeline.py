"""Requests over time: how many and how they ended, quantiles of their time, and how many took how long.

Whatever time the folder spans, there are at most MOST buckets.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count, takewhile
from math import isnan

import pandas as pd

from logemit import grid

from ..histograms import histogram
from ..panels import Asked
from ..spans import DAY

SUMMARY = "http_requests"
MEASURE = "duration_seconds"
OUTCOMES = ("ok", "cancelled", "aborted", "error", "other")
"""Others than those that are known are the last."""
QUANTILES = ("p50", "p95", "p99")
MOST = 150
"""Buckets."""

_WITHIN_A_DAY = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * n for n in (1, 2, 5, 10, 15, 30)),
    *(3600 * n for n in (1, 2, 3, 6, 12)),
)
_RENARD = (1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8)
"""The series R10: ten steps a decade, each a bound of the grid, so that no bin lies in two rows."""

_ROWS = tuple(bound for bound in grid.SECONDS if bound and float(f"{bound:e}".partition("e")[0]) in _RENARD)


@dataclass(frozen=True, slots=True)
class Bucket:
    """`start` in seconds since 1970; quantiles in seconds, None where no request told its time."""

    start: int
    outcomes: dict[str, int]
    quantiles: dict[str, float | None]

    @property
    def requests(self) -> int:
        return sum(self.outcomes.values())

    @property
    def errors(self) -> int:
        return self.outcomes.get("error", 0)

    @property
    def error_share(self) -> float:
        """0 where there were no requests."""
        return self.errors / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True)
class Cell:
    """Of a bucket, the requests that took more than `low` seconds, and up to `high`."""

    start: int
    low: float
    high: float
    requests: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """All buckets from the first to the last with requests, `width` seconds each."""

    width: int
    buckets: tuple[Bucket, ...]
    cells: tuple[Cell, ...]

    @property
    def start(self) -> int:
        return self.buckets[0].start

    @property
    def end(self) -> int:
        return self.buckets[-1].start + self.width


def timeline(asked: Asked) -> Timeline | None:
    """None where there were no requests. Raises InputError for a folder without the summary of requests."""
    windows = asked.cells(SUMMARY, [])
    if windows.empty:
        return None
    begins = windows["window_start"]
    first, end = _seconds(begins.min()), _seconds((begins + pd.to_timedelta(windows["window_seconds"], unit="s")).max())
    width = _width(first, end, set(windows["window_seconds"].unique().tolist()))
    starts = range(first - first % width, end, width)
    return Timeline(width, tuple(_buckets(asked, starts)), tuple(_cells(asked, width)))


def _width(first: int, end: int, windows: set[int]) -> int:
    """The least in which each window lies whole, and that makes few buckets; seconds."""
    longer = (DAY << n for n in count())
    for width in (*_WITHIN_A_DAY, *takewhile(lambda width: width < 4 * (DAY + end - first), longer)):
        if end - (first - first % width) <= MOST * width and not any(width % window for window in windows):
            return width
    raise AssertionError("a window that is no part of a day")


def _buckets(asked: Asked, starts: range) -> Iterator[Bucket]:
    freq = f"{starts.step}s"
    ended = asked.read(SUMMARY, ["outcome"], freq=freq, measure="view_seconds").reset_index()  # which has no bins
    times = asked.read(SUMMARY, freq=freq, measure=MEASURE)
    outcomes: dict[int, dict[str, int]] = {}
    for start, outcome, requests in zip(ended["window_start"], ended["outcome"], ended["count"], strict=True):
        bucket, known = outcomes.setdefault(_seconds(start), {}), outcome if outcome in OUTCOMES else OUTCOMES[-1]
        bucket[known] = bucket.get(known, 0) + int(requests)
    rows = zip(times.index, *(times[name] for name in QUANTILES), strict=True)
    quantiles = {_seconds(start): dict(zip(QUANTILES, map(_told, values), strict=True)) for start, *values in rows}
    nothing: dict[str, float | None] = dict.fromkeys(QUANTILES)
    return (Bucket(start, outcomes.get(start, {}), quantiles.get(start, nothing)) for start in starts)


def _told(value: float) -> float | None:
    return None if isnan(value) else float(value)


def _cells(asked: Asked, width: int) -> Iterator[Cell]:
    counted = histogram(
        asked.out,
        SUMMARY,
        freq=f"{width}s",
        measure=MEASURE,
        bounds=_ROWS,
        since=asked.since,
        until=asked.until,
        catalogue=asked.catalogue,
    ).reset_index()
    below = dict(zip(_ROWS, (0.0, *_ROWS), strict=False))
    for start, high, requests in zip(counted["window_start"], counted["le"], counted["count"], strict=True):
        yield Cell(_seconds(start), below[high], high, int(requests))


def _seconds(moment: datetime) -> int:
    return round(moment.timestamp())
