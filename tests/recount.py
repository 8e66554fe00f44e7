"""A second, slow and obvious account of a log, to hold the aggregator's against.

Written from the specification alone, event by event, with integers and decimals; of the project it takes only the two
pages of data that say what exists: the vocabulary and the catalogue. Whatever a sound log cannot hold raises.
"""

import gzip
import json
import tomllib
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from logemit.vocabulary import BY_NAME

MARK = b'{"logemit":'
MINUTE = 60
CATALOGUE = tomllib.loads((Path(__file__).parent.parent / "aggregator" / "catalogue.toml").read_text())

Key: TypeAlias = tuple[Any, ...]
"""window_start, service, then the values of the summary's dimensions."""
Bins: TypeAlias = Counter[float]
"""Inclusive upper bound → how many values belong to it."""
Sample: TypeAlias = tuple[str, frozenset[tuple[str, str]]]


def _seconds_bounds() -> list[Decimal]:
    steps = [*range(1000, 2000, 25), *range(2000, 5000, 50), *range(5000, 10000, 100)]
    decades = [Decimal(step).scaleb(exponent - 3) for exponent in range(-6, 6) for step in steps]
    return [Decimal(0), *decades, Decimal(10**6)]


def _binary_bounds() -> list[Decimal]:
    octaves = [2**k + step * 2**k // 32 for k in range(5, 53) for step in range(1, 33)]
    return [Decimal(bound) for bound in [*range(33), *octaves]]


SECONDS, BINARY = _seconds_bounds(), _binary_bounds()


@dataclass(frozen=True, slots=True)
class Measure:
    """How a measure is kept: durations as integer microseconds, bytes and counts as they are."""

    name: str
    in_seconds: bool

    @classmethod
    def of(cls, event: str, name: str) -> "Measure":
        declared = BY_NAME[event].field(name)
        if declared is None or (declared.type, declared.unit) not in {
            ("number", "seconds"),
            ("integer", "bytes"),
            ("integer", "count"),
        }:
            raise NotImplementedError(f"{event}.{name}: {declared}")
        return cls(name, declared.unit == "seconds")

    @property
    def grid(self) -> list[Decimal]:
        return SECONDS if self.in_seconds else BINARY

    def units(self, value: Any) -> int:
        """A value of a line as an integer."""
        if type(value) is int and value >= 0 and not self.in_seconds:
            return value
        if type(value) not in {int, Decimal} or value < 0 or not self.in_seconds:
            raise ValueError(f"{self.name}: {value!r}")
        exact = Decimal(value).scaleb(6)
        if exact % 1 == Decimal("0.5"):
            raise ValueError(f"{self.name}: {value!r} lies between two microseconds")
        return int(exact.to_integral_value())

    def shown(self, units: int) -> float | int:
        return units / 10**6 if self.in_seconds else units

    def bound(self, units: int) -> float:
        """The smallest bound that is not below."""
        value = Decimal(units).scaleb(-6) if self.in_seconds else Decimal(units)
        place = bisect_left(self.grid, value)
        return float(self.grid[place]) if place < len(self.grid) else float("inf")


@dataclass(slots=True)
class Total:
    """What a group of lines adds up to in one measure."""

    sum: int = 0
    lows: list[int] = field(default_factory=list)
    highs: list[int] = field(default_factory=list)
    bins: Bins = field(default_factory=Counter)

    def take(self, event: Mapping[str, Any], measure: Measure) -> None:
        value = event.get(measure.name)
        if value is None:
            return
        units = measure.units(value)
        self.sum += units
        if measure.in_seconds and event.get("count", 1) > 1:
            short, long = (event[measure.name.replace("_seconds", f"_{end}_seconds")] for end in ("min", "max"))
            self.lows.append(measure.units(short))
            self.highs.append(measure.units(long))
            self.bins.update(_folded_bins(event, measure))
        else:
            if "bins" in event:
                raise ValueError(f"bins of a line that is no fold: {event}")
            self.lows.append(units)
            self.highs.append(units)
            self.bins[measure.bound(units)] += 1


def _folded_bins(event: Mapping[str, Any], measure: Measure) -> Bins:
    bins: Bins = Counter()
    for item in event["bins"].split(","):
        le, number = item.split(":")
        if le != "+Inf" and Decimal(le) not in measure.grid:
            raise ValueError(f"{le} is no bound of the grid: {event}")
        bins[float(le)] += int(number)
    if bins.total() != event["count"]:
        raise ValueError(f"bins and count differ: {event}")
    return bins


@dataclass(slots=True)
class Cell:
    events: int = 0
    totals: dict[str, Total] = field(default_factory=lambda: defaultdict(Total))


@dataclass(slots=True)
class Recount:
    """What the outputs must hold, to the last bit; `rows` and `bins` by summary."""

    rows: dict[str, dict[Key, dict[str, Any]]]
    bins: dict[str, dict[tuple[Key, str], dict[float, int]]]
    samples: dict[Sample, float]
    read: int
    foreign: int
    lines_of: Counter[str]
    missing: int


def recount(paths: Iterable[Path]) -> Recount:
    records = [record for path in paths for record in _records(path)]
    events = [json.loads(record, parse_float=Decimal) for record in records if record.startswith(MARK)]
    rows: dict[str, dict[Key, dict[str, Any]]] = {}
    bins: dict[str, dict[tuple[Key, str], dict[float, int]]] = {}
    samples: dict[Sample, float] = {}
    for summary in CATALOGUE["summary"]:
        name, measures = summary["name"], [Measure.of(summary["event"], name) for name in summary["measures"]]
        cells = _cells(summary, measures, events)
        rows[name] = {key: _row(summary, measures, key, cell) for key, cell in cells.items()}
        bins[name] = {(key, m): dict(cells[key].totals[m].bins) for key in cells for m in summary["bins"]}
        for metric in CATALOGUE["metric"]:
            if metric["summary"] == name:
                samples |= _samples(metric, summary, cells)
    lines_of = Counter(event["event"] for event in events)
    return Recount(rows, bins, samples, len(records), len(records) - len(events), lines_of, _missing(events))


def _records(path: Path) -> Iterator[bytes]:
    """The lines of a file; one whose foreign text lost its newline before an event is two."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    if not text.endswith(b"\n"):
        raise ValueError(f"{path}: the last line has no end")
    for line in text[:-1].split(b"\n"):
        if line.count(MARK) > 1 or MARK.replace(b'"', b'\\"') in line:
            raise ValueError(f"{path}: {line!r}")
        before, mark, after = line.partition(MARK)
        if before or not mark:
            yield before
        if mark:
            yield mark + after


def _missing(events: Iterable[Mapping[str, Any]]) -> int:
    """Holes in what the processes numbered; a repeated number raises."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for event in events:
        numbers[event["proc"]].append(event["seq"])
    for proc, seen in numbers.items():
        if len(set(seen)) != len(seen):
            raise ValueError(f"{proc} used a number twice")
    return sum(max(seen) + 1 - len(seen) for seen in numbers.values())


def _cells(summary: Mapping[str, Any], measures: list[Measure], events: Iterable[Mapping[str, Any]]) -> dict[Key, Cell]:
    cells: dict[Key, Cell] = defaultdict(Cell)
    for event in events:
        if event["event"] == summary["event"]:
            key = (_window(event["timestamp"]), event["service"], *(_text(event.get(d)) for d in summary["dimensions"]))
            cells[key].events += event.get("count", 1)
            for measure in measures:
                cells[key].totals[measure.name].take(event, measure)
    return dict(cells)


def _window(timestamp: str) -> datetime:
    moment = datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return moment - timedelta(seconds=moment.second, microseconds=moment.microsecond)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise ValueError(f"{value!r} is no value of a dimension")


def _row(summary: Mapping[str, Any], measures: list[Measure], key: Key, cell: Cell) -> dict[str, Any]:
    window, service, *dimensions = key
    row = {"window_start": window, "window_seconds": MINUTE, "service": service, "events": cell.events}
    row |= zip(summary["dimensions"], dimensions, strict=True)
    for measure in measures:
        total = cell.totals[measure.name]
        row[f"{measure.name}_sum"] = measure.shown(total.sum)
        row[f"{measure.name}_min"] = measure.shown(min(total.lows)) if total.lows else None
        row[f"{measure.name}_max"] = measure.shown(max(total.highs)) if total.highs else None
    return row


def _samples(metric: Mapping[str, Any], summary: Mapping[str, Any], cells: Mapping[Key, Cell]) -> dict[Sample, float]:
    """The samples of one family: without labels of its own for every service, with labels for what there is."""
    names, own = ["window_start", "service", *summary["dimensions"]], metric.get("labels", [])
    labels = {"service": "service"} | (own if isinstance(own, dict) else {name: name for name in own})
    groups: dict[Key, list[Cell]] = {} if own else {(service,): [] for _, service, *_ in cells}
    for key, cell in cells.items():
        values = dict(zip(names, key, strict=True))
        kept = all(values[name] in _listed(allowed) for name, allowed in metric.get("where", {}).items())
        left_out = any(values[name] in _listed(refused) for name, refused in metric.get("unless", {}).items())
        if kept and not left_out:
            groups.setdefault(tuple(values[name] for name in labels.values()), []).append(cell)
    samples: dict[Sample, float] = {}
    for group, members in groups.items():
        labelled = dict(zip(labels, group, strict=True))
        if metric["type"] == "counter":
            value = _value(metric.get("value", "events"), summary["event"], members)
            samples[metric["name"], frozenset(labelled.items())] = value
        elif metric["type"] == "histogram":
            samples |= _histogram(metric, summary["event"], labelled, members)
        else:
            raise NotImplementedError(metric)
    return samples


def _listed(values: Any) -> list[str]:
    return values if isinstance(values, list) else [values]


def _value(value: str, event: str, members: list[Cell]) -> float:
    if value == "events":
        return float(sum(cell.events for cell in members))
    name, _, what = value.rpartition("_")
    if what == "missing":
        return float(sum(cell.events - cell.totals[name].bins.total() for cell in members))
    if what != "sum":
        raise NotImplementedError(value)
    return float(Measure.of(event, name).shown(sum(cell.totals[name].sum for cell in members)))


def _histogram(
    metric: Mapping[str, Any], event: str, labelled: dict[str, str], members: list[Cell]
) -> dict[Sample, float]:
    measure, bounds = (
        Measure.of(event, metric["measure"]),
        [float(le) for le in CATALOGUE["buckets"][metric["buckets"]]],
    )
    if not set(bounds) <= set(map(float, measure.grid)):
        raise ValueError(f"{metric['name']}: a bound is not on the grid")
    totals = [cell.totals[measure.name] for cell in members]
    bins = sum((total.bins for total in totals), Bins())
    if metric.get("labels") and not bins:
        return {}
    name, samples = metric["name"], dict[Sample, float]()
    for bound in [*bounds, float("inf")]:
        cumulative = sum(number for le, number in bins.items() if le <= bound)
        samples[f"{name}_bucket", frozenset({**labelled, "le": str(bound)}.items())] = float(cumulative)
    samples[f"{name}_count", frozenset(labelled.items())] = float(bins.total())
    samples[f"{name}_sum", frozenset(labelled.items())] = float(measure.shown(sum(total.sum for total in totals)))
    return samples
