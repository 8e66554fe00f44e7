"""Database queries, seen by an execute wrapper on every connection: no ENGINE is replaced."""

from collections.abc import Callable, Iterator, Sized
from time import perf_counter_ns
from typing import Any

from django.db.transaction import TransactionManagementError

from . import conf, models, outside
from .emitter import harmless, swallowed
from .kinds import QueryKind, query_kind
from .rows import DML, Returned, rows_known
from .sql import operation, scrubbed
from .unit import current

_harmless = harmless()
_VENDORS = {"postgis": "postgresql", "spatialite": "sqlite"}


def vendor_of(connection: Any) -> str:
    vendor: str = connection.vendor
    return _VENDORS.get(vendor, vendor)


class _ParameterSets:
    """Of an executemany. An iterator is consumed once, by the driver, and counted as it goes."""

    def __init__(self, params: Any) -> None:
        self._params = params
        self.count = len(params) if isinstance(params, Sized) else 0

    def for_driver(self) -> Any:
        return self._params if self._params is None or isinstance(self._params, Sized) else self._counted()

    def _counted(self) -> Iterator[Any]:
        for item in self._params:
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
        if many or self._returned is not None:
            return self._execute(execute, sql, params, many, context)
        start = perf_counter_ns()
        try:
            result = execute(sql, params, many, context)
        except BaseException as exc:
            self._record(sql, None, context, start, perf_counter_ns(), exc)
            raise
        now = perf_counter_ns()
        unit, microseconds = current.get(), (now - start + 500) // 1000
        if unit is None or microseconds > unit.folds_below or not isinstance(sql, str) or not sql.startswith("SELECT "):
            self._record(sql, None, context, start, now)
            return result
        try:  # nearly every query is such a one, and takes a short way to the same
            due = unit.fold(self._select, microseconds, now)
            if due is None:
                self._record(sql, None, context, start, now)
            elif due:
                outside.write_due(due, unit)
        except Exception as exc:
            if not swallowed(exc):
                raise
        return result

    def _execute(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        self._settle()
        sets = _ParameterSets(params) if many else None
        start = perf_counter_ns()
        try:
            result = execute(sql, params if sets is None else sets.for_driver(), many, context)
        except BaseException as exc:
            self._record(sql, sets, context, start, perf_counter_ns(), exc)
            raise
        self._record(sql, sets, context, start, perf_counter_ns())
        return result

    def _record(
        self,
        sql: Any,
        sets: _ParameterSets | None,
        context: Any,
        start: int,
        now: int,
        error: BaseException | None = None,
    ) -> None:
        with _harmless:
            settings = conf.current()
            # Django's refusal in a broken transaction: no statement was made.
            if not settings.enabled or isinstance(error, TransactionManagementError):
                return
            microseconds, many = (now - start + 500) // 1000, sets is not None
            name = type(error.__cause__ or error).__name__ if error is not None else ""
            kind = query_kind(self._alias, self._vendor, operation(sql), many, name)
            changes = kind.operation in DML and error is None
            rows = rows_known(kind, sql, context) if changes else None
            amount = (microseconds, sets.count if sets is not None else 1, rows) if changes or many else microseconds
            if microseconds <= settings.folds_below:
                outside.fold(kind, amount, now)
            elif settings.queries != "off":
                slow = microseconds > settings.slow_query_microseconds
                outside.write(kind, amount, **({"sql": scrubbed(sql, self._vendor)} if slow else {}))
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


def install(connection: Any) -> None:
    """Fit a connection with the wrapper, once. First, so outside a user's own: appended, their block would pop ours."""
    wrappers = connection.execute_wrappers
    if not any(isinstance(wrapper, QueryWrapper) for wrapper in wrappers):
        wrappers.insert(0, QueryWrapper(connection.alias, vendor_of(connection)))


def on_connection_created(connection: Any, **_kwargs: Any) -> None:
    install(connection)
