"""A [[summary]] of a catalogue, checked against the vocabulary and the summaries before it."""

import re
from collections import Counter
from collections.abc import Collection
from typing import Any

from logemit.vocabulary import BY_NAME, Event, Field

from .definitions import PROC, Measure, Summary
from .entries import Entry

UNITS = ("seconds", "bytes", "count")
RESERVED_COLUMNS = frozenset(
    "window_start window_seconds window_end service events last_at date proc seq timestamp count measure le n "
    "row".split()
)
_OF_MEASURES = ("", "_sum", "_min", "_max", "_low", "_high", "_bins", "_le", "_n")
_OF_GAUGES = ("_last", "_last_at")


def summary_of(entry: Entry, before: Collection[Summary]) -> Summary:
    """Raises ConfigError."""
    entry.allow("name event partition dimensions measures bins gauges errors errors_unless")
    name = entry.name
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", name) or name.endswith("_bins"):
        entry.fail("a summary's name is a folder's: lower-case letters, digits and _, not ending in _bins")
    if name in {summary.name for summary in before}:
        entry.fail("this name is taken")
    event = entry.table.get("event")
    if not isinstance(event, str) or not event:
        entry.fail('needs an event, e.g. event = "alert_created"')
    partition = entry.table.get("partition", "day")
    if partition not in ("hour", "day"):
        entry.fail(f'partition is {partition!r}, expected "hour" or "day"')
    dimensions, bins, gauges = (entry.names(key) for key in ("dimensions", "bins", "gauges"))
    measures = tuple(_measure(entry, event, item, bins) for item in entry.listed("measures"))
    _check_columns(entry, dimensions, [measure.name for measure in measures], gauges)
    _check_fields(entry, event, dimensions, gauges)
    if missing := sorted(set(bins) - {measure.name for measure in measures}):
        entry.fail(f"bins names {missing[0]!r}, which is not among the measures")
    errors = entry.filter(dimensions, "errors", "errors_unless")
    has_errors = bool(errors.where or errors.unless)
    summary = Summary(name, event, partition, dimensions, measures, gauges, errors if has_errors else None)
    _check_event(entry, summary, [other for other in before if other.event == event])
    return summary


def _measure(entry: Entry, event: str, item: Any, bins: tuple[str, ...]) -> Measure:
    given = {"name": item} if isinstance(item, str) else item
    if not isinstance(given, dict) or not isinstance(given.get("name"), str) or set(given) - {"name", "unit"}:
        entry.fail(f'{item!r} is not a measure; write "name" or {{ name = "…", unit = "seconds" }}')
    name = given["name"]
    field = _field(entry, event, name)
    unit: Any = given.get("unit") or (field.unit if field else None)
    if unit not in UNITS:
        entry.fail(f"measure {name!r} has unit {unit!r}; give one of {', '.join(UNITS)}")
    if field and (field.dimension or field.unit != unit):
        entry.fail(f"measure {name!r} is not a number of {event} in {unit}")
    if name in bins and event in BY_NAME and not _can_bin(BY_NAME[event], name):
        entry.fail(f"{event} is folded and brings no bins of {name!r}")
    return Measure(name, unit, name in bins)


def _field(entry: Entry, event: str, name: str) -> Field | None:
    if event not in BY_NAME:
        return None
    field = BY_NAME[event].field(name)
    if field is None:
        names = ", ".join(field.name for field in BY_NAME[event].fields)
        entry.fail(f"{event} has no field {name!r}; it has {names}")
    return field


def _check_columns(entry: Entry, dimensions: tuple[str, ...], measures: list[str], gauges: tuple[str, ...]) -> None:
    columns = [*(name for name in dimensions if name != PROC), *measures]
    repeated = [name for names in (columns, dimensions, gauges) for name in names if names.count(name) > 1]
    named = [*columns, *gauges]
    odd = [name for name in named if not re.fullmatch(r"[A-Za-z_]\w{0,99}", name)]
    if wrong := [*repeated, *odd, *(name for name in columns if name in RESERVED_COLUMNS)]:
        entry.fail(f"{wrong[0]!r} cannot be a column: taken, repeated or not a plain name")


def _check_fields(entry: Entry, event: str, dimensions: tuple[str, ...], gauges: tuple[str, ...]) -> None:
    for dimension in dimensions:
        field = _field(entry, event, dimension) if dimension != PROC else None
        if field and not field.dimension:
            entry.fail(f"{dimension!r} of {event} is not a dimension")
    for gauge in gauges:
        field = _field(entry, event, gauge)
        if field and (field.dimension or field.type not in ("integer", "number")):
            entry.fail(f"gauge {gauge!r} is not a number of {event}")


def _check_event(entry: Entry, summary: Summary, others: list[Summary]) -> None:
    """All summaries of an event are made of the same columns: a name means one thing in all of them."""
    units = {measure.name: measure.unit for other in others for measure in other.measures}
    for measure in summary.measures:
        if units.setdefault(measure.name, measure.unit) != measure.unit:
            entry.fail(f"{measure.name!r} of {summary.event} is in {units[measure.name]} in another summary")
    all_of = [summary, *others]
    dimensions = {name for each in all_of for name in each.dimensions}
    gauges = {name for each in all_of for name in each.gauges}
    derived = Counter(f"{name}{suffix}" for name in units for suffix in _OF_MEASURES)
    derived += Counter(f"{name}{suffix}" for name in gauges for suffix in _OF_GAUGES)
    if clash := sorted(dimensions & set(derived)):
        entry.fail(f"{clash[0]!r} is a dimension of {summary.event} and a column of a measure or gauge")
    if twice := sorted(name for name, number in derived.items() if number > 1):
        entry.fail(f"{twice[0]!r} is a column of two measures or gauges of {summary.event}; rename one")


def _can_bin(event: Event, measure: str) -> bool:
    """A folded event carries the bins of its duration, and of nothing else."""
    folded = event.field("count") is not None
    return not folded or (measure == "duration_seconds" and event.field("bins") is not None)
