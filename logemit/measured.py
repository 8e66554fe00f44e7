"""The children of instruments as kinds that fold, and the `measurement` lines that they amount to."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from math import inf, isnan
from time import perf_counter_ns
from typing import Any

from . import emitter, grid, outside
from .backends.port import Operation
from .families import Family
from .naming import LABELS_LIMIT, as_json, bound_text, fitted
from .quantised import NANO, exact, measured, total
from .unit import Unit, current

_BINS_PER_LINE = 100
_LE_LIMIT = 48
"""Bytes kept free for the label `le` of a bucket."""
_ON_GRID = frozenset(grid.bounds("value"))

Line = tuple[str, dict[str, Any]]


class Child:
    """An instrument with its label values. An amount is what an operation came with; None where it was made."""

    __slots__ = ("family", "labels", "values")

    def __init__(self, family: Family, values: tuple[str, ...]) -> None:
        self.family = family
        self.values = values
        self.labels = self._fitted(LABELS_LIMIT)

    def _fitted(self, limit: int) -> dict[str, str]:
        return fitted(dict(zip(self.family.declaration.label_names, self.values, strict=True)), limit)

    def begin(self) -> None:
        """It is there, and would show a 0."""
        self.take("labels", None, None)

    def hand_over(self, method: str, value: Any) -> None:
        """An operation that changes no line."""
        with emitter.harmless():
            to = emitter.active()
            if to is not None and to.measure is not None:
                to.measure(Operation(self.family.declaration, self.values, method, value))

    def take(self, method: str, value: Any, amount: Any, exemplar: Mapping[str, str] | None = None) -> None:
        """Take an operation in where it belongs, and hand it to backends that want it. Never raises into the app."""
        try:
            to = emitter.active()
            if to is None:
                return
            if to.measure is not None:
                to.measure(Operation(self.family.declaration, self.values, method, value, exemplar))
            unit, now = current.get(), perf_counter_ns()
            # What is the app's own is written also where logemit's lines of a request are left out.
            due = unit.fold(self, amount, now) if unit is not None and not unit.muted else None
            if due is None:
                outside.fold_in(None, self, amount, now)
            elif due and unit is not None:
                outside.write_due(due, unit)
        except Exception as exc:
            if not emitter.swallowed(exc):
                raise

    def forget(self) -> None:
        """It was removed."""
        self.hand_over("remove", None)

    def lines(self, amounts: list[Any], _unit: Unit) -> Iterator[Line]:
        yield from self.family.lines()
        yield from self.told([amount for amount in amounts if amount is not None])

    def told(self, amounts: list[Any]) -> Iterable[Line]:
        raise NotImplementedError

    def _line(self, kind: str, **fields: Any) -> Line:
        return "measurement", {"name": self.family.declaration.name, "kind": kind, "labels": self.labels, **fields}

    def _sums(self, kind: str, found: Mapping[int, int], **fields: Any) -> Iterator[Line]:
        """A line, and another for what no number of JSON holds beside the first."""
        first, *rest = exact(total(found))
        yield self._line(kind, value=first, count=sum(found.values()), **fields)
        for number in rest:
            yield self._line(kind, value=number, count=0)

    def _of_made(self, kind: str) -> Iterator[Line]:
        """0; without labels the declaration says as much."""
        if self.values:
            yield self._line(kind, value=0, count=0)


class CounterChild(Child):
    __slots__ = ()

    def told(self, amounts: list[Any]) -> Iterator[Line]:
        found, odd = measured(amounts)
        if found:
            yield from self._sums("counter", found)
        if odd:
            yield self._line("counter", count=len(odd))
        if not amounts:
            yield from self._of_made("counter")


class SummaryChild(Child):
    __slots__ = ()

    def told(self, amounts: list[Any]) -> Iterator[Line]:
        found, odd = measured(amounts)
        if found:
            yield from self._sums("summary", found, **_extremes(found))
        if odd:
            yield self._line("summary", count=len(odd))
        if not amounts:
            yield from self._of_made("summary")


class HistogramChild(Child):
    """Of buckets that lie on the grid: bins, of which any such buckets can be made later."""

    __slots__ = ()

    def told(self, amounts: list[Any]) -> Iterator[Line]:
        found, odd = measured(amounts)
        by_bin = groupby(found.items(), key=lambda pair: grid.value_le(pair[0]))
        bins = ((le, dict(pairs)) for le, pairs in by_bin)
        while part := dict(islice(bins, _BINS_PER_LINE)):
            own = {nano: count for inside in part.values() for nano, count in inside.items()}
            counted = {le: sum(inside.values()) for le, inside in part.items()}
            yield from self._sums("histogram", own, **_extremes(own), bins=_text(counted))
        if odd:
            counted = _counted(grid.VALUES_TEXT[0] if value < 0 else "+Inf" for value in odd)
            yield self._line("histogram", count=len(odd), bins=_text(counted))
        if not amounts:
            yield from self._of_made("histogram")


class BucketsChild(SummaryChild):
    """Of any other buckets: a summary, and a count for each of its buckets."""

    __slots__ = ("_below",)

    def __init__(self, family: Family, values: tuple[str, ...]) -> None:
        super().__init__(family, values)
        self._below = self._fitted(LABELS_LIMIT - _LE_LIMIT)

    def told(self, amounts: list[Any]) -> Iterator[Line]:
        yield from super().told(amounts)
        bounds = self.family.declaration.buckets
        # What is no number lies in no bucket, and still counts: so in the last.
        places = sorted(bisect_left(bounds, amount) if not isnan(amount) else len(bounds) - 1 for amount in amounts)
        for le, count in _counted(bound_text(bounds[place]) for place in places).items():
            name, line = self._line("bucket", count=count)
            yield name, {**line, "labels": {**self._below, "le": le}}


class LastChild(Child):
    """An info or an enum: what it says when it is written is what counts."""

    __slots__ = ("state",)

    def __init__(self, family: Family, values: tuple[str, ...]) -> None:
        super().__init__(family, values)
        self.state = ""

    def told(self, amounts: list[Any]) -> Iterator[Line]:
        if amounts:
            yield self._line(self.family.declaration.kind, value=1, state=self.state)

    def say(self, method: str, value: Any, state: str) -> None:
        self.state = state
        self.take(method, value, state)


def info_state(pairs: Mapping[str, object]) -> str:
    """The pairs of an info as JSON text, which is one dimension."""
    return as_json(fitted({str(name): str(value) for name, value in pairs.items()})).decode()


def is_on_grid(bounds: tuple[float, ...]) -> bool:
    return _ON_GRID.issuperset(bounds) and bounds[-1] == inf


def _extremes(found: Mapping[int, int]) -> dict[str, float]:
    """Of nanos, ascending."""
    nanos = list(found)
    return {"value_min": nanos[0] / NANO, "value_max": nanos[-1] / NANO}


def _counted(names: Iterable[str]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for name in names:
        counted[name] = counted.get(name, 0) + 1
    return counted


def _text(bins: Mapping[str, int]) -> str:
    return ",".join([f"{le}:{count}" for le, count in bins.items()])
