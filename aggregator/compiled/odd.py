"""What the scanner left over, through the reference way: each line in its turn."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..records import Records, take_line
from .context import Scanned
from .opened import Opened
from .texts import Array


@dataclass(frozen=True, slots=True)
class LeftOver:
    records: Records
    rows_before: dict[int, int]
    """By the number of a line: how many scanned rows stand before it."""
    foreign: int
    """Lines that were passed over."""


def left_over(scanned: Scanned) -> LeftOver:
    """Lines that are not plain, and those that were left in their envelopes."""
    if scanned.opened is not None:
        return _out_of_envelopes(scanned, scanned.opened)
    block, found = scanned.block, Records()
    odd = scanned.odd
    for begin, end, line in odd.tolist():
        text = bytes(block.data[begin : end - 1])
        take_line(found, scanned.stream, block.first_line + line, block.offset + begin, text)
    return LeftOver(found, _rows_before(scanned, odd[:, 0], block.first_line + odd[:, 2]), scanned.foreign)


def _rows_before(scanned: Scanned, begins: Array, lines: Array) -> dict[int, int]:
    before = np.searchsorted(scanned.records.begins[: scanned.rows], begins)
    return dict(zip(lines.tolist(), before.tolist(), strict=True))


def _out_of_envelopes(scanned: Scanned, opened: Opened) -> LeftOver:
    block, stream, found = scanned.block, scanned.stream, Records()
    odd, left = scanned.odd, opened.left
    numbers = block.first_line + opened.numbers(np.concatenate([odd[:, 2], left[:, 2]]))
    begins = np.concatenate([odd[:, 0], left[:, 3]])
    rows_before = _rows_before(scanned, begins, numbers)
    offsets = _offsets(scanned, numbers[: len(odd)])
    for number in np.argsort(begins).tolist():
        line = int(numbers[number])
        if number < len(odd):
            for text in stream.inner(scanned.line(int(odd[number, 0]))):
                found.add(line, offsets[number], text)
        else:
            begin, end, *_ = left[number - len(odd)].tolist()
            take_line(found, stream, line, block.offset + begin, bytes(block.data[begin : end - 1]))
    for line, begin, text in _behind(scanned, opened):
        take_line(found, stream, line, block.offset + begin, text)
        rows_before[line] = scanned.rows
    return LeftOver(found, rows_before, scanned.foreign - len(left))


def _offsets(scanned: Scanned, numbers: Array) -> list[int]:
    """Of lines of the source, by their numbers."""
    if not len(numbers):
        return []
    block = scanned.block
    ends = np.flatnonzero(np.frombuffer(block.data, np.uint8, block.size) == ord("\n"))
    begins = np.concatenate([[0], ends + 1])
    found: list[int] = (block.offset + begins[numbers - block.first_line]).tolist()
    return found


def _behind(scanned: Scanned, opened: Opened) -> Iterator[tuple[int, int, bytes]]:
    """(number, begin, text) of the lines from where opening ended."""
    block = scanned.block
    begin = opened.end
    if begin < block.size:
        line = block.first_line + bytes(memoryview(block.data)[:begin]).count(b"\n")
        for number, text in enumerate(block.text[begin:].split(b"\n")[:-1], line):
            yield number, begin, text
            begin += len(text) + 1
