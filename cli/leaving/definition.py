"""Lines of a logemit.toml that make a family of the catalogue under another name, or with other buckets."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any

from aggregator.definitions import Metric
from logemit import grid


def definition(metric: Metric, name: str, buckets: Sequence[float] = ()) -> str:
    """A [[metric]] of the same summary; `buckets` as they are, where there are any. How gauges join is the default."""
    entries: dict[str, Any] = {"name": name, "type": metric.type, "help": metric.help, "summary": metric.summary}
    if metric.type == "histogram":
        entries |= {"measure": metric.measure, "buckets": list(buckets or metric.buckets)}
    elif metric.value != "events":
        entries["value"] = metric.value
    if metric.labels:
        labels = dict(metric.labels)
        entries["labels"] = labels if any(label != column for label, column in labels.items()) else list(labels)
    entries |= {key: dict(pairs) for key, pairs in _filters(metric) if pairs}
    return "".join(["[[metric]]\n", *(f"{key} = {_toml(value)}\n" for key, value in entries.items())])


def _filters(metric: Metric) -> Iterable[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]]:
    return ("where", metric.filter.where), ("unless", metric.filter.unless)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return format(value, ".12g") if isinstance(value, float) else json.dumps(value)


def on_grid(buckets: Iterable[float]) -> list[float]:
    """Of each bound in seconds the nearest that a family may have."""
    there = grid.bounds("seconds")[:-1]
    found = set()
    for bound in buckets:
        place = bisect_left(there, bound)
        found.add(min(there[max(0, place - 1) : place + 1], key=lambda each: abs(each - bound)))
    return sorted(found)
