"""What the rows of one label set of an instrument make: its samples."""

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import fsum, inf, isnan
from operator import itemgetter

from ..decimals import NANOS
from ..names import plain_name, shown_as
from ..promtext import number
from .declarations import Instrument
from .rows import BOUND, Row

Sample = tuple[str, dict[str, str], float]
"""What is added to the family's name, labels, and the value."""

LIVE = {"livesum": "sum", "livemax": "max", "livemin": "min", "max": "max", "min": "min"}
OF_KINDS: Mapping[str, frozenset[str]] = {
    "counter": frozenset({"counter"}),
    "summary": frozenset({"summary", "histogram"}),
    "histogram": frozenset({"histogram", "summary", "bucket"}),
    "gauge": frozenset({"gauge"}),
    "info": frozenset({"info"}),
    "enum": frozenset({"enum"}),
}
"""Kinds of measurements that an instrument is made of."""


def samples_of(instrument: Instrument, rows: Sequence[Row], labels: dict[str, str]) -> Iterator[Sample]:
    """Of one label set."""
    for suffix, more, value in _MAKE[instrument.kind](instrument, rows):
        names = shown_as(more, labels) if instrument.kind == "info" else {name: name for name in more}
        yield suffix, labels | {names[name]: text for name, text in more.items() if name in names}, value


def _counter(_instrument: Instrument, rows: Sequence[Row]) -> Iterator[Sample]:
    yield "_total", {}, sum(row.nanos for row in rows) / NANOS


def _summary(_instrument: Instrument, rows: Sequence[Row]) -> Iterator[Sample]:
    yield "_count", {}, sum(row.events for row in rows)
    yield "_sum", {}, sum(row.nanos for row in rows) / NANOS


def _histogram(instrument: Instrument, rows: Sequence[Row]) -> Iterator[Sample]:
    counts = [0] * (len(instrument.buckets) + 1)
    for row in rows:
        for le, count in [(_bound(row), row.events)] if row.kind == "bucket" else row.bins:
            counts[bisect_left(instrument.buckets, le)] += count
    for bound, count in zip((*instrument.buckets, inf), accumulate(counts), strict=True):
        yield "_bucket", {BOUND: number(bound)}, count
    yield "_count", {}, sum(counts)
    if min(instrument.buckets, default=0) >= 0:  # else prometheus_client shows none: it may fall
        yield "_sum", {}, sum(row.nanos for row in rows) / NANOS


def _bound(row: Row) -> float:
    try:
        found = float(row.labels.get(BOUND, "inf"))
    except ValueError:
        return inf
    return inf if isnan(found) else found


def _gauge(_instrument: Instrument, rows: Sequence[Row]) -> Iterator[Sample]:
    told = [row for row in rows if row.value is not None]
    mode = max(((row.at, row.mode) for row in told), default=(0, ""))[1]
    values = _last([row for row in told if row.mode == mode])
    match LIVE.get(mode, mode):
        case "sum" if mode == "sum":
            yield "", {}, sum(row.nanos for row in rows if row.mode == mode) / NANOS
        case "sum":
            yield "", {}, fsum(values)
        case "max":
            yield "", {}, max(values)
        case "min":
            yield "", {}, min(values)
        case _ if told:
            yield "", {}, max((row.at, row.value) for row in told if row.mode == mode)[1] or 0
        case _ if not rows:
            yield "", {}, 0


def _last(told: Sequence[Row]) -> list[float]:
    """Of each process and label set what it told last: no label and an empty one are the same."""
    newest: dict[object, float] = {}
    for _, value, row in sorted(((row.at, row.value or 0.0, row) for row in told), key=itemgetter(0, 1)):
        newest[row.proc, frozenset((name, label) for name, label in row.labels.items() if label)] = value
    return [*newest.values()]


def _info(_instrument: Instrument, rows: Sequence[Row]) -> Iterator[Sample]:
    _, state = max(((row.at, row.state) for row in rows), default=(0, "{}"))
    try:
        pairs = json.loads(state)
    except ValueError:
        pairs = None
    found = pairs if isinstance(pairs, dict) else {}
    yield "_info", {plain_name(str(name), is_label=True): str(found[name]) for name in sorted(found, reverse=True)}, 1


def _enum(instrument: Instrument, rows: Sequence[Row]) -> Iterator[Sample]:
    _, current = max(((row.at, row.state) for row in rows), default=(0, "".join(instrument.states[:1])))
    for state in dict.fromkeys([*instrument.states, current]):
        yield "", {instrument.shown_name: state}, state == current


_MAKE: Mapping[str, Callable[[Instrument, Sequence[Row]], Iterator[Sample]]] = {
    "counter": _counter,
    "summary": _summary,
    "histogram": _histogram,
    "gauge": _gauge,
    "info": _info,
    "enum": _enum,
}
