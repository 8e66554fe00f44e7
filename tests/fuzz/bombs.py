"""Logs that are huge in memory if they are read without care, and most of them small on disk."""

import bz2
import gzip
import json
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, repeat
from pathlib import Path

import zstandard

from .hostile import events

MIB = 1 << 20
FOREIGN = b"nothing to see here, move along\n" * (MIB // 32)
ZEROS = bytes(MIB)
TIME = b"2026-11-21T08:25:15.095123456Z"


def event(number: int = 0) -> bytes:
    return events()[0].replace(b'"seq":', b'"seq":%d' % (number + 1), 1) + b"\n"


def packed(path: Path, pieces: Iterable[bytes], kind: str) -> None:
    """An event, the bomb, and another event."""
    openers = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open, "zst": zstandard.open, "log": open}
    quick = {"gz": {"compresslevel": 1}, "xz": {"preset": 0}}.get(kind, {})
    with openers[kind](path, "wb", **quick) as file:  # type: ignore[operator]
        file.write(event(0))
        for piece in pieces:
            file.write(piece)
        file.write(b"\n" + event(1))


def times(piece: bytes, size: int) -> Iterator[bytes]:
    return repeat(piece, size // len(piece))


def in_itself(path: Path, piece: bytes, size: int, layers: int = 2) -> None:
    """gzip in gzip: unpacked once, it is still a thousandth of what it becomes."""
    data = gzip.compress(event(0)) + _repeated_member(piece, size) + gzip.compress(b"\n" + event(1))
    for _ in range(layers - 1):
        data = gzip.compress(data)
    path.write_bytes(data)


def _repeated_member(piece: bytes, size: int) -> bytes:
    """Members that are made once."""
    whole = gzip.compress(piece * 64)
    return whole * (size // (64 * len(piece)))


def with_window(path: Path, size: int, kind: str) -> None:
    """Who unpacks it must remember as much as a header says: the most that is accepted."""
    pieces = [event(0), *times(FOREIGN, size), event(1)]
    if kind == "zst":
        compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
        data = bytearray(b"".join(map(compressor.compress, pieces)) + compressor.flush())
        data[5] = (27 - 10) << 3  # 2**27 bytes
    else:
        data = bytearray(lzma.compress(b"".join(pieces), preset=0))
        end = 12 + 4 * (data[12] + 1) - 4
        data[16] = 31  # 3 * 2**26 bytes
        data[end : end + 4] = zlib.crc32(data[12:end]).to_bytes(4, "little")
    path.write_bytes(data)


def endless_line(path: Path, size: int, begin: bytes = b"") -> None:
    """A hole in a file takes no space: zeros, behind what a line begins with."""
    with path.open("wb") as file:
        file.write(event(0) + begin)
        file.truncate(size)
        file.seek(size)
        file.write(b"\n" + event(1))


def cri(text: bytes, tag: bytes = b"F") -> bytes:
    return TIME + b" stdout " + tag + b" " + text.rstrip(b"\n") + b"\n"


def parts_without_end(path: Path, size: int) -> None:
    part = cri(b"x" * 16_000, b"P") * 64
    with path.open("wb") as file:
        file.write(cri(event(0)) + cri(b'{"logemit":1,"x":"', b"P"))
        file.writelines(times(part, size))
        file.write(cri(b"") + cri(event(1)))


def glued_objects(path: Path, size: int, messages: int) -> None:
    """One object after another, or one of any length, on one line."""
    each = {"id": "1", "timestamp": 1795249515095, "message": "nothing to see here, move along"}
    events = [[{**each, "message": event(number).decode()}, *[each] * messages] for number in (0, 1)]
    first, last = (json.dumps({**_ABOUT, "logEvents": each}, separators=(",", ":")).encode() for each in events)
    middle = last[: last.index(b'[{"id"') + 1] + b",".join([json.dumps(each).encode()] * messages) + b"]}"
    repeated = gzip.compress(middle * (MIB // len(middle) + 1))
    count = size // len(middle) // (MIB // len(middle) + 1) + 1
    path.write_bytes(gzip.compress(first) + repeated * count + gzip.compress(last))


_ABOUT = {
    "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "subscriptionFilters": ["f"],
}  # fmt: skip


def tiny_members(path: Path, count: int, pack: Callable[[bytes], bytes]) -> None:
    path.write_bytes(pack(event(0)) + (pack(b"x\n") + pack(b"")) * count + pack(event(1)))


def deep_lines(path: Path, count: int) -> None:
    """Lines of 64 KiB whose JSON is 1,000 deep, within an envelope and within an event."""
    deep = '{"a":[' * 500 + "]}" * 500
    value = deep + " " * (60_000 - len(deep))
    lines = [
        json.dumps({"log": '{"logemit":1,"event":"task","x":' + value + "}\n", "stream": "stdout", "time": "T"}),
        '{"log":' + value + ',"stream":"stdout","x":"\\"logemit"}',
        '{"logemit":1,"event":"task","timestamp":' + value + "}",
        '{"logemit":' * 1000 + " " * 50_000 + "}" * 1000,
    ]
    with path.open("wb") as file:
        file.write(event(0))
        file.writelines(line.encode() + b"\n" for line in islice(lines * count, count))
        file.write(event(1))


def shortest(path: Path, line: bytes, count: int) -> None:
    path.write_bytes(event(0) + line * count + event(1))
