"""Plain, gzip, zstandard, xz and bzip2 files as one stream of bytes, told apart by content. Memory stays bounded."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

import zstandard

READ_SIZE = 1 << 18
PIECE_SIZE = 1 << 22
"""Most bytes handed on at once, however well they were compressed."""

XZ_MEMORY = 1 << 28
KIND_BYTES = 6
_BEGINNINGS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ\0": "xz", b"BZh": "bzip2"}


class TornError(Exception):
    """The compressed stream breaks off or is damaged; what came before is good."""


def kind(head: bytes) -> str:
    """`plain` or how it is compressed, from a file's first bytes."""
    return next((name for begin, name in _BEGINNINGS.items() if head.startswith(begin)), "plain")


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """The decompressed bytes of a seekable file from its beginning. Raises TornError."""
    head = file.read(KIND_BYTES)
    file.seek(0)
    match kind(head):
        case "gzip":
            yield from _gunzip(file)
        case "zstd":
            yield from _unzstd(file)
        case "xz":
            yield from _unpack(file, "xz", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY))
        case "bzip2":
            yield from _unpack(file, "bzip2", bz2.BZ2Decompressor)
        case _:
            yield from iter(lambda: file.read(READ_SIZE), b"")


def _gunzip(file: BinaryIO) -> Iterator[bytes]:
    """All members of a gzip file, one after the other."""
    data = file.read(READ_SIZE)
    while data:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            if not data and not (data := file.read(READ_SIZE)):
                raise TornError("the gzip file breaks off")
            try:
                piece = member.decompress(data, PIECE_SIZE)
            except zlib.error as exc:
                raise TornError(f"the gzip file is damaged: {exc}") from None
            data = member.unconsumed_tail
            if piece:
                yield piece
        data = member.unused_data.lstrip(b"\0")  # padding
        while not data and (more := file.read(READ_SIZE)):
            data = more.lstrip(b"\0")


def _unzstd(file: BinaryIO) -> Iterator[bytes]:
    """All frames of a zstandard file; one that breaks off ends early, which leaves its last line unfinished."""
    try:
        with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True, closefd=False) as stream:
            yield from iter(lambda: stream.read(PIECE_SIZE), b"")
    except zstandard.ZstdError as exc:
        raise TornError(f"the zstd file is damaged: {exc}") from None


def _unpack(
    file: BinaryIO, name: str, begin: Callable[[], lzma.LZMADecompressor] | Callable[[], bz2.BZ2Decompressor]
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
