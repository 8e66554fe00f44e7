"""What a logemit.toml says that can be used and is hardly meant; and all that there is to say of one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from logemit.vocabulary import BY_NAME

from . import config
from .admission import OTHER
from .catalogue import shipped
from .config import Config
from .definitions import Column, Filter, Mapped, Metric, Summary
from .mappings import unreachable
from .origin import DeclarationError, Path, Problem

Doubts = Iterator[tuple[str, Path]]
"""(message, where in the document)."""


@dataclass(frozen=True, slots=True)
class Examined:
    """`summaries` and `metrics` are how many the file adds. Without problems it can be used."""

    file: str
    summaries: int = 0
    metrics: int = 0
    problems: tuple[Problem, ...] = ()
    doubts: tuple[Problem, ...] = ()


def examine(path: FilePath) -> Examined:
    """All that is wrong with a logemit.toml or, where nothing is, all that is doubtful.

    Raises ConfigError where it cannot be read.
    """
    try:
        document, origin = config.document_of(path)
    except DeclarationError as exc:
        return Examined(str(path), problems=(exc.problem,))
    found = config.read(document, origin)
    if origin.problems:
        return Examined(str(path), problems=_by_line(origin.problems))
    summaries, metrics = (len(document.get(kind, [])) for kind in ("summary", "metric"))
    doubts = [origin.problem(message, place) for message, place in _doubts(document, found)]
    return Examined(str(path), summaries, metrics, doubts=_by_line(doubts))


def _by_line(problems: list[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: problem.line))


def _doubts(document: Mapping[str, Any], found: Config) -> Doubts:
    catalogue, base = found.catalogue, shipped()
    shown = {metric.summary for metric in catalogue.metrics}
    for number, summary in enumerate(catalogue.summaries[len(base.summaries) :]):
        for message, keys in _of_summary(summary, summary.name in shown):
            yield f"[[summary]] {summary.name}: {message}", ("summary", number, *keys)
    by_name = {summary.name: summary for summary in catalogue.summaries}
    for number, metric in enumerate(catalogue.metrics[len(base.metrics) :]):
        for message, keys in _of_metric(metric, by_name[metric.summary], found, document["metric"][number]):
            yield f"[[metric]] {metric.name}: {message}", ("metric", number, *keys)
    used = [table.get("buckets") for table in document.get("metric", [])]
    for name in document.get("buckets", {}):
        if name not in used:
            yield f"[buckets] {name}: no metric has them", ("buckets", name)


def _of_summary(summary: Summary, is_shown: bool) -> Doubts:
    if not is_shown:
        yield "no metric shows it; it is there in Parquet", ()
    if dimension := _impossible(summary.taken):
        yield f"no row has such a {dimension!r}: it stays empty", ("where", dimension)


def _of_metric(metric: Metric, summary: Summary, found: Config, table: Mapping[str, Any]) -> Doubts:
    if (dimension := _impossible(summary.taken, metric.filter)) and not _impossible(summary.taken):
        yield f"no row has such a {dimension!r}: it stays empty", ("where", dimension)
    is_named = isinstance(table.get("labels"), dict)
    for number, (label, column) in enumerate(metric.labels):
        place = ("labels", label if is_named else number)
        if _is_identity(summary, column):
            most = f"{found.limits.of(metric.name).max_label_values:,}"
            yield f"label {label!r} has a value for each user or feed; beyond {most} they are {OTHER}", place
        for pattern, before in unreachable(column):
            yield f"label {label!r}: {pattern!r} is never met, {before!r} comes first", (*place, "values", pattern)


def _impossible(*filters: Filter) -> str | None:
    """A dimension of which no value passes all filters."""
    wanted: dict[str, set[str]] = {}
    for each in filters:
        for dimension, values in each.where:
            wanted[dimension] = wanted.get(dimension, set(values)) & set(values)
    for each in filters:
        for dimension, values in each.unless:
            if dimension in wanted:
                wanted[dimension] -= set(values)
    return next((dimension for dimension, values in wanted.items() if not values), None)


def _is_identity(summary: Summary, column: Column) -> bool:
    """Whether a label has a value for each user or feed."""
    if isinstance(column, Mapped):
        return column.default is None and _is_identity(summary, column.dimension)
    event = BY_NAME.get(summary.event)
    field = event.field(column) if event else None
    return field is not None and field.cardinality == "identity"
