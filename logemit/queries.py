"""Database queries, seen by an execute wrapper on every connection: no ENGINE is replaced."""

from collections.abc import Callable, Iterable, Iterator, Sized
from time import perf_counter_ns
from typing import Any

from . import conf, models, outside
from .emitter import harmless, write_events
from .kinds import QueryKind, query_kind
from .rows import DML, Returned, rows_known
from .sql import operation, scrubbed
from .unit import NOTHING, current

_harmless = harmless()
_VENDORS = {"postgis": "postgresql", "spatialite": "sqlite"}


def vendor_of(connection: Any) -> str:
    vendor: str = connection.vendor
    return _VENDORS.get(vendor, vendor)


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
        self._vendor = vendor
        self._select = query_kind(alias, vendor, "SELECT", False, "")
        self._returned: Returned | None = None

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if self._returned is not None:
            self._settle()
        sets = None
        if many and params is not None and not isinstance(params, Sized):
            params = sets = _Counted(params)
        start = perf_counter_ns()
        try:
            result = execute(sql, params, many, context)
        except BaseException as exc:
            now = perf_counter_ns()
            with _harmless:
                kind = query_kind(self._alias, self._vendor, operation(sql), many, type(exc.__cause__ or exc).__name__)
                self._record(kind, sql, _statements(many, params, sets), context, now - start, now)
            raise
        now = perf_counter_ns()
        with _harmless:
            if not many and isinstance(sql, str) and sql.startswith("SELECT "):  # nearly every one
                self._record_select(sql, context, now - start, now)
            else:
                kind = query_kind(self._alias, self._vendor, operation(sql), many, "")
                self._record(kind, sql, _statements(many, params, sets), context, now - start, now)
        return result

    def _record_select(self, sql: str, context: Any, nanoseconds: int, now: int) -> None:
        """What _record does, on a shorter way."""
        settings, unit = conf.current(), current.get()
        microseconds = (nanoseconds + 500) // 1000
        if unit is not None and settings.folds_queries and microseconds <= settings.slow_query_microseconds:
            due = unit.fold(self._select, microseconds, now)
            if due is NOTHING:
                return
            if due is not None:
                write_events(due, unit)
                return
        self._record(self._select, sql, 1, context, nanoseconds, now)

    def _record(self, kind: QueryKind, sql: Any, statements: int, context: Any, nanoseconds: int, now: int) -> None:
        settings = conf.current()
        if not settings.enabled:
            return
        microseconds = (nanoseconds + 500) // 1000
        changes = kind.operation in DML and not kind.error
        rows = rows_known(kind, sql, context) if changes else None
        amount = (microseconds, statements, rows) if changes or kind.many else microseconds
        slow = microseconds > settings.slow_query_microseconds
        if settings.folds_queries and not slow:
            outside.fold(kind, amount, now)
        elif settings.queries != "off":
            more = {"sql": scrubbed(sql, self._vendor)} if slow else {}
            outside.write(kind, amount, **more)
        if changes and settings.models:
            self._count_rows(kind, sql, rows, context, now)

    def _count_rows(self, kind: QueryKind, sql: str, rows: int | None, context: Any, now: int) -> None:
        model = models.changed(kind.operation, sql)
        if model is None:
            return
        returned = Returned.of(self, kind, sql, context, model) if rows is None else None
        if returned is None:
            outside.fold(model, rows, now)
        else:
            self._returned = returned

    def _settle(self) -> None:
        returned, self._returned = self._returned, None
        with _harmless:
            if returned is not None:
                returned.settle()


def _statements(many: bool, params: Any, sets: _Counted | None) -> int:
    if not many:
        return 1
    return sets.count if sets is not None else len(params or ())


def install(connection: Any) -> None:
    """Fit a connection with the wrapper, once. First, so outside a user's own: appended, their block would pop ours."""
    wrappers = connection.execute_wrappers
    if not any(isinstance(wrapper, QueryWrapper) for wrapper in wrappers):
        wrappers.insert(0, QueryWrapper(connection.alias, vendor_of(connection)))


def on_connection_created(connection: Any, **_kwargs: Any) -> None:
    install(connection)
