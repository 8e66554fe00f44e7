"""What runs beside requests: feeds, imports, tasks, jobs, commands, reports, and how good data is."""

from ..selections import divisor
from .asked import Asked
from .panel import Column, Panel, dimensions, panel

_TIMES = (
    Column("p50", "p50", "seconds", detail=True),
    Column("p95", "p95", "seconds"),
    Column("p99", "p99", "seconds", detail=True),
)
_FAILING = Column("error_share", "failing", "share", bad=True)


def feeds(asked: Asked) -> Panel:
    """Feeds, those that fail most first. Raises InputError.

    Columns: `feed_id`, `polls`, `error_share`, `last_status` (each of those in the newest window with a poll, in the
    order of the alphabet), `last_at` (the start of that window), `items_new`, `p50`, `p95`, `p99`.
    """
    table = asked.read("feed_polls", ["feed_id"]).rename(columns={"count": "polls"})
    cells = asked.cells("feed_polls", ["feed_id", "status", "items_new_sum"])
    by_feed = cells.groupby("feed_id", observed=True)
    newest = cells[cells["window_start"] == by_feed["window_start"].transform("max")]
    told = newest.groupby("feed_id", observed=True)["status"]
    table["items_new"] = by_feed["items_new_sum"].sum().astype("int64")
    table["last_at"] = by_feed["window_start"].max()
    table["last_status"] = told.agg(lambda statuses: ", ".join(sorted(set(statuses))))
    columns = (
        Column("feed_id", "feed", "text"),
        Column("polls", "polls", "count"),
        _FAILING,
        Column("last_status", "last status", "text"),
        Column("last_at", "last poll", "time"),
        Column("items_new", "new items", "count"),
        *_TIMES,
    )
    return panel("feeds", "Feeds", "feed_polls", columns, table).sorted("polls").sorted("error_share")


def imports(asked: Asked) -> Panel:
    """Imports by format. Raises InputError.

    Columns: `format`, `imports`, `error_share`, `items` (taken in), `items_failed`, `p50`, `p95`, `p99`.
    """
    table = asked.read("bookmark_imports", ["format"]).rename(columns={"count": "imports"})
    sums = asked.sums("bookmark_imports", ["format"], ["items_processed_sum", "items_failed_sum"])
    table["items"], table["items_failed"] = sums["items_processed_sum"], sums["items_failed_sum"]
    table = table.astype({"items": "int64", "items_failed": "int64"})
    columns = (
        *dimensions(("format",)),
        Column("imports", "imports", "count"),
        _FAILING,
        Column("items", "items done", "count"),
        Column("items_failed", "failed items", "count", bad=True),
        *_TIMES,
    )
    return panel("imports", "Imports by format", "bookmark_imports", columns, table).sorted("imports")


def tasks(asked: Asked) -> Panel:
    """Background tasks by name; each attempt is a run. Raises InputError.

    Columns: `name`, `runs`, `failures`, `error_share`, `retries`, `p50`, `p95`, `p99`, `queue_p95` (seconds from
    sending to starting), `total_seconds`.
    """
    table = asked.read("tasks", ["name"]).rename(columns={"count": "runs"})
    states = asked.counts("tasks", ["name"], "state", ["failure", "retry"])
    table["failures"], table["retries"] = states["failure"], states["retry"]
    table["queue_p95"] = asked.read("tasks", ["name"], measure="queue_seconds", quantiles=[0.95])["p95"]
    table["total_seconds"] = asked.sums("tasks", ["name"], ["duration_seconds_sum"])["duration_seconds_sum"]
    columns = (
        Column("name", "task", "text"),
        Column("runs", "runs", "count", help="attempts"),
        Column("failures", "failures", "count", detail=True, bad=True),
        _FAILING,
        Column("retries", "retries", "count"),
        *_TIMES,
        Column("queue_p95", "queued p95", "seconds", help="from sending to starting"),
        Column("total_seconds", "total", "seconds"),
    )
    return panel("tasks", "Tasks", "tasks", columns, table).sorted("total_seconds")


def jobs(asked: Asked) -> Panel:
    """Jobs by name. Raises InputError.

    Columns: `name`, `started`, `ended`, `failures`, `error_share` (of those that ended), `unfinished` (started and not
    ended: at work, or died), `p50`, `p95`, `p99`.
    """
    table = asked.read("jobs", ["name"])[["p50", "p95", "p99"]]
    states = asked.counts("jobs", ["name"], "state", ["started", "success", "failure", "aborted"])
    ended = states[["success", "failure", "aborted"]].sum(axis=1)
    table = table.assign(
        started=states["started"],
        ended=ended,
        failures=states["failure"],
        error_share=states["failure"] / divisor(ended),
        unfinished=(states["started"] - ended).clip(lower=0),
    )
    columns = (
        Column("name", "job", "text"),
        Column("started", "started", "count"),
        Column("ended", "ended", "count", detail=True),
        Column("failures", "failures", "count", detail=True, bad=True),
        _FAILING,
        Column("unfinished", "unfinished", "count", help="at work, or died"),
        *_TIMES,
    )
    return panel("jobs", "Jobs", "jobs", columns, table).sorted("started")


def commands(asked: Asked) -> Panel:
    """Management commands by name. Raises InputError.

    Columns: `name`, `runs`, `error_share`, `p50`, `p95`, `p99`, `total_seconds`, `queries` (a run).
    """
    table = asked.read("commands", ["name"]).rename(columns={"count": "runs"})
    sums = asked.sums("commands", ["name"], ["duration_seconds_sum", "db_queries_sum"])
    table["total_seconds"], table["queries"] = sums["duration_seconds_sum"], sums["db_queries_sum"] / table["runs"]
    columns = (
        Column("name", "command", "text"),
        Column("runs", "runs", "count"),
        _FAILING,
        *_TIMES,
        Column("total_seconds", "total", "seconds"),
        Column("queries", "queries", "number", help="database queries of a run"),
    )
    return panel("commands", "Commands", "commands", columns, table).sorted("total_seconds")


def reports(asked: Asked) -> Panel:
    """Reports by name. Columns: `name`, `reports`, `error_share`, `p50`, `p95`, `p99`, `size_bytes` (of all together).

    Raises InputError.
    """
    table = asked.read("reports", ["name"]).rename(columns={"count": "reports"})
    table["size_bytes"] = asked.sums("reports", ["name"], ["size_bytes_sum"])["size_bytes_sum"]
    columns = (
        Column("name", "report", "text"),
        Column("reports", "reports", "count"),
        _FAILING,
        *_TIMES,
        Column("size_bytes", "size", "bytes"),
    )
    return panel("reports", "Reports", "reports", columns, table).sorted("reports")


def data_quality(asked: Asked) -> Panel:
    """Data by dataset. Columns: `dataset`, `checked`, `failed`, `score` (the last one told). Raises InputError."""
    table = asked.read("data_quality", ["dataset"])
    sums = asked.sums("data_quality", ["dataset"], ["checked_sum", "failed_sum"]).astype("int64")
    table = table.assign(checked=sums["checked_sum"], failed=sums["failed_sum"], score=table["score_last"])
    columns = (
        *dimensions(("dataset",)),
        Column("checked", "checked", "count"),
        Column("failed", "failed", "count", bad=True),
        Column("score", "last score", "share"),
    )
    return panel("data_quality", "Data quality", "data_quality", columns, table).sorted("failed")
