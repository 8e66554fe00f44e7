"""A [[summary]] of a catalogue, checked against the vocabulary and the summaries before it."""

import re
from collections import Counter
from collections.abc import Collection
from typing import Any

from logemit.vocabulary import BY_NAME, Event, Field

from .definitions import PROC, Measure, Summary
from .entries import Entry
from .origin import suggestion

UNITS = ("seconds", "bytes", "count", "amount", "value")
RESERVED_COLUMNS = frozenset(
    "window_start window_seconds window_end service events last_at date proc seq timestamp count measure le n "
    "row".split()
)
_OF_MEASURES = ("", "_sum", "_min", "_max", "_low", "_high", "_bins", "_le", "_n")
_OF_GAUGES = ("_last", "_last_at")


def summary_of(entry: Entry, before: Collection[Summary]) -> Summary:
    """What can be read of it; what does not hold is noted. Raises ConfigError where it has no name."""
    entry.allow("name event partition dimensions measures bins gauges errors errors_unless where unless")
    name = entry.name
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", name) or name.endswith("_bins"):
        entry.note("a summary's name is a folder's: lower-case letters, digits and _, not ending in _bins", "name")
    if name in {summary.name for summary in before}:
        entry.note("this name is taken", "name")
    event = entry.table.get("event")
    if not isinstance(event, str) or not event:
        entry.note('needs an event, e.g. event = "alert_created"', "event")
        event = ""
    partition = entry.table.get("partition", "day")
    if partition not in ("hour", "day"):
        entry.note(f'partition is {partition!r}, expected "hour" or "day"', "partition")
    dimensions, bins, gauges = (entry.names(key) for key in ("dimensions", "bins", "gauges"))
    measures = _measures(entry, event, bins)
    with entry.noting():
        _check_columns(entry, dimensions, [measure.name for measure in measures], gauges)
    _check_fields(entry, event, dimensions, gauges)
    errors = entry.filter(dimensions, "errors", "errors_unless")
    has_errors = bool(errors.where or errors.unless)
    taken = entry.filter(dimensions, "where", "unless")
    summary = Summary(name, event, partition, dimensions, measures, gauges, errors if has_errors else None, taken)
    with entry.noting():
        _check_event(entry, summary, [other for other in before if other.event == event])
    return summary


def _measures(entry: Entry, event: str, bins: tuple[str, ...]) -> tuple[Measure, ...]:
    found: list[Measure] = []
    for number, item in enumerate(entry.listed("measures")):
        with entry.noting():
            found.append(_measure(entry, event, item, bins, number))
    names = [measure.name for measure in found]
    for name in bins:
        if name not in names and len(found) == len(entry.listed("measures")):
            entry.note(f"bins names {name!r}, which is not among the measures{suggestion(name, names)}", "bins")
    return tuple(found)


def _measure(entry: Entry, event: str, item: Any, bins: tuple[str, ...], number: int) -> Measure:
    """Raises ConfigError."""
    place = "measures", number
    given = {"name": item} if isinstance(item, str) else item
    if not isinstance(given, dict) or not isinstance(given.get("name"), str) or set(given) - {"name", "unit"}:
        entry.fail(f'{item!r} is not a measure; write "name" or {{ name = "…", unit = "seconds" }}', *place)
    name = given["name"]
    field = _field(entry, event, name, *place)
    own = field.unit or ("value" if field.type == "number" else "") if field else None
    unit: Any = given.get("unit") or own
    if unit not in UNITS:
        entry.fail(f"measure {name!r} has unit {unit!r}; give one of {', '.join(UNITS)}", *place)
    if field and (field.dimension or own != unit):
        entry.fail(f"measure {name!r} is not a number of {event} in {unit}", *place)
    if name in bins and event in BY_NAME and not _can_bin(BY_NAME[event], name):
        entry.fail(f"{event} is folded and brings no bins of {name!r}", *place)
    return Measure(name, unit, name in bins)


def _field(entry: Entry, event: str, name: str, *place: str | int) -> Field | None:
    """None of an event that the vocabulary does not have. Raises ConfigError."""
    if event not in BY_NAME:
        return None
    field = BY_NAME[event].field(name)
    if field is None:
        names = [field.name for field in BY_NAME[event].fields]
        entry.fail(f"{event} has no field {name!r}; it has {', '.join(names)}{suggestion(name, names)}", *place)
    return field


def _check_columns(entry: Entry, dimensions: tuple[str, ...], measures: list[str], gauges: tuple[str, ...]) -> None:
    columns = [*(name for name in dimensions if name != PROC), *measures]
    repeated = [name for names in (columns, dimensions, gauges) for name in names if names.count(name) > 1]
    named = [*columns, *gauges]
    odd = [name for name in named if not re.fullmatch(r"[A-Za-z_]\w{0,99}", name)]
    if wrong := [*repeated, *odd, *(name for name in columns if name in RESERVED_COLUMNS)]:
        entry.fail(f"{wrong[0]!r} cannot be a column: taken, repeated or not a plain name", *_place_of(entry, wrong[0]))


def _place_of(entry: Entry, name: str) -> tuple[str | int, ...]:
    """Where a column is named for the last time."""
    for key in ("gauges", "measures", "dimensions"):
        listed = entry.listed(key)
        for number in reversed(range(len(listed))):
            if name in (listed[number], isinstance(listed[number], dict) and listed[number].get("name")):
                return key, number
    return ()


def _check_fields(entry: Entry, event: str, dimensions: tuple[str, ...], gauges: tuple[str, ...]) -> None:
    for number, dimension in enumerate(dimensions):
        with entry.noting():
            field = _field(entry, event, dimension, "dimensions", number) if dimension != PROC else None
            if field and not (field.dimension or field.type == "object"):
                entry.fail(f"{dimension!r} of {event} is not a dimension", "dimensions", number)
    for number, gauge in enumerate(gauges):
        with entry.noting():
            field = _field(entry, event, gauge, "gauges", number)
            if field and (field.dimension or field.type not in ("integer", "number")):
                entry.fail(f"gauge {gauge!r} is not a number of {event}", "gauges", number)


def _check_event(entry: Entry, summary: Summary, others: list[Summary]) -> None:
    """All summaries of an event are made of the same columns: a name means one thing in all of them."""
    units = {measure.name: measure.unit for other in others for measure in other.measures}
    for measure in summary.measures:
        if units.setdefault(measure.name, measure.unit) != measure.unit:
            what = f"{measure.name!r} of {summary.event} is in {units[measure.name]} in another summary"
            entry.fail(what, *_place_of(entry, measure.name))
    all_of = [summary, *others]
    dimensions = {name for each in all_of for name in each.dimensions}
    gauges = {name for each in all_of for name in each.gauges}
    derived = Counter(f"{name}{suffix}" for name in units for suffix in _OF_MEASURES)
    derived += Counter(f"{name}{suffix}" for name in gauges for suffix in _OF_GAUGES)
    if clash := sorted(dimensions & set(derived)):
        what = f"{clash[0]!r} is a dimension of {summary.event} and a column of a measure or gauge"
        entry.fail(what, *_place_of(entry, clash[0]))
    if twice := sorted(name for name, number in derived.items() if number > 1):
        what = f"{twice[0]!r} is a column of two measures or gauges of {summary.event}; rename one"
        entry.fail(what, *_place_of(entry, twice[0]))


def _can_bin(event: Event, measure: str) -> bool:
    """A folded event carries the bins of its duration, and of nothing else."""
    folded = event.field("count") is not None
    return not folded or (measure in ("duration_seconds", "value") and event.field("bins") is not None)
