"""The few numbers that say how things are."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from ..panels import Panel
from ..panels.formats import value
from .texts import plural


@dataclass(frozen=True, slots=True)
class Headline:
    """A number, and what there is to say about it."""

    name: str
    value: str
    note: str = ""
    bad: bool = False


def headlines(panels: Mapping[str, Panel]) -> tuple[Headline, ...]:
    """Of panels by name; those of `requests` are of all in one row."""
    return tuple(each for name, make in _MADE.items() if name in panels for each in make(panels[name].table))


def _requests(table: pd.DataFrame) -> Iterator[Headline]:
    row = {name: table[name].iloc[0] for name in table.columns}
    yield Headline("requests", value(row["requests"], "count"), f"{value(row['rate'], 'rate')} on average")
    errors = int(row["errors"])
    yield Headline("errors", value(row["error_share"], "share"), plural(errors, "request"), errors > 0)
    yield Headline("half took up to", value(row["p50"], "seconds"), f"mean {value(row['mean'], 'seconds')}")
    yield Headline("95 of 100 up to", value(row["p95"], "seconds"), f"p99 {value(row['p99'], 'seconds')}")
    of_time = f"{value(row['db_share'], 'share')} of the time"
    yield Headline("queries a request", value(row["queries"], "number"), of_time)


def _caches(table: pd.DataFrame) -> Iterator[Headline]:
    reads, hits = int(table["reads"].sum()), int(table["hits"].sum())
    if reads:
        yield Headline("cache hits", value(hits / reads, "share"), f"of {plural(reads, 'key')} read")


def _tasks(table: pd.DataFrame) -> Iterator[Headline]:
    failures = int(table["failures"].sum())
    yield Headline("failed tasks", f"{failures:,}", f"of {plural(int(table['runs'].sum()), 'run')}", failures > 0)


def _feeds(table: pd.DataFrame) -> Iterator[Headline]:
    failing = int((table["error_share"] > 0).sum())
    yield Headline("failing feeds", f"{failing:,}", f"of {plural(len(table), 'feed')}", failing > 0)


def _checks(table: pd.DataFrame) -> Iterator[Headline]:
    down, passed = int(table["open"].sum()), 1 - table["failed"].sum() / table["checks"].sum()
    yield Headline("uptime", value(passed, "share"), f"{down:,} down now" if down else "checks that passed", down > 0)


def _pipeline(table: pd.DataFrame) -> Iterator[Headline]:
    lost, missing = int(table["lost"].iloc[0]), int(table["missing"].iloc[0])
    yield Headline("lost events", f"{lost:,}", f"{missing:,} more missing" if missing else "over all runs", lost > 0)


_MADE: dict[str, Callable[[pd.DataFrame], Iterator[Headline]]] = {
    "requests": _requests,
    "caches": _caches,
    "tasks": _tasks,
    "feeds": _feeds,
    "checks": _checks,
    "pipeline": _pipeline,
}
