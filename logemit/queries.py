"""Database queries, seen by an execute wrapper on every connection: no ENGINE is replaced."""

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any

from . import conf, models, outside
from .emitter import harmless
from .kinds import QueryKind, query_kind
from .rows import DML, Returned, rows_known
from .sql import operation, scrubbed

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
        self._returned: Returned | None = None

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if self._returned is not None:
            self._settle()
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
            now = time.perf_counter_ns()
            with _harmless:
                statements = (sets.count if sets else len(params or ())) if many else 1
                self._record(sql, many, error, (now - start + 500) // 1000, statements, context, now)

    def _record(
        self, sql: Any, many: bool, error: str, microseconds: int, statements: int, context: Any, now: int
    ) -> None:
        settings = conf.current()
        if not settings.enabled:
            return
        kind = query_kind(self._alias, self._vendor, operation(sql), many, error)
        changed = kind.operation in DML and not error
        rows = rows_known(kind, sql, context) if changed else None
        if settings.queries != "off":
            slow = microseconds > settings.slow_query_microseconds
            if slow or settings.queries == "each":
                more = {"sql": scrubbed(sql, self._vendor)} if slow else {}
                outside.write(kind, (microseconds, statements, rows), **more)
            else:
                outside.fold(kind, (microseconds, statements, rows), now)
        if changed and settings.models:
            self._count_rows(kind, sql, rows, context, now)

    def _count_rows(self, kind: QueryKind, sql: str, rows: int | None, context: Any, now: int) -> None:
        model = models.changed(kind.operation, sql)
        if model is None:
            return
        returned = Returned.of(self, kind, sql, context, model) if rows is None else None
        if returned is None:
            outside.fold(model, (rows,), now)
        else:
            self._returned = returned

    def _settle(self) -> None:
        returned, self._returned = self._returned, None
        with _harmless:
            if returned is not None:
                returned.settle()


def install(connection: Any) -> None:
    """Fit a connection with the wrapper, once. First, so outside a user's own: appended, their block would pop ours."""
    wrappers = connection.execute_wrappers
    if not any(isinstance(wrapper, QueryWrapper) for wrapper in wrappers):
        wrappers.insert(0, QueryWrapper(connection.alias, vendor_of(connection)))


def on_connection_created(connection: Any, **_kwargs: Any) -> None:
    install(connection)
