"""Where an operation belongs: the current unit; outside any, or on one that has closed, a unit `none` of its thread.

The latter is flushed when the thread ends, or the process, and with every request or task that the thread has served.
"""

import threading
import weakref
from typing import Any

from . import process
from .emitter import write_events
from .fold import Kind
from .unit import Unit, current


class _ThreadEnd:
    """Held by a thread's locals alone, so that it goes with the thread."""


class _ThreadUnits(threading.local):
    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.unit = Unit("none", "")
        self._end = _ThreadEnd()
        weakref.finalize(self._end, _close, self.unit)


def _close(unit: Unit) -> None:
    if drained := unit.close():
        write_events(drained, unit)


_threads = _ThreadUnits()


def unit() -> Unit:
    """This thread's, in this process."""
    if _threads.unit.is_parents:
        _threads.begin()
    return _threads.unit


def fold(kind: Kind, amounts: tuple[Any, ...], now: int) -> Unit:
    """Take an operation in where it belongs, which is returned, and write what is due."""
    where = current.get()
    if where is not None and where.muted:
        return where
    due = where.fold(kind, amounts, now) if where is not None else None
    if where is None or due is None:
        where = unit()
        due = where.fold(kind, amounts, now)
    if due:
        write_events(due, where)
    return where


def write(kind: Kind, amounts: tuple[Any, ...], **more: Any) -> Unit:
    """Write an operation singly, with more fields."""
    where = current.get()
    if where is not None and where.muted:
        return where
    lines = where.single(kind, amounts) if where is not None else None
    if where is None or lines is None:
        where = unit()
        lines = where.single(kind, amounts)
    for _, fields in lines or ():
        fields.update(more)
    write_events(lines or (), where)
    return where


def flush() -> None:
    """Write what this thread has done so far, and what the process uses now and then.

    A signal may end the process before its threads end.
    """
    own = unit()
    due = [*own.drain(), *process.due()]
    if due:
        write_events(due, own)
