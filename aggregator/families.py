"""A [[metric]] of a catalogue, checked against the summary that it is a view of."""

import re
from bisect import bisect
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from logemit import grid

from .definitions import Measure, Metric, Summary
from .entries import Entry
from .labels import labels_of
from .origin import Path, suggestion

OVER = ("sum", "max", "min", "last")
TYPES = ("counter", "gauge", "histogram")
_KEYS_OF = {"counter": {"value"}, "gauge": {"value", "over"}, "histogram": {"measure", "buckets"}}
_SUFFIXES = {"histogram": ("bucket", "count", "sum"), "summary": ("count", "sum")}


def metric_of(entry: Entry, before: Iterable[Metric], summaries: Mapping[str, Summary], buckets: Any) -> Metric | None:
    """What can be read of it; None without a type or a summary. What does not hold is noted.

    `buckets` is what stands under [buckets]. Raises ConfigError where it has no name.
    """
    entry.allow("name type help summary labels value over measure buckets where unless")
    name, kind, help_text = entry.name, entry.table.get("type"), entry.table.get("help")
    _check_name(entry, name, str(kind), before)
    summary = summaries.get(str(entry.table.get("summary", "")))
    if summary is None:
        wanted = entry.table.get("summary")
        there = f"there are {', '.join(summaries)}{suggestion(wanted, summaries)}"
        entry.note(f"no summary {wanted!r}; {there}", "summary")
    if not isinstance(help_text, str) or not help_text:
        entry.note("needs a help text", "help")
    if kind not in TYPES:
        entry.note(f'type is {kind!r}, expected "counter", "gauge" or "histogram"', "type")
    if summary is None or kind not in TYPES:
        return None
    _check_keys(entry, kind)
    value = over = measure = ""
    bounds: tuple[float, ...] = ()
    if kind == "counter":
        value = _sum(entry, summary)
    elif kind == "gauge":
        value = _level(entry, summary)
        over = _over(entry, summary, value)
    else:
        measure, bounds = _histogram(entry, summary, buckets)
    labels = labels_of(entry, summary)
    chosen = entry.filter(summary.dimensions, "where", "unless")
    return Metric(name, kind, str(help_text), summary.name, labels, value, over, measure, bounds, chosen)  # type: ignore[arg-type]


def _check_name(entry: Entry, name: str, kind: str, before: Iterable[Metric]) -> None:
    if not re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,199}", name) or name.startswith("logemit_"):
        entry.note("not a metric name: letters, digits, _ and :, not beginning with logemit_", "name")
    taken = {sample for metric in before for sample in sample_names(metric.name, metric.type)}
    if taken & sample_names(name, kind):
        entry.note("this name is taken", "name")
    elif kind == "counter" and not name.endswith("_total"):
        entry.note("the name of a counter ends in _total", "name")


def _check_keys(entry: Entry, kind: str) -> None:
    own = _KEYS_OF[kind]
    for key in sorted(set(entry.table) & (set().union(*_KEYS_OF.values()) - own)):
        entry.note(f"a {kind} has no {key}; it has {' and '.join(sorted(own, reverse=True))}", key)


def _sum(entry: Entry, summary: Summary) -> str:
    sums = [f"{measure.name}_sum" for measure in summary.measures if measure.unit != "value"]  # which may fall
    missing = [f"{measure.name}_missing" for measure in summary.binned]
    return _one_of(entry, "value", "events", ["events", *sums, *missing])


def _level(entry: Entry, summary: Summary) -> str:
    of_processes = ["processes"] if summary.by_process else []
    return _one_of(entry, "value", None, [*(f"{gauge}_last" for gauge in summary.gauges), "info", *of_processes])


def _over(entry: Entry, summary: Summary, value: str) -> str:
    if value not in ("info", "processes"):
        return _one_of(entry, "over", "sum" if summary.by_process else "last", OVER)
    if "over" in entry.table:
        entry.note(f"over is for a gauge's last values; there is nothing to combine in {value}", "over")
    return ""


def _one_of(entry: Entry, key: str, default: str | None, known: Collection[str]) -> str:
    value = entry.table.get(key, default)
    if value not in known:
        entry.note(f"{key} is {value!r}, expected one of {', '.join(known)}{suggestion(value, known)}", key)
    return str(value)


def _histogram(entry: Entry, summary: Summary, buckets: Any) -> tuple[str, tuple[float, ...]]:
    wanted = entry.table.get("measure")
    measure = summary.measure(str(wanted))
    if measure is None or not measure.bins:
        names = [each.name for each in summary.binned]
        known = f"expected one of the summary's bins: {', '.join(names) or 'none'}{suggestion(wanted, names)}"
        entry.note(f"measure is {wanted!r}, {known}", "measure")
        return "", ()
    return measure.name, _bounds(entry, measure, buckets)


def _bounds(entry: Entry, measure: Measure, buckets: Any) -> tuple[float, ...]:
    given, near = entry.table.get("buckets"), ""
    place: Path = entry.at("buckets")
    if isinstance(given, str):
        lists = buckets if isinstance(buckets, Mapping) else {}
        place, near = ("buckets", given), suggestion(given, lists)
        given = lists.get(given)
    if not isinstance(given, list) or not given or not all(_is_bound(bound) for bound in given):
        entry.note(f"buckets must be a list of numbers or the name of one under [buckets]{near}", "buckets")
        return ()
    bounds = tuple(float(bound) for bound in given)
    if list(bounds) != sorted(set(bounds)):
        entry.note("buckets must ascend", "buckets")
    on_grid = grid.bounds(measure.unit)[:-1]
    for number, bound in enumerate(bounds):
        if bound not in on_grid:
            message = f"bucket {bound:.12g} is not a bound of the grid; the nearest {_around(bound, on_grid)}"
            entry.origin.note(entry.told(message), (*place, number))
    return bounds


def _around(bound: float, on_grid: Sequence[float]) -> str:
    above = bisect(on_grid, bound)
    near = [f"{each:.12g}" for each in on_grid[max(0, above - 1) : above + 1]]
    return f"{'are' if len(near) > 1 else 'is'} {' and '.join(near)}"


def _is_bound(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) < 2**63 and isfinite(value)


def sample_names(name: str, kind: str) -> set[str]:
    """All names that a family takes in the exposition."""
    return {name, *(f"{name}_{suffix}" for suffix in _SUFFIXES.get(kind, ()))}
