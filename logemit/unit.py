"""Units of work: the request, task or command that things happen in.

A unit is entered and left within one step and known to what runs inside by a context variable. It may be
shared by threads and tasks, so it is locked.
"""

import os
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from threading import RLock
from typing import Any

from . import conf
from .context import bound
from .fold import FLUSH_OPERATIONS, FLUSH_SECONDS, Kind

Drained = Sequence[tuple[str, dict[str, Any]]]
NOTHING: Drained = ()
_OF_APP = frozenset({"instrument", "measurement"})
_forks = 0
"""How many lie between the first process and this one."""


class Unit:
    """Belongs to the process that opened it: what a parent has not written yet is the parent's to write."""

    __slots__ = (
        "_amounts",
        "_before_end",
        "_forks",
        "_lock",
        "_open",
        "_operations",
        "_since",
        "cache_gets",
        "cache_hits",
        "exception",
        "folds_below",
        "id",
        "kind",
        "muted",
        "queries",
        "query_microseconds",
        "view_microseconds",
    )

    def __init__(self, kind: str, id: str, folds_below: float | None = None) -> None:  # noqa: A002
        self.kind = kind
        self.id = id
        self.folds_below = conf.current().folds_below if folds_below is None else folds_below
        """Microseconds: queries that take no longer fold."""
        self.muted = False
        """Nothing of it is written."""
        self.exception: str | None = None
        self.queries = self.query_microseconds = self.cache_gets = self.cache_hits = 0
        self.view_microseconds: int | None = None
        self._amounts: dict[Kind, list[Any]] = {}
        self._operations = self._since = 0
        self._lock = RLock()  # a signal handler may query in the middle
        self._open = True
        self._forks = _forks
        self._before_end: dict[object, Callable[[], None]] | None = None

    def take_id(self) -> str:
        """Its id: a request's is that which the app has bound by now, if any."""
        if self.kind == "request" and (own := bound("request_id")):
            self.id = own
        return self.id

    def query_fields(self) -> dict[str, Any]:
        """What its event tells of its queries, where those are counted."""
        if conf.current().queries == "off":
            return {}
        return {"db_queries": self.queries, "db_seconds": self.query_microseconds / 1e6}

    @property
    def waits(self) -> bool:
        """There may be something to drain."""
        return bool(self._amounts or self._before_end)

    @property
    def is_open(self) -> bool:
        return self._open

    def is_muted(self) -> bool:
        """Asked before something is written."""
        return self.muted

    def fold(self, kind: Kind, amount: Any, now: int) -> Drained | None:
        """Take an operation in: what is due to be written now, often nothing; None when the unit is closed.

        `now` is in nanoseconds of time.perf_counter_ns.
        """
        if self.muted:
            return NOTHING
        with self._lock:
            if not self._open:
                return None
            amounts = self._amounts.get(kind)
            if amounts is None:
                amounts = self._amounts.setdefault(kind, [])  # a signal handler may have been quicker
            amounts.append(amount)
            operations = self._operations = self._operations + 1
            if operations == 1:
                self._since = now
            elif operations >= FLUSH_OPERATIONS or now - self._since >= FLUSH_SECONDS * 1e9:
                due = self._drained()
                return of_app(due) if self.is_muted() else due
            return NOTHING

    def single(self, kind: Kind, amount: Any) -> Drained | None:
        """The lines of one operation, not folded, but counted in the unit's figures; None when it is closed."""
        if self.is_muted():
            return NOTHING
        with self._lock:
            return list(kind.lines([amount], self)) if self._open else None

    def before_end(self, who: object, action: Callable[[], None]) -> None:
        """Have something done that may still add to the unit, before it closes or is drained; one for each `who`."""
        with self._lock:
            self._before_end = {**(self._before_end or {}), who: action}

    def drain(self) -> Drained:
        """What waits to be written, often nothing."""
        with self._lock:
            self._prepare()
            return self._drained()

    def close(self) -> Drained | None:
        """What is left to write; None when it was closed before, or is a parent's."""
        if self._forks != _forks:  # opened by a parent, whose lock may have been held just then
            return None
        with self._lock:
            if not self._open:
                return None
            self._prepare()
            self._open = False
            return self._drained()

    def _prepare(self) -> None:
        if self._before_end:
            actions, self._before_end = self._before_end, None
            for action in actions.values():
                action()

    def _drained(self) -> Drained:
        if not self._amounts:
            return NOTHING
        kinds, self._amounts, self._operations = self._amounts, {}, 0
        return [line for kind, amounts in kinds.items() for line in kind.lines(amounts, self)]


def of_app(drained: Drained) -> Drained:
    """What of it is the app's own, and written also where a unit is muted."""
    return [line for line in drained if line[0] in _OF_APP]


current: ContextVar[Unit | None] = ContextVar("logemit_unit", default=None)


def _after_fork() -> None:
    """What a forked child goes on with is no part of its parent's unit.

    A fork made in C does not come here; servers make those before there are requests.
    """
    global _forks
    _forks += 1
    current.set(None)


os.register_at_fork(after_in_child=_after_fork)


class entered:  # noqa: N801  reads as a statement, and costs less than a generator
    """Make `unit` the current one for one step."""

    __slots__ = ("_token", "_unit")

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def __enter__(self) -> None:
        self._token = current.set(self._unit)

    def __exit__(self, *_exc: object) -> None:
        current.reset(self._token)
