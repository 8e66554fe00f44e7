"""Work outside any unit, or on one that has closed: a unit `none` for each thread.

Flushed when the thread ends, or the process, and with every request that the thread has served.
"""

import threading
import weakref

from .emitter import write_events
from .unit import Unit


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


def flush() -> None:
    """Write what this thread has done so far: a signal may end the process before its threads end."""
    own = unit()
    if drained := own.drain():
        write_events(drained, own)
