"""What stands in a file, decompressed, as far as it went when it was opened: it may grow while it is read."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from typing import BinaryIO, NamedTuple

from . import compression, glued
from .lines import TAIL_BYTES, Lines

FINGERPRINT_BYTES = 1024
PACKED_SAMPLE = 4096
"""Bytes at either end of a compressed file that tell it from others of its size: at its end stands a checksum."""


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


class End(NamedTuple):
    """Where the lines of a source end that were read."""

    offset: int
    lines: int
    tail: str
    """The digest of the up to 64 KiB before it."""
    rest: int = 0
    """Bytes that follow without a newline."""

    @classmethod
    def of(cls, lines: Lines) -> "End":
        return cls(lines.offset, lines.lines, digest(lines.tail), lines.rest_bytes)


class Content:
    """Of a seekable file of which `length` bytes on disk count."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self.length = length
        self.position = 0
        """Bytes taken from disk, for progress."""
        head = self._at(0, FINGERPRINT_BYTES)
        self.is_packed = compression.kind(head) != "plain" or glued.begins_glued(head)
        """Read through from its beginning: it stands in the file in another form."""

    def seek(self, position: int) -> int:
        self.position = self._file.seek(position)
        return self.position

    def read(self, count: int = -1) -> bytes:
        left = max(0, self.length - self.position)
        data = self._file.read(left if count < 0 else min(count, left))
        self.position += len(data)
        return data

    def read_into(self, room: memoryview) -> int:
        """How many bytes were read; 0 at the end."""
        count: int = self._file.readinto(room[: max(0, self.length - self.position)])  # type: ignore[attr-defined]
        self.position += count
        return count

    def _at(self, position: int, count: int) -> bytes:
        self.seek(position)
        return self.read(count)

    def line_end(self, at: int) -> int:
        """Where the line ends that the byte before a place is of; the length, where it does not end."""
        place = max(0, at - 1)
        while piece := self._at(place, TAIL_BYTES):
            found = piece.find(b"\n")
            if found >= 0:
                return place + found + 1
            place += len(piece)
        return self.length

    def last_line_end(self, begin: int) -> int:
        """Of the lines from `begin` on, which is where there is none that ends."""
        stop = self.length
        while stop > begin:
            start = max(begin, stop - TAIL_BYTES)
            found = self._at(start, stop - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            stop = start
        return begin

    def packed(self) -> str:
        """What a compressed file is known by without unpacking it; "" for one that is not compressed."""
        if not self.is_packed:
            return ""
        ends = self._at(0, PACKED_SAMPLE), self._at(max(0, self.length - PACKED_SAMPLE), PACKED_SAMPLE)
        return digest(b"%d " % self.length + b"".join(ends))

    def head(self) -> bytes:
        """What it begins with. Raises TornError where not even that can be read."""
        if not self.is_packed:
            return self._at(0, FINGERPRINT_BYTES)
        head = b""
        try:
            for piece in self.after(0):
                head += piece[: FINGERPRINT_BYTES - len(head)]
                if len(head) == FINGERPRINT_BYTES:
                    break
        except compression.TornError:
            if not head:
                raise
        return head

    def after(self, offset: int) -> Iterator[bytes]:
        """Bytes from `offset` on; a plain file seeks, a compressed one is read through. Raises TornError."""
        self.seek(0 if self.is_packed else offset)
        if not self.is_packed:
            yield from iter(lambda: self.read(compression.READ_SIZE), b"")
            return
        start = 0
        for piece in glued.lined(compression.pieces(self)):  # type: ignore[arg-type]
            if start + len(piece) > offset:
                yield piece[max(0, offset - start) :]
            start += len(piece)

    def tails(self, offsets: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Each offset that it reaches, from the first to the last, with the up to 64 KiB before it."""
        wanted = sorted(set(offsets))
        if not self.is_packed:
            for offset in wanted:
                if offset > self.length:
                    return
                start = max(0, offset - TAIL_BYTES)
                tail = self._at(start, offset - start)
                if start + len(tail) == offset:
                    yield offset, tail
            return
        with suppress(compression.TornError):
            yield from self._tails_of_packed(wanted)

    def _tails_of_packed(self, wanted: list[int]) -> Iterator[tuple[int, bytes]]:
        kept, end = b"", 0
        for piece in self.after(0):
            kept += piece
            end += len(piece)
            while wanted and wanted[0] <= end:
                offset = wanted.pop(0)
                stop = len(kept) - (end - offset)
                yield offset, kept[max(0, stop - TAIL_BYTES) : stop]
            if not wanted:
                return
            kept = kept[-TAIL_BYTES:]
