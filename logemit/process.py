"""What the process uses, told from inside its ordinary work at a bounded rate.

There is no thread of our own that could tell it: serverless platforms freeze threads between requests.
"""

import gc
import os
import platform
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

from . import conf, gauges, pools
from .fold import Lines

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_COLLECTED = ("collected", "uncollectable", "collections")
_MAJOR, _MINOR, _PATCHLEVEL = platform.python_version_tuple()
_PYTHON = {
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "major": _MAJOR,
    "minor": _MINOR,
    "patchlevel": _PATCHLEVEL,
}


class _Told:
    """What this process told so far: counters are told as what was added since."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.at = -inf
        self.next = -inf
        self.owes = False
        """Something happened that is to be told at the exit, even if nothing was told before."""
        self.cpu_microseconds = 0
        self.gc = gc.get_stats()  # a forked child inherits its parent's
        self.busy = threading.Lock()


_told = _Told()


def _begin() -> None:
    global _told
    _told = _Told()


os.register_at_fork(after_in_child=_begin)


def is_due() -> bool:
    """PROCESS_STATS_SECONDS have passed since it was told."""
    return time.monotonic() >= _told.next


def owe() -> None:
    """Tell what this process used at its exit, at the latest."""
    _told.owes = True


def is_owed() -> bool:
    return (_told.owes or _told.at > 0) and _told.pid == os.getpid()


def reset() -> None:
    """Look at the setting again."""
    _told.next = -inf


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing is due until the end, but after a reset()."""
    told, then = _told, _told.next
    told.next = inf
    try:
        yield
    finally:
        if told.next == inf:
            told.next = then


def due(*, last: bool = False) -> Lines:
    """The lines to write now, often none; `last`: the process ends, tells the rest, and uses nothing any more."""
    if _told.pid != os.getpid():  # forked in C
        _begin()
    told, now, every = _told, time.monotonic(), conf.current().process_stats_seconds
    if not told.busy.acquire(blocking=False):  # by another thread, or by what a signal interrupted
        return []
    try:
        if every is None:
            told.next = inf
            return []
        if now < told.next and not last:
            return []
        told.at, told.next = now, now + every
        collected = _collected(told)
        totals = {f"gc_{name}": sum(generation[name] for generation in collected) for name in _COLLECTED}
        of_collector: Lines = [("gc_stats", {"generation": i, **counts}) for i, counts in enumerate(collected)]
        uses = _nothing() if last else _used()
        fields = {**_PYTHON, "cpu_seconds": _cpu_seconds(told), **uses, "alive": 0 if last else 1, **totals}
        told_again = [] if last else gauges.told_again()
        return [("process_stats", fields), *of_collector, *pools.lines(closed=last), *told_again]
    finally:
        told.busy.release()


def _cpu_seconds(told: _Told) -> float:
    before, told.cpu_microseconds = told.cpu_microseconds, time.process_time_ns() // 1000
    return (told.cpu_microseconds - before) / 1e6


def _used() -> dict[str, Any]:
    return {"threads": threading.active_count(), **_from_proc(), **_limits()}


def _nothing() -> dict[str, Any]:
    return dict.fromkeys(("rss_bytes", "vms_bytes", "open_fds", "max_fds", "threads"), 0)


def _collected(told: _Told) -> list[dict[str, int]]:
    """What the garbage collector did since, for each generation."""
    before, told.gc = told.gc, gc.get_stats()
    return [{name: now[name] - then[name] for name in _COLLECTED} for now, then in zip(told.gc, before, strict=True)]


def _from_proc() -> dict[str, Any]:
    """From Linux's /proc; nothing elsewhere."""
    try:
        with open("/proc/self/stat", "rb") as file:
            # The second field is the program's name, in brackets, and may hold anything.
            stat = file.read().rpartition(b")")[2].split()
        with open("/proc/stat", "rb") as file:
            booted = next(int(line.split()[1]) for line in file if line.startswith(b"btime "))
        return {
            "rss_bytes": int(stat[21]) * _PAGE,
            "vms_bytes": int(stat[20]),
            "open_fds": len(os.listdir("/proc/self/fd")) - 1,  # without that of the listing itself
            "threads": int(stat[17]),
            "start_time_seconds": booted + int(stat[19]) / _TICK,
        }
    except (OSError, ValueError, IndexError, StopIteration):
        return {}


def _limits() -> dict[str, Any]:
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return {"max_fds": soft} if 0 <= soft < 2**40 else {}
