"""Where lines come from, and where reading stopped last time.

A source is known by the SHA-256 of its first decompressed bytes (up to 1,024), its position by the decompressed
offset at a line end and a hash of the 64 KiB before it. Name, inode and time are not trusted: so a file that was
renamed, copied, truncated or compressed since is recognised, and one that was rewritten is read from its start.
"""

import glob
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from . import compression
from .errors import InputError, ReadWriteError, UsageError
from .lines import TAIL_BYTES, Block, Lines

FINGERPRINT_BYTES = 1024

STDIN = "-"
LOG_NAME = re.compile(r".+\.(log|jsonl|ndjson|out)([.-].*)?|.+\.(gz|zst)|stdout|stderr")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far one source was read: `offset` decompressed bytes, `lines` lines."""

    head_bytes: int
    head: str
    offset: int
    tail: str
    lines: int
    name: str


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
        logs = sorted(str(file) for file in path.rglob("*") if _is_log(file, path))
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
    return not hidden and LOG_NAME.fullmatch(file.name) is not None and file.is_file()


def size(name: str) -> int:
    """Bytes on disk, for progress; 0 where unknown."""
    try:
        return 0 if name == STDIN else os.path.getsize(name)
    except OSError:
        return 0


class Reader:
    """Reads sources from where their checkpoints say, and moves these on."""

    def __init__(self, checkpoints: Iterable[Checkpoint] = ()) -> None:
        self._checkpoints = {(c.head, c.offset, c.tail): c for c in checkpoints}
        self.warnings: list[str] = []
        self.unfinished = 0
        self.position = 0
        """Bytes of the current file taken from disk, for progress."""

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        return tuple(self._checkpoints.values())

    def blocks(self, name: str) -> Iterator[Block]:
        """The new lines of one source. Once exhausted, its checkpoint has moved. Raises ReadWriteError, InputError."""
        self.position = 0
        try:
            if name == STDIN:
                yield from self._stream_blocks(sys.stdin.buffer)
                return
            with open(name, "rb") as file:
                regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
                yield from self._file_blocks(name, file) if regular else self._stream_blocks(file)
        except FileNotFoundError:
            raise InputError(f"{name}: vanished before it was read; run again") from None
        except OSError as exc:
            raise ReadWriteError(f"{name}: cannot be read: {exc.strerror or exc}; check its permissions") from None

    def _stream_blocks(self, file: BinaryIO) -> Iterator[Block]:
        """A stream does not come back: its last line counts, whether it ends or not."""
        lines = Lines()
        for piece in iter(lambda: file.read1(1 << 18), b""):  # type: ignore[attr-defined]
            self.position += len(piece)
            yield from lines.take(piece)
        yield from lines.flush()
        if lines.unfinished:
            yield from lines.take(b"\n")
            yield from lines.flush()

    def _file_blocks(self, name: str, file: BinaryIO) -> Iterator[Block]:
        limited = _Limited(file, os.fstat(file.fileno()).st_size)
        try:
            head = _head(limited)
        except compression.TornError as exc:
            self._warn_torn(name, exc)
            return
        if not head:
            return
        known, tail = self._recognise(limited, head)
        lines = Lines(known.offset, known.lines, tail) if known else Lines()
        try:
            for piece in _from_offset(limited, lines.offset):
                self.position = limited.position
                yield from lines.take(piece)
        except compression.TornError as exc:
            self._warn_torn(name, exc)
        yield from lines.flush()
        self.unfinished += lines.unfinished
        if lines.offset:
            if known:
                del self._checkpoints[known.head, known.offset, known.tail]
            self._add(name, head[: lines.offset], lines)

    def _warn_torn(self, name: str, exc: Exception) -> None:
        self.warnings.append(f"{name}: {exc}; its whole lines were read, the rest waits for the next run")

    def _recognise(self, file: "_Limited", head: bytes) -> tuple[Checkpoint | None, bytes]:
        """The furthest checkpoint of this content, and the bytes before its offset."""
        digests = {n: _digest(head[:n]) for n in {c.head_bytes for c in self._checkpoints.values()} if n <= len(head)}
        fitting = [c for c in self._checkpoints.values() if digests.get(c.head_bytes) == c.head]
        for checkpoint in sorted(fitting, key=lambda c: c.offset, reverse=True):
            tail = _tail(file, checkpoint.offset)
            if _digest(tail) == checkpoint.tail:
                return checkpoint, tail
        return None, b""

    def _add(self, name: str, head: bytes, lines: "Lines") -> None:
        base = os.path.basename(name)
        checkpoint = Checkpoint(len(head), _digest(head), lines.offset, _digest(lines.tail), lines.lines, base)
        self._checkpoints[checkpoint.head, checkpoint.offset, checkpoint.tail] = checkpoint


class _Limited:
    """A file as long as it was when opened: it may grow while it is read."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._length = length
        self.position = 0

    def seek(self, position: int) -> int:
        self.position = self._file.seek(position)
        return self.position

    def read(self, count: int = -1) -> bytes:
        left = max(0, self._length - self.position)
        data = self._file.read(left if count < 0 else min(count, left))
        self.position += len(data)
        return data


def _pieces(file: _Limited) -> Iterator[bytes]:
    file.seek(0)
    return compression.pieces(file)  # type: ignore[arg-type]


def _head(file: _Limited) -> bytes:
    head = b""
    try:
        for piece in _pieces(file):
            head += piece[: FINGERPRINT_BYTES - len(head)]
            if len(head) == FINGERPRINT_BYTES:
                break
    except compression.TornError:
        if not head:
            raise
    return head


def _from_offset(file: _Limited, offset: int) -> Iterator[bytes]:
    """Decompressed bytes from `offset` on; a plain file seeks, a compressed one is read through."""
    file.seek(0)
    if compression.kind(file.read(4)) == "plain":
        file.seek(offset)
        yield from iter(lambda: file.read(compression.READ_SIZE), b"")
        return
    start = 0
    for piece in _pieces(file):
        if start + len(piece) > offset:
            yield piece[max(0, offset - start) :]
        start += len(piece)


def _tail(file: _Limited, offset: int) -> bytes:
    """The up to 64 KiB of decompressed bytes before `offset`; shorter where the file is."""
    start = max(0, offset - TAIL_BYTES)
    tail = b""
    try:
        for piece in _from_offset(file, start):
            tail += piece[: offset - start - len(tail)]
            if len(tail) == offset - start:
                break
    except compression.TornError:
        pass
    return tail


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()
