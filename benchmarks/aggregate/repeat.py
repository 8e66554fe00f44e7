"""The first part of a log over and over: other processes, later hours, all else as it was."""

import re
from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path
from typing import IO

HOUR = 3_600_000_000
_CHUNK = 1 << 22
_PROC = re.compile(rb'(proc\\?":\\?")([0-9a-f]{2})')

Chunk = tuple[bytes, int]
"""Whole lines, and when the last of them was written."""


def repetitions(path: Path, stamp: Callable[[int], str], start: int, end: int) -> Iterator[Chunk]:
    """Without end: what stands in `path` by now, written between `start` and `end`, as it goes on."""
    size, shift, times = path.stat().st_size, ceil((end - start) / HOUR), 0
    with path.open("rb") as file:
        while True:
            times += 1
            file.seek(0)
            for data, begin, until in _pieces(file, size, start, end):
                hours = range(until // HOUR + 1, begin // HOUR - 2, -1)
                yield _later(_renamed(data, times), hours, shift * times, stamp), until + shift * times * HOUR


def _pieces(file: IO[bytes], size: int, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Some whole lines at a time, and about when they were written."""
    position = 0
    while position < size:
        data = file.read(min(_CHUNK, size - position))
        data += b"" if data.endswith(b"\n") else file.readline()
        begin, position = position, position + len(data)
        yield data, start + (end - start) * begin // size, start + (end - start) * position // size


def _renamed(data: bytes, times: int) -> bytes:
    """With another process for each: ids are random, and the first two digits of all are exchanged."""
    names = {b"%02x" % number: b"%02x" % (number ^ (times % 256)) for number in range(256)}
    return _PROC.sub(lambda found: found[1] + names[found[2]], data)


def _later(data: bytes, hours: range, shift: int, stamp: Callable[[int], str]) -> bytes:
    """The latest hour first, that none is moved twice."""
    for hour in hours:
        data = data.replace(_hour(hour, stamp), _hour(hour + shift, stamp))
    return data


def _hour(hour: int, stamp: Callable[[int], str]) -> bytes:
    return stamp(hour * HOUR)[: len("2026-11-20T00:")].encode()
