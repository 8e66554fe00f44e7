"""Where an operation belongs: the current unit; outside any, or on one that has closed, a unit `none` of its thread.

The latter is flushed when the thread ends, or the process, and with every request or task that the thread has served.
"""

import atexit
import multiprocessing
import multiprocessing.util
import os
import threading
import weakref
from typing import Any

from . import conf, gauges, process
from .emitter import harmless, write_events
from .fold import Kind
from .unit import Drained, Unit, current, of_app


class _ThreadEnd:
    """Held by a thread's locals alone, so that it goes with the thread."""


class _ThreadUnits(threading.local):
    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.pid = os.getpid()
        self.unit = Unit("none", "")
        self._end = _ThreadEnd()
        weakref.finalize(self._end, _close, self.unit, self.pid)


def _close(unit: Unit, pid: int) -> None:
    if pid == os.getpid() and (drained := unit.close()):
        write_events(drained, unit)


_threads = _ThreadUnits()


def unit() -> Unit:
    """This thread's, in this process."""
    if _threads.pid != os.getpid():  # forked, in Python or by a server in C
        _threads.begin()
    return _threads.unit


def fold(kind: Kind, amount: Any, now: int) -> None:
    """Take an operation in where it belongs, and write what is due."""
    fold_in(current.get(), kind, amount, now)


def fold_in(where: Unit | None, kind: Kind, amount: Any, now: int) -> None:
    """Take an operation of this unit in; if there is none, or it is closed, of this thread's."""
    due = where.fold(kind, amount, now) if where is not None else None
    if due is None:
        where = unit()
        due = where.fold(kind, amount, now)
    if due:
        write_due(due, where or unit())


def write_due(due: Drained, where: Unit) -> None:
    """Of a unit that lasts, such as a consumer's command: then the process may have something to tell, too."""
    write_events(due, where)
    flush()


def write(kind: Kind, amount: Any, **more: Any) -> None:
    """Write an operation singly, with more fields."""
    where = current.get()
    lines = where.single(kind, amount) if where is not None else None
    if lines is None:
        where = unit()
        lines = where.single(kind, amount)
    for _, fields in lines or ():
        fields.update(more)
    if lines:
        write_events(lines, where)


def flush_fold() -> None:
    """Write what this thread has done so far, and nothing else."""
    own = unit()
    if drained := own.drain():
        write_events(drained, own)


def flush(*, last: bool = False) -> None:
    """Write what this thread has done so far, and what the process uses now and then; `last`: it is about to end.

    A signal may end the process before its threads end.
    """
    if last or _threads.unit.waits or process.is_due():
        own = unit()
        due = [*own.drain(), *process.due(last=last)]
        if due:
            write_events(due, own)


def at_exit() -> None:
    """What is left, and the rest of what the process uses, where it told before or ran a command."""
    if process.is_owed():
        flush()
        flush(last=True)
    else:
        flush_fold()
    if ended := gauges.ended():
        write_events(ended, unit())


def flush_all() -> None:
    """Write what waits now: of the current unit of work, of this thread outside any, and gauges that ask a function.

    For a program that runs long without requests or tasks. What other threads have done waits for them. Never raises.
    """
    with harmless():
        where = current.get()
        if where is not None and (drained := where.drain()):
            write_events(of_app(drained) if where.is_muted() else drained, where)
        asks = process.is_due() and conf.current().process_stats_seconds is not None
        flush()
        if not asks and (asked := gauges.functions()):
            write_events(asked, unit())


_watches_exits = False


def watch_exits() -> None:
    """Have at_exit called, also in children of multiprocessing, which end without what ends other processes.

    Idempotent.
    """
    global _watches_exits
    if _watches_exits:
        return
    _watches_exits = True
    atexit.register(at_exit)
    if multiprocessing.parent_process() is not None:
        _in_child()
    multiprocessing.util.register_after_fork(_threads, _in_child)


def _in_child(_threads: object = None) -> None:
    multiprocessing.util.Finalize(None, at_exit, exitpriority=0)
