"""Where bytes leave the process: a file descriptor that may be closed, full, stalled or broken.

A reader that stalls must not stall the app. Polling before a blocking write is not enough when several
processes share a pipe (both see room, one hangs), so pipes and terminals are reopened non-blocking, which
leaves the flags of the shared descriptor alone, and sockets are sent to with MSG_DONTWAIT.
"""

import errno
import os
import select
import socket
import stat
import sys
import time

FOLLOW_SECONDS = 0.2
"""How long an output that was redirected or rotated away may still be written to."""

_STANDARD = {"stdout": 1, "stderr": 2}


def default_output() -> str:
    """stderr under manage.py (runserver apart), where stdout may be the command's data; else stdout."""
    program = os.path.basename(sys.argv[0]) if sys.argv else ""
    managed = program in {"manage.py", "django-admin", "django-admin.py"} or sys.argv[:1] == [_django_main()]
    return "stderr" if managed and sys.argv[1:2] != ["runserver"] else "stdout"


def _django_main() -> str | None:
    django = sys.modules.get("django")
    return os.path.join(os.path.dirname(django.__file__), "__main__.py") if django and django.__file__ else None


class Channel:
    """Writes whole pieces to `stdout`, `stderr` or a file, or says that it could not. Not thread-safe."""

    def __init__(self, output: str, timeout_seconds: float) -> None:
        self._fd = _STANDARD.get(output)
        self._path = None if self._fd is not None else output
        # Closed when Python started: by now the number may be that of any file that the app opened.
        self._closed = {1: sys.__stdout__, 2: sys.__stderr__}.get(self._fd or 0, output) is None
        self._timeout = timeout_seconds
        self._identity: tuple[int, int] | None = None
        self._own_fd: int | None = None
        self._socket: socket.socket | None = None
        self._may_block = False
        self._look_again = 0.0
        self._torn = False
        self._stalled = False
        self.last_error: OSError | None = None

    def send(self, data: bytes) -> bool:
        """Write `data` whole; False when it was dropped, with the reason in `last_error`."""
        try:
            if self._closed:
                raise OSError(errno.EBADF, "the output was closed before Python started")
            now = time.monotonic()
            if now >= self._look_again:
                self._follow()
                self._look_again = now + FOLLOW_SECONDS
            if self._torn or self._may_block or self._socket is not None:
                return self._write_whole(b"\n" + data if self._torn else data)
            return self._write_at_once(data)
        except OSError as exc:
            self.last_error = exc
            self._look_again = 0.0
            return False

    def _write_at_once(self, data: bytes) -> bool:
        """What _write_whole does, where nothing is in the way."""
        fd = self._own_fd if self._own_fd is not None else self._fd
        assert fd is not None
        try:
            sent = os.write(fd, data)
        except BlockingIOError:
            sent = 0
        if sent == len(data):
            self._stalled = False
            return True
        self._torn = bool(sent)
        return self._write_rest(fd, memoryview(data)[sent:])

    def look_again(self) -> None:
        """At the next write, see where the output is now."""
        self._look_again = 0.0

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        elif self._own_fd is not None:
            os.close(self._own_fd)
        self._socket = self._own_fd = self._identity = None
        self._look_again = 0.0

    def _follow(self) -> None:
        """Open again when the descriptor was redirected or the file was rotated away."""
        try:
            found = os.fstat(self._fd) if self._fd is not None else os.stat(self._path or "")
        except FileNotFoundError:
            self.close()
        else:
            if self._identity == (found.st_dev, found.st_ino):
                return
            self.close()
        self._open()

    def _open(self) -> None:
        if self._fd is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY
            self._own_fd = os.open(self._path or "", flags, 0o644)
            found = os.fstat(self._own_fd)
        else:
            found = os.fstat(self._fd)
            self._own_fd, self._socket = _private(self._fd, found.st_mode)
            self._may_block = self._own_fd is None and not _never_blocks(self._fd, found.st_mode)
        self._identity = (found.st_dev, found.st_ino)

    def _write_whole(self, data: bytes) -> bool:
        fd = self._own_fd if self._own_fd is not None else self._fd
        assert fd is not None
        sent = self._write(fd, data)
        # Kept at each step: an exception from a signal handler may end the write here.
        self._torn = sent < len(data) if sent else self._torn
        return self._write_rest(fd, memoryview(data)[sent:]) if sent < len(data) else self._done()

    def _write_rest(self, fd: int, view: memoryview) -> bool:
        deadline = time.monotonic() + (0 if self._stalled else self._timeout)
        while view:
            if not _ready(fd, deadline - time.monotonic()):
                self._stalled = True
                self.last_error = BlockingIOError(errno.EAGAIN, "the reader of the output stalled")
                return False
            sent = self._write(fd, view)
            view = view[sent:]
            self._torn = bool(view) if sent else self._torn
        return self._done()

    def _done(self) -> bool:
        self._stalled = False
        return True

    def _write(self, fd: int, data: bytes | memoryview) -> int:
        """How many bytes were taken, without waiting."""
        try:
            if self._socket is not None:
                return self._socket.send(data, socket.MSG_DONTWAIT)
            # Where the descriptor could not be made our own it may block: look for room first.
            if self._may_block and not _ready(fd, 0):
                return 0
            return os.write(fd, data)
        except BlockingIOError:
            return 0


def _ready(fd: int, seconds: float) -> bool:
    if seconds < 0:
        return False
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(seconds * 1000))


def _never_blocks(fd: int, mode: int) -> bool:
    """A file, or a device such as /dev/null."""
    return stat.S_ISREG(mode) or (stat.S_ISCHR(mode) and not os.isatty(fd))


def _private(fd: int, mode: int) -> tuple[int | None, socket.socket | None]:
    """A descriptor of our own for the same reader, where the system can give one that never blocks."""
    if stat.S_ISSOCK(mode):
        blocking = os.get_blocking(fd)
        own = socket.socket(fileno=os.dup(fd))
        # A default timeout of the app's would wait in each send, and make the shared descriptor non-blocking.
        own.settimeout(None)
        os.set_blocking(fd, blocking)
        return own.fileno(), own
    if stat.S_ISFIFO(mode) or os.isatty(fd):
        try:
            return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_APPEND), None
        except OSError:  # no /proc, EACCES after setuid, ENXIO: the shared one must do
            return None, None
    return None, None
