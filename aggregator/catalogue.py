"""The catalogue's file format, and the check that every reference in it holds.

The shipped summaries and metrics stand in catalogue.toml; a user's logemit.toml adds more in the same words.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from math import isfinite
from typing import Any, NoReturn

from logemit import grid
from logemit.vocabulary import BY_NAME, Event, Field

from .definitions import Catalogue, Filter, Measure, Metric, Summary
from .errors import ConfigError

Row = Mapping[str, Any]
_DERIVED = ("sum", "min", "max", "low", "high", "bins", "le", "n")
UNITS = ("seconds", "bytes", "count")
RESERVED_COLUMNS = frozenset(
    "window_start window_seconds window_end service events date proc seq timestamp count measure le n row".split()
)


@cache
def shipped() -> Catalogue:
    """The catalogue that comes with logemit."""
    text = files(__package__).joinpath("catalogue.toml").read_text("utf-8")
    return extend(Catalogue(), tomllib.loads(text), "catalogue.toml")


def extend(base: Catalogue, document: Row, origin: str) -> Catalogue:
    """`base` with the [[summary]], [[metric]] and [buckets] of a parsed TOML document.

    Raises ConfigError naming `origin` and the entry for the first thing that does not hold.
    """
    reader = _Reader(base, origin, document.get("buckets", {}))
    for kind, add in (("summary", reader.add_summary), ("metric", reader.add_metric)):
        entries = document.get(kind, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise ConfigError(f"{origin}: {kind} must be a list of tables; write [[{kind}]]")
        for entry in entries:
            add(entry)
    return Catalogue(tuple(reader.summaries.values()), tuple(reader.metrics.values()))


class _Reader:
    def __init__(self, base: Catalogue, origin: str, buckets: Any) -> None:
        self.summaries = {summary.name: summary for summary in base.summaries}
        self.metrics = {metric.name: metric for metric in base.metrics}
        self._origin = origin
        self._buckets = buckets
        self._where = origin

    def _fail(self, message: str) -> NoReturn:
        raise ConfigError(f"{self._where}: {message}")

    def _begin(self, kind: str, entry: Row, known: frozenset[str]) -> str:
        name = entry.get("name")
        self._where = f"{self._origin}: [[{kind}]] {name or '?'}"
        if not isinstance(name, str) or not name:
            self._fail("needs a name")
        if extra := sorted(set(entry) - known):
            self._fail(f"unknown key {extra[0]!r}; known are {', '.join(sorted(known))}")
        return name

    def add_summary(self, entry: Row) -> None:
        known = frozenset({"name", "event", "partition", "dimensions", "measures", "bins", "errors", "errors_unless"})
        name = self._begin("summary", entry, known)
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", name) or name.endswith("_bins"):
            self._fail("a summary's name is a folder's: lower-case letters, digits and _, not ending in _bins")
        if name in self.summaries:
            self._fail("this name is taken")
        event = entry.get("event")
        if not isinstance(event, str) or not event:
            self._fail('needs an event, e.g. event = "alert_created"')
        partition = entry.get("partition", "day")
        if partition not in ("hour", "day"):
            self._fail(f'partition is {partition!r}, expected "hour" or "day"')
        dimensions = self._names(entry, "dimensions")
        bins = self._names(entry, "bins")
        measures = tuple(self._measure(event, item, bins) for item in self._list(entry, "measures"))
        columns = [*dimensions, *(measure.name for measure in measures)]
        for column in columns:
            if (
                column in RESERVED_COLUMNS
                or columns.count(column) > 1
                or not re.fullmatch(r"[A-Za-z_]\w{0,99}", column)
            ):
                self._fail(f"{column!r} cannot be a column: taken, repeated or not a plain name")
        for dimension in dimensions:
            self._check_dimension_of_event(event, dimension)
        self._check_columns_of_event(event, dimensions, measures)
        if missing := sorted(set(bins) - {measure.name for measure in measures}):
            self._fail(f"bins names {missing[0]!r}, which is not among the measures")
        errors = self._filter(entry, dimensions, "errors", "errors_unless")
        has_errors = bool(errors.where or errors.unless)
        self.summaries[name] = Summary(name, event, partition, dimensions, measures, errors if has_errors else None)

    def _check_columns_of_event(self, event: str, dimensions: tuple[str, ...], measures: tuple[Measure, ...]) -> None:
        """All summaries of an event are made of the same columns: a name means one thing in all of them."""
        others = [summary for summary in self.summaries.values() if summary.event == event]
        units = {measure.name: measure.unit for summary in others for measure in summary.measures}
        for measure in measures:
            if units.setdefault(measure.name, measure.unit) != measure.unit:
                self._fail(f"{measure.name!r} of {event} is in {units[measure.name]} in another summary")
        derived = {f"{name}_{suffix}" for name in units for suffix in _DERIVED} | set(units)
        named = {*dimensions, *(dimension for summary in others for dimension in summary.dimensions)}
        if clash := sorted(named & derived):
            self._fail(f"{clash[0]!r} is a dimension of {event} and a column of a measure")

    def _list(self, entry: Row, key: str) -> list[Any]:
        given = entry.get(key, [])
        if not isinstance(given, list):
            self._fail(f"{key} must be a list")
        return given

    def _names(self, entry: Row, key: str) -> tuple[str, ...]:
        names = entry.get(key, [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self._fail(f"{key} must be a list of names")
        return tuple(names)

    def _measure(self, event: str, item: Any, bins: tuple[str, ...]) -> Measure:
        given = {"name": item} if isinstance(item, str) else item
        if not isinstance(given, dict) or not isinstance(given.get("name"), str) or set(given) - {"name", "unit"}:
            self._fail(f'{item!r} is not a measure; write "name" or {{ name = "…", unit = "seconds" }}')
        name = given["name"]
        field = self._field(event, name)
        unit: Any = given.get("unit") or (field.unit if field else None)
        if unit not in UNITS:
            self._fail(f"measure {name!r} has unit {unit!r}; give one of {', '.join(UNITS)}")
        if field and (field.dimension or field.unit != unit):
            self._fail(f"measure {name!r} is not a number of {event} in {unit}")
        if name in bins and event in BY_NAME and not _can_bin(BY_NAME[event], name):
            self._fail(f"{event} is folded and brings no bins of {name!r}")
        return Measure(name, unit, name in bins)

    def _field(self, event: str, name: str) -> Field | None:
        if event not in BY_NAME:
            return None
        field = BY_NAME[event].field(name)
        if field is None:
            names = ", ".join(field.name for field in BY_NAME[event].fields)
            self._fail(f"{event} has no field {name!r}; it has {names}")
        return field

    def _check_dimension_of_event(self, event: str, dimension: str) -> None:
        field = self._field(event, dimension)
        if field and not field.dimension:
            self._fail(f"{dimension!r} of {event} is not a dimension")

    def _filter(self, entry: Row, dimensions: tuple[str, ...], where: str, unless: str) -> Filter:
        return Filter(self._conditions(entry, dimensions, where), self._conditions(entry, dimensions, unless))

    def _conditions(self, entry: Row, dimensions: tuple[str, ...], key: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        given = entry.get(key, {})
        if not isinstance(given, dict):
            self._fail(f'{key} must be a table such as {{ status = "error" }}')
        conditions = []
        for dimension, values in given.items():
            if dimension not in dimensions:
                self._fail(f"{key} names {dimension!r}, which is not a dimension of the summary")
            listed = values if isinstance(values, list) else [values]
            if not all(isinstance(value, str) for value in listed):
                self._fail(f"{key}.{dimension} must be text or a list of texts")
            conditions.append((dimension, tuple(listed)))
        return tuple(conditions)

    def add_metric(self, entry: Row) -> None:
        known = frozenset(
            {"name", "type", "help", "summary", "labels", "value", "measure", "buckets", "where", "unless"}
        )
        name = self._begin("metric", entry, known)
        if not re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,199}", name) or name.startswith("logemit_"):
            self._fail("not a metric name: letters, digits, _ and :, not beginning with logemit_")
        taken = {sample for metric in self.metrics.values() for sample in _sample_names(metric.name, metric.type)}
        if taken & _sample_names(name, str(entry.get("type"))):
            self._fail("this name is taken")
        summary = self.summaries.get(str(entry.get("summary", "")))
        if summary is None:
            self._fail(f"no summary {entry.get('summary')!r}; there are {', '.join(self.summaries)}")
        kind, help_text = entry.get("type"), entry.get("help")
        if not isinstance(help_text, str) or not help_text:
            self._fail("needs a help text")
        value = measure = ""
        buckets: tuple[float, ...] = ()
        if kind == "counter":
            value = self._value(entry, name, summary)
        elif kind == "histogram":
            measure, buckets = self._histogram(entry, summary)
        else:
            self._fail(f'type is {kind!r}, expected "counter" or "histogram"')
        labels = self._labels(entry, summary)
        chosen = self._filter(entry, summary.dimensions, "where", "unless")
        self.metrics[name] = Metric(name, kind, help_text, summary.name, labels, value, measure, buckets, chosen)

    def _value(self, entry: Row, name: str, summary: Summary) -> str:
        if not name.endswith("_total"):
            self._fail("the name of a counter ends in _total")
        if extra := {"measure", "buckets"} & set(entry):
            self._fail(f"a counter has no {sorted(extra)[0]}; it has a value")
        value = entry.get("value", "events")
        sums = [f"{measure.name}_sum" for measure in summary.measures]
        missing = [f"{measure.name}_missing" for measure in summary.binned]
        if value not in ["events", *sums, *missing]:
            self._fail(f"value is {value!r}, expected one of events, {', '.join([*sums, *missing])}")
        return str(value)

    def _histogram(self, entry: Row, summary: Summary) -> tuple[str, tuple[float, ...]]:
        if "value" in entry:
            self._fail("a histogram has no value; it has a measure and buckets")
        measure = summary.measure(entry.get("measure", ""))
        if measure is None or not measure.bins:
            binned = ", ".join(measure.name for measure in summary.binned) or "none"
            self._fail(f"measure is {entry.get('measure')!r}, expected one of the summary's bins: {binned}")
        given = entry.get("buckets")
        if isinstance(given, str):
            given = self._buckets.get(given) if isinstance(self._buckets, Mapping) else None
        if not isinstance(given, list) or not given or not all(_is_bound(bound) for bound in given):
            self._fail("buckets must be a list of numbers or the name of one under [buckets]")
        bounds = tuple(float(bound) for bound in given)
        if list(bounds) != sorted(set(bounds)):
            self._fail("buckets must ascend")
        if off := [bound for bound in bounds if bound not in set(grid.bounds(measure.unit))]:
            nearest = min(grid.bounds(measure.unit)[:-1], key=lambda bound: abs(bound - off[0]))
            self._fail(f"bucket {off[0]:g} is not a bound of the grid; the nearest is {nearest:.12g}")
        return measure.name, bounds

    def _labels(self, entry: Row, summary: Summary) -> tuple[tuple[str, str], ...]:
        given = entry.get("labels", [])
        if not isinstance(given, list | dict) or not all(isinstance(v, str) for v in _texts(given)):
            self._fail('labels must be a list of dimensions or a table such as { label = "dimension" }')
        pairs = list(given.items()) if isinstance(given, dict) else [(label, label) for label in given]
        for label, dimension in pairs:
            if dimension not in summary.dimensions:
                names = ", ".join(summary.dimensions)
                self._fail(f"label {label!r} wants dimension {dimension!r}; {summary.name} has {names}")
            if (
                not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,99}", label)
                or label.startswith("__")
                or (label in {"le", "quantile", "service"} or [each for each, _ in pairs].count(label) > 1)
            ):
                self._fail(f"{label!r} cannot be a label")
        return tuple(pairs)


def _is_bound(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) < 2**63 and isfinite(value)


def _texts(given: list[Any] | dict[Any, Any]) -> list[Any]:
    return [*given, *given.values()] if isinstance(given, dict) else given


def _sample_names(name: str, kind: str) -> set[str]:
    """All names that a family takes in the exposition."""
    return {name, *(f"{name}_{suffix}" for suffix in ("bucket", "count", "sum") if kind == "histogram")}


def _can_bin(event: Event, measure: str) -> bool:
    """A folded event carries the bins of its duration, and of nothing else."""
    folded = event.field("count") is not None
    return not folded or (measure == "duration_seconds" and event.field("bins") is not None)
