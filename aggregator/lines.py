"""From a stream of bytes to blocks of whole lines, however long a line is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap

TAIL_BYTES = 1 << 16
"""What stands before a position is compared when it is found again: enough to hold an event, which no other log has."""

START_BYTES = 256
_COUNTED_AT_ONCE = 1 << 16
BLOCK_SIZE = 1 << 22
LINE_LIMIT = 1 << 16
"""A longer line is skipped and counted, never held."""

PADDING = 64
"""Bytes that can be read behind a block: who reads many at once may read beyond its end."""

_BUFFER_SIZE = BLOCK_SIZE + LINE_LIMIT
Buffer = bytes | mmap


class Buffers:
    """Memory for blocks, used again once it is given back: fresh memory costs as much as what is read into it.

    Mapped, so that a short log touches no more of it than it fills.
    """

    def __init__(self) -> None:
        self._free: list[mmap] = []
        self.count_newlines: Callable[[Buffer, int], int] = newlines
        """In so many bytes; there are quicker ways once machine code is loaded."""

    def take(self) -> mmap:
        return self._free.pop() if self._free else mmap(-1, _BUFFER_SIZE + PADDING, MAP_PRIVATE | MAP_ANONYMOUS)

    def give_back(self, buffer: Buffer) -> None:
        if isinstance(buffer, mmap):
            self._free.append(buffer)


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines as they stand in a source, each with its newline; or the beginning of one that is too long."""

    data: Buffer
    """What is after `size` is no part of it."""
    size: int
    first_line: int
    offset: int = 0
    """Of its first byte in the source, decompressed."""
    too_long: bool = False
    buffers: Buffers | None = None

    @property
    def text(self) -> bytes:
        return bytes(memoryview(self.data)[: self.size])

    def release(self) -> None:
        """Nobody looks at it any more."""
        if self.buffers:
            self.buffers.give_back(self.data)


class Lines:
    """Cuts a stream into blocks of whole lines. Bytes are split at newlines and nowhere else."""

    def __init__(self, offset: int = 0, lines: int = 0, tail: bytes = b"", buffers: Buffers | None = None) -> None:
        self.offset = offset
        """Where the lines handed out so far end."""
        self.lines = lines
        self.tail = tail
        """The last bytes before `offset`."""
        self._buffers = buffers or Buffers()
        self._data = self._buffers.take()
        self._filled = 0
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
        return self._filled + (self._skipped_size if self._skipped else 0)

    def take(self, piece: bytes) -> Iterator[Block]:
        rest = memoryview(piece)
        while rest:
            part = rest[: _BUFFER_SIZE - self._filled]
            self._data[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            rest = rest[len(part) :]
            if self._filled >= BLOCK_SIZE:
                yield from self.flush()

    def fill(self, read_into: Callable[[memoryview], int]) -> Iterator[Block]:
        """Take all that is read, without a copy on the way."""
        while count := read_into(memoryview(self._data)[self._filled : _BUFFER_SIZE]):
            self._filled += count
            if self._filled >= BLOCK_SIZE:
                yield from self.flush()

    def flush(self) -> Iterator[Block]:
        """The whole lines so far; what follows the last newline stays."""
        if self._skipped is not None:
            yield from self._end_skipped(self._skipped)
        end = self._end_of_lines()
        if end:
            block = Block(self._data, end, self.lines + 1, self.offset, buffers=self._buffers)
            self._move(
                end, self._buffers.count_newlines(self._data, end), bytes(self._data[max(0, end - TAIL_BYTES) : end])
            )
            self._data = self._buffers.take()
            self._filled -= end
            self._data[: self._filled] = memoryview(block.data)[end : end + self._filled]
            yield block
        if self._filled > LINE_LIMIT:
            beginning = bytes(self._data[:START_BYTES])
            self._skipped = Block(beginning, START_BYTES, self.lines + 1, self.offset, too_long=True)
            self._skipped_size, self._skipped_tail = 0, b""
            self._skip(self._filled)

    def end(self) -> Iterator[Block]:
        """The lines so far, and what follows the last newline as a line: nothing more will come."""
        yield from self.flush()
        if self.unfinished:
            yield from self.take(b"\n")
            yield from self.flush()

    def close(self) -> None:
        """Gives its memory back; nothing more is taken."""
        self._buffers.give_back(self._data)
        del self._data

    def _end_of_lines(self) -> int:
        """Behind the last newline. Mapped memory is searched slowly: of a line that is too long, a copy is."""
        near = max(0, self._filled - LINE_LIMIT)
        return (self._data.rfind(b"\n", near, self._filled) + 1) or (self._data[:near].rfind(b"\n") + 1)

    def _end_skipped(self, skipped: Block) -> Iterator[Block]:
        end = self._data[: self._filled].find(b"\n") + 1
        self._skip(end or self._filled)
        if end:
            self._skipped = None
            self._move(self._skipped_size, 1, self._skipped_tail)
            yield skipped

    def _skip(self, count: int) -> None:
        """Pass over the first bytes."""
        self._skipped_size += count
        self._skipped_tail = (self._skipped_tail + self._data[max(0, count - TAIL_BYTES) : count])[-TAIL_BYTES:]
        self._filled -= count
        self._data[: self._filled] = self._data[count : count + self._filled]

    def _move(self, count: int, lines: int, last: bytes) -> None:
        self.offset += count
        self.lines += lines
        self.tail = (self.tail + last)[-TAIL_BYTES:]


def newlines(data: Buffer, end: int) -> int:
    """Several times as quick as bytes.count."""
    import numpy as np  # noqa: PLC0415 (who is refused the lock should not have waited for it)

    found = np.frombuffer(data, np.uint8, end)
    pieces = (found[start : start + _COUNTED_AT_ONCE] for start in range(0, end, _COUNTED_AT_ONCE))
    return sum(int(np.count_nonzero(piece == ord("\n"))) for piece in pieces)
