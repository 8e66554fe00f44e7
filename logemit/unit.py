"""Units of work: the request, task or command that things happen in.

A unit is entered and left within one step and known to what runs inside by a context variable. It may be
shared by threads and tasks, so it is locked.
"""

import os
import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from .fold import Fold, Kind

Drained = Sequence[tuple[str, dict[str, Any]]]
_NOTHING: Drained = ()


class Unit:
    """Belongs to the process that opened it: what a parent has not written yet is the parent's to write."""

    __slots__ = (
        "_before_end",
        "_fold",
        "_lock",
        "_open",
        "_pid",
        "cache_gets",
        "cache_hits",
        "exception",
        "id",
        "kind",
        "muted",
        "queries",
        "query_microseconds",
        "view_microseconds",
    )

    def __init__(self, kind: str, id: str) -> None:  # noqa: A002
        self.kind = kind
        self.id = id
        self.muted = False
        """Nothing of it is written: its path is excluded."""
        self.exception: str | None = None
        self.queries = 0
        self.query_microseconds = 0
        self.cache_gets = 0
        self.cache_hits = 0
        self.view_microseconds: int | None = None
        self._fold = Fold()
        self._lock = threading.RLock()  # a signal handler may query in the middle
        self._open = True
        self._pid = os.getpid()
        self._before_end: dict[object, Callable[[], None]] = {}

    @property
    def is_parents(self) -> bool:
        """Opened before this process was forked; its lock may have been held just then."""
        return self._pid != os.getpid()

    def fold(self, kind: Kind, amounts: tuple[Any, ...], now: int) -> Drained | None:
        """Take an operation in: what is due to be written now, often nothing; None when the unit is closed."""
        with self._lock:
            if not self._open:
                return None
            due = self._fold.add(self, kind, amounts, now)
            return self._fold.drain() if due else _NOTHING

    def single(self, kind: Kind, amounts: tuple[Any, ...]) -> Drained | None:
        """The lines of one operation, not folded, but counted in the unit's figures; None when it is closed."""
        with self._lock:
            if not self._open:
                return None
            cell = kind.cell()
            cell.add(self, *amounts)
            return list(cell.lines())

    def before_end(self, who: object, action: Callable[[], None]) -> None:
        """Have something done that may still add to the unit, before it closes or is drained; one for each `who`."""
        with self._lock:
            self._before_end[who] = action

    def drain(self) -> Drained:
        """What waits to be written, often nothing."""
        with self._lock:
            self._prepare()
            return self._fold.drain()

    def close(self) -> Drained | None:
        """What is left to write; None when it was closed before, or is a parent's."""
        if self._pid != os.getpid():
            return None
        with self._lock:
            if not self._open:
                return None
            if self._before_end:
                self._prepare()
            self._open = False
            return self._fold.drain()

    def _prepare(self) -> None:
        actions, self._before_end = self._before_end, {}
        for action in actions.values():
            action()


current: ContextVar[Unit | None] = ContextVar("logemit_unit", default=None)

# What a forked child goes on with is no part of its parent's unit. A fork made in C does not come here; it is
# made by a server before there are requests.
os.register_at_fork(after_in_child=lambda: current.set(None) and None)


class entered:  # noqa: N801  reads as a statement, and costs less than a generator
    """Make `unit` the current one for one step."""

    __slots__ = ("_token", "_unit")

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def __enter__(self) -> None:
        self._token = current.set(self._unit)

    def __exit__(self, *_exc: object) -> None:
        current.reset(self._token)
