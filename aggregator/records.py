"""From blocks of lines to records: what may be an event, and how much else there was.

A record is what a program wrote as one line, or one of several objects that stand glued on it. What can hold no event
is passed over by a search for a word that every event has, never looked at line by line.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .envelopes.envelope import MARKER, WORD, too_nested
from .lines import LINE_LIMIT, START_BYTES, Block
from .streams import Stream

_SCANNER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r\x0b\x0c]*+")


class Record(NamedTuple):
    """What may be an event, and the line of its source on which it ends."""

    line: int
    """Counted from 1."""
    offset: int
    """Of the line, in decompressed bytes."""
    text: bytes


@dataclass(slots=True)
class Records:
    """The records of a block: candidate events, and the count of all others."""

    events: list[Record] = field(default_factory=list)
    too_long: list[Record] = field(default_factory=list)
    """Events, of which the beginning is there."""
    foreign: int = 0

    @property
    def read(self) -> int:
        return len(self.events) + len(self.too_long) + self.foreign

    def add(self, line: int, offset: int, text: bytes) -> None:
        """A text that was written as one line: events stand on it alone, glued together, or behind other text."""
        start = text.find(MARKER)
        if start < 0 or len(text) > LINE_LIMIT:
            self._count(line, offset, text[:START_BYTES], is_event=start == 0)
            return
        pieces = list(_split(text[start:]))
        if start and not all(_scan(piece) == len(piece.rstrip()) for piece in pieces):
            self.foreign += 1  # what follows may be quoted
            return
        self.events.extend(Record(line, offset, piece) for piece in pieces)

    def _count(self, line: int, offset: int, beginning: bytes, *, is_event: bool) -> None:
        if is_event:
            self.too_long.append(Record(line, offset, beginning))
        else:
            self.foreign += 1

    def skip(self, line: int, offset: int, beginning: bytes, stream: Stream) -> None:
        """A line of a source that is too long."""
        wrapped = stream.envelope is not None and WORD in beginning
        self._count(line, offset, beginning, is_event=wrapped or beginning.startswith(MARKER))


def unwrap(block: Block, stream: Stream) -> Records:
    """The records that end in a block of a stream."""
    records = Records()
    if block.too_long:
        records.skip(block.first_line, block.offset, block.text, stream)
        return records
    lines = _candidates(block, records) if stream.words == (WORD,) else _chosen(block, stream.words, records)
    for line, offset, text in lines:
        take_line(records, stream, line, offset, text)
    return records


def take_line(records: Records, stream: Stream, line: int, offset: int, text: bytes) -> None:
    """A line of a source."""
    if len(text) > LINE_LIMIT:
        records.skip(line, offset, text[:START_BYTES], stream)
        return
    for written in stream.texts(text, line, offset):
        records.add(line, offset, written)


def _chosen(block: Block, words: tuple[bytes, ...], records: Records) -> Iterator[tuple[int, int, bytes]]:
    """(number, offset, text) of lines with one of the words in them; the others are counted as foreign."""
    offset = block.offset
    for line, text in enumerate(block.text.split(b"\n")[:-1], block.first_line):
        if any(word in text for word in words):
            yield line, offset, text
        else:
            records.foreign += 1
        offset += len(text) + 1


def _candidates(block: Block, records: Records) -> Iterator[tuple[int, int, bytes]]:
    """The same where the word is that of an event: by a search, many lines at a time."""
    data, line, end = block.text, block.first_line, 0
    while (found := data.find(WORD, end)) >= 0:
        start = data.rfind(b"\n", end, found) + 1 or end
        passed = data.count(b"\n", end, start)
        records.foreign += passed
        line += passed
        end = data.find(b"\n", found) + 1
        yield line, block.offset + start, data[start : end - 1]
        line += 1
    records.foreign += data.count(b"\n", end)


def _split(text: bytes) -> Iterator[bytes]:
    """Objects glued on a line, each as a record; what cannot be read as one stays in one piece."""
    if text.count(MARKER) < 2 or too_nested(text):
        yield text
        return
    decoded, begin = text.decode("utf-8", "surrogateescape"), 0
    while (end := _end(decoded, begin)) and decoded.startswith(MARKER.decode(), rest := _space_end(decoded, end)):
        yield decoded[begin:end].encode("utf-8", "surrogateescape")
        begin = rest
    yield decoded[begin:].encode("utf-8", "surrogateescape")


def _space_end(text: str, begin: int) -> int:
    found = _SPACE.match(text, begin)
    return found.end() if found else begin


def _end(text: str, begin: int) -> int:
    """Where the JSON object ends that begins there; 0 if none does."""
    try:
        return _SCANNER.raw_decode(text, begin)[1]
    except (ValueError, RecursionError):
        return 0


def _scan(text: bytes) -> int:
    """Bytes of the JSON object that `text` begins with; 0 if it does not."""
    if too_nested(text):
        return 0
    decoded = text.decode("utf-8", "surrogateescape")
    return len(decoded[: _end(decoded, 0)].encode("utf-8", "surrogateescape"))
