"""What lines of instruments add up to, as Prometheus would show it: decision 0036 in a page of plain Python.

Processes all live here: which do is the batch side's to know.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from math import inf
from typing import Any

from .conftest import Samples

DEFAULT = "0.005,0.01,0.025,0.05,0.075,0.1,0.25,0.5,0.75,1,2.5,5,7.5,10"
Labels = frozenset[tuple[str, str]]


def added(events: Iterable[dict[str, Any]]) -> Samples:
    ordered = sorted(
        (event for event in events if event["event"] in {"instrument", "measurement"}),
        key=lambda event: event["timestamp"],
    )
    declared = {event["name"]: event for event in ordered if event["event"] == "instrument"}
    lines: dict[tuple[str, Labels], list[dict[str, Any]]] = defaultdict(list)
    for event in ordered:
        if event["event"] == "instrument":
            if "label_names" not in event:
                lines[event["name"], frozenset()] += []
        else:
            labels = dict(event.get("labels", {}))
            le = labels.pop("le", None) if event["kind"] == "bucket" else None
            lines[event["name"], frozenset(labels.items())].append({**event, "le": le})
    samples: Samples = {}
    for (name, of_child), found in lines.items():
        declaration = declared.get(name, {"kind": found[0]["kind"] if found else ""})
        for suffix, more, value in SHOWN[declaration["kind"]](found, declaration):
            samples[name + suffix, of_child | frozenset(more.items())] = float(value)
    return samples


Shown = Iterable[tuple[str, dict[str, str], Any]]


def number(found: Any) -> Decimal:
    """To 1e-9, from the text of the line."""
    return Decimal(str(found)).quantize(Decimal("1e-9"))


def total(lines: list[dict[str, Any]], field: str = "value") -> Decimal:
    return sum((number(line[field]) for line in lines if field in line), Decimal(0))


def counter(lines: list[dict[str, Any]], _declared: dict[str, Any]) -> Shown:
    yield "_total", {}, total(lines)


def summary(lines: list[dict[str, Any]], _declared: dict[str, Any]) -> Shown:
    yield "_count", {}, sum(line["count"] for line in lines)
    yield "_sum", {}, total(lines)


def histogram(lines: list[dict[str, Any]], declared: dict[str, Any]) -> Shown:
    bounds = [Decimal(bound.replace("Inf", "Infinity")) for bound in declared.get("buckets", DEFAULT).split(",")]
    inside: dict[Decimal, int] = defaultdict(int)
    for line in lines:
        if line["kind"] == "bucket":
            inside[Decimal(line["le"].replace("Inf", "Infinity"))] += line["count"]
        for pair in line.get("bins", "").split(",") if "bins" in line else ():
            le, _, count = pair.partition(":")
            inside[Decimal(le.replace("Inf", "Infinity"))] += int(count)
    for bound in [*bounds, Decimal("Infinity")]:
        yield "_bucket", {"le": go(float(bound))}, sum(count for le, count in inside.items() if le <= bound)
    yield "_count", {}, sum(line["count"] for line in lines if line["kind"] != "bucket")
    if bounds and bounds[0] >= 0:
        yield "_sum", {}, total(lines)


def go(bound: float) -> str:
    from prometheus_client.utils import floatToGoString

    text: str = floatToGoString(bound)  # type: ignore[no-untyped-call]
    return text


def gauge(lines: list[dict[str, Any]], _declared: dict[str, Any]) -> Shown:
    last = {line["proc"]: line["value"] for line in lines if "value" in line}
    mode = lines[-1]["mode"] if lines else "livesum"
    told = [line["value"] for line in lines if "value" in line]
    if mode in {"mostrecent", "livemostrecent"}:
        if told:
            yield "", {}, told[-1]
    elif mode == "sum":
        yield "", {}, total(lines, "step")
    elif mode == "livesum":
        yield "", {}, sum(last.values())
    else:
        yield "", {}, {"livemax": max, "livemin": min}[mode](last.values())


def info(lines: list[dict[str, Any]], _declared: dict[str, Any]) -> Shown:
    yield "_info", json.loads(lines[-1]["state"]) if lines else {}, 1


def enum(lines: list[dict[str, Any]], declared: dict[str, Any]) -> Shown:
    states = json.loads(declared["states"])
    now = lines[-1]["state"] if lines else states[0]
    for state in states:
        yield "", {declared["name"]: state}, state == now


SHOWN = {
    "counter": counter,
    "summary": summary,
    "histogram": histogram,
    "gauge": gauge,
    "info": info,
    "enum": enum,
}


def is_ascending(bins: str) -> bool:
    bounds = [float(pair.partition(":")[0].replace("Inf", "inf")) for pair in bins.split(",")]
    return all(low < high for low, high in pairwise([*bounds, inf]) if low != inf)
