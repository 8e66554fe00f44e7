"""Sources as slices: what is new in them, in parts of about the same size, without reading it.

Files that are not packed are cut at line ends, packed ones and objects are read whole, and small ones go together.
Positions are moved on as a run that reads by itself moves them, in the order of the sources: where that takes what was
not read yet, all that was sent before is waited for.
"""

import os
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from math import inf
from typing import BinaryIO, Protocol

from ..content import Content, End, digest
from ..lines import Block, Lines
from ..objects import Objects
from ..positions import Checkpoint, Look, Positions
from ..reading import Begun, Reader, new_blocks
from ..remote import Object
from ..sources import size
from ..streams import Stream
from .heads import Heads
from .moved import tail_of
from .sent import Large, Packed, Plain, Sent, Whole
from .slices import FilePart, ObjectPart, Part, Stored

SLICE_BYTES = 128 << 20
LEAST_BYTES = 16 << 20
SLICES_EACH = 4
"""For each task that can be at work at once: so that all end at about the same time."""

MOST_PARTS = 500
"""In a slice."""


class Sender(Protocol):
    def send(self, parts: tuple[Part, ...], sources: list[Sent]) -> None: ...

    def settle(self) -> None:
        """Wait for all that was sent, and take it in."""


def slice_bytes(total: int, threads: int) -> int:
    """How much goes into a slice, of so much in all."""
    return min(SLICE_BYTES, max(LEAST_BYTES, total // (SLICES_EACH * threads)))


def new_bytes(names: Iterable[str], checkpoints: Iterable[Checkpoint]) -> int:
    """About how many of these files are new."""
    read: defaultdict[str, float] = defaultdict(float)
    for each in checkpoints:
        read[each.path] = max(read[each.path], inf if each.packed else each.offset)
    return sum(int(max(0.0, size(name) - read[os.path.abspath(name)])) for name in names)


class Slicer(Reader):
    """Yields blocks only of what no other process can read."""

    def __init__(self, positions: Positions, objects: Objects | None, envelope: str | None) -> None:
        super().__init__(positions, objects, envelope)
        self.slice_bytes = SLICE_BYTES
        self.sender: Sender | None = None
        self._batch: list[tuple[Part, Sent]] = []
        self._size = 0
        self._heads = Heads()
        self._unread: set[int] = set()
        """Streams of which parts were sent and not read yet."""
        self._places: list[int] = []
        self.sent_bytes = 0
        """As files have them."""
        self.place = 0
        """Of the source that is looked at, among all."""

    def warn(self, text: str, place: int | None = None) -> None:
        """In the order of the sources, whenever it is told."""
        place = self.place if place is None else place
        at = bisect_right(self._places, place)
        self._places.insert(at, place)
        self.warnings.insert(at, text)

    def blocks(self, name: str | Object) -> Iterator[Block]:
        self.place += 1
        yield from super().blocks(name)

    def settle(self) -> None:
        """Wait for all that was found so far."""
        self._flush()
        if self.sender:
            self.sender.settle()
        self._heads = Heads()
        self._unread.clear()

    # Parts.

    def _put(self, part: Part, source: Sent, *, alone: bool = False) -> None:
        """One of several parts of a source is alone in its slice: where it goes on is known when its turn comes."""
        if alone or part.work >= self.slice_bytes:
            self._flush()
        self._batch.append((part, source))
        self.sent_bytes += part.size
        self._size += part.work
        if alone or self._size >= self.slice_bytes or len(self._batch) >= MOST_PARTS:
            self._flush()

    def _flush(self) -> None:
        batch, self._batch, self._size = self._batch, [], 0
        if batch and self.sender:
            self.sender.send(tuple(part for part, _ in batch), [source for _, source in batch])

    # Sources.

    def _stream_blocks(self, name: str, file: BinaryIO) -> Iterator[Block]:
        self.settle()
        yield from super()._stream_blocks(name, file)

    def _is_unpacked(self, look: Look) -> bool:
        if self._heads.has(look.packed):
            self.settle()
        return super()._is_unpacked(look)

    def _file_blocks(self, look: Look, head: bytes, content: Content, name: str) -> Iterator[Block]:
        if self._heads.may_tell_of(look, head):
            self.settle()
            if look.packed and super()._is_unpacked(look):
                return
        known, tail = self.positions.recognise(head, content, look.path)
        if known and id(self.positions.read_now(known)) in self._unread:
            self.settle()
            known, tail = self.positions.recognise(head, content, look.path)
        if self._is_copy(known, look, head, content, tail):
            return
        begun = Begun(name, look, head, known, self.stream_of(known, name))
        if content.is_packed:
            self._send_packed(begun, content, tail)
        else:
            self._send_plain(begun, content)
        yield from ()

    def _send_packed(self, begun: Begun, content: Content, tail: bytes) -> None:
        begin = begun.known.offset if begun.known else 0
        self._heads.add(begun.look, begun.head, begun.known.packed if begun.known else "")
        self._unread.add(id(begun.stream))
        stand, head = begun.stream.stand, begun.look.packed
        part = FilePart(begun.name, begun.look.path, True, begin, content.length, head, "", tail, stand)
        self._put(part, Packed(self, begun))

    def _send_plain(self, begun: Begun, content: Content) -> None:
        begin, lines = (begun.known.offset, begun.known.lines) if begun.known else (0, 0)
        stop = content.last_line_end(begin)
        end = End(stop, lines, tail_of(content, stop), content.length - stop)
        self.end_file(begun, end, None)
        cuts = list(_cuts(content, begin, stop, self.slice_bytes))
        if not cuts:
            return
        if len(cuts) > 1:
            self._learn(begun.stream, content, begin)
        self._unread.add(id(begun.stream))
        key = digest(begun.head[:stop]), stop, end.tail
        source = Plain(self, begun, key, lines)
        stand = begun.stream.stand
        for first, last in cuts:
            of = stand if first == begin else stand.unknown()
            head, before = digest(begun.head[:last]), tail_of(content, last)
            part = FilePart(begun.name, begun.look.path, False, first, last, head, before, b"", of)
            self._put(part, source, alone=len(cuts) > 1)

    @staticmethod
    def _learn(stream: Stream, content: Content, begin: int) -> None:
        """The envelope, for all parts, from the same lines as if it were read in one."""
        lines = Lines(begin)
        for block in chain(new_blocks(content, lines), lines.flush()):
            stream.learn(block)
            if not block.too_long:
                return

    def _object_blocks(self, source: Object) -> Iterator[Block]:
        self.sources += 1
        self.stream = self._formed(Stream(source.url))
        self.passing.append(self.stream)
        if source.size > self.slice_bytes:
            with suppress(FileNotFoundError), source.opened() as file:
                content = Content(file, file.seek(0, os.SEEK_END))
                if not content.is_packed:
                    self._send_large(source, content, self.stream)
                    return
        before = tuple(self.objects.before(source))
        part = ObjectPart(source.url, source.path, source.version, source.size, before, self.stream.stand)
        self._put(part, Whole(self, source, self.stream))
        yield from ()

    def _send_large(self, source: Object, content: Content, stream: Stream) -> None:
        head = content.head()
        known, _ = self.positions.recognise(head, content, source.url, self.objects.before(source))
        begin, lines = (known.offset, known.lines) if known else (0, 0)
        cuts = [*_cuts(content, begin, content.last_line_end(begin), self.slice_bytes)] or [(begin, begin)]
        cuts[-1] = cuts[-1][0], content.length
        sent = Large(self, source, stream, lines, head, len(cuts))
        self._learn(stream, content, begin)
        stored = Stored(source.size, source.version)
        ((_, tail),) = content.tails([cuts[-1][0]])  # it may vanish before anything is sent
        for number, (first, last) in enumerate(cuts):
            stand = stream.stand.unknown() if number else stream.stand
            known_by, is_last = digest(head[:last]), last == content.length
            before = tail if is_last else b""
            part = FilePart(source.url, source.path, False, first, last, known_by, "", before, stand, stored, is_last)
            self._put(part, sent, alone=True)


def _cuts(content: Content, begin: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Parts of about one size, from one line end to another."""
    count = max(1, round((end - begin) / size))
    last = begin
    for number in range(1, count + 1):
        at = end if number == count else content.line_end(begin + (end - begin) * number // count)
        if at > last:
            yield last, at
            last = at
