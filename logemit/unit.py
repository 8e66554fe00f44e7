"""Units of work: the request, task or command that things happen in.

A unit is entered and left within one step and known to what runs inside by a context variable. It may be
shared by threads and tasks, so it is locked.
"""

import os
import threading
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from .fold import Fold, QueryKind

Drained = Sequence[tuple[str, dict[str, Any]]]
_NOTHING: Drained = ()


class Unit:
    """Belongs to the process that opened it: what a parent has not written yet is the parent's to write."""

    __slots__ = ("_fold", "_lock", "_open", "_pid", "exception", "id", "kind", "queries", "query_microseconds")

    def __init__(self, kind: str, id: str) -> None:  # noqa: A002
        self.kind = kind
        self.id = id
        self.exception: str | None = None
        self.queries = 0
        self.query_microseconds = 0
        self._fold = Fold()
        self._lock = threading.RLock()  # a signal handler may query in the middle
        self._open = True
        self._pid = os.getpid()

    @property
    def is_parents(self) -> bool:
        """Opened before this process was forked; its lock may have been held just then."""
        return self._pid != os.getpid()

    def count_query(self, microseconds: int) -> bool:
        """Add to the unit's own figures; False when it is closed and the query is not its own."""
        if self.is_parents:
            return False
        with self._lock:
            if not self._open:
                return False
            self.queries += 1
            self.query_microseconds += microseconds
            return True

    def fold_query(self, kind: QueryKind, microseconds: int, statements: int, rows: int | None) -> Drained | None:
        """Count a query and fold it: what is due to be written now, often nothing; None when the unit is closed."""
        if self.is_parents:
            return None
        with self._lock:
            if not self._open:
                return None
            self.queries += 1
            self.query_microseconds += microseconds
            due = self._fold.add_query(kind, microseconds, statements, rows)
            return self._fold.drain() if due else _NOTHING

    def drain(self) -> Drained:
        """What waits to be written, often nothing."""
        with self._lock:
            return self._fold.drain()

    def close(self) -> Drained | None:
        """What is left to write; None when it was closed before, or is a parent's."""
        if self.is_parents:
            return None
        with self._lock:
            if not self._open:
                return None
            self._open = False
            return self._fold.drain()


current: ContextVar[Unit | None] = ContextVar("logemit_unit", default=None)


class entered:  # noqa: N801  reads as a statement, and costs less than a generator
    """Make `unit` the current one for one step."""

    __slots__ = ("_token", "_unit")

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def __enter__(self) -> None:
        self._token = current.set(self._unit)

    def __exit__(self, *_exc: object) -> None:
        current.reset(self._token)
