"""Which files there are, and their lines from where reading stopped last time."""

import glob
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from . import compression
from .errors import InputError, ReadWriteError, UsageError
from .lines import TAIL_BYTES, Block, Lines
from .positions import FINGERPRINT_BYTES, Look, Positions, absolute, digest

STDIN = "-"
LOG_NAME = re.compile(r".+\.(log|jsonl|ndjson|out)([.-].*)?|.+\.(gz|zst)|stdout|stderr")
PACKED_SAMPLE = 4096
"""Bytes at either end of a compressed file that tell it from others of its size: at its end stands a checksum."""


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
    """Reads sources from where their positions are, and moves these on."""

    def __init__(self, positions: Positions | None = None) -> None:
        self.positions = positions or Positions()
        self.warnings: list[str] = []
        self.unfinished = 0
        self.sources = 0
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
            self.warnings.append(f"{name}: vanished before it was read")
        except OSError as exc:
            raise ReadWriteError(f"{name}: cannot be read: {exc.strerror or exc}; check its permissions") from None

    def is_read(self, name: str) -> bool:
        """Whether the file that now has this name was read already; also for one that is gone."""
        try:
            status = os.stat(name)
        except OSError:
            return True
        return not stat.S_ISREG(status.st_mode) or (status.st_dev, status.st_ino) in self._identities

    def head(self, name: str) -> bytes:
        """What a file begins with; nothing where it cannot be read."""
        try:
            with open(name, "rb") as file:
                return _head(_Limited(file, os.fstat(file.fileno()).st_size))
        except (OSError, compression.TornError):
            return b""

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
        limited = _Limited(file, status.st_size)
        look = Look(absolute(name), status.st_mtime_ns // 1000, _packed(limited))
        if not self.positions.unpacked(look):
            yield from self._file_blocks(look, limited, name)

    def _file_blocks(self, look: Look, file: "_Limited", name: str) -> Iterator[Block]:
        try:
            head = _head(file)
        except compression.TornError as exc:
            self._warn_torn(name, exc)
            return
        if not head:
            return
        known, tail = self.positions.recognise(head, lambda offset: _tail(file, offset))
        lines, torn = Lines(known.offset, known.lines, tail) if known else Lines(), False
        try:
            for piece in _from_offset(file, lines.offset):
                self.position = file.position
                yield from lines.take(piece)
        except compression.TornError as exc:
            torn = True
            self._warn_torn(name, exc)
        yield from lines.flush()
        self.unfinished += lines.unfinished
        if lines.offset:
            self.positions.move(known, look, head, lines, torn=torn)

    def _warn_torn(self, name: str, exc: Exception) -> None:
        self.warnings.append(f"{name}: {exc}; its whole lines were read, the rest waits for the next run")


class _Limited:
    """A file as long as it was when opened: it may grow while it is read."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self.length = length
        self.position = 0

    def seek(self, position: int) -> int:
        self.position = self._file.seek(position)
        return self.position

    def read(self, count: int = -1) -> bytes:
        left = max(0, self.length - self.position)
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


def _packed(file: _Limited) -> str:
    """What a compressed file is known by; "" for one that is not."""
    file.seek(0)
    begin = file.read(PACKED_SAMPLE)
    if compression.kind(begin) == "plain":
        return ""
    file.seek(max(0, file.length - PACKED_SAMPLE))
    return digest(b"%d " % file.length + begin + file.read())
