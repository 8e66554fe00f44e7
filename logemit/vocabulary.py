"""Every event that logemit knows and every field of it, as plain data.

The emitter, the decoder, the generated docs and the JSON Schema all read this page; nothing else
declares a field. It grows by addition only: `tests/vocabulary.lock.json` holds what was promised.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

SCHEMA_VERSION = 1
LINE_LIMIT = 4096
"""Bytes of a line with its newline: PIPE_BUF, so that lines of several processes never interleave."""

Type: TypeAlias = Literal["string", "integer", "number", "boolean", "bins", "object"]
Unit: TypeAlias = Literal["", "seconds", "bytes", "count", "percent", "timestamp"]
Cardinality: TypeAlias = Literal["fixed", "app", "identity", "unbounded"]
"""How many values a dimension takes: `fixed` by a standard; `app`: as many as the app's code has
names; `identity`: one for each user, feed or job; `unbounded`: never a label."""


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a line. A `dimension` groups, any other field with a unit is a measure."""

    name: str
    type: Type
    unit: Unit = ""
    dimension: bool = False
    cardinality: Cardinality = "unbounded"
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    doc: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)


def _dimension(name: str, cardinality: Cardinality, doc: str, type: Type = "string") -> Field:  # noqa: A002
    return Field(name, type, "", True, cardinality, doc)


def _seconds(name: str, doc: str) -> Field:
    return Field(name, "number", "seconds", doc=doc)


def _count(name: str, doc: str) -> Field:
    return Field(name, "integer", "count", doc=doc)


def _bytes(name: str, doc: str) -> Field:
    return Field(name, "integer", "bytes", doc=doc)


def _number(name: str, unit: Unit, doc: str) -> Field:
    return Field(name, "number", unit, doc=doc)


METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH")
INVALID_METHOD = "<invalid method>"
UNNAMED_VIEW = "<unnamed view>"

COMMON = (
    Field("logemit", "integer", doc="version of this schema: 1"),
    Field("event", "string", doc="name of the event"),
    Field("timestamp", "string", "timestamp", doc="ISO 8601, UTC, microseconds, Z"),
    Field("service", "string", "", True, "app", "the app's name, from settings"),
    Field("proc", "string", doc="random id of the emitting process; a forked child takes a new one"),
    Field("seq", "integer", doc="0, 1, 2 … within proc: a hole is a lost line, a repeat a duplicate delivery"),
    Field("unit", "string", doc="what it happened in: request, task, command, none"),
    Field("request_id", "string", doc="which request"),
    Field("task_id", "string", doc="which task"),
    Field("dropped", "integer", "count", doc="lines that this process could not write since the last that got through"),
    Field("cut", "integer", "count", doc="values shortened or left out to keep the line within 4,096 bytes"),
)

_ALIAS = _dimension("alias", "app", "name of the connection or cache in settings")
_VENDOR = _dimension("vendor", "fixed", "sqlite, postgresql, mysql, oracle")
_ERROR = _dimension("error", "app", "type of the driver's exception")
_USER_ID = _dimension("user_id", "identity", "the user's id in the app, never a name or address")
_EXCEPTION = _dimension("exception", "app", "type of the exception that ended it")
_DB_QUERIES = _count("db_queries", "queries in it")
_DB_SECONDS = _seconds("db_seconds", "time in queries")
_FOLDED = _count("count", "how many times it happened; 1 where absent")
_INSTRUMENT = _dimension(
    "name", "app", "of the instrument, with namespace, subsystem and unit; a counter's without _total"
)

EVENTS = (
    Event(
        "http_request",
        "One request, seen from outside all other middleware.",
        (
            _dimension("outcome", "fixed", "ok, error, cancelled, aborted"),
            _dimension("method", "fixed", f"an HTTP method, or {INVALID_METHOD}"),
            _dimension("view", "app", f"resolver_match.view_name, or {UNNAMED_VIEW}"),
            _dimension("route", "app", "the pattern of the URL that matched"),
            _dimension("status", "fixed", "as the client sees it; absent when none was sent", "integer"),
            _dimension("transport", "fixed", "http, https"),
            _dimension("ajax", "fixed", "X-Requested-With: XMLHttpRequest", "boolean"),
            _dimension("streaming", "fixed", "the response was streamed", "boolean"),
            _dimension("charset", "fixed", "of the response"),
            _dimension("template", "app", "template of a TemplateResponse"),
            _dimension("exception", "app", "type of an exception that nothing in the app answered"),
            _seconds("duration_seconds", "the whole stack, to the last byte of a stream"),
            _seconds("view_seconds", "the view alone, with ViewMiddleware"),
            _bytes("request_bytes", "Content-Length; malformed or missing is 0"),
            _bytes("response_bytes", "of the body as sent"),
            _DB_QUERIES,
            _DB_SECONDS,
            _count("cache_gets", "cache reads"),
            _count("cache_hits", "cache reads that found something"),
        ),
    ),
    Event(
        "db_query",
        "Queries of one unit of work, folded by their dimensions; or one query.",
        (
            _ALIAS,
            _VENDOR,
            _dimension("operation", "fixed", "first word of the statement: SELECT, INSERT …"),
            _dimension("many", "fixed", "executemany", "boolean"),
            _count("statements", "1, or the parameter sets consumed by executemany"),
            _count("rows_affected", "by INSERT, UPDATE and DELETE, where known"),
            _ERROR,
            _FOLDED,
            _seconds("duration_seconds", "sum over count"),
            _seconds("duration_min_seconds", "shortest of a fold"),
            _seconds("duration_max_seconds", "longest of a fold"),
            Field("bins", "bins", "seconds", doc="le:count,… of a fold on the grid of seconds"),
            Field("sql", "string", doc="of a slow query, without parameters, literals scrubbed"),
        ),
    ),
    Event(
        "db_connection",
        "One attempt to open a database connection.",
        (_ALIAS, _VENDOR, _ERROR),
    ),
    Event(
        "db_pool",
        "A process's pool of database connections.",
        (
            _ALIAS,
            _VENDOR,
            _count("max_size", "connections it may open"),
            _count("size", "connections open or being opened"),
            _count("available", "connections idle in the pool"),
            _count("waiting", "requests that wait for a connection"),
        ),
    ),
    Event(
        "cache_operation",
        "Cache calls of one unit of work, folded by their dimensions.",
        (
            _ALIAS,
            _dimension("backend", "fixed", "kind of the backend: locmem, filebased, redis …"),
            _dimension("operation", "fixed", "get, set, delete …"),
            _dimension("hit", "fixed", "what was looked up was there, also 0, '' or None", "boolean"),
            _ERROR,
            _FOLDED,
            _count("keys", "keys that the calls named; of a read of many, those found and those not found apart"),
        ),
    ),
    Event(
        "model_change",
        "Rows that successful statements reported for a model.",
        (
            _dimension("model", "app", "app_label.Model, concrete"),
            _dimension("operation", "fixed", "insert, update, delete"),
            _FOLDED,
            _count("unknown", "statements that succeeded, but whose rows no driver tells"),
        ),
    ),
    Event(
        "migration_state",
        "Migrations applied and not yet applied.",
        (
            _dimension("connection", "app", "alias of the database"),
            _count("applied", "migrations applied"),
            _count("unapplied", "migrations not applied"),
        ),
    ),
    Event(
        "feed_poll",
        "One poll of a feed.",
        (
            _dimension("feed_id", "identity", "which feed"),
            _dimension("status", "app", "success, not_modified, timeout, error …"),
            _seconds("duration_seconds", "of the poll"),
            _count("items_discovered", "items in the feed"),
            _count("items_new", "items not seen before"),
        ),
    ),
    Event(
        "feed_state",
        "How many feeds there are to poll.",
        (
            _count("active", "feeds that are polled"),
            _count("total", "feeds, also those that are not polled"),
        ),
    ),
    Event(
        "bookmark_change",
        "Bookmarks created, updated or deleted.",
        (
            _dimension("operation", "fixed", "created, deleted; or how they were updated: updated, archived, tagged …"),
            _dimension("source", "app", "where the change came from: web, api, import …"),
            _USER_ID,
            _FOLDED,
        ),
    ),
    Event(
        "bookmark_import",
        "One import of bookmarks.",
        (
            Field("import_id", "string", doc="which import"),
            _USER_ID,
            _dimension("format", "app", "netscape, opml, json …"),
            _dimension("status", "app", "success, partial, error …"),
            _seconds("duration_seconds", "of the import"),
            _count("items_total", "entries in the file"),
            _count("items_processed", "entries taken in"),
            _count("items_failed", "entries refused"),
        ),
    ),
    Event(
        "bookmark_import_progress",
        "How far a long import is; told every few seconds, and at its end.",
        (
            _dimension("import_id", "identity", "which import"),
            _USER_ID,
            _dimension("format", "app", "netscape, opml, json …"),
            _count("items_total", "entries in the file, as far as known"),
            _count("items_processed", "entries taken in so far"),
            _count("items_failed", "entries refused so far"),
        ),
    ),
    Event(
        "task",
        "One background task.",
        (
            _dimension("name", "app", "of the task"),
            _dimension("queue", "app", "it came through"),
            _dimension("state", "fixed", "success, failure, retry, ignored, revoked, rejected"),
            _seconds("duration_seconds", "run time"),
            _seconds("queue_seconds", "time between sending and starting"),
            _count("retries", "how often it had been tried before"),
            _EXCEPTION,
            _DB_QUERIES,
            _DB_SECONDS,
        ),
    ),
    Event(
        "command",
        "One management command.",
        (
            _dimension("name", "app", "of the command"),
            _dimension("status", "fixed", "ok, error, aborted"),
            _seconds("duration_seconds", "run time"),
            _EXCEPTION,
            _DB_QUERIES,
            _DB_SECONDS,
        ),
    ),
    Event(
        "job",
        "One piece of work of the app's: a line when it starts, and one when it ends.",
        (
            _dimension("name", "app", "of the job"),
            Field("job_id", "string", doc="which run of it: the same in both lines"),
            _dimension("state", "fixed", "started; then success, failure, aborted"),
            _seconds("duration_seconds", "run time, in the last line"),
            _EXCEPTION,
        ),
    ),
    Event(
        "report",
        "One report that was made, or could not be.",
        (
            _dimension("name", "app", "of the report"),
            _dimension("format", "app", "pdf, csv, html …"),
            _dimension("status", "app", "success, error, aborted …"),
            _seconds("duration_seconds", "time to make it"),
            _bytes("size_bytes", "of the report"),
        ),
    ),
    Event(
        "data_quality",
        "How good some data is.",
        (
            _dimension("dataset", "app", "which data"),
            _number("score", "", "0 to 1"),
            _count("checked", "rows or values looked at"),
            _count("failed", "of these, those that did not pass"),
        ),
    ),
    Event(
        "process_stats",
        "What a process uses, told at most every few seconds from inside its ordinary work.",
        (
            _dimension("implementation", "fixed", "of Python: CPython, PyPy"),
            _dimension("version", "fixed", "of Python"),
            _dimension("major", "fixed", "first part of the version"),
            _dimension("minor", "fixed", "second part of the version"),
            _dimension("patchlevel", "fixed", "third part of the version"),
            _number("cpu_seconds", "seconds", "user and system time since this process's last line, or its start"),
            _bytes("rss_bytes", "resident memory"),
            _bytes("vms_bytes", "virtual memory"),
            _count("open_fds", "open file descriptors"),
            _count("max_fds", "limit of open file descriptors"),
            _count("threads", "threads"),
            _count("alive", "1; 0 in the last line of a process that ends, where what it uses is 0, too"),
            _number("start_time_seconds", "timestamp", "Unix time of its start"),
            _count("gc_collected", "objects that the garbage collector collected since the last line"),
            _count("gc_uncollectable", "objects that it could not collect since the last line"),
            _count("gc_collections", "collections since the last line"),
        ),
    ),
    Event(
        "gc_stats",
        "The garbage collector of a process since its last line, by generation.",
        (
            _dimension("generation", "fixed", "0, 1, 2", "integer"),
            _count("collected", "objects collected"),
            _count("uncollectable", "objects that could not be collected"),
            _count("collections", "collections"),
        ),
    ),
    Event(
        "system_stats",
        "What the machine uses.",
        (
            _number("cpu_percent", "percent", "of all processors"),
            _number("memory_percent", "percent", "of memory"),
            _number("disk_percent", "percent", "of the disk"),
            _number("uptime_seconds", "seconds", "since the machine started"),
        ),
    ),
    Event(
        "health_check",
        "The result of a health check.",
        (
            _dimension("check", "app", "its name"),
            _dimension("healthy", "fixed", "the result", "boolean"),
            _count("up", "the result as a number: 1 or 0"),
            _seconds("duration_seconds", "of the check"),
            Field("message", "string", doc="what the app says of it; else the type of the exception"),
        ),
    ),
    Event(
        "instrument",
        "What an instrument is: told by each process that uses it, once.",
        (
            _INSTRUMENT,
            _dimension("kind", "fixed", "counter, gauge, histogram, summary, info, enum"),
            _dimension("help", "app", "its documentation"),
            _dimension("label_names", "app", "with commas between"),
            _dimension("buckets", "app", "upper bounds of a histogram, with commas between, without +Inf"),
            _dimension("states", "app", "of an enum, a list as JSON text"),
            _count("declared", "1"),
        ),
    ),
    Event(
        "measurement",
        "What an instrument was told: once, or all of one unit of work.",
        (
            _INSTRUMENT,
            _dimension("kind", "fixed", "counter, gauge, histogram, summary, bucket, info, enum"),
            Field("value", "number", doc="of a gauge what it is now; of others the sum of what was added or observed"),
            Field("labels", "object", doc="label names and values"),
            _dimension("mode", "fixed", "of a gauge: how processes combine, as multiprocess_mode"),
            _dimension("state", "app", "of an enum; of an info its pairs as JSON text"),
            Field("step", "number", doc="of a gauge: by how much it moved since this process last told it"),
            _FOLDED,
            Field("value_min", "number", doc="least of what was observed"),
            Field("value_max", "number", doc="greatest of what was observed"),
            Field("bins", "bins", doc="le:count,… of what was observed, on the grid of values"),
        ),
    ),
)

BY_NAME = {event.name: event for event in EVENTS}
