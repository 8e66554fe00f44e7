"""Charts in Vega-Lite. Colours are the page's variables, so that its style sheet decides them on a screen and on paper.

What comes from a log is data only: text that is drawn, never a name, an expression or a reference.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from math import ceil, floor, log10
from typing import Any

from ..spans import DAY
from .texts import seconds, visible
from .timeline import OUTCOMES, Timeline

Spec = dict[str, Any]

_COLOURS = {
    "ok": "var(--ok)",
    "cancelled": "var(--c4)",
    "aborted": "var(--c3)",
    "error": "var(--bad)",
    "other": "var(--muted)",
}
_QUANTILES = {"p50": "var(--c1)", "p95": "var(--c2)", "p99": "var(--c3)"}
_SHORTEST = 1e-6
"""Seconds: where a logarithmic scale begins."""

_FONT = "system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif"
_QUIET = {"labelColor": "var(--muted)", "labelFontSize": 12}
_CONFIG = {
    "background": None,
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {**_QUIET, "title": None, "gridColor": "var(--line)", "domainColor": "var(--line)", "ticks": False},
    "axisX": {"grid": False, "labelOverlap": True, "labelFlush": True, "labelSeparation": 14, "labelPadding": 6},
    "axisY": {"minExtent": 48, "labelPadding": 6, "domain": False},
    "legend": {**_QUIET, "orient": "top", "title": None},
}


def requests(line: Timeline) -> Spec:
    """Bars of requests, by how they ended; failed ones on top."""
    present = {outcome for bucket in line.buckets for outcome in bucket.outcomes}
    stacked = [name for name in OUTCOMES if name in present]
    rows = []
    for bucket in line.buckets:
        bounds = pairwise(accumulate((bucket.outcomes.get(name, 0) for name in stacked), initial=0))
        rows += [
            {"t": bucket.start * 1000, "outcome": name, "requests": high - low, "low": low, "high": high}
            for name, (low, high) in zip(stacked, bounds, strict=True)
            if high > low
        ]
    colours = {"domain": stacked, "range": [_COLOURS[name] for name in stacked]}
    encoding = {
        **_time(line),
        "y": {"field": "low", "type": "quantitative"},
        "y2": {"field": "high"},
        "color": {"field": "outcome", "type": "nominal", "scale": colours},
        "opacity": _IF_PICKED,
        "tooltip": _tooltip("when", "outcome", "requests"),
    }
    return _over_time(line, rows, mark="rect", encoding=encoding, params=[_picked("outcome")])


def errors(line: Timeline) -> Spec:
    """Bars of the share of requests that failed."""
    rows = [
        {"t": bucket.start * 1000, "share": bucket.error_share, "errors": bucket.errors, "requests": bucket.requests}
        for bucket in line.buckets
    ]
    encoding = {
        **_time(line),
        "y": {"field": "share", "type": "quantitative", "axis": {"format": "~%", "tickCount": 4}},
        "y2": {"datum": 0},
        "color": {"value": "var(--bad)"},
        "tooltip": _tooltip("when", "errors", "requests"),
    }
    return _over_time(line, rows, mark="rect", encoding=encoding, height=110)


def latency(line: Timeline) -> Spec:
    """Lines of quantiles; those of the bucket that is pointed at are told."""
    rows = [
        {
            "t": bucket.start * 1000,
            "requests": bucket.requests,
            **{name: value or _SHORTEST for name, value in bucket.quantiles.items() if value is not None},
            **{f"{name}_told": seconds(value) for name, value in bucket.quantiles.items() if value is not None},
        }
        for bucket in line.buckets
    ]
    drawn = [value for bucket in line.buckets for value in bucket.quantiles.values() if value]
    colours = {"domain": list(_QUANTILES), "range": list(_QUANTILES.values())}
    middle = {"calculate": f"datum.t + {line.width * 500}", "as": "middle"}
    lines = {
        "transform": [middle, {"fold": list(_QUANTILES), "as": ["quantile", "seconds"]}],
        "mark": {"type": "line", "point": {"size": 24}, "strokeWidth": 1.5, "aria": False},
        "params": [_picked("quantile")],
        "encoding": {
            "x": {**_time(line)["x"], "field": "middle"},
            "y": {**_log(drawn), "field": "seconds"},
            "color": {"field": "quantile", "type": "nominal", "scale": colours},
            "opacity": _IF_PICKED,
        },
    }
    band = {
        "mark": {"type": "rect", "color": "var(--muted)", "aria": False},
        "params": [{"name": "pointed", "select": {"type": "point", "on": "pointerover", "clear": "pointerout"}}],
        "encoding": {
            **_time(line),
            "fillOpacity": {"condition": {"param": "pointed", "empty": False, "value": 0.2}, "value": 0},
            "tooltip": _tooltip("when", "requests", *((f"{name}_told", name) for name in _QUANTILES)),
        },
    }
    return _over_time(line, rows, layer=[lines, band])


def heat_map(line: Timeline) -> Spec:
    """A cell for each bucket and row of the time that requests took; the more of them, the stronger."""
    rows = [
        {"t": cell.start * 1000, "low": cell.low or _SHORTEST / 1.25, "high": cell.high, "requests": cell.requests}
        for cell in line.cells
    ]
    took = f"({_seconds('datum.low')}) + ' to ' + ({_seconds('datum.high')})"
    encoding = {
        **_time(line),
        "y": {**_log([row[end] for row in rows for end in ("low", "high")]), "field": "low"},
        "y2": {"field": "high"},
        "fillOpacity": {
            "field": "requests",
            "type": "quantitative",
            "scale": {"type": "sqrt", "range": [0.12, 1]},
            "legend": None,
        },
        "color": {"value": "var(--c1)"},
        "tooltip": _tooltip("when", "took", "requests"),
    }
    return _over_time(line, rows, [{"calculate": took, "as": "took"}], mark="rect", encoding=encoding, height=220)


def bars(labels: Sequence[str], values: Sequence[float], told: Sequence[str]) -> Spec:
    """A bar for each label, which stands above it, in their order; `told` is a value as text."""
    rows = [
        {"place": place, "label": visible(label), "value": value, "told": as_text}
        for place, (label, value, as_text) in enumerate(zip(labels, values, told, strict=True))
    ]
    length = {"field": "value", "type": "quantitative", "axis": None}
    tooltip = _tooltip("label", ("told", "time"))
    above = {"type": "text", "baseline": "bottom", "fontSize": 13, "dy": -1, "aria": False}
    layer = [
        {
            "mark": {"type": "bar", "height": 8, "yOffset": 7, "color": "var(--c1)", "aria": False},
            "encoding": {"x": length, "tooltip": tooltip},
        },
        {
            "mark": {**above, "align": "left", "limit": {"expr": "width - 80"}, "color": "var(--ink)"},
            "encoding": {"x": {"value": 0}, "text": {"field": "label"}, "tooltip": tooltip},
        },
        {
            "mark": {**above, "align": "right", "color": "var(--muted)"},
            "encoding": {"x": {"value": "width"}, "text": {"field": "told"}},
        },
    ]
    place = {"field": "place", "type": "ordinal", "axis": None}
    return _chart(rows, layer=layer, encoding={"y": place}, height=34 * len(rows))


def _chart(rows: Iterable[Spec], *, height: int = 180, **parts: Any) -> Spec:
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


def _over_time(line: Timeline, rows: Iterable[Spec], transform: Iterable[Spec] = (), **parts: Any) -> Spec:
    """Rows begin at `t`, milliseconds since 1970."""
    pattern = "%Y-%m-%d %H:%M" if line.width >= 60 else "%Y-%m-%d %H:%M:%S"
    times = [
        {"calculate": f"datum.t + {line.width * 1000}", "as": "end"},
        {"calculate": f"utcFormat(datum.t, '{pattern}')", "as": "when"},
    ]
    return _chart(rows, transform=[*times, *transform], **parts)


def _time(line: Timeline) -> Spec:
    """From the begin of a bucket to its end."""
    days = (line.end - line.start) / DAY
    label = (
        "utcFormat(datum.value, utcseconds(datum.value) ? '%H:%M:%S' : "
        "utchours(datum.value) || utcminutes(datum.value) ? '%H:%M' : '%b %-d')"
    )
    axis = {"format": "%b %Y"} if days > 366 else {"labelExpr": label}
    return {"x": {"field": "t", "type": "temporal", "scale": {"type": "utc"}, "axis": axis}, "x2": {"field": "end"}}


def _log(values: Sequence[float]) -> Spec:
    """A logarithmic axis of seconds around these values, its labels whole decades, or parts of few."""
    low, high = min(values, default=0.001), max(values, default=1.0)
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    steps = (1, 2, 5) if len(decades) <= 3 else (1,)
    return {
        "type": "quantitative",
        "scale": {"type": "log", "domain": [low / 1.1, high * 1.1], "nice": False},
        "axis": {
            "values": [float(f"{step}e{decade}") for decade in decades for step in steps],
            "labelExpr": _seconds("datum.value"),
        },
    }


def _seconds(value: str) -> str:
    """An expression for seconds as text."""
    return (
        f"{value} < 0.001 ? format({value} * 1e6, '.3~r') + ' µs' : "
        f"{value} < 1 ? format({value} * 1e3, '.3~r') + ' ms' : format({value}, '.3~r') + ' s'"
    )


def _picked(field: str) -> Spec:
    return {"name": "picked", "select": {"type": "point", "fields": [field]}, "bind": "legend"}


_IF_PICKED: Spec = {"condition": {"param": "picked", "value": 1}, "value": 0.12}


def _tooltip(*fields: str | tuple[str, str]) -> list[Spec]:
    named = ((field, field) if isinstance(field, str) else field for field in fields)
    return [{"field": field, "title": title} for field, title in named]
