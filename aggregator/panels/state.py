"""How things stand: health checks, and whether the figures themselves can be trusted."""

from dataclasses import replace

import pandas as pd
from pandas.api.typing import NaTType

from .. import health
from ..status import MEANINGS, Status, telling
from .asked import Asked
from .panel import Column, Panel, Unit, panel

_BAD = ("rejected", "conflicts", "fields_invalid", "missing", "lost", "gaps", "gap_bytes")
_RUNS = (
    Column("newest_event", "newest event", "time"),
    Column("finished", "last run", "time", help="when it ended"),
    Column("age_seconds", "age", "seconds", help="since the last run ended"),
    Column("lag_seconds", "lag", "seconds", help="from the newest event to the end of the last run"),
    Column("run_seconds", "duration", "seconds", help="of the last run"),
)


def checks(asked: Asked) -> Panel:
    """Health checks by service, with those that fail now first. Raises InputError.

    Columns: `check`, `service`, `checks`, `failed`, `uptime`, `open` (1 where it failed when last run),
    `open_since` (NaT where there is none).
    """
    keys = ["check", "service"]
    table = health.uptime(asked.out, by=keys, since=asked.since, until=asked.until)
    begun = health.open_incidents(asked.out, since=asked.since, until=asked.until).set_index(keys)
    table["open_since"] = begun["start"].reindex(table.index)
    table["open"] = table["open_since"].notna().astype("int64")
    columns = (
        Column("check", "check", "text"),
        Column("service", "service", "text", detail=True),
        Column("checks", "checks", "count"),
        Column("failed", "failed", "count", bad=True),
        Column("uptime", "uptime", "share", help="checks that passed, of all"),
        Column("open", "down", "count", bad=True, help="1 where it failed when last run"),
        Column("open_since", "since", "time"),
    )
    return panel("checks", "Health checks", health.SUMMARY, columns, table).sorted("failed").sorted("open")


def pipeline(status: Status) -> Panel:
    """Whether all that was written has arrived: over all runs, whatever span is asked for. One row.

    Columns: `newest_event`, `finished` (when the last run ended), `age_seconds` (since then), `lag_seconds` (from the
    newest event to the end of the last run), `run_seconds`, and the counts of `Status.account` that are not 0 or are
    always told.
    """
    counts = telling(status.account)
    row = {
        "newest_event": _moment(status.newest_event),
        "finished": _moment(status.finished),
        "age_seconds": status.age_seconds if status.finished else float("nan"),
        "lag_seconds": status.finished - status.newest_event if status.newest_event else float("nan"),
        "run_seconds": status.seconds,
        **counts,
    }
    columns = (*_RUNS, *map(_count, counts))
    return replace(panel("pipeline", "Pipeline, over all runs", "", columns, pd.DataFrame([row])), facts=True)


def _count(name: str) -> Column:
    unit: Unit = "bytes" if name == "gap_bytes" else "count"
    return Column(name, name.replace("_", " "), unit, bad=name in _BAD, help=MEANINGS[name])


def capped(status: Status) -> Panel:
    """What is shown as `__other__`, as there was no room for it. Columns: `what`, `number`, `of`."""
    rows = [
        (metric, number, f"values of {label}" if label else "series")
        for metric, labels in status.capped.items()
        for label, number in labels.items()
    ]
    rows += [(summary, number, "events") for summary, number in status.folded.items()]
    columns = (
        Column("what", "metric or summary", "text"),
        Column("number", "as __other__", "count", bad=True),
        Column("of", "of", "text"),
    )
    table = pd.DataFrame(rows, columns=[column.name for column in columns])
    return panel("capped", "Capped, over all runs", "", columns, table.astype({"number": "int64"})).sorted("number")


def _moment(seconds: float) -> pd.Timestamp | NaTType:
    return pd.Timestamp(seconds, unit="s", tz="UTC").floor("us") if seconds else pd.NaT
