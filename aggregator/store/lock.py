"""One run at a time. The kernel drops the lock with its holder, so that a dead one never blocks."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from ..errors import LockedError

TRIES, PAUSE_SECONDS = 6, 0.02


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock or raise LockedError at once, naming the holder."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not _taken(fd):
            raise _refusal(path, _holder(fd))
        started = datetime.now(UTC).isoformat(timespec="seconds")
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"pid {os.getpid()} on {socket.gethostname()} since {started}\n".encode(), 0)
        yield
        with suppress(OSError):
            os.ftruncate(fd, 0)  # whoever takes it with another tool shall not bear our name
    finally:
        os.close(fd)


def refuse_if_held(path: Path) -> None:
    """Raises LockedError at once, for a command that would take long to find out."""
    if (found := holder(path)) is not None:
        raise _refusal(path, found)


def _refusal(path: Path, found: str) -> LockedError:
    name = path.parent.parent
    return LockedError(f"{name}: another run is at work: {found}; wait for it")


def holder(path: Path) -> str | None:
    """Who holds the lock; None if nobody does. Takes it for no longer than it looks."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # nobody has locked it, or nobody will be able to
        return None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE_SECONDS)  # who has just taken it may not have said so yet, and there stands the last one
            return _holder(fd)
        return None
    finally:
        os.close(fd)


def _taken(fd: int) -> bool:
    """Tries for a moment, in which somebody may only be asking who holds it."""
    for _ in range(TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE_SECONDS)
        else:
            return True
    return False


def _holder(fd: int) -> str:
    return os.pread(fd, 200, 0).decode("utf-8", "replace").strip() or "an unknown process"
