"""From blocks of lines to records: what may be an event, and how much else there was.

A record is a line, or one of several objects that stand glued on a line. Whatever does not hold an event is foreign and
passed over by a search for the first bytes of every event, never looked at line by line.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from .lines import LINE_LIMIT, Block

MARKER = b'{"logemit":'
"""Every event's line begins so."""

_SCANNER = json.JSONDecoder()
_MAX_NESTING = 1000


@dataclass(slots=True)
class Records:
    """The records of a block: candidate events with the number of their line, and the count of all others."""

    events: list[tuple[int, bytes]] = field(default_factory=list)
    too_long: list[int] = field(default_factory=list)
    foreign: int = 0

    @property
    def read(self) -> int:
        return len(self.events) + len(self.too_long) + self.foreign


def unwrap(block: Block) -> Records:
    """Bare lines: an event stands alone, behind text that lost its newline to it, or glued to another."""
    records = Records()
    if block.too_long:
        _count_long(records, block.first_line, is_event=block.data.startswith(MARKER))
        return records
    for line, text in _candidates(block, records):
        if text.count(MARKER) == 1:
            records.events.append((line, text))
        else:
            records.events.extend((line, piece) for piece in _split(text))
    return records


def _count_long(records: Records, line: int, *, is_event: bool) -> None:
    if is_event:
        records.too_long.append(line)
    else:
        records.foreign += 1


def _candidates(block: Block, records: Records) -> Iterator[tuple[int, bytes]]:
    """Lines with an event in them, from its first byte on; foreign lines and pieces are counted."""
    data, line, end = block.data, block.first_line, 0
    while (found := data.find(MARKER, end)) >= 0:
        start = data.rfind(b"\n", end, found) + 1 or end
        passed = data.count(b"\n", end, start)
        records.foreign += passed
        line += passed
        end = data.find(b"\n", found) + 1
        if end - start > LINE_LIMIT:
            _count_long(records, line, is_event=found == start)
        elif found == start:
            yield line, data[found : end - 1]
        elif _is_event(data[found : end - 1]):
            records.foreign += 1
            yield line, data[found : end - 1]
        else:
            records.foreign += 1
        line += 1
    records.foreign += data.count(b"\n", end)


def _is_event(text: bytes) -> bool:
    """In the middle of a line only a whole object, or several, count as events: the rest may be quoted text."""
    return all(_scan(piece) == len(piece.rstrip()) for piece in _split(text))


def _split(text: bytes) -> Iterator[bytes]:
    """Objects glued on a line, each as a record; what cannot be read as one stays in one piece."""
    while text.count(MARKER) > 1 and 0 < (end := _scan(text)) < len(text) and text[end:].lstrip().startswith(MARKER):
        yield text[:end]
        text = text[end:].lstrip()
    yield text


def _scan(text: bytes) -> int:
    """Bytes of the JSON object that `text` begins with; 0 if it does not."""
    if too_nested(text):
        return 0
    decoded = text.decode("utf-8", "surrogateescape")
    try:
        _, end = _SCANNER.raw_decode(decoded)
    except (ValueError, RecursionError):
        return 0
    return len(decoded[:end].encode("utf-8", "surrogateescape"))


def too_nested(text: bytes) -> bool:
    """How deep the standard library follows depends on its version: past a thousand brackets it is not asked."""
    return text.count(b"{") + text.count(b"[") > _MAX_NESTING
