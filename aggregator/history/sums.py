"""The past of counters and histograms: what they were before the windows that are read, and what each of these adds."""

from collections.abc import Iterator, Mapping
from itertools import accumulate
from math import inf
from typing import Any

import numpy as np
import pyarrow as pa

from ..admission import OTHER
from ..bins import bounds
from ..decimals import DECIMAL, nanos
from ..definitions import Filter
from ..exposition import View, scale_of
from ..grouping import Array
from ..promtext import number
from ..series import Labels, Totals
from .openmetrics import Head, Run, Track
from .timeline import Slice
from .windows import steps_of

_Now = tuple[Array, Any]
"""Of a label set: how many each bucket holds, and the sum or, of a counter, its value, as integers."""


class Sums:
    """One family."""

    def __init__(self, view: View, total: Totals, after: Totals) -> None:
        """`total` is all there is, `after` what the windows hold that are read."""
        metric = view.metric
        name = metric.name.removesuffix("_total") if metric.type == "counter" else metric.name
        self.head = Head(name, metric.type, metric.help)
        self.view = view
        is_histogram = metric.type == "histogram"
        self._column = f"{metric.measure}_sum" if is_histogram else metric.value
        self._counted = metric.measure if is_histogram else metric.value.removesuffix("_missing")
        self.width = len(metric.buckets) + 1 if is_histogram else 0
        """Buckets; none of a counter."""
        self._is_missing = not is_histogram and metric.value.endswith("_missing")
        self._scale = scale_of(total.cube.summary, self._column.removesuffix("_sum"))
        self._unknown: set[Labels] = set()
        self._now = self._before(total, after)

    def _before(self, total: Totals, after: Totals) -> dict[Labels, _Now]:
        """What there was, by label set; `is_whole` tells whether the windows are a part of it."""
        ever, later = (_Added(self, of, np.zeros(len(of.cube.cells), dtype=np.int64), 1) for of in (total, after))
        self.is_whole = later.numbers.keys() <= ever.numbers.keys() and not self._unknown
        found: dict[Labels, _Now] = {}
        for key, number_of in ever.numbers.items():
            counts, sums, events = ever.of(number_of)
            is_there = True
            if key in later.numbers:
                of_windows = later.of(later.numbers[key])
                counts, sums, events = (a - b for a, b in zip((counts, sums, events), of_windows, strict=True))
                is_there = events[0] > 0
            if (counts < 0).any() or events[0] < 0 or (not self.width and sums[0] < 0):
                self.is_whole = False
            if is_there:
                found[key] = (counts[0], sums[0])
        return found

    def tracks(self, windows: Totals, of: Slice, coming: Totals) -> Iterator[Track]:
        """Its samples in a slice, and what they are from there on."""
        added = _Added(self, windows, of.place(steps_of(windows)), len(of.times))
        next_ = _Added(self, coming, np.zeros(len(coming.cube.cells), dtype=np.int64), 1).numbers
        for key in sorted(self._now.keys() | added.numbers.keys() | next_.keys()):
            if key not in self._now and key not in added.numbers:  # so that increase() sees its first step
                samples = self._samples(key)
                yield Track(samples, [(len(of.times) - 1, [0.0] * len(samples))])
                continue
            if key in added.numbers:
                runs = self._runs(key, added, added.numbers[key])
            else:
                runs = [(0, self._values(*self._now[key]))]
            yield Track(self._samples(key), runs)

    def _runs(self, key: Labels, added: "_Added", number_of: int) -> list[Run]:
        """From what comes at each place; and moves on."""
        counts, sums, _ = added.of(number_of)
        first = 0
        if key in self._now:
            counts[0] += self._now[key][0]
            sums[0] += self._now[key][1]
        else:
            first = added.first(number_of)
        counts, sums = np.cumsum(counts, axis=0), np.cumsum(sums)
        moved = np.any(counts[1:] != counts[:-1], axis=1) | (sums[1:] != sums[:-1])
        places = [first, *(place for place in (np.flatnonzero(moved) + 1).tolist() if place > first)]
        runs: list[Run] = [(place, self._values(counts[place], sums[place])) for place in places]
        if first:  # so that increase() sees its first step
            runs.insert(0, (first - 1, [0.0] * len(runs[0][1] or ())))
        self._now[key] = counts[-1].copy(), sums[-1]
        return runs

    def _values(self, counts: Array, total: Any) -> list[float]:
        value = int(total) / self._scale if self._scale != 1 else int(total)
        cumulative = list(accumulate(counts.tolist()))
        return [*cumulative, cumulative[-1], value] if self.width else [value]

    def _samples(self, key: Labels) -> list[tuple[str, Mapping[str, str]]]:
        labels = dict(zip(self.view.labels, key, strict=True))
        if not self.width:
            return [("_total", labels)]
        places = [number(bound) for bound in (*self.view.metric.buckets, inf)]
        buckets = [("_bucket", {**labels, "le": place}) for place in places]
        return [*buckets, ("_count", labels), ("_sum", labels)]

    def shown(self, key: Labels) -> Labels:
        if self.view.shown is None:
            return key
        if key not in self.view.shown:
            self._unknown.add(key)
            return tuple(OTHER for _ in key)
        return self.view.shown[key]

    # What rows bring.

    def rows(self, of: Totals, wanted: Filter) -> tuple[list[Labels], Array, Array]:
        """(label sets as they are shown, rows, the label set of each)."""
        series = self.view.series(of, wanted)
        places: dict[Labels, int] = {}
        numbers = np.array([places.setdefault(self.shown(key), len(places)) for key in series.labels], dtype=np.int64)
        return list(places), series.rows, numbers[series.groups.numbers]

    def values(self, of: Totals, rows: Array) -> Array:
        column = of.cube.cells["events" if self._is_missing else self._column]
        if column.type == DECIMAL:
            return np.array([*nanos(column.take(pa.array(rows))), None], dtype=object)[:-1]
        found: Array = column.to_numpy()[rows]
        return found

    def bins(self, of: Totals) -> tuple[Array, Array, Array]:
        """(row, bucket, how many) of what is counted; none where nothing is."""
        if not (self.width or self._is_missing):
            return (np.zeros(0, dtype=np.int64),) * 3
        binned = of.cube.summary.binned
        place_of = next(place for place, each in enumerate(binned) if each.name == self._counted)
        row, measure, place, n = (column.to_numpy() for column in of.cube.bins.columns)
        own = measure == place_of
        bucket = np.searchsorted(np.array(self.view.metric.buckets), bounds(binned[place_of].unit), side="left")
        return row[own], bucket[place[own]], n[own]


class _Added:
    """What the rows of totals or of windows add to each label set, at each of so many places."""

    def __init__(self, sums: Sums, of: Totals, places: Array, length: int) -> None:
        self._width, self._length = sums.width, length
        labels, self._rows, row_numbers = sums.rows(of, sums.view.metric.filter)
        self._places = places
        self._values = sums.values(of, self._rows)
        self._events = of.cube.cells["events"].to_numpy()
        self._by_row = _Sorted(row_numbers)
        numbers = np.full(len(of.cube.cells), -1, dtype=np.int64)
        numbers[self._rows] = row_numbers
        bin_rows, buckets, n = sums.bins(of)
        held = numbers[bin_rows] >= 0
        self._bins = bin_rows[held], buckets[held], n[held]
        self._by_bin = _Sorted(numbers[self._bins[0]])
        self.numbers = {key: number for number, key in enumerate(labels)}
        if self._width:  # a histogram shows what was measured
            counted = set(numbers[self._bins[0]].tolist())
            self.numbers = {key: number for key, number in self.numbers.items() if number in counted}
        self._known: dict[int, Array] = {}
        if sums.view.at_zero:
            known, known_rows, of_known = sums.rows(of, Filter())
            for key in known:
                self.numbers.setdefault(key, len(labels) + len(self.numbers))
            by_number = _Sorted(of_known)
            self._known = {self.numbers[key]: known_rows[by_number.of(place)] for place, key in enumerate(known)}

    def of(self, number_of: int) -> tuple[Array, Array, Array]:
        """(counts by place and bucket, sums by place, events by place) of a label set."""
        own, own_bins = self._by_row.of(number_of), self._by_bin.of(number_of)
        counts = np.zeros((self._length, self._width), dtype=np.int64)
        sums = np.zeros(self._length, dtype=self._values.dtype)
        events = np.zeros(self._length, dtype=np.int64)
        rows = self._rows[own]
        np.add.at(sums, self._places[rows], self._values[own])
        bin_rows, buckets, n = (column[own_bins] for column in self._bins)
        if self._width:
            np.add.at(counts, (self._places[bin_rows], buckets), n)
        else:
            np.subtract.at(sums, self._places[bin_rows], n)
        if self._width and number_of not in self._known:
            np.add.at(events, self._places[bin_rows], n)
        else:
            known = self._known.get(number_of, rows)
            np.add.at(events, self._places[known], self._events[known])
        return counts, sums, events

    def first(self, number_of: int) -> int:
        """The place at which there is any of it."""
        rows = self._bins[0][self._by_bin.of(number_of)] if self._width else self._rows[self._by_row.of(number_of)]
        return int(self._places[self._known.get(number_of, rows)].min())


class _Sorted:
    """The places of each number in an array of numbers."""

    def __init__(self, numbers: Array) -> None:
        self._order = np.argsort(numbers, kind="stable")
        self._sorted = numbers[self._order]

    def of(self, number_of: int) -> Array:
        low, high = np.searchsorted(self._sorted, [number_of, number_of + 1])
        found: Array = self._order[low:high]
        return found
