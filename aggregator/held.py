"""Events dated in the future lie raw until their time comes: a fast clock must not open tomorrow's windows."""

from .decode import parse
from .rows import RejectedError, timestamp

TOLERANCE = 5 * 60 * 1_000_000
"""Microseconds by which a clock may be ahead."""

CAPACITY = 1 << 24
"""Bytes held at most; what comes beyond is rejected."""


class Held:
    def __init__(self, lines: list[bytes], now: int) -> None:
        self.limit = now + TOLERANCE
        """Microseconds since 1970: later is ahead."""
        self.due = [line for line in lines if not self._is_future(line)]
        self.lines = [line for line in lines if self._is_future(line)]
        self._size = sum(map(len, self.lines))

    def _is_future(self, line: bytes) -> bool:
        try:
            return timestamp(parse(line).get("timestamp")) > self.limit
        except RejectedError:
            return False

    def take(self, line: bytes) -> bool:
        """Whether there is room for it."""
        if self._size + len(line) > CAPACITY:
            return False
        self.lines.append(line)
        self._size += len(line)
        return True
