"""A second, slow and obvious account of a log, to hold the aggregator's against.

Written from the specification alone, event by event, with integers and decimals; of the project it takes only the two
pages of data that say what exists: the vocabulary and the catalogue. Whatever a sound log cannot hold raises.
"""

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

from tests.recount_instruments import LIFETIME, Family, Sample, families, moment_of
from tests.recount_measures import CATALOGUE, INFINITY, Bins, Measure, Total, count_of, measures_of

MARK = b'{"logemit":'

Key: TypeAlias = tuple[Any, ...]  # window_start, service, then the values of the summary's dimensions
Part: TypeAlias = tuple[str, dict[str, str], float]  # what a sample adds to its family's name and labels, its value


@dataclass(slots=True)
class Recount:
    """What the outputs must hold, to the last bit; `rows` and `bins` by summary."""

    rows: dict[str, dict[Key, dict[str, Any]]]
    bins: dict[str, dict[tuple[Key, str], dict[float, int]]]
    samples: dict[Sample, float]
    instruments: list[Family]
    read: int
    foreign: int
    lines_of: Counter[str]
    missing: int


def recount(paths: Iterable[Path]) -> Recount:
    """Count what stands in log files, plain or .gz."""
    records = [record for path in paths for record in _records(path)]
    events = [json.loads(record, parse_float=Decimal) for record in records if record.startswith(MARK)]
    lines_of = Counter(event["event"] for event in events)
    made = families(events, _taken())
    result = Recount({}, {}, {}, made, len(records), len(records) - len(events), lines_of, _missing(events))
    for summary in CATALOGUE["summary"]:
        name, cells = summary["name"], _cells(summary, events)
        result.rows[name] = {key: _row(summary, key, cell) for key, cell in cells.items()}
        result.bins[name] = {
            (key, m): dict(cells[key].totals[m].bins) for key in cells for m in summary.get("bins", [])
        }
        for metric in CATALOGUE["metric"]:
            if metric["summary"] == name:
                result.samples |= _samples(metric, summary, cells)
    for family in made:
        result.samples |= family.samples
    return result


def _taken() -> set[str]:
    """The names that the catalogue's families and their samples have."""
    ends = {"histogram": ["", "_bucket", "_count", "_sum"]}
    return {metric["name"] + end for metric in CATALOGUE["metric"] for end in ends.get(metric["type"], [""])}


def _records(path: Path) -> Iterator[bytes]:
    """The lines of a file, each without the foreign text that lost its newline before an event."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    if not text.endswith(b"\n"):
        raise ValueError(f"{path}: the last line has no end")
    for line in text[:-1].split(b"\n"):
        if line.count(MARK) > 1 or rb"{\"logemit\":" in line:
            raise ValueError(f"{path}: {line!r}")
        before, mark, after = line.partition(MARK)
        yield mark + after or before


def _missing(events: Iterable[Mapping[str, Any]]) -> int:
    """Holes in what the processes numbered; a repeated number raises."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for event in events:
        numbers[event["proc"]].append(event["seq"])
    if any(len(set(seen)) != len(seen) for seen in numbers.values()):
        raise ValueError("a process used a number twice")
    return sum(max(seen) + 1 - len(seen) for seen in numbers.values())


@dataclass(slots=True)
class Cell:
    events: int = 0
    totals: dict[str, Total] = field(default_factory=lambda: defaultdict(Total))
    moments: list[datetime] = field(default_factory=list)
    told: dict[str, list[tuple[datetime, float]]] = field(default_factory=lambda: defaultdict(list))
    """Every value of each gauge, and when."""


def _cells(summary: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> dict[Key, Cell]:
    cells: dict[Key, Cell] = defaultdict(Cell)
    for event in (event for event in events if event["event"] == summary["event"]):
        read = {
            name: _text(event.get(name)) for key in ("dimensions", "where", "unless") for name in summary.get(key, [])
        }
        if not _is_chosen(summary, read):
            continue
        moment = moment_of(event)
        dimensions = (read[name] for name in summary.get("dimensions", []))
        cell = cells[moment.replace(second=0, microsecond=0), event["service"], *dimensions]
        cell.events += count_of(event)
        for name in measures_of(summary):
            cell.totals[name].take(event, Measure(summary["event"], name))
        cell.moments.append(moment)
        for name in summary.get("gauges", []):
            if event.get(name) is not None:
                cell.told[name].append((moment, float(event[name]) or 0.0))  # -0.0 is 0
    return dict(cells)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if not isinstance(value, str | int | None):
        raise ValueError(f"{value!r} is no value of a dimension")
    return "" if value is None else str(value)


def _row(summary: Mapping[str, Any], key: Key, cell: Cell) -> dict[str, Any]:
    row = dict(zip(["window_start", "service", *summary.get("dimensions", [])], key, strict=True))
    row |= {"window_seconds": 60, "events": cell.events}
    for name in measures_of(summary):
        row |= cell.totals[name].row(Measure(summary["event"], name))
    for name in summary.get("gauges", []):
        row[f"{name}_last_at"], row[f"{name}_last"] = max(cell.told[name], default=(None, None))
    return row | ({"last_at": max(cell.moments)} if "proc" in summary.get("dimensions", []) else {})


def _samples(metric: Mapping[str, Any], summary: Mapping[str, Any], cells: Mapping[Key, Cell]) -> dict[Sample, float]:
    """The samples of one family: without labels of its own for every service, with labels for what there is."""
    event, labels = summary["event"], _labels(metric)
    groups: dict[Key, list[tuple[Key, Cell]]] = {}
    if not metric.get("labels") and metric["type"] != "gauge":
        groups = {(service,): [] for _, service, *_ in cells}
    for key, cell in _alive(summary, cells).items() if metric["type"] == "gauge" else cells.items():
        values = _values(summary, key)
        if _is_chosen(metric, values):
            groups.setdefault(tuple(values[name] for name in labels.values()), []).append((key, cell))
    samples: dict[Sample, float] = {}
    for group, members in groups.items():
        if metric["type"] == "gauge":
            parts = _gauge(metric, summary, members)
        else:
            make = {"counter": _counter, "histogram": _histogram}[metric["type"]]
            parts = make(metric, event, [cell for _, cell in members])
        for suffix, extra, value in parts:
            labelled = dict(zip(labels, group, strict=True)) | extra
            samples[metric["name"] + suffix, frozenset(labelled.items())] = float(value)
    return samples


def _labels(metric: Mapping[str, Any]) -> dict[str, str]:
    own = metric.get("labels", [])
    return {"service": "service"} | (own if isinstance(own, dict) else {name: name for name in own})


def _values(summary: Mapping[str, Any], key: Key) -> dict[str, Any]:
    return dict(zip(["window_start", "service", *summary.get("dimensions", [])], key, strict=True))


def _is_chosen(metric: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    kept = all(values[name] in _listed(allowed) for name, allowed in metric.get("where", {}).items())
    left_out = any(values[name] in _listed(refused) for name, refused in metric.get("unless", {}).items())
    return kept and not left_out


def _listed(values: Any) -> list[str]:
    return values if isinstance(values, list) else [values]


def _alive(summary: Mapping[str, Any], cells: Mapping[Key, Cell]) -> dict[Key, Cell]:
    """What gauges are made of: of processes, what was told in their lifetime; all there is, where none are told apart.

    The windows of a row are one, under None.
    """
    newest: dict[str, datetime] = {}
    for (_, service, *_), cell in cells.items():
        newest[service] = max([newest.get(service, min(cell.moments)), *cell.moments])
    rows: dict[Key, Cell] = defaultdict(Cell)
    for (_, service, *rest), cell in cells.items():
        row = rows[None, service, *rest]
        since = newest[service] - LIFETIME if "proc" in summary.get("dimensions", []) else min(cell.moments)
        row.moments += [moment for moment in cell.moments if moment >= since]
        for name, told in cell.told.items():
            row.told[name] += [(moment, value) for moment, value in told if moment >= since]
    return {key: row for key, row in rows.items() if row.moments}


def _gauge(metric: Mapping[str, Any], summary: Mapping[str, Any], rows: list[tuple[Key, Cell]]) -> Iterator[Part]:
    name, _, what = metric["value"].rpartition("_")
    if what == "info":
        yield "", {}, 1
    elif what == "processes":
        yield "", {}, len({_values(summary, key)["proc"] for key, _ in rows})
    elif what == "last":
        last = [max(row.told[name]) for _, row in rows if row.told[name]]
        over = metric.get("over", "sum" if "proc" in summary.get("dimensions", []) else "last")
        if last:
            yield "", {}, _combined(over, last)
    else:
        raise NotImplementedError(metric)


def _combined(over: str, last: list[tuple[datetime, float]]) -> float:
    values = sorted(value for _, value in last)
    return {"sum": float(sum(map(Fraction, values))), "max": values[-1], "min": values[0], "last": max(last)[1]}[over]


def _counter(metric: Mapping[str, Any], event: str, cells: list[Cell]) -> Iterator[Part]:
    name, _, what = metric.get("value", "events").rpartition("_")
    value: float = sum(cell.events for cell in cells)
    if what == "missing":
        value -= sum(cell.totals[name].bins.total() for cell in cells)
    elif what == "sum":
        value = Measure(event, name).shown(sum(cell.totals[name].sum for cell in cells))
    elif what != "events":
        raise NotImplementedError(metric)
    yield "", {}, value


def _histogram(metric: Mapping[str, Any], event: str, cells: list[Cell]) -> Iterator[Part]:
    measure = Measure(event, metric["measure"])
    totals = [cell.totals[measure.name] for cell in cells]
    bins = sum((total.bins for total in totals), Bins())
    if metric.get("labels") and not bins:
        return
    for bound in [*map(float, CATALOGUE["buckets"][metric["buckets"]]), INFINITY]:
        assert bound in {*map(float, measure.grid), INFINITY}
        yield "_bucket", {"le": str(bound)}, sum(number for le, number in bins.items() if le <= bound)
    yield "_count", {}, bins.total()
    yield "_sum", {}, measure.shown(sum(total.sum for total in totals))
