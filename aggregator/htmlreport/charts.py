"""Charts in Vega-Lite. Colours are the page's variables, so that its style sheet decides them on a screen and on paper.

What comes from a log is data only: text that is drawn, never a name, an expression or a reference.
"""

from collections.abc import Iterable, Sequence
from math import ceil, floor, log10
from typing import Any

from .timeline import Bucket, Timeline
from .units import moment, seconds, share

Spec = dict[str, Any]

_OUTCOMES = {"ok": "var(--ok)", "cancelled": "var(--c4)", "aborted": "var(--c3)", "error": "var(--bad)"}
_QUANTILES = {"p50": "var(--c1)", "p95": "var(--c2)", "p99": "var(--c3)"}
_SECONDS = (
    "datum.value < 0.001 ? format(datum.value * 1000000, '~r') + ' µs' : "
    "datum.value < 1 ? format(datum.value * 1000, '~r') + ' ms' : format(datum.value, '~r') + ' s'"
)
_QUIET = {"labelColor": "var(--muted)", "titleColor": "var(--muted)", "titleFontWeight": "normal"}
_CONFIG = {
    "font": "system-ui, sans-serif",
    "background": None,
    "view": {"stroke": None},
    "axis": {**_QUIET, "gridColor": "var(--line)", "domainColor": "var(--line)", "tickColor": "var(--line)"},
    "axisX": {"grid": False, "labelOverlap": True, "labelFlush": True},
    "axisY": {"minExtent": 44},
    "legend": {**_QUIET, "orient": "top", "title": None},
}
_SHORTEST = 1e-6
"""Seconds: where a logarithmic scale begins."""


def requests(line: Timeline) -> Spec:
    """Bars of requests, by how they ended."""
    rows = [
        {**_when(bucket, line), "outcome": outcome, "requests": number}
        for bucket in line.buckets
        for outcome, number in bucket.outcomes.items()
    ]
    present = {row["outcome"] for row in rows}
    known = [outcome for outcome in _OUTCOMES if outcome in present] + sorted(present - _OUTCOMES.keys())
    colours = {"domain": known, "range": [_OUTCOMES.get(outcome, "var(--muted)") for outcome in known]}
    encoding = {
        **_bar(),
        "y": {"field": "requests", "type": "quantitative", "stack": "zero", "title": None},
        "color": {"field": "outcome", "type": "nominal", "scale": colours},
        "order": {"field": "outcome", "sort": "descending"},
        "opacity": _if_picked,
        "tooltip": _tooltip("when", "outcome", "requests"),
    }
    return _chart(rows, mark="bar", encoding=encoding, params=[_picked("outcome")])


def errors(line: Timeline) -> Spec:
    """Bars of the share of requests that failed."""
    rows = [
        {
            **_when(bucket, line),
            "share": bucket.errors / bucket.requests if bucket.requests else 0,
            "errors": bucket.errors,
            "requests": bucket.requests,
        }
        for bucket in line.buckets
    ]
    encoding = {
        **_bar(),
        "y": {"field": "share", "type": "quantitative", "title": None, "axis": {"format": "~%"}},
        "tooltip": _tooltip("when", "errors", "requests"),
    }
    return _chart(rows, mark="bar", encoding=encoding | {"color": {"value": "var(--bad)"}}, height=110)


def latency(line: Timeline) -> Spec:
    """Lines of quantiles; those of the bucket that is pointed at are told."""
    rows = [
        {
            **_when(bucket, line),
            **{name: value and max(value, _SHORTEST) for name, value in bucket.quantiles.items()},
            **{f"{name}_text": seconds(value) for name, value in bucket.quantiles.items()},
            "requests": bucket.requests,
            "middle": (bucket.start + line.width / 2) * 1000,
        }
        for bucket in line.buckets
    ]
    told = [value for row in rows for name in _QUANTILES if (value := row[name])]
    colours = {"domain": list(_QUANTILES), "range": list(_QUANTILES.values())}
    lines = {
        "transform": [{"fold": list(_QUANTILES), "as": ["quantile", "seconds"]}],
        "mark": {"type": "line", "point": {"size": 16}, "strokeWidth": 1.5, "aria": False},
        "params": [_picked("quantile")],
        "encoding": {
            "x": _time("middle"),
            "y": {**_log(told), "field": "seconds"},
            "color": {"field": "quantile", "type": "nominal", "scale": colours},
            "opacity": _if_picked,
        },
    }
    band = {
        "mark": {"type": "rect", "color": "var(--muted)", "aria": False},
        "params": [{"name": "pointed", "select": {"type": "point", "on": "pointerover", "clear": "pointerout"}}],
        "encoding": {
            **_bar(),
            "fillOpacity": {"condition": {"param": "pointed", "empty": False, "value": 0.2}, "value": 0},
            "tooltip": _tooltip("when", "requests", *((f"{name}_text", name) for name in _QUANTILES)),
        },
    }
    return _chart(rows, layer=[lines, band])


def heat_map(line: Timeline) -> Spec:
    """A cell for each bucket and row of the time that requests took; the more of them, the stronger."""
    rows = [
        {
            **_span(cell.start, line),
            "low": max(cell.low, cell.high / 1.25),
            "high": cell.high,
            "took": f"{seconds(cell.low)} to {seconds(cell.high)}",
            "requests": cell.requests,
        }
        for cell in line.cells
    ]
    encoding = {
        **_bar(),
        "y": {**_log([row[end] for row in rows for end in ("low", "high")]), "field": "low"},
        "y2": {"field": "high"},
        "fillOpacity": {
            "field": "requests",
            "type": "quantitative",
            "scale": {"type": "sqrt", "range": [0.12, 1], "zero": True},
            "legend": None,
        },
        "color": {"value": "var(--c1)"},
        "tooltip": _tooltip("when", "took", "requests"),
    }
    return _chart(rows, mark="rect", encoding=encoding, height=220)


def bars(labels: Sequence[str], values: Sequence[float], told: Sequence[str]) -> Spec:
    """A bar for each label, which stands above it, longest first as given; `told` is a value as text."""
    rows = [
        {"place": place, "label": label, "value": value, "told": text}
        for place, (label, value, text) in enumerate(zip(labels, values, told, strict=True))
    ]
    place = {"field": "place", "type": "ordinal", "axis": None}
    length = {"field": "value", "type": "quantitative", "axis": None}
    tooltip = _tooltip("label", ("told", "time"))
    over = {"type": "text", "align": "left", "baseline": "bottom", "dy": -2, "limit": {"expr": "width - 70"}}
    beside = {"type": "text", "align": "right", "baseline": "bottom", "dy": -2, "color": "var(--muted)", "aria": False}
    layer = [
        {
            "mark": {"type": "bar", "height": 9, "yOffset": 6, "color": "var(--c1)", "aria": False},
            "encoding": {"x": length, "tooltip": tooltip},
        },
        {
            "mark": {**over, "color": "var(--ink)", "aria": False},
            "encoding": {"x": {"value": 0}, "text": {"field": "label"}, "tooltip": tooltip},
        },
        {"mark": beside, "encoding": {"x": {"value": "width"}, "text": {"field": "told"}}},
    ]
    return _chart(rows, layer=layer, encoding={"y": place}, height=32 * len(rows))


def _chart(rows: Iterable[Spec], *, height: Any = 180, **parts: Any) -> Spec:
    if isinstance(parts.get("mark"), str):
        parts["mark"] = {"type": parts["mark"], "aria": False}
    return {
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": _CONFIG,
        "data": {"values": list(rows)},
        **parts,
    }


def _when(bucket: Bucket, line: Timeline) -> Spec:
    return _span(bucket.start, line)


def _span(start: int, line: Timeline) -> Spec:
    return {"t": start * 1000, "end": (start + line.width) * 1000, "when": moment(start)}


def _time(field: str) -> Spec:
    return {"field": field, "type": "temporal", "title": None, "scale": {"type": "utc"}}


def _bar() -> Spec:
    return {"x": _time("t"), "x2": {"field": "end"}}


def _log(values: Sequence[float]) -> Spec:
    """A logarithmic axis of seconds around these values, its labels whole decades, or parts of few."""
    low, high = min(values, default=0.001), max(values, default=1.0)
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    steps = (1, 2, 5) if len(decades) <= 3 else (1,)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    return {
        "type": "quantitative",
        "title": None,
        "scale": {"type": "log", "domain": [low / 1.1, high * 1.1], "nice": False},
        "axis": {"values": ticks, "labelExpr": _SECONDS},
    }


def _picked(field: str) -> Spec:
    return {"name": "picked", "select": {"type": "point", "fields": [field]}, "bind": "legend"}


_if_picked: Spec = {"condition": {"param": "picked", "value": 1}, "value": 0.12}


def _tooltip(*fields: str | tuple[str, str]) -> list[Spec]:
    named = ((field, field) if isinstance(field, str) else field for field in fields)
    return [{"field": field, "title": title} for field, title in named]


__all__ = ["Spec", "bars", "errors", "heat_map", "latency", "requests", "share"]
