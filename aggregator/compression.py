"""Plain, gzip and zstandard files as one stream of bytes, told apart by content. Memory stays bounded."""

import zlib
from collections.abc import Iterator
from typing import BinaryIO

import zstandard

READ_SIZE = 1 << 18
PIECE_SIZE = 1 << 22
"""Most bytes handed on at once, however well they were compressed."""


class TornError(Exception):
    """The compressed stream breaks off or is damaged; what came before is good."""


def kind(head: bytes) -> str:
    """`plain`, `gzip` or `zstd`, from a file's first bytes."""
    return "gzip" if head.startswith(b"\x1f\x8b") else "zstd" if head.startswith(b"\x28\xb5\x2f\xfd") else "plain"


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """The decompressed bytes of a seekable file from its beginning. Raises TornError."""
    head = file.read(4)
    file.seek(0)
    match kind(head):
        case "gzip":
            yield from _gunzip(file)
        case "zstd":
            yield from _unzstd(file)
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
