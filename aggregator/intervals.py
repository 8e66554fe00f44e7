"""Sets of sequence numbers as intervals, with the times at which they happened."""

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Interval(NamedTuple):
    """`first` to `last` inclusive; `earliest` and `latest` in microseconds since 1970."""

    first: int
    last: int
    earliest: int
    latest: int

    @property
    def numbers(self) -> int:
        """How many."""
        return self.last - self.first + 1


class IntervalSet:
    """Disjoint, ascending, never adjacent. Adding the next number to the last interval costs O(1)."""

    __slots__ = ("_firsts", "_intervals")

    def __init__(self, intervals: Iterable[Interval] = ()) -> None:
        self._set(list(intervals))

    def _set(self, intervals: list[Interval]) -> None:
        self._intervals = intervals
        self._firsts = [interval.first for interval in intervals]

    def __iter__(self) -> Iterator[Interval]:
        return iter(self._intervals)

    def find(self, number: int) -> Interval | None:
        index = bisect_right(self._firsts, number) - 1
        return self._intervals[index] if index >= 0 and number <= self._intervals[index].last else None

    def touches(self, first: int, last: int) -> bool:
        """Whether any number from `first` to `last` is in the set."""
        index = bisect_right(self._firsts, last) - 1
        return index >= 0 and self._intervals[index].last >= first

    def add(self, number: int, moment: int) -> None:
        """Add a number that is not in the set."""
        self.add_all(Interval(number, number, moment, moment))

    def add_all(self, interval: Interval) -> None:
        """Add numbers of which none is in the set."""
        index = bisect_right(self._firsts, interval.first)
        if index and self._intervals[index - 1].last == interval.first - 1:
            index -= 1
            interval = _joined(self._intervals[index], interval)
            self._remove(index)
        if index < len(self._intervals) and self._intervals[index].first == interval.last + 1:
            interval = _joined(interval, self._intervals[index])
            self._remove(index)
        self._intervals.insert(index, interval)
        self._firsts.insert(index, interval.first)

    @property
    def last(self) -> Interval | None:
        return self._intervals[-1] if self._intervals else None

    def is_before(self, number: int) -> bool:
        """Whether a number comes before all others, with a hole between or not."""
        return bool(self._firsts) and number < self._firsts[0]

    def holes(self) -> Iterator[Interval]:
        """Numbers between the intervals; their times are those of the events around them."""
        for before, after in zip(self._intervals, self._intervals[1:], strict=False):
            yield Interval(before.last + 1, after.first - 1, before.latest, after.earliest)

    def close(self, holes: Iterable[Interval]) -> None:
        """Add whole holes of this set, each as holes() gives it, ascending."""
        merged: list[Interval] = []
        for interval in heapq.merge(self._intervals, holes):
            if merged and merged[-1].last == interval.first - 1:
                merged[-1] = _joined(merged[-1], interval)
            else:
                merged.append(interval)
        self._set(merged)

    def _remove(self, index: int) -> None:
        del self._intervals[index], self._firsts[index]


def _joined(left: Interval, right: Interval) -> Interval:
    return Interval(left.first, right.last, min(left.earliest, right.earliest), max(left.latest, right.latest))


def united(*parts: Iterable[Interval]) -> IntervalSet:
    """The numbers that are in any of several sets."""
    merged: list[Interval] = []
    for interval in heapq.merge(*map(sorted, parts)):
        if merged and interval.first <= merged[-1].last + 1:
            last = max(merged[-1].last, interval.last)
            merged[-1] = _joined(merged[-1], interval)._replace(last=last)
        else:
            merged.append(interval)
    return IntervalSet(merged)
