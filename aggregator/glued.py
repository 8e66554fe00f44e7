"""Subscription objects of CloudWatch Logs, brought onto lines: Firehose glues them, and one may be megabytes long.

    {"messageType":"DATA_MESSAGE",…,"logEvents":[{"id":"1",…},{"id":"2",…}]}{"messageType":…

A newline is put before each object that stands glued to another or in an array, and no byte is taken away. No state
need be kept for it: within a string the quotation mark of `{"name` would end the string, and a name cannot follow that.
However the bytes come in pieces, the result is the same.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

_ELEMENT = re.compile(rb'\{(?:(?<=[}\[,]\{)|(?<=[}\[,][ \t\r]\{))(?=\s{0,8}"[A-Za-z_])')
"""Begins with a plain byte, for which there is a quick search."""

DECIDING_BYTES = 1024
"""What a source begins with tells, however it comes in pieces."""

_BEFORE, _AHEAD = 2, 10
"""Bytes around the brace that decide."""

_NAMES = rb"messageType|owner|logGroup|logStream|subscriptionFilters|logEvents"
_FIRST_NAME = re.compile(rb'\s*+\{\s*+"(?:' + _NAMES + rb')"\s*+:')
_TYPE = re.compile(rb'[{,]\s*+"messageType"\s*+:\s*+"(?:DATA|CONTROL)_MESSAGE"')
_ORIGIN = (re.compile(rb'[{,]\s*+"logGroup"\s*+:'), re.compile(rb'[{,]\s*+"logStream"\s*+:'))


def begins_glued(head: bytes) -> bool:
    """Whether a source that begins so holds such objects."""
    if not _FIRST_NAME.match(head):
        return False
    return _TYPE.search(head) is not None or all(name.search(head) for name in _ORIGIN)


def lined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces of any source; with newlines where they are such objects, also behind the last."""
    first = b""
    while len(first) < DECIDING_BYTES and (piece := next(pieces, b"")):
        first += piece
    if not begins_glued(first[:DECIDING_BYTES]):
        yield first
        yield from pieces
        return
    last = b""
    for piece in apart(chain([first], pieces)):
        yield piece
        last = piece[-1:] or last
    if last == b"}":
        yield b"\n"


def apart(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces, with newlines before such objects."""
    data, done = b"", 0
    for piece in pieces:
        data += piece
        end = max(done, len(data) - _AHEAD)
        yield _with_newlines(data, done, end)
        data, done = data[max(0, end - _BEFORE) :], min(end, _BEFORE)
    yield _with_newlines(data, done, len(data))


def _with_newlines(data: bytes, start: int, end: int) -> bytes:
    places = []
    for found in _ELEMENT.finditer(data, start):
        if found.start() >= end:
            break
        places.append(found.start())
    return b"\n".join(data[begin:stop] for begin, stop in pairwise([start, *places, end]))
