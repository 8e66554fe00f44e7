"""Plain, gzip, zstandard, xz and bzip2 files as one stream of bytes, told apart by content. Memory stays bounded."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, BinaryIO, Protocol

import zstandard

try:
    from isal import isal_zlib
except ImportError:  # it is not made for every platform
    _deflate: Any = zlib
else:
    _deflate = isal_zlib

READ_SIZE = 1 << 18
GZIP_READ_SIZE = 1 << 16
"""What is not unpacked at once is copied each time: less is quicker."""

PIECE_SIZE = 1 << 22
"""Most bytes handed on at once, however well they were compressed."""

XZ_MEMORY = 1 << 28
KIND_BYTES = 6
MOST_LAYERS = 2
"""Firehose packs again what CloudWatch packed."""

_BEGINNINGS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ\0": "xz", b"BZh": "bzip2"}


class TornError(Exception):
    """The compressed stream breaks off or is damaged; what came before is good."""


class DamagedError(TornError):
    """It goes on, but not as it was written."""


def kind(head: bytes) -> str:
    """`plain` or how it is compressed, from a file's first bytes."""
    return next((name for begin, name in _BEGINNINGS.items() if head.startswith(begin)), "plain")


class Readable(Protocol):
    def read(self, count: int = -1, /) -> bytes: ...


class _Pieces:
    """Pieces as a file: what is read at once may be less than was asked for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, count: int = -1) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece
        count = len(self._rest) if count < 0 else count
        data, self._rest = self._rest[:count], self._rest[count:]
        return data


def is_tar(head: bytes) -> bool:
    """Whether decompressed content is an archive of files, from its first bytes."""
    return head[257:262] == b"ustar"


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """The decompressed bytes of a seekable file from its beginning. Raises TornError."""
    head = file.read(KIND_BYTES)
    file.seek(0)
    if kind(head) == "plain":
        return iter(lambda: file.read(READ_SIZE), b"")
    return _opened(_unpacked(file, kind(head)), MOST_LAYERS - 1)


def of_stream(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same of what cannot be read twice."""
    head = b""
    while len(head) < KIND_BYTES and (piece := next(pieces, b"")):
        head += piece
    return _opened(chain([head], pieces), MOST_LAYERS)


def _opened(pieces: Iterator[bytes], layers: int) -> Iterator[bytes]:
    first = next(pieces, b"")
    found = kind(first)
    if layers and found != "plain":
        yield from _opened(_unpacked(_Pieces(chain([first], pieces)), found), layers - 1)
    else:
        yield first
        yield from pieces


def _unpacked(file: Readable, how: str) -> Iterator[bytes]:
    match how:
        case "gzip":
            return _gunzip(file)
        case "zstd":
            return _unzstd(file)
        case "xz":
            return _unpack(file, "xz", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY))
        case _:
            return _unpack(file, "bzip2", bz2.BZ2Decompressor)


def _gunzip(file: Readable) -> Iterator[bytes]:
    """All members of a gzip file, one after the other."""
    return _held_back(_members(file))


def _held_back(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Damage shows a little late: what was unpacked just before it is not to be trusted."""
    held: list[bytes] = []
    try:
        for piece in pieces:
            held.append(piece)
            if len(held) >= READ_SIZE // GZIP_READ_SIZE:
                yield b"".join(held)
                held.clear()
    except DamagedError:
        raise
    except TornError:
        yield b"".join(held)
        raise
    yield b"".join(held)


def _members(file: Readable) -> Iterator[bytes]:
    data = file.read(GZIP_READ_SIZE)
    while data:
        member = _deflate.decompressobj(wbits=31)
        while not member.eof:
            if not data and not (data := file.read(GZIP_READ_SIZE)):
                raise TornError("the gzip file breaks off")
            try:
                piece = member.decompress(data, PIECE_SIZE)
            except _deflate.error as exc:
                raise DamagedError(f"the gzip file is damaged: {exc}") from None
            data = member.unconsumed_tail
            if piece:
                yield piece
        data = member.unused_data.lstrip(b"\0")  # padding
        while not data and (more := file.read(GZIP_READ_SIZE)):
            data = more.lstrip(b"\0")


def _unzstd(file: Readable) -> Iterator[bytes]:
    """All frames of a zstandard file; one that breaks off ends early, which leaves its last line unfinished."""
    try:
        decompressor = zstandard.ZstdDecompressor()
        with decompressor.stream_reader(file, read_across_frames=True, closefd=False) as stream:  # type: ignore[arg-type]
            yield from iter(lambda: stream.read(PIECE_SIZE), b"")
    except zstandard.ZstdError as exc:
        raise TornError(f"the zstd file is damaged: {exc}") from None


def _unpack(
    file: Readable, name: str, begin: Callable[[], lzma.LZMADecompressor] | Callable[[], bz2.BZ2Decompressor]
) -> Iterator[bytes]:
    """All streams of an xz or a bzip2 file, one after the other."""
    data = file.read(READ_SIZE)
    while data:
        stream = begin()
        while not stream.eof:
            if stream.needs_input and not data and not (data := file.read(READ_SIZE)):
                raise TornError(f"the {name} file breaks off")
            try:
                piece = stream.decompress(data, PIECE_SIZE)
            except (lzma.LZMAError, OSError) as exc:
                raise TornError(f"the {name} file is damaged: {exc}") from None
            data = b""
            if piece:
                yield piece
        data = stream.unused_data.lstrip(b"\0") or file.read(READ_SIZE).lstrip(b"\0")
