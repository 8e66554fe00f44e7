"""From a stream of bytes to blocks of whole lines, however long a line is."""

from collections.abc import Iterator
from dataclasses import dataclass

TAIL_BYTES = 1 << 16
"""What stands before a position is compared when it is found again: enough to hold an event, which no other log has."""

START_BYTES = 256
BLOCK_SIZE = 1 << 23
LINE_LIMIT = 1 << 16
"""A longer line is skipped and counted, never held."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines as they stand in a source, each with its newline; or the beginning of one that is too long."""

    data: bytes
    first_line: int
    too_long: bool = False


class Lines:
    """Cuts a stream into blocks of whole lines. Bytes are split at newlines and nowhere else."""

    def __init__(self, offset: int = 0, lines: int = 0, tail: bytes = b"") -> None:
        self.offset = offset
        """Where the lines handed out so far end."""
        self.lines = lines
        self.tail = tail
        """The last bytes before `offset`."""
        self.rest = b""
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._skipped: Block | None = None
        self._skipped_size = 0
        self._skipped_tail = b""

    @property
    def unfinished(self) -> bool:
        """Something without its newline follows."""
        return bool(self.rest_bytes)

    @property
    def rest_bytes(self) -> int:
        """How many bytes of it there are."""
        return len(self.rest) + (self._skipped_size if self._skipped else 0)

    def take(self, piece: bytes) -> Iterator[Block]:
        self._pending.append(piece)
        self._pending_size += len(piece)
        if self._pending_size >= BLOCK_SIZE:
            yield from self.flush()

    def flush(self) -> Iterator[Block]:
        """The whole lines so far; what follows the last newline stays in `rest`."""
        data = b"".join([self.rest, *self._pending])
        self._pending, self._pending_size, self.rest = [], 0, b""
        if self._skipped is not None:
            end = data.find(b"\n") + 1
            self._skip(data[: end or len(data)])
            if not end:
                return
            yield self._skipped
            self._move(self._skipped_size, 1, self._skipped_tail)
            self._skipped = None
            data = data[end:]
        end = data.rfind(b"\n") + 1
        if end:
            yield Block(data[:end], self.lines + 1)
            self._move(end, data.count(b"\n", 0, end), data[max(0, end - TAIL_BYTES) : end])
        self.rest = data[end:]
        if len(self.rest) > LINE_LIMIT:
            self._skipped = Block(self.rest[:START_BYTES], self.lines + 1, too_long=True)
            self._skipped_size, self._skipped_tail = 0, b""
            self._skip(self.rest)
            self.rest = b""

    def _skip(self, data: bytes) -> None:
        self._skipped_size += len(data)
        self._skipped_tail = (self._skipped_tail + data)[-TAIL_BYTES:]

    def _move(self, count: int, lines: int, last: bytes) -> None:
        self.offset += count
        self.lines += lines
        self.tail = (self.tail + last)[-TAIL_BYTES:]
