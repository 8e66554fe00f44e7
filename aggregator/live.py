"""Totals of processes, which come and go by the thousand: what adds up is kept, what a process was last is let go.

A process lives while its newest line is at most `LIVE_SECONDS` older than the newest of its service in the same
summary. That time is the logs' own, not the clock's: old logs show the processes that lived at their end, and a run
that brings nothing changes nothing. What is let go now would be let go by every later run, too: so the totals are the
same however the lines were split.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .cube import Cube, grouped
from .definitions import PROC, Summary
from .grouping import TEXT, Key

LIVE_SECONDS = 15 * 60
_HORIZON = pa.scalar(LIVE_SECONDS * 1_000_000, pa.duration("us"))


def settled(totals: Cube) -> Cube:
    """Totals in which process "" has all that adds up, and each living one a row with its gauges beside."""
    summary = totals.summary
    if not summary.by_process or not len(totals.cells):
        return totals
    cells = pa.concat_tables([_sums(summary, totals.cells), _alive(summary, totals.cells)])
    return grouped(summary, cells, totals.bins, windowed=False)  # whose rows are those of the sums


def is_living(cells: pa.Table) -> pa.ChunkedArray:
    """Whether each row of settled totals is of a process."""
    return cells["last_at"].is_valid()


def _sums(summary: Summary, cells: pa.Table) -> pa.Table:
    levels = [f"{gauge}_last{part}" for gauge in summary.gauges for part in ("", "_at")]
    return _replaced(cells, {PROC: "", **dict.fromkeys([*levels, "last_at"])})


def _alive(summary: Summary, cells: pa.Table) -> pa.Table:
    service = Key.of(cells["service"])
    told = pa.table({"service": service.codes, "at": cells["last_at"]})
    newest = told.group_by("service", use_threads=False).aggregate([("at", "max")])
    since = pc.subtract(newest.sort_by("service")["at_max"], _HORIZON).take(pa.array(service.codes))
    is_live = pc.fill_null(pc.greater_equal(cells["last_at"], since), False)
    for gauge in summary.gauges:  # each has its own time: not every line of a process tells all of them
        is_current = pc.fill_null(pc.greater_equal(cells[f"{gauge}_last_at"], since), False)
        for name in (f"{gauge}_last", f"{gauge}_last_at"):
            current = pc.if_else(is_current, cells[name], pa.scalar(None, cells[name].type))
            cells = cells.set_column(cells.column_names.index(name), cells.schema.field(name), current)
    sums = {"events": 0, **{f"{measure.name}_sum": 0 for measure in summary.measures}}
    extremes = [f"{measure.name}_{extreme}" for measure in summary.measures for extreme in ("min", "max")]
    return _replaced(cells.filter(is_live), {**sums, **dict.fromkeys(extremes)})


def _replaced(table: pa.Table, values: dict[str, Any]) -> pa.Table:
    """The table with one value in all rows of some columns."""
    for name, value in values.items():
        field = table.schema.field(name)
        column = pa.repeat(pa.scalar(value, pa.string() if field.type == TEXT else field.type), len(table))
        table = table.set_column(table.column_names.index(name), field, column.cast(field.type))
    return table
