"""How many rows a statement changed, where its driver tells, and when it does."""

import re
import sys
import time
import weakref
from typing import Any

from . import outside
from .emitter import harmless
from .kinds import ModelKind, QueryKind
from .sql import is_one_statement, returns_rows
from .unit import Unit, current

DML = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})

_UPSERT = re.compile(r"\bON\s+DUPLICATE\s+KEY\b", re.IGNORECASE)


def rows_known(kind: QueryKind, sql: Any, context: Any) -> int | None:
    """Rows that a successful INSERT, UPDATE or DELETE changed; None where that is not known, or not yet."""
    if not isinstance(sql, str) or _lies(kind, sql):
        return None
    rows = getattr(context.get("cursor"), "rowcount", None)
    return rows if isinstance(rows, int) and rows >= 0 else None


def _lies(kind: QueryKind, sql: str) -> bool:
    if not is_one_statement(sql, kind.vendor):  # of several, drivers count one
        return True
    if kind.vendor == "sqlite":  # counts the rows of RETURNING only as they are fetched
        return returns_rows(sql, kind.vendor)
    if kind.vendor == "mysql":  # counts a row that was replaced or updated twice
        return kind.operation == "REPLACE" or _UPSERT.search(sql) is not None
    return kind.many and kind.vendor == "postgresql" and "psycopg2" in sys.modules and _is_psycopg2()


def _is_psycopg2() -> bool:
    """Its executemany tells the rows of the last parameter set."""
    chosen = sys.modules.get("django.db.backends.postgresql.psycopg_any")
    return not getattr(chosen, "is_psycopg3", False)


class Returned:
    """Rows of an INSERT … RETURNING on SQLite: the driver's cursor knows them once they were fetched.

    Read when the cursor is given up, at the next statement of its connection, or at the unit's end, whichever comes
    first. It is held no longer than the app holds it: an open statement is an open transaction.
    """

    def __init__(self, owner: object, cursor: Any, model: ModelKind, unit: Unit) -> None:
        self._driver_cursor: Any = cursor.cursor
        self._model = model
        self._unit = unit
        self._given_up = weakref.finalize(cursor, self.settle)
        self._given_up.atexit = False
        unit.before_end(owner, self.settle)

    @classmethod
    def of(cls, owner: object, kind: QueryKind, sql: str, context: Any, model: ModelKind) -> "Returned | None":
        """None where waiting does not help; `owner`: whose next statement ends it."""
        cursor = context.get("cursor")
        if kind.vendor != "sqlite" or kind.many or cursor is None or not returns_rows(sql, kind.vendor):
            return None
        return cls(owner, cursor, model, current.get() or outside.unit())

    def settle(self) -> None:
        """Count what the cursor tells by now; later calls do nothing."""
        cursor, self._driver_cursor = self._driver_cursor, None
        if cursor is None:
            return
        self._given_up.detach()
        with harmless():
            rows = cursor.rowcount if cursor.rowcount > 0 else None
            outside.fold_in(self._unit, self._model, rows, time.perf_counter_ns())
