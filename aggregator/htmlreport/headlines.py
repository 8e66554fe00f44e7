"""The few numbers that say how things are."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from ..panels import Asked, found, requests
from ..panels.state import checks
from ..panels.traffic import caches
from ..panels.work import feeds, tasks
from ..status import Status
from .units import seconds, share, shown


@dataclass(frozen=True, slots=True)
class Headline:
    """A number, and what there is to say about it."""

    name: str
    value: str
    note: str = ""
    bad: bool = False


def headlines(asked: Asked, state: Status) -> tuple[Headline, ...]:
    """Of what there is in that time; what was lost is of all."""
    return (*_requests(asked), *_rest(asked), _lost(state))


def _requests(asked: Asked) -> Iterator[Headline]:
    panel = found(asked, partial(requests, by=()))
    if panel is None:
        return
    row = panel.table.iloc[0]
    yield Headline("requests", shown(row["requests"], "count"), f"{shown(row['rate'], 'rate')} over this time")
    yield Headline("errors", share(row["error_share"]), _plural(int(row["errors"]), "request"), bool(row["errors"]))
    yield Headline("median time", seconds(row["p50"]), "p50: half took no longer")
    yield Headline("p95", seconds(row["p95"]), f"p99 {seconds(row['p99'])}")
    yield Headline("queries a request", shown(row["queries"], "number"), f"{shown(row['db_share'], 'share')} of the time")


def _rest(asked: Asked) -> Iterator[Headline]:
    if (panel := found(asked, caches)) is not None and panel.table["reads"].sum():
        table = panel.table
        yield Headline("cache hits", share(_ratio(table["hits"], table["reads"])), _plural(int(table["reads"].sum()), "key"))
    if (panel := found(asked, tasks)) is not None:
        failures = int(panel.table["failures"].sum())
        yield Headline("tasks", shown(panel.table["runs"].sum(), "count"), f"{failures:,} failed", bool(failures))
    if (panel := found(asked, feeds)) is not None:
        failing = int((panel.table["error_share"] > 0).sum())
        yield Headline("feeds", shown(len(panel.table), "count"), f"{failing:,} with failures", bool(failing))
    if (panel := found(asked, checks)) is not None:
        table, down = panel.table, int(panel.table["open"].sum())
        passed = 1 - _ratio(table["failed"], table["checks"])
        yield Headline("uptime", share(passed), f"{down:,} down now" if down else "checks that passed", bool(down))


def _lost(state: Status) -> Headline:
    lost, missing = state.account.get("lost", 0), state.account.get("missing", 0)
    return Headline("lost events", f"{lost:,}", f"{missing:,} more missing" if missing else "over all runs", lost > 0)


def _ratio(part: "pd.Series[Any]", whole: "pd.Series[Any]") -> float:
    return float(part.sum() / whole.sum())


def _plural(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
