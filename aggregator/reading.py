"""The lines of sources, from where reading stopped last time."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from . import compression, glued, rotation
from .compression import TornError
from .content import Content, End, digest
from .envelopes import named
from .errors import ReadWriteError
from .lines import LINE_LIMIT, Block, Buffers, Lines
from .objects import Objects
from .positions import Checkpoint, Look, Positions
from .remote import Object
from .sources import STDIN, TAR, Listed, head_of, opened
from .streams import Stream


class Begun(NamedTuple):
    """A file of which new lines are read."""

    name: str
    look: Look
    head: bytes
    known: Checkpoint | None
    """From where on; None for the beginning."""
    stream: Stream


class Reader:
    """Reads sources from where their positions are, and moves these on."""

    def __init__(
        self, positions: Positions | None = None, objects: Objects | None = None, envelope: str | None = None
    ) -> None:
        self.positions = positions or Positions()
        self.objects = objects or Objects()
        self.stream = Stream()
        """That the last block belongs to."""
        self.passing: list[Stream] = []
        """Streams that do not come back."""
        self._is_forced = envelope is not None
        self._envelope = named(envelope) if envelope is not None else None
        self.warnings: list[str] = []
        self.unfinished = 0
        self.sources = 0
        self.vanished = 0
        self.position = 0
        """Bytes of the current file taken from disk, for progress."""
        self.ahead = 0
        """Bytes of the current file that are still to be taken from disk."""
        self._identities: set[tuple[int, int]] = set()
        self._buffers = Buffers()

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def forget_buffers(self) -> None:
        """Once there is nothing more to read."""
        self._buffers = Buffers()

    def blocks(self, name: str | Object) -> Iterator[Block]:
        """The new lines of one source, once for all of its names. Once exhausted, its checkpoint has moved.

        One that is gone is told in `warnings`. Raises ReadWriteError.
        """
        self.position = self.ahead = 0
        self.stream = Stream(str(name))
        if isinstance(name, Object):
            yield from self._learnt(self._object_blocks(name))
            return
        try:
            if name == STDIN:
                yield from self._learnt(self._stream_blocks(name, sys.stdin.buffer))
                return
            with open(name, "rb") as file:
                status = os.fstat(file.fileno())
                if stat.S_ISREG(status.st_mode):
                    yield from self._learnt(self._once(name, file, status))
                else:
                    yield from self._learnt(self._stream_blocks(name, file))
        except FileNotFoundError:
            if all(checkpoint.path != os.path.abspath(name) for checkpoint in self.positions):
                self.warn(f"{name}: vanished before it was read")
        except OSError as exc:
            raise ReadWriteError(f"{name}: cannot be read: {exc.strerror or exc}; check its permissions") from None

    def _formed(self, stream: Stream) -> Stream:
        if self._is_forced:
            stream.envelope, stream.is_forced = self._envelope, True
        return stream

    def _learnt(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            self.stream.learn(block)
            yield block

    def is_read(self, name: str) -> bool:
        """Whether the file that now has this name was read already; also for one that is gone."""
        try:
            status = os.stat(name)
        except OSError:
            return True
        if name == STDIN:
            return True
        return not stat.S_ISREG(status.st_mode) or (status.st_dev, status.st_ino) in self._identities

    def unread(self, listed: Listed) -> dict[str, tuple[int, int]]:
        """Those of the listed files that were not read."""
        return {name: file for name, file in listed.items() if file and file not in self._identities}

    def begins(self, other: Checkpoint, checkpoint: Checkpoint) -> bool:
        """Whether the source of another checkpoint begins as that of one of which no line was read."""
        return digest(head_of(other.path)[: checkpoint.head_bytes]) == checkpoint.head

    def holds(self, path: str, other: Checkpoint, offset: int, tail: str) -> bool:
        """Whether the source of another checkpoint stands there, and has `tail` before `offset`."""
        with suppress(OSError), opened(path) as file:
            content = Content(file, os.fstat(file.fileno()).st_size)
            found = {place: digest(before) for place, before in content.tails((offset, other.offset))}
            return found.get(offset) == tail and found.get(other.offset) == other.tail
        return False

    def _stream_blocks(self, name: str, file: BinaryIO) -> Iterator[Block]:
        """A stream does not come back: its last line counts, whether it ends or not."""
        self.sources += 1
        self.stream = self._formed(Stream(name))
        self.passing.append(self.stream)
        lines = Lines(buffers=self._buffers)
        try:
            for piece in glued.lined(compression.of_stream(self._pieces(file))):
                yield from lines.take(piece)
        except TornError as exc:
            self.warn(f"{name}: {exc}; its whole lines were read")
        yield from lines.end()

    def _object_blocks(self, source: Object) -> Iterator[Block]:
        """An object does not grow: its last line counts, whether it ends or not, and what is torn stays torn."""
        self.sources += 1
        self.stream = self._formed(Stream(source.url))
        self.passing.append(self.stream)
        head, lines = b"", Lines(buffers=self._buffers)
        try:
            with source.opened() as file:
                content = Content(file, file.seek(0, os.SEEK_END))
                head = content.head()
                known, tail = self.positions.recognise(head, content, source.url, self.objects.before(source))
                lines = self._lines(known, tail)
                for block in new_blocks(content, lines):
                    self.position, self.ahead = content.position, content.length - content.position
                    yield block
                self.position = content.position
                yield from lines.end()
        except TornError as exc:
            self.warn(f"{source}: {exc}; its whole lines were read")
            yield from lines.flush()
        except FileNotFoundError:
            self.vanished += 1
            self.warn(f"{source}: vanished before it was read")
            return
        self.objects.record(source, head, End.of(lines))

    def _pieces(self, file: BinaryIO) -> Iterator[bytes]:
        for piece in iter(lambda: file.read1(1 << 18), b""):  # type: ignore[attr-defined]
            self.position += len(piece)
            yield piece

    def _once(self, name: str, file: BinaryIO, status: os.stat_result) -> Iterator[Block]:
        identity = (status.st_dev, status.st_ino)
        if identity in self._identities:
            return
        self._identities.add(identity)
        self.sources += 1
        content = Content(file, status.st_size)
        look = Look(os.path.abspath(name), status.st_mtime_ns // 1000, content.packed())
        if look.packed and self._is_unpacked(look):
            return
        try:
            head = content.head()
        except TornError as exc:
            self._warn_torn(name, exc)
            return
        if compression.is_tar(head):
            self.warn(f"{name}: {TAR}; it was passed over")
        elif head:
            yield from self._file_blocks(look, head, content, name)
        else:
            self.positions.meet_unread(look, head, 0)

    def _is_unpacked(self, look: Look) -> bool:
        """Whether a compressed file was read whole before."""
        return self.positions.unpacked(look)

    def _file_blocks(self, look: Look, head: bytes, content: Content, name: str) -> Iterator[Block]:
        known, tail = self.positions.recognise(head, content, look.path)
        if self._is_copy(known, look, head, content, tail):
            return
        stream = self.stream_of(known, name)
        lines = self._lines(known, tail)
        torn = None
        try:
            for block in new_blocks(content, lines):
                self.position, self.ahead = content.position, content.length - content.position
                yield block
        except TornError as exc:
            torn = exc
        yield from lines.flush()
        self.end_file(Begun(name, look, head, known, stream), End.of(lines), torn)

    def stream_of(self, known: Checkpoint | None, name: str) -> Stream:
        """The one that goes on where reading stopped, or begins."""
        stream = self.positions.stream(known) if known else Stream(is_begin=True)
        stream.name = name
        self.stream = self._formed(stream)
        return self.stream

    def end_file(self, begun: "Begun", end: End, torn: Exception | None) -> None:
        """A file was read as far as that."""
        known = begun.known
        nothing_new = known is not None and end.offset == known.offset and self.positions.is_met(known)
        if torn and not nothing_new:
            self._warn_torn(begun.name, torn)
        self.unfinished += bool(end.rest)
        if end.offset:
            self.positions.move(known, begun.look, begun.head, end, stream=begun.stream, torn=torn is not None)
        elif not torn:
            self.positions.meet_unread(begun.look, begun.head, end.rest)

    def _lines(self, known: Checkpoint | None, tail: bytes) -> Lines:
        """From where reading stopped."""
        if known is None:
            return Lines(buffers=self._buffers)
        return Lines(known.offset, known.lines, tail, self._buffers)

    def _is_copy(self, known: Checkpoint | None, look: Look, head: bytes, content: Content, tail: bytes) -> bool:
        """Whether all of a source stands in another that was read further: an old copy, or one that is being packed."""
        least = known.offset + 1 if known else 1
        if not look.packed:
            least = max(least, content.length - LINE_LIMIT)
            if known and (not known.closed or content.length <= known.offset + known.rest):
                return False
        others = [c for c in self.positions.alike(head, look.path) if c.offset >= least]
        if not others:
            return False
        lines, torn = self._lines(known, tail), False
        try:
            for block in new_blocks(content, lines):
                block.release()
        except TornError:
            torn = True
        for block in lines.flush():
            block.release()
        reached = digest(lines.tail)
        for other in others:
            paths = {other.path, rotation.unpacked(look.path)} - {look.path}
            if least <= lines.offset <= other.offset and any(
                self.holds(path, other, lines.offset, reached) for path in paths
            ):
                self.positions.move(known, look, head, End.of(lines), torn=torn, copied=other)
                return True
        return False

    def _warn_torn(self, name: str, exc: Exception) -> None:
        self.warn(f"{name}: {exc}; its whole lines were read, the rest waits for the next run")


def new_blocks(content: Content, lines: Lines) -> Iterator[Block]:
    """All but what follows the last full block. Raises TornError."""
    if content.is_packed:
        for piece in content.after(lines.offset):
            yield from lines.take(piece)
    else:
        content.seek(lines.offset)
        yield from lines.fill(content.read_into)
