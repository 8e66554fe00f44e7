"""Charts with what they are called, what is to be known of them, and the same as a table."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ..panels import Column, Panel
from ..panels.formats import column
from ..spans import shown
from . import charts
from .texts import seconds
from .timeline import OUTCOMES, QUANTILES, Timeline

_START = Column("start", "from", "time")
_REQUESTS = Column("requests", "requests", "count")

FEW = 10
"""Bars of a chart, and rows of a table that says more of what stands in another one."""


@dataclass(frozen=True, slots=True)
class Figure:
    id: str
    title: str
    caption: str
    spec: charts.Spec
    table: Panel | None = None
    """What the chart shows, for those who do not see it; None where a table beside it has that."""


def traffic(line: Timeline) -> Iterator[Figure]:
    """Requests and errors over time."""
    outcomes = [name for name in OUTCOMES if any(name in bucket.outcomes for bucket in line.buckets)]
    columns = (_START, _REQUESTS, *(Column(f"of_{name}", name, "count") for name in outcomes))
    yield _over_time(
        "requests",
        "Requests over time",
        f"By how they ended; each bar is {_span(line)}. A click on a name in the legend picks it.",
        charts.requests(line),
        columns,
        [
            (bucket.start, bucket.requests, *(bucket.outcomes.get(name, 0) for name in outcomes))
            for bucket in line.buckets
        ],
    )
    if any(bucket.errors for bucket in line.buckets):
        yield _over_time(
            "errors",
            "Errors over time",
            f"Requests that ended in an error, of all; each bar is {_span(line)}.",
            charts.errors(line),
            (_START, _REQUESTS, Column("errors", "errors", "count"), Column("share", "of all", "share")),
            [(b.start, b.requests, b.errors, b.error_share) for b in line.buckets if b.errors],
        )


def latency(line: Timeline) -> Iterator[Figure]:
    """Quantiles over time, and how many requests took how long; nothing where none told its time."""
    if not line.cells:
        return
    yield _over_time(
        "latency",
        "Time of a request, percentiles",
        f"Half of the requests took no longer than p50, 95 of 100 no longer than p95; each point is {_span(line)}.",
        charts.latency(line),
        (_START, _REQUESTS, *(Column(name, name, "seconds") for name in QUANTILES)),
        [
            (bucket.start, bucket.requests, *(bucket.quantiles[name] for name in QUANTILES))
            for bucket in line.buckets
            if bucket.requests
        ],
    )
    rows: dict[tuple[float, float], int] = {}
    for cell in line.cells:
        rows[cell.low, cell.high] = rows.get((cell.low, cell.high), 0) + cell.requests
    total = sum(rows.values())
    table = pd.DataFrame(
        [
            (f"{seconds(low)} to {seconds(high)}", number, number / total)
            for (low, high), number in sorted(rows.items())
        ],
        columns=["took", "requests", "share"],
    )
    columns = (Column("took", "took", "text"), _REQUESTS, Column("share", "of all", "share"))
    yield Figure(
        "heat-map",
        "Time of a request, heat map",
        f"How many requests took how long: the stronger a cell, the more; each column is {_span(line)}.",
        charts.heat_map(line),
        Panel("heat_map", "Requests by the time they took, over all", "", columns, table),
    )


def most_time(panel: Panel, labels: tuple[str, ...], name: str, title: str) -> Iterator[Figure]:
    """Bars of the rows of a panel that took the most time in all, if any took some; its table says the same."""
    most = top(panel, "total_seconds", *labels, "total_seconds").table
    if most.empty:
        return
    names = [" ".join(each) for each in most[list(labels)].itertuples(index=False)]
    times = most["total_seconds"].tolist()
    unit, texts = column(times, "seconds")
    spec = charts.bars(names, times, [f"{text} {unit}" for text in texts])
    yield Figure(name, title, "All the time of each, added up.", spec)


def top(panel: Panel, name: str, *columns: str) -> Panel:
    """Some columns of the few rows with the most of one, of those that have any."""
    found = panel.most(name).only(*columns)
    return replace(found, table=found.table.head(FEW))


def _over_time(
    name: str, title: str, caption: str, spec: charts.Spec, columns: tuple[Column, ...], rows: list[tuple[Any, ...]]
) -> Figure:
    table = pd.DataFrame(rows, columns=[column.name for column in columns])
    table["start"] = pd.to_datetime(table["start"], unit="s", utc=True)
    return Figure(name, title, caption, spec, Panel(name, title, "", columns, table))


def _span(line: Timeline) -> str:
    text = shown(line.width)
    return f"{text[:-1]} {'min' if text.endswith('m') else text[-1]}"
