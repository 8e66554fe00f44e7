"""Database queries, seen by an execute wrapper on every connection: no ENGINE is replaced."""

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any

from . import conf, outside
from .emitter import harmless, write_events
from .fold import QueryKind, query_fields
from .sql import operation, scrubbed
from .unit import current

_DML = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})
_harmless = harmless()
_VENDORS = {"postgis": "postgresql", "spatialite": "sqlite"}


class _Counted:
    """Parameter sets that are consumed once and counted as they go."""

    def __init__(self, sets: Iterable[Any]) -> None:
        self._sets = iter(sets)
        self.count = 0

    def __iter__(self) -> Iterator[Any]:
        for item in self._sets:
            self.count += 1
            yield item


class QueryWrapper:
    """Times one connection's statements. Errors pass; nothing of ours ever reaches the caller."""

    def __init__(self, alias: str, vendor: str) -> None:
        self._alias = alias
        self._vendor = _VENDORS.get(vendor, vendor)
        self._kinds: dict[tuple[str, bool, str], QueryKind] = {}

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        sets = None
        if many and params is not None and not isinstance(params, Sized):
            params = sets = _Counted(params)
        error = ""
        start = time.perf_counter_ns()
        try:
            return execute(sql, params, many, context)
        except BaseException as exc:
            error = type(exc.__cause__ or exc).__name__
            raise
        finally:
            microseconds = (time.perf_counter_ns() - start + 500) // 1000
            with _harmless:
                statements = (sets.count if sets else len(params or ())) if many else 1
                self._record(sql, many, error, microseconds, statements, context)

    def _record(self, sql: Any, many: bool, error: str, microseconds: int, statements: int, context: Any) -> None:
        settings = conf.current()
        if not settings.enabled or settings.queries == "off":
            return
        kind = self._kind(operation(sql), many, error)
        rows = _rows(kind, sql, context) if kind.operation in _DML and not error else None
        slow = settings.slow_query_seconds is not None and microseconds > settings.slow_query_seconds * 1e6
        unit = current.get()
        if slow or settings.queries == "each":
            if unit is None or not unit.count_query(microseconds):
                unit = outside.unit()
            fields = query_fields(kind, [microseconds], statements, rows)
            if slow:
                fields["sql"] = scrubbed(sql, self._vendor)
            write_events([("db_query", fields)], unit)
            return
        due = unit.fold_query(kind, microseconds, statements, rows) if unit is not None else None
        if due is None:  # outside any unit, or it has closed
            unit = outside.unit()
            due = unit.fold_query(kind, microseconds, statements, rows)
        if due:
            write_events(due, unit)

    def _kind(self, operation: str, many: bool, error: str) -> QueryKind:
        kind = self._kinds.get((operation, many, error))
        if kind is None:
            kind = self._kinds[operation, many, error] = QueryKind(self._alias, self._vendor, operation, many, error)
        return kind


def _rows(kind: QueryKind, sql: Any, context: Any) -> int | None:
    """Rows that an INSERT, UPDATE or DELETE changed, where the driver knows it by now."""
    # SQLite counts the rows of RETURNING only as they are fetched.
    if kind.vendor == "sqlite" and isinstance(sql, str) and " RETURNING " in sql:
        return None
    rows = getattr(context.get("cursor"), "rowcount", None)
    return rows if isinstance(rows, int) and rows >= 0 else None


def install(connection: Any) -> None:
    """Fit a connection with the wrapper, once. First, so outside a user's own: appended, their block would pop ours."""
    wrappers = connection.execute_wrappers
    if not any(isinstance(wrapper, QueryWrapper) for wrapper in wrappers):
        wrappers.insert(0, QueryWrapper(connection.alias, connection.vendor))


def on_connection_created(connection: Any, **_kwargs: Any) -> None:
    install(connection)
