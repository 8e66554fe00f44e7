"""The families that instruments make, counted from their lines: docs/decisions/0036-instruments.md."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, TypeAlias

from tests.recount_measures import INFINITY, Bins, Measure, folded_bins

LIFETIME = timedelta(minutes=15)  # a row of a process counts for as long before the newest of its service
LIVE = {"livesum": "sum", "livemax": "max", "max": "max", "livemin": "min", "min": "min", "livemostrecent": "last"}
BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]  # where none were declared
VALUE, STEP = Measure("measurement", "value"), Measure("measurement", "step")

Event: TypeAlias = Mapping[str, Any]
Sample: TypeAlias = tuple[str, frozenset[tuple[str, str]]]  # its name and labels
Key: TypeAlias = tuple[str, frozenset[tuple[str, str]]]  # service, labels that are not empty
Part: TypeAlias = tuple[str, dict[str, str], float]  # what a sample adds to its family's name and labels, its value


def moment_of(event: Event) -> datetime:
    return datetime.strptime(event["timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


@dataclass(slots=True)
class Instrument:
    """All that was told of one: its declaration (of each service the newest) and its measurements."""

    name: str
    declared: dict[str, Event] = field(default_factory=dict)
    told: list[Event] = field(default_factory=list)

    @property
    def declaration(self) -> Event:
        return self.declared[min(self.declared)] if self.declared else {}

    @property
    def kind(self) -> str:
        kinds = {event["kind"] for event in [*self.declared.values(), *self.told]}
        if len(kinds) > 1 and not kinds <= {"histogram", "summary", "bucket"}:
            raise NotImplementedError(f"{self.name}: {kinds}")
        return "histogram" if len(kinds) > 1 or kinds == {"bucket"} else kinds.pop()


@dataclass(frozen=True, slots=True)
class Family:
    name: str
    type: str
    help: str
    samples: dict[Sample, float]


def families(events: Iterable[Event], taken: Set[str]) -> list[Family]:
    """Of every instrument whose names are not taken."""
    instruments: dict[str, Instrument] = {}
    newest: dict[str, datetime] = {}  # of what a service told in live modes
    for event in sorted(events, key=moment_of):
        if event["event"] in {"instrument", "measurement"}:
            instrument = instruments.setdefault(event["name"], Instrument(event["name"]))
            if event["event"] == "instrument":
                instrument.declared[event["service"]] = event
            else:
                instrument.told.append(event)
                if event.get("mode") in LIVE:
                    newest[event["service"]] = moment_of(event)
    made = (_family(instrument, newest) for instrument in instruments.values())
    return [family for family in made if not taken & {family.name, *(name for name, _ in family.samples)}]


def _family(instrument: Instrument, newest: Mapping[str, datetime]) -> Family:
    kind, declaration, told = instrument.kind, instrument.declaration, instrument.told
    name = instrument.name + {"counter": "_total", "info": "_info"}.get(kind, "")
    if kind == "gauge":  # without what was told by processes that live no more
        told = [event for event in told if event.get("value") is not None]
        told = [e for e in told if e["mode"] not in LIVE or moment_of(e) >= newest[e["service"]] - LIFETIME]
    groups: dict[Key, list[Event]] = {}
    if kind not in {"info", "enum"}:
        without = (service for service, event in instrument.declared.items() if not event.get("label_names"))
        groups = {(service, frozenset()): [] for service in without}
    groups |= _by_labels(told)
    names = {label for event in told for label in _labels(event)}
    samples: dict[Sample, float] = {}
    for (service, labels), events in groups.items():
        outside = {_outside(label): value for label, value in (dict.fromkeys(names, "") | dict(labels)).items()}
        for suffix, more, value in _parts(instrument, events):
            pairs = {"service": service} | outside | more
            samples[name + suffix, frozenset(pairs.items())] = float(value)
    return Family(name, {"info": "gauge", "enum": "gauge"}.get(kind, kind), declaration.get("help") or "", samples)


def _by_labels(told: Iterable[Event]) -> dict[Key, list[Event]]:
    groups: dict[Key, list[Event]] = defaultdict(list)
    for event in told:
        labels = frozenset((name, value) for name, value in _labels(event).items() if value)
        groups[event["service"], labels].append(event)
    return dict(groups)


def _labels(event: Event) -> dict[str, str]:
    """Those of its instrument: a bucket has its bound beside them."""
    le = {"le"} if event["kind"] == "bucket" else set()
    return {name: value for name, value in (event.get("labels") or {}).items() if name not in le}


def _outside(label: str) -> str:
    """The service of a line has the label `service`."""
    return {"service": "exported_service"}.get(label, label)


def _parts(instrument: Instrument, told: list[Event]) -> Iterator[Part]:
    match instrument.kind:
        case "counter":
            yield "", {}, _sum(told)
        case "gauge":
            yield "", {}, _gauge(told)
        case "histogram":
            yield from _histogram(instrument, told)
        case "summary":
            yield "_count", {}, sum(event.get("count", 1) for event in told)
            yield "_sum", {}, _sum(told)
        case "info":
            pairs = json.loads(told[-1]["state"])
            yield "", {_outside(name): value for name, value in pairs.items()}, 1
        case "enum":
            states = json.loads(instrument.declaration.get("states") or "[]")
            for state in {*states, told[-1]["state"]}:  # what was told is shown, declared or not
                yield "", {instrument.name: state}, state == told[-1]["state"]


def _sum(told: Iterable[Event], measure: Measure = VALUE) -> float:
    values = (event.get(measure.name) for event in told)
    return measure.shown(sum(measure.units(value) for value in values if value is not None))


def _histogram(instrument: Instrument, told: list[Event]) -> Iterator[Part]:
    bins = Bins()
    for event in told:
        if event["kind"] == "histogram":
            bins += folded_bins(event, VALUE)
        elif event["kind"] == "bucket":
            bins[float(event["labels"]["le"])] += event.get("count", 1)
    declared = instrument.declaration.get("buckets")
    bounds = [*map(float, declared.split(","))] if declared else BUCKETS
    for bound in [*bounds, INFINITY]:
        yield "_bucket", {"le": str(float(bound))}, sum(number for le, number in bins.items() if le <= bound)
    yield "_count", {}, bins.total()
    if bounds[0] >= 0:  # else it may fall
        yield "_sum", {}, _sum(event for event in told if event["kind"] != "bucket")


def _gauge(told: list[Event]) -> float:
    if not told:
        return 0
    mode = told[-1]["mode"]  # the one told last holds
    told = [event for event in told if event["mode"] == mode]
    if mode == "sum":
        return _sum(told, STEP)
    if mode not in LIVE:
        return max(map(_told, told))[1]
    last: dict[str, tuple[datetime, float]] = {}
    for event in told:
        last[event["proc"]] = max(last.get(event["proc"], _told(event)), _told(event))
    return _combined(LIVE[mode], [*last.values()])


def _told(event: Event) -> tuple[datetime, float]:
    return moment_of(event), float(event["value"]) or 0.0  # -0.0 is 0


def _combined(over: str, last: list[tuple[datetime, float]]) -> float:
    values = sorted(value for _, value in last)
    return {"sum": float(sum(map(Fraction, values))), "max": values[-1], "min": values[0], "last": max(last)[1]}[over]
