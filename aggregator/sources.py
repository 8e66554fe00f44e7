"""Which files there are, and their lines from where reading stopped last time."""

import glob
import os
import stat
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from . import rotation
from .compression import TornError
from .content import Content, digest
from .errors import InputError, ReadWriteError, UsageError
from .lines import LINE_LIMIT, Block, Lines
from .positions import Checkpoint, Look, Positions

STDIN = "-"
Listed = Mapping[str, tuple[int, int] | None]
"""Names, with device and inode of those that are files."""


def find(patterns: Iterable[str]) -> list[str]:
    """The files that paths, folders and globs name, each once, in order; `-` is standard input.

    Raises InputError for a pattern that names nothing.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        if not pattern:
            raise UsageError("a source is empty; name log files, folders, globs, or - for standard input")
        try:
            found.update(dict.fromkeys(_matches(pattern)))
        except (OSError, ValueError) as exc:  # too long a name, a folder on the way that may not be entered, a NUL
            raise InputError(f"{pattern}: {getattr(exc, 'strerror', None) or exc}; name log files or folders") from None
    return list(found)


def _matches(pattern: str) -> list[str]:
    if pattern == STDIN:
        return [STDIN]
    path = Path(pattern)
    if path.is_dir():
        if not os.access(path, os.R_OK | os.X_OK):
            raise ReadWriteError(f"{pattern}: this folder cannot be read; check its permissions")
        walked = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
        logs = sorted(str(file) for file in walked if _is_log(file, path))
        if not logs:
            raise InputError(f"{pattern}: no logs in this folder; expected names like *.log, *.jsonl, *.log.1, *.gz")
        return logs
    if path.exists():
        return [pattern]
    matches = sorted(name for name in glob.glob(pattern, recursive=True) if os.path.isfile(name))
    if not matches:
        what = "matches no file" if glob.has_magic(pattern) else "no such file or folder"
        raise InputError(f"{pattern}: {what}; name log files, folders, globs, or - for standard input")
    return matches


def _is_log(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    return not hidden and rotation.LOG_NAME.fullmatch(file.name) is not None and file.is_file()


def identities(names: Iterable[str]) -> Listed:
    """Which files have these names now."""
    return {name: _identity(name) for name in names}


def _identity(name: str) -> tuple[int, int] | None:
    if name != STDIN:
        with suppress(OSError):
            status = os.stat(name)
            return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None
    return None


def size(name: str) -> int:
    """Bytes on disk, for progress; 0 where unknown."""
    try:
        return 0 if name == STDIN else os.path.getsize(name)
    except OSError:
        return 0


class Reader:
    """Reads sources from where their positions are, and moves these on."""

    def __init__(self, positions: Positions | None = None) -> None:
        self.positions = positions or Positions()
        self.warnings: list[str] = []
        self.unfinished = 0
        self.sources = 0
        self.vanished = 0
        self.position = 0
        """Bytes of the current file taken from disk, for progress."""
        self._identities: set[tuple[int, int]] = set()

    def blocks(self, name: str) -> Iterator[Block]:
        """The new lines of one source, once for all of its names. Once exhausted, its checkpoint has moved.

        One that is gone is told in `warnings`. Raises ReadWriteError.
        """
        self.position = 0
        try:
            if name == STDIN:
                yield from self._stream_blocks(sys.stdin.buffer)
                return
            with open(name, "rb") as file:
                status = os.fstat(file.fileno())
                if stat.S_ISREG(status.st_mode):
                    yield from self._once(name, file, status)
                else:
                    yield from self._stream_blocks(file)
        except FileNotFoundError:
            if all(checkpoint.path != os.path.abspath(name) for checkpoint in self.positions):
                self.warnings.append(f"{name}: vanished before it was read")
        except OSError as exc:
            raise ReadWriteError(f"{name}: cannot be read: {exc.strerror or exc}; check its permissions") from None

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

    def head(self, name: str) -> bytes:
        """What a file begins with; nothing where it cannot be read."""
        with suppress(OSError, TornError), _opened(name) as file:
            return Content(file, os.fstat(file.fileno()).st_size).head()
        return b""

    def begins(self, other: Checkpoint, checkpoint: Checkpoint) -> bool:
        """Whether the source of another checkpoint begins as that of one of which no line was read."""
        return digest(self.head(other.path)[: checkpoint.head_bytes]) == checkpoint.head

    def holds(self, path: str, other: Checkpoint, offset: int, tail: str) -> bool:
        """Whether the source of another checkpoint stands there, and has `tail` before `offset`."""
        with suppress(OSError), _opened(path) as file:
            content = Content(file, os.fstat(file.fileno()).st_size)
            found = {place: digest(before) for place, before in content.tails((offset, other.offset))}
            return found.get(offset) == tail and found.get(other.offset) == other.tail
        return False

    def _stream_blocks(self, file: BinaryIO) -> Iterator[Block]:
        """A stream does not come back: its last line counts, whether it ends or not."""
        self.sources += 1
        lines = Lines()
        for piece in iter(lambda: file.read1(1 << 18), b""):  # type: ignore[attr-defined]
            self.position += len(piece)
            yield from lines.take(piece)
        yield from lines.flush()
        if lines.unfinished:
            yield from lines.take(b"\n")
            yield from lines.flush()

    def _once(self, name: str, file: BinaryIO, status: os.stat_result) -> Iterator[Block]:
        identity = (status.st_dev, status.st_ino)
        if identity in self._identities:
            return
        self._identities.add(identity)
        self.sources += 1
        content = Content(file, status.st_size)
        look = Look(os.path.abspath(name), status.st_mtime_ns // 1000, content.packed())
        if look.packed and self.positions.unpacked(look):
            return
        try:
            head = content.head()
        except TornError as exc:
            self._warn_torn(name, exc)
            return
        if head:
            yield from self._file_blocks(look, head, content, name)
        else:
            self.positions.meet_unread(look, head, 0)

    def _file_blocks(self, look: Look, head: bytes, content: Content, name: str) -> Iterator[Block]:
        known, tail = self.positions.recognise(head, content, look.path)
        lines = Lines(known.offset, known.lines, tail) if known else Lines()
        if self._is_copy(known, look, head, content, tail):
            return
        torn = None
        try:
            for piece in content.after(lines.offset):
                self.position = content.position
                yield from lines.take(piece)
        except TornError as exc:
            torn = exc
        yield from lines.flush()
        nothing_new = known is not None and lines.offset == known.offset and self.positions.is_met(known)
        if torn and not nothing_new:
            self._warn_torn(name, torn)
        self.unfinished += lines.unfinished
        if lines.offset:
            self.positions.move(known, look, head, lines, torn=torn is not None)
        elif not torn:
            self.positions.meet_unread(look, head, lines.rest_bytes)

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
        lines, torn = Lines(known.offset, known.lines, tail) if known else Lines(), False
        try:
            for piece in content.after(lines.offset):
                deque(lines.take(piece), maxlen=0)
        except TornError:
            torn = True
        deque(lines.flush(), maxlen=0)
        reached = digest(lines.tail)
        for other in others:
            paths = {other.path, rotation.unpacked(look.path)} - {look.path}
            if least <= lines.offset <= other.offset and any(
                self.holds(path, other, lines.offset, reached) for path in paths
            ):
                self.positions.move(known, look, head, lines, torn=torn, copied=other)
                return True
        return False

    def _warn_torn(self, name: str, exc: Exception) -> None:
        self.warnings.append(f"{name}: {exc}; its whole lines were read, the rest waits for the next run")


def _opened(name: str) -> BinaryIO:
    """Raises OSError also for what is no file: to open a pipe could take for ever."""
    if not os.path.isfile(name):
        raise FileNotFoundError(name)
    return open(name, "rb")
