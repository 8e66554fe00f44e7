"""Events dated in the future lie raw until their time comes: a fast clock must not open tomorrow's windows."""

from .decode import Batch, RejectedError, parse, timestamp

TOLERANCE = 5 * 60 * 1_000_000
"""Microseconds by which a clock may be ahead."""

CAPACITY = 10_000
"""Lines held at most; what comes beyond is rejected."""


class Held:
    def __init__(self, lines: list[bytes], now: int) -> None:
        self._limit = now + TOLERANCE
        self.due = [line for line in lines if not self._is_future(line)]
        self.lines = [line for line in lines if self._is_future(line)]

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
        lines = [line for line, ahead in zip(batch.lines, future, strict=True) if ahead]
        kept = lines[: max(0, CAPACITY - len(self.lines))]
        self.lines.extend(kept)
        return batch.keep([not ahead for ahead in future]), len(kept), len(lines) - len(kept)
