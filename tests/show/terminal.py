"""The command in a terminal of its own: what it writes there, and keys that are pressed."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tests.conftest import LOGEMIT

SECONDS = 60.0
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Terminal:
    process: subprocess.Popen[bytes]
    descriptor: int
    seen: str = ""

    def until(self, is_there: Callable[[str], object]) -> str:
        """What was written, as soon as that is so; fails where it does not become so."""
        deadline = time.monotonic() + SECONDS
        while not is_there(self.seen):
            assert time.monotonic() < deadline, self.seen
            assert self._read(), self.seen
        return self.seen

    def press(self, keys: bytes) -> None:
        os.write(self.descriptor, keys)

    def end(self) -> int:
        """The exit code, once all that was written has been read."""
        while self._read():
            pass
        return self.process.wait(SECONDS)

    def _read(self) -> bool:
        if not select.select([self.descriptor], [], [], SECONDS)[0]:
            return False
        try:
            data = os.read(self.descriptor, 65536)
        except OSError:  # who wrote there has gone
            return False
        self.seen += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def terminal(
    *arguments: object, columns: int = 80, rows: int = 24, variables: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    without = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "COLORTERM")
    env = {name: value for name, value in os.environ.items() if name not in without}
    process = subprocess.Popen(
        [str(LOGEMIT), *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**env, "TERM": "xterm-256color", **(variables or {})},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 (so that Ctrl-C is a signal)
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
