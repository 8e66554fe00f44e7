"""Sources of which parts were sent: what is done with them as their parts were read, in order."""

from typing import TYPE_CHECKING, Protocol

from ..compression import TornError
from ..positions import Key
from ..reading import Begun
from ..remote import Object
from ..streams import Head, Stream
from .slices import Read

if TYPE_CHECKING:
    from .slicing import Slicer


class Sent(Protocol):
    """A source of which parts were sent."""

    @property
    def name(self) -> str: ...

    @property
    def stream(self) -> Stream: ...

    @property
    def lines(self) -> int:
        """How many stand before the next part."""

    def take(self, read: Read, *, guessed: bool) -> None:
        """The next part was read; from where its stream was guessed to stand, or from where it stood."""


class Packed:
    """A packed file that was sent."""

    def __init__(self, reader: "Slicer", begun: Begun) -> None:
        self._reader, self._begun, self._place = reader, begun, reader.place
        self.name, self.stream = begun.name, begun.stream
        self.lines = begun.known.lines if begun.known else 0

    def take(self, read: Read, *, guessed: bool) -> None:
        self.stream.come_to(read.stand, guessed=guessed, heads=_shifted(read, self.lines))
        end = read.end._replace(lines=self.lines + read.end.lines)
        here, self._reader.place = self._reader.place, self._place
        self._reader.end_file(self._begun, end, TornError(read.torn) if read.torn else None)
        self._reader.place = here


class Plain:
    """A file that was sent, in parts."""

    def __init__(self, reader: "Slicer", begun: Begun, key: Key, lines: int) -> None:
        self._reader, self._key = reader, key
        self.name, self.stream, self.lines = begun.name, begun.stream, lines

    def take(self, read: Read, *, guessed: bool) -> None:
        self.stream.come_to(read.stand, guessed=guessed, heads=_shifted(read, self.lines))
        self.lines += read.end.lines
        self._reader.positions.count(self._key, self.lines)


class Large:
    """A large object that was sent, in parts."""

    def __init__(self, reader: "Slicer", source: Object, stream: Stream, lines: int, head: bytes, parts: int) -> None:
        self._reader, self._source, self._head, self._left = reader, source, head, parts
        self.name, self.stream, self.lines = source.url, stream, lines

    def take(self, read: Read, *, guessed: bool) -> None:
        self.stream.come_to(read.stand, guessed=guessed, heads=_shifted(read, self.lines))
        self.lines += read.end.lines
        self._left -= 1
        if not self._left:
            self._reader.objects.record(self._source, self._head, read.end._replace(lines=self.lines))


class Whole:
    """An object that was sent."""

    def __init__(self, reader: "Slicer", source: Object, stream: Stream) -> None:
        self._reader, self._source, self._place = reader, source, reader.place
        self.name, self.stream, self.lines = source.url, stream, 0

    def take(self, read: Read, *, guessed: bool) -> None:
        self.stream.come_to(read.stand, guessed=guessed, heads=read.heads)
        if read.is_gone:
            self._reader.vanished += 1
            self._reader.warn(f"{self._source}: vanished before it was read", self._place)
            return
        if read.torn:
            self._reader.warn(f"{self._source}: {read.torn}; its whole lines were read", self._place)
        self._reader.objects.record(self._source, read.head, read.end)


def _shifted(read: Read, lines: int) -> dict[str, Head]:
    return {stream: head._replace(line=head.line + lines) for stream, head in read.heads.items()}
