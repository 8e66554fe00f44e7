"""Any summary, by any of its dimensions."""

from collections.abc import Sequence
from dataclasses import replace

from ..definitions import PROC, Measure, Summary
from ..errors import UsageError
from ..origin import suggestion
from ..selections import LABELS
from .asked import Asked
from .panel import Column, Panel, Unit, panel

_FIRST = ("view", "feed_id", "check", "dataset", "name", LABELS)
"""Dimensions that a summary is looked at by, if it has them."""
_MOST = 3


def of_summary(asked: Asked, summary: str, by: Sequence[str] | None = None, measure: str | None = None) -> Panel:
    """A summary as `aggregator.read` has it: its most frequent rows first.

    Without `by`, by its names, or else by up to three dimensions that have several values here. Columns beside `by`:
    `count`, `rate`, `error_share` (where the summary knows errors); of `measure` or the first with bins `mean`, `p50`,
    `p95` and `p99` (if it has bins) and `sum` (but for a count by labels of instruments); each gauge as
    `<gauge>_last`. A dimension of one of these names has a `_` behind it.

    Raises UsageError for names that do not exist, InputError for a folder without this summary.
    """
    definition = asked.definition(summary)
    keys = tuple(dict.fromkeys(by)) if by is not None else _usual(asked, definition)
    _check(definition, keys, measure)
    found = asked.read(summary, keys, measure=measure)
    shown = _measure(definition, measure)
    columns = [Column("count", "events", "count"), Column("rate", "rate", "rate", detail=True)]
    if definition.errors is not None:
        columns.append(Column("error_share", "errors", "share", bad=True))
    if shown is not None:
        unit = _unit(shown)
        names = ["mean", "p50", "p95", "p99"] if shown.bins else ["mean"]
        columns += [Column(name, name, _of_mean(unit) if name == "mean" else unit, name == "mean") for name in names]
        if "sum" not in found and set(keys) <= set(definition.group):
            found["sum"] = asked.sums(summary, keys, [f"{shown.name}_sum"])[f"{shown.name}_sum"]
        columns += [Column("sum", "total", unit)] if "sum" in found else []
    columns += [Column(f"{gauge}_last", gauge, _unit_of(gauge), help="the last value") for gauge in definition.gauges]
    title = f"{summary} by {', '.join(keys)}" if keys else summary
    taken = {column.name for column in columns}
    named: dict[str | int, str] = {name: f"{name}_" if name in taken else name for name in keys}
    table = found.rename_axis(index=named) if keys else found
    columns = [*(Column(named[name], name, "text") for name in keys), *columns]
    made = panel(summary, f"{title}: {shown.name}" if shown else title, summary, tuple(columns), table)
    return replace(made.sorted("count"), facts=not keys)


def _usual(asked: Asked, summary: Summary) -> tuple[str, ...]:
    first = tuple(name for name in _FIRST if name in summary.dimensions)
    if first:
        return first
    names = [name for name in summary.dimensions if name != PROC]
    cells = asked.cells(summary.name, names)
    several = [name for name in names if cells[name].nunique() > 1]
    return tuple(several[:_MOST] or names[:1])


def _check(summary: Summary, by: Sequence[str], measure: str | None) -> None:
    """Raises UsageError, with the name that may have been meant."""
    for name in by:
        if name not in summary.group and LABELS not in summary.dimensions:
            near = suggestion(name, summary.group)
            raise UsageError(f"{summary.name} has no dimension {name!r}; it has {', '.join(summary.group)}{near}")
    known = [each.name for each in summary.measures]
    if measure is not None and measure not in known:
        near = suggestion(measure, known)
        raise UsageError(f"{summary.name} has no measure {measure!r}; it has {', '.join(known) or 'none'}{near}")


def _measure(summary: Summary, name: str | None) -> Measure | None:
    return summary.measure(name) if name is not None else next(iter((*summary.binned, *summary.measures)), None)


def _unit(measure: Measure) -> Unit:
    return "number" if measure.is_value else measure.unit  # type: ignore[return-value]


def _of_mean(unit: Unit) -> Unit:
    return "number" if unit == "count" else unit


def _unit_of(gauge: str) -> Unit:
    """As its name has it."""
    return "bytes" if gauge.endswith("_bytes") else "number"
