"""How the recount adds up: measures as whole numbers of their smallest unit, bins on grids made of decimals."""

import tomllib
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

from logemit.vocabulary import BY_NAME

INFINITY = float("inf")
SHIPPED = Path(__file__).parent.parent / "aggregator" / "shipped"
CATALOGUE = tomllib.loads("\n".join(path.read_text() for path in sorted(SHIPPED.glob("*.toml"))))

UNITS: dict[tuple[str, str], str] = {
    **{(event.name, declared.name): declared.unit for event in BY_NAME.values() for declared in event.fields},
    **{
        (summary["event"], measure["name"]): measure["unit"]
        for summary in CATALOGUE["summary"]
        for measure in summary.get("measures", [])
        if isinstance(measure, dict)
    },
}
"""Of each measure, by event: the vocabulary says it, of an event that it does not know the catalogue."""

Bins: TypeAlias = Counter[float]  # inclusive upper bound: how many values belong to it

_STEPS = [*range(1000, 2000, 25), *range(2000, 5000, 50), *range(5000, 10000, 100)]
_DECADES = [Decimal(step).scaleb(exponent - 3) for exponent in range(-6, 6) for step in _STEPS]
_OCTAVES = [Decimal(2**k + step * 2**k // 32) for k in range(5, 53) for step in range(1, 33)]
SECONDS, BINARY = [Decimal(0), *_DECADES, Decimal(10**6)], [*map(Decimal, range(33)), *_OCTAVES]
VALUES = [*(-bound for bound in reversed(SECONDS[1:])), *SECONDS]

_GRIDS = {"seconds": SECONDS, "bytes": BINARY, "count": BINARY, "value": VALUES}
_SCALES = {"seconds": 10**6, "bytes": 1, "count": 1, "value": 10**9}
MOST = 2**63  # either side of 0, of a line's value


def count_of(event: Mapping[str, Any]) -> int:
    """How many a line tells of: an app's own event says nothing of it."""
    return int(event.get("count", 1)) if event["event"] in BY_NAME else 1


def measures_of(summary: Mapping[str, Any]) -> list[str]:
    return [each["name"] if isinstance(each, dict) else each for each in summary.get("measures", [])]


@dataclass(frozen=True, slots=True)
class Measure:
    """How a measure is kept: durations as integer microseconds, values as integer nanos, others as they are."""

    event: str
    name: str

    @property
    def unit(self) -> str:
        unit = "value" if self.event == "measurement" else UNITS.get((self.event, self.name))
        if unit not in _GRIDS:
            raise NotImplementedError(f"{self}: {unit}")
        return unit

    @property
    def grid(self) -> list[Decimal]:
        return _GRIDS[self.unit]

    def units(self, value: Any) -> int:
        """A value of a line as an integer."""
        fractional, negative = self.unit in {"seconds", "value"}, self.unit == "value"
        if type(value) not in ({int, Decimal} if fractional else {int}) or (value < 0 and not negative):
            raise ValueError(f"{self}: {value!r}")
        exact = Fraction(value) * _SCALES[self.unit]
        if exact % 1 == Fraction(1, 2) and self.unit == "seconds":
            raise ValueError(f"{self}: {value!r} lies between two microseconds")
        if self.unit == "value" and abs(value) > MOST:
            raise ValueError(f"{self}: {value!r} is no measurement")
        return round(exact)

    def shown(self, units: int) -> float | int:
        return units if self.grid is BINARY else units / _SCALES[self.unit]

    def bound(self, units: int) -> float:
        """The smallest bound that is not below."""
        place = bisect_left(self.grid, Fraction(units, _SCALES[self.unit]))
        return float(self.grid[place]) if place < len(self.grid) else INFINITY


@dataclass(slots=True)
class Total:
    """What a group of lines adds up to in one measure."""

    sum: int = 0
    low: int | None = None
    high: int | None = None
    bins: Bins = field(default_factory=Counter)

    def take(self, event: Mapping[str, Any], measure: Measure) -> None:
        if (value := event.get(measure.name)) is not None:
            self.sum += measure.units(value)
            if (ends := _ends(event, measure)) is not None:
                self.low = ends[0] if self.low is None else min(self.low, ends[0])
                self.high = ends[1] if self.high is None else max(self.high, ends[1])
        if value is not None or measure.unit == "value":  # what is no number has a bin
            self.bins += _bins(event, measure)

    def row(self, measure: Measure) -> dict[str, Any]:
        """Its columns in Parquet."""
        name, sum_ = measure.name, measure.shown(self.sum)
        row: dict[str, Any] = {f"{name}_sum": sum_}
        if measure.unit == "value":
            row[f"{name}_sum_rest"] = self.sum - round(Fraction(sum_) * _SCALES["value"])
        row[f"{name}_min"] = None if self.low is None else measure.shown(self.low)
        row[f"{name}_max"] = None if self.high is None else measure.shown(self.high)
        return row


def _ends(event: Mapping[str, Any], measure: Measure) -> tuple[int, int] | None:
    """The least and the greatest of what a line adds up."""
    names = [measure.name] * 2
    if measure.unit == "value":
        if measure.name != "value" or event["kind"] not in {"histogram", "summary"} or event.get("count") == 0:
            return None
        if event.get("count", 1) > 1:
            names = ["value_min", "value_max"]
    elif measure.unit == "seconds" and count_of(event) > 1:
        stem = measure.name.removesuffix("_seconds")
        names = [f"{stem}_min_seconds", f"{stem}_max_seconds"]
    low, high = (measure.units(event[name]) for name in names)
    return low, high


def _bins(event: Mapping[str, Any], measure: Measure) -> Bins:
    if measure.unit == "value":
        return folded_bins(event, measure) if event["kind"] == "histogram" else Bins()
    if measure.unit == "seconds" and count_of(event) > 1:
        return folded_bins(event, measure)
    return Bins([measure.bound(measure.units(event[measure.name]))])


def folded_bins(event: Mapping[str, Any], measure: Measure) -> Bins:
    bins = Bins()
    for le, number in (item.split(":") for item in (event.get("bins") or "").split(",") if item):
        if Decimal(le) not in [*measure.grid, Decimal("Infinity")]:
            raise ValueError(f"{le} is no bound of the grid: {event}")
        bins[float(le)] += int(number)
    if bins.total() != event.get("count", 1):
        raise ValueError(f"bins and count differ: {event}")
    return bins
