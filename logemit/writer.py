"""Stamps `proc` and `seq` on finished lines and hands them to the channel, a few in one write.

Both are drawn and the line is written under one lock, so that a hole in `seq` is always a lost line.
"""

import os
import threading
from collections.abc import Sequence
from typing import NamedTuple

from .channel import Channel, default_output
from .conf import Settings
from .vocabulary import LINE_LIMIT

STAMP_LIMIT = 96
"""Bytes kept free in a line for `proc`, `seq` and `dropped`."""


class Line(NamedTuple):
    """A rendered line but for its stamp, which goes between `head` and `tail`."""

    head: bytes
    tail: bytes


class Writer:
    """One process's way out. Safe under threads, signals and fork."""

    def __init__(self, settings: Settings) -> None:
        self._channel = Channel(settings.output or default_output(), settings.write_timeout_seconds)
        self.begin_process()

    def begin_process(self) -> None:
        """A new `proc`, from 0: at the start and in every forked child, which may have inherited a held lock."""
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._channel.look_again()
        self._stamp = b',"proc":"%s","seq":' % os.urandom(8).hex().encode()
        self._seq = 0
        self._dropped = 0
        self._writing = False
        self._deferred: list[Line] = []

    @property
    def last_error(self) -> OSError | None:
        return self._channel.last_error

    def write(self, lines: Sequence[Line]) -> bool:
        """Write the lines in order; False when some were dropped, which the next line that gets through tells."""
        self._follow_fork()
        with self._lock:
            if self._writing:  # a signal handler in the middle of a write: its lines follow it
                self._deferred.extend(lines)
                return True
            self._writing = True
            try:
                sent = self._send(lines)
            finally:
                self._writing = False
            if self._deferred:
                lines, self._deferred = self._deferred, []
                sent = self.write(lines) and sent
            return sent

    def lose(self, lines: int) -> None:
        """Count lines that could not even be made."""
        self._follow_fork()
        with self._lock:
            self._dropped += lines

    def _send(self, lines: Sequence[Line]) -> bool:
        """Each line, also after a failure; as many in one write as LINE_LIMIT holds."""
        sent = True
        batch: list[bytes] = []
        size = 0
        for line in lines:
            stamped = self._stamped(line, first=not batch)
            if batch and size + len(stamped) > LINE_LIMIT:
                sent = self._write(batch) and sent
                batch, size = [], 0
                stamped = self._stamped(line, first=True)
            self._seq += 1
            batch.append(stamped)
            size += len(stamped)
        return self._write(batch) and sent

    def _stamped(self, line: Line, first: bool) -> bytes:
        if first and self._dropped:
            return b'%s%s%d,"dropped":%d%s' % (line.head, self._stamp, self._seq, self._dropped, line.tail)
        return b"%s%s%d%s" % (line.head, self._stamp, self._seq, line.tail)

    def _write(self, batch: list[bytes]) -> bool:
        if self._channel.send(b"".join(batch)):
            self._dropped = 0
            return True
        self._dropped += len(batch)
        return False

    def _follow_fork(self) -> None:
        if self._pid != os.getpid():  # not by os.register_at_fork: a server written in C may fork without it
            self.begin_process()

    def close(self) -> None:
        self._follow_fork()
        with self._lock:
            self._channel.close()
