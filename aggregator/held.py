"""Events dated in the future lie raw until their time comes: a fast clock must not open tomorrow's windows."""

from .decode import Batch, RejectedError, parse, timestamp

TOLERANCE = 5 * 60 * 1_000_000
"""Microseconds by which a clock may be ahead."""

CAPACITY = 1 << 24
"""Bytes held at most; what comes beyond is rejected."""


class Held:
    def __init__(self, lines: list[bytes], now: int) -> None:
        self._limit = now + TOLERANCE
        self.due = [line for line in lines if not self._is_future(line)]
        self.lines = [line for line in lines if self._is_future(line)]
        self._size = sum(map(len, self.lines))

    def _is_future(self, line: bytes) -> bool:
        try:
            return timestamp(parse(line).get("timestamp")) > self._limit
        except RejectedError:
            return False

    def take(self, batch: Batch) -> tuple[Batch, int, int]:
        """What counts now, how many lines were set aside and how many were refused because there is no room."""
        future = [moment > self._limit for moment in batch.columns["timestamp"]]
        if not any(future):
            return batch, 0, 0
        ahead = [line for line, is_ahead in zip(batch.lines, future, strict=True) if is_ahead]
        held = 0
        for line in ahead:
            if self._size + len(line) <= CAPACITY:
                self.lines.append(line)
                self._size += len(line)
                held += 1
        return batch.keep([not is_ahead for is_ahead in future]), held, len(ahead) - held
