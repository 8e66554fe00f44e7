"""What requests did and what they cost: requests, queries, caches, changed rows."""

from ..selections import divisor
from .asked import Asked
from .panel import Column, Panel, dimensions, panel

_LATENCIES = (
    Column("mean", "mean", "seconds", detail=True),
    Column("p50", "p50", "seconds"),
    Column("p95", "p95", "seconds"),
    Column("p99", "p99", "seconds", detail=True),
)
_KEYS_READ = ("get", "get_many", "get_or_set")


def requests(asked: Asked, by: tuple[str, ...] = ("view",)) -> Panel:
    """Requests by dimensions, or all in one row; those that took the most time first.

    Columns beside `by`: `requests`, `rate`, `errors`, `error_share`, `mean`, `p50`, `p95`, `p99`, `total_seconds`,
    `queries` (a request), `db_share` (of the time). Raises UsageError for an unknown dimension, InputError.
    """
    found = asked.read("http_requests", by)
    sums = asked.sums("http_requests", by, ["duration_seconds_sum", "db_queries_sum", "db_seconds_sum"])
    table = found.rename(columns={"count": "requests"}).assign(
        errors=(found["error_share"].fillna(0) * found["count"]).round().astype("int64"),
        total_seconds=sums["duration_seconds_sum"],
        queries=sums["db_queries_sum"] / found["count"],
        db_share=sums["db_seconds_sum"] / divisor(sums["duration_seconds_sum"]),
    )
    columns = (
        *dimensions(by),
        Column("requests", "requests", "count"),
        Column("rate", "rate", "rate", detail=True),
        Column("errors", "errors", "count", detail=True, bad=True),
        Column("error_share", "errors", "share", bad=True, help="requests that ended in an error, of all"),
        *_LATENCIES,
        Column("total_seconds", "total", "seconds", help="time of all requests together"),
        Column("queries", "queries", "number", help="database queries of a request"),
        Column("db_share", "in db", "share", help="time in the database, of all"),
    )
    title = f"Requests by {', '.join(by)}" if by else "Requests"
    return panel("requests_by" if by else "requests", title, "http_requests", columns, table).sorted("total_seconds")


def queries(asked: Asked, by: tuple[str, ...] = ("alias", "operation")) -> Panel:
    """Database queries; the operations that took the most time first. Raises UsageError, InputError.

    Columns beside `by`: `queries`, `rate`, `error_share`, `mean`, `p50`, `p95`, `p99`, `total_seconds`.
    """
    table = asked.read("db_queries", by).rename(columns={"count": "queries"})
    table["total_seconds"] = asked.sums("db_queries", by, ["duration_seconds_sum"])["duration_seconds_sum"]
    columns = (
        *dimensions(by),
        Column("queries", "queries", "count"),
        Column("rate", "rate", "rate", detail=True),
        Column("error_share", "errors", "share", bad=True),
        *_LATENCIES,
        Column("total_seconds", "total", "seconds"),
    )
    return panel("queries", f"Database queries by {', '.join(by)}", "db_queries", columns, table).sorted(
        "total_seconds"
    )


def caches(asked: Asked) -> Panel:
    """Caches by alias, counted in keys that were read. Raises InputError.

    Columns: `alias`, `backend`, `operations` (of any kind), `reads`, `hits`, `hit_share` (of the reads that did not
    fail), `errors` (operations that failed).
    """
    by = ["alias", "backend"]
    cells = asked.cells("cache_operations", [*by, "operation", "hit", "error", "events", "keys_sum"])
    worked, is_read = cells["error"] == "", cells["operation"].isin(_KEYS_READ)
    cells = cells.assign(
        reads=cells["keys_sum"].where(worked & is_read, 0),
        hits=cells["keys_sum"].where(worked & is_read & (cells["hit"] == "true"), 0),
        errors=cells["events"].where(~worked, 0),
    )
    names = ["events", "reads", "hits", "errors"]
    table = cells.groupby(by, observed=True)[names].sum().astype("int64").rename(columns={"events": "operations"})
    table["hit_share"] = table["hits"] / divisor(table["reads"])
    columns = (
        *dimensions(("alias", "backend")),
        Column("operations", "operations", "count"),
        Column("reads", "keys read", "count"),
        Column("hits", "found", "count", detail=True),
        Column("hit_share", "hits", "share", help="keys found, of those read"),
        Column("errors", "errors", "count", bad=True),
    )
    return panel("caches", "Caches", "cache_operations", columns, table).sorted("operations")


def models(asked: Asked) -> Panel:
    """Rows changed, by model. Columns: `model`, `inserts`, `updates`, `deletes`, `changes`. Raises InputError."""
    names = {"insert": "inserts", "update": "updates", "delete": "deletes"}
    table = asked.counts("model_changes", ["model"], "operation", list(names)).rename(columns=names)
    table["changes"] = table.sum(axis=1)
    columns = (*dimensions(("model",)), *(Column(name, name, "count") for name in [*names.values(), "changes"]))
    return panel("models", "Rows changed", "model_changes", columns, table).sorted("changes")
