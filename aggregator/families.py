"""A [[metric]] of a catalogue, checked against the summary that it is a view of."""

import re
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from logemit import grid

from .definitions import PROC, Metric, Summary
from .entries import Entry

OVER = ("sum", "max", "min", "last")
TYPES = ("counter", "gauge", "histogram")
_KEYS_OF = {"counter": {"value"}, "gauge": {"value", "over"}, "histogram": {"measure", "buckets"}}


def metric_of(entry: Entry, before: Iterable[Metric], summaries: Mapping[str, Summary], buckets: Any) -> Metric:
    """`buckets` is what stands under [buckets]. Raises ConfigError."""
    entry.allow("name type help summary labels value over measure buckets where unless")
    name, kind, help_text = entry.name, entry.table.get("type"), entry.table.get("help")
    if not re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,199}", name) or name.startswith("logemit_"):
        entry.fail("not a metric name: letters, digits, _ and :, not beginning with logemit_")
    taken = {sample for metric in before for sample in _sample_names(metric.name, metric.type)}
    if taken & _sample_names(name, str(kind)):
        entry.fail("this name is taken")
    summary = summaries.get(str(entry.table.get("summary", "")))
    if summary is None:
        entry.fail(f"no summary {entry.table.get('summary')!r}; there are {', '.join(summaries)}")
    if not isinstance(help_text, str) or not help_text:
        entry.fail("needs a help text")
    if kind not in TYPES:
        entry.fail(f'type is {kind!r}, expected "counter", "gauge" or "histogram"')
    _check_keys(entry, kind)
    value = over = measure = ""
    bounds: tuple[float, ...] = ()
    if kind == "counter":
        value = _sum(entry, name, summary)
    elif kind == "gauge":
        value = _level(entry, summary)
        over = _over(entry, summary, value)
    else:
        measure, bounds = _histogram(entry, summary, buckets)
    labels = _labels(entry, summary)
    chosen = entry.filter(summary.dimensions, "where", "unless")
    return Metric(name, kind, help_text, summary.name, labels, value, over, measure, bounds, chosen)  # type: ignore[arg-type]


def _check_keys(entry: Entry, kind: str) -> None:
    own = _KEYS_OF[kind]
    if extra := sorted(set(entry.table) & (set().union(*_KEYS_OF.values()) - own)):
        entry.fail(f"a {kind} has no {extra[0]}; it has {' and '.join(sorted(own, reverse=True))}")


def _sum(entry: Entry, name: str, summary: Summary) -> str:
    if not name.endswith("_total"):
        entry.fail("the name of a counter ends in _total")
    sums = [f"{measure.name}_sum" for measure in summary.measures]
    missing = [f"{measure.name}_missing" for measure in summary.binned]
    return _one_of(entry, "events", ["events", *sums, *missing])


def _level(entry: Entry, summary: Summary) -> str:
    of_processes = ["processes"] if summary.by_process else []
    return _one_of(entry, None, [*(f"{gauge}_last" for gauge in summary.gauges), "info", *of_processes])


def _one_of(entry: Entry, default: str | None, values: list[str]) -> str:
    value = entry.table.get("value", default)
    if value not in values:
        entry.fail(f"value is {value!r}, expected one of {', '.join(values)}")
    return str(value)


def _over(entry: Entry, summary: Summary, value: str) -> str:
    if value in ("info", "processes"):
        if "over" in entry.table:
            entry.fail(f"over is for a gauge's last values; there is nothing to combine in {value}")
        return ""
    over = entry.table.get("over", "sum" if summary.by_process else "last")
    if over not in OVER:
        entry.fail(f"over is {over!r}, expected one of {', '.join(OVER)}")
    return str(over)


def _histogram(entry: Entry, summary: Summary, buckets: Any) -> tuple[str, tuple[float, ...]]:
    measure = summary.measure(entry.table.get("measure", ""))
    if measure is None or not measure.bins:
        binned = ", ".join(measure.name for measure in summary.binned) or "none"
        entry.fail(f"measure is {entry.table.get('measure')!r}, expected one of the summary's bins: {binned}")
    given = entry.table.get("buckets")
    if isinstance(given, str):
        given = buckets.get(given) if isinstance(buckets, Mapping) else None
    if not isinstance(given, list) or not given or not all(_is_bound(bound) for bound in given):
        entry.fail("buckets must be a list of numbers or the name of one under [buckets]")
    bounds = tuple(float(bound) for bound in given)
    if list(bounds) != sorted(set(bounds)):
        entry.fail("buckets must ascend")
    if off := [bound for bound in bounds if bound not in set(grid.bounds(measure.unit))]:
        nearest = min(grid.bounds(measure.unit)[:-1], key=lambda bound: abs(bound - off[0]))
        entry.fail(f"bucket {off[0]:g} is not a bound of the grid; the nearest is {nearest:.12g}")
    return measure.name, bounds


def _is_bound(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) < 2**63 and isfinite(value)


def _labels(entry: Entry, summary: Summary) -> tuple[tuple[str, str], ...]:
    given = entry.table.get("labels", [])
    if not isinstance(given, list | dict) or not all(isinstance(v, str) for v in _texts(given)):
        entry.fail('labels must be a list of dimensions or a table such as { label = "dimension" }')
    pairs = list(given.items()) if isinstance(given, dict) else [(label, label) for label in given]
    for label, dimension in pairs:
        if dimension not in summary.dimensions:
            names = ", ".join(summary.dimensions)
            entry.fail(f"label {label!r} wants dimension {dimension!r}; {summary.name} has {names}")
        if dimension == PROC:
            entry.fail(f"label {label!r} wants {PROC!r}: processes come and go; a gauge combines those that live")
        if (
            not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,99}", label)
            or label.startswith("__")
            or (label in {"le", "quantile", "service"} or [each for each, _ in pairs].count(label) > 1)
        ):
            entry.fail(f"{label!r} cannot be a label")
    return tuple(pairs)


def _texts(given: list[Any] | dict[Any, Any]) -> list[Any]:
    return [*given, *given.values()] if isinstance(given, dict) else given


def _sample_names(name: str, kind: str) -> set[str]:
    """All names that a family takes in the exposition."""
    return {name, *(f"{name}_{suffix}" for suffix in ("bucket", "count", "sum") if kind == "histogram")}
