"""Lines of container runtimes out of their envelopes: as plain lines in another block, for the scanner.

What is not plain is left to the reference way: in its place stands an empty line, so that lines keep their order. So is
the first line of each stream in a block, which may go on from the one before.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..envelopes import cri, docker
from ..lines import LINE_LIMIT, PADDING
from ..streams import Stream
from .native import compiled, copy16, inlined, line_ends, load64, text_ends, trailing_zeros
from .scan import next_line
from .texts import Array, alone
from .values import QUOTE, sequence_length, text_end

RAW_AT, PLAIN_AT, LINES, LEFT, JOINS, OPEN = range(6)
"""Of the progress: where it stands in both blocks; lines, lines left over and joined ones so far; and whether the next
line of either stream may go on from one that was not read here.
"""

NOT_HERE = -1
_NEWLINE, _SPACE, _CLOSE, _BACKSLASH = b"\n }\\"
_TIME_FORM = b"0000-00-00T00:00:00"


def _word(text: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(text, "little"))


_LOG = _word(b'{"log":"')
_STREAM, _STD = _word(b',"stream'), _word(b'":"std')
_OUT, _ERR = _word(b'out","ti'), _word(b'err","ti')
_TIME = _word(b'me":"')
_CRI_STDOUT, _CRI_STDERR = _word(b" stdout "), _word(b" stderr ")
_SIX, _FIVE = _word(b"\xff" * 6), _word(b"\xff" * 5)


@inlined
def escaped(data: Any, at: int) -> int:
    """The ASCII character that a backslash and what follows it stand for; NOT_HERE for anything else."""
    byte = data[at + 1]
    if byte == 34 or byte == 92 or byte == 47:
        return np.int64(byte)
    if byte == 116:
        return 9
    if byte == 114:
        return 13
    if byte == 98:
        return 8
    if byte == 102:
        return 12
    return NOT_HERE


@inlined
def docker_text(data: Any, at: int, out: Any, to: int) -> tuple[int, int]:
    """Copies a text up to its quote: (where that stands, where the copy ends). Its last character must be a newline."""
    while True:
        copy16(out, to, data, at)
        found = text_ends(data, at)
        if not found:
            at += 16
            to += 16
            continue
        passed = np.int64(trailing_zeros(found))
        at += passed
        to += passed
        byte = data[at]
        if byte == _BACKSLASH:
            if data[at + 1] == 110:
                return (at + 2, to) if data[at + 2] == QUOTE else (NOT_HERE, to)
            character = escaped(data, at)
            if character < 0:
                return NOT_HERE, to
            out[to] = character
            at += 2
            to += 1
            continue
        length = sequence_length(data, at) if byte >= 0x80 else 0
        if length == 0:
            return NOT_HERE, to
        for place in range(length):
            out[to + place] = data[at + place]
        at += length
        to += length


@inlined
def docker_rest(data: Any, at: int) -> tuple[int, int]:
    """(where the line ends, its stream) of what follows the text, in the order in which Docker writes it."""
    if load64(data, at + 1) != _STREAM or load64(data, at + 9) & _SIX != _STD:
        return NOT_HERE, 0
    stream = load64(data, at + 15)
    if (stream != _OUT and stream != _ERR) or load64(data, at + 23) & _FIVE != _TIME:
        return NOT_HERE, 0
    end = text_end(data, at + 28)
    if end < 0 or data[end + 1] != _CLOSE or data[end + 2] != _NEWLINE:
        return NOT_HERE, 0
    return end + 2, np.int64(stream == _ERR)


@inlined
def leave(data: Any, progress: Any, out: Any, left: Any) -> None:
    """A line for the reference way."""
    number, at, to = progress[LEFT], progress[RAW_AT], progress[PLAIN_AT]
    end = next_line(data, at)
    left[number, 0], left[number, 1], left[number, 2], left[number, 3] = at, end, progress[LINES], to
    progress[LEFT] = number + 1
    end_line(progress, out, to, end)


@inlined
def leave_all(data: Any, progress: Any, out: Any, left: Any, lines: int) -> None:
    for _ in range(lines):
        leave(data, progress, out, left)


@inlined
def end_line(progress: Any, out: Any, to: int, end: int) -> None:
    """A plain line ends here, and there in the block."""
    out[to] = _NEWLINE
    progress[PLAIN_AT] = to + 1
    progress[LINES] += 1
    progress[RAW_AT] = end


@compiled
def open_docker(data: Any, end: int, out: Any, left: Any, joins: Any, progress: Any) -> None:
    while progress[RAW_AT] < end and progress[LEFT] < len(left):
        at, to = progress[RAW_AT], progress[PLAIN_AT]
        behind, stream = np.int64(NOT_HERE), np.int64(0)
        if load64(data, at) == _LOG:
            quote, to = docker_text(data, at + 8, out, to)
            if quote >= 0:
                behind, stream = docker_rest(data, quote)
        if behind < 0 or behind - at > LINE_LIMIT:
            leave(data, progress, out, left)
            progress[OPEN] = progress[OPEN + 1] = 1
        elif progress[OPEN + stream]:
            leave(data, progress, out, left)
            progress[OPEN + stream] = 0
        else:
            end_line(progress, out, to, behind + 1)


@inlined
def is_digit(data: Any, at: int) -> bool:
    return 48 <= data[at] <= 57


@inlined
def cri_time_end(data: Any, at: int) -> int:
    """Where a timestamp ends that begins here: 2026-11-21T08:25:15.095531Z, or with an offset."""
    for place in range(len(_TIME_FORM)):
        wanted = _TIME_FORM[place]
        if not (is_digit(data, at + place) if wanted == 48 else data[at + place] == wanted):
            return NOT_HERE
    at += len(_TIME_FORM)
    if data[at] == 46:
        begin = at + 1
        at = begin
        while is_digit(data, at) and at - begin < 9:
            at += 1
        if at == begin:
            return NOT_HERE
    if data[at] == 90:
        return at + 1
    if (data[at] != 43 and data[at] != 45) or data[at + 3] != 58:
        return NOT_HERE
    is_zone = is_digit(data, at + 1) and is_digit(data, at + 2) and is_digit(data, at + 4) and is_digit(data, at + 5)
    return at + 6 if is_zone else np.int64(NOT_HERE)


@inlined
def cri_header(data: Any, at: int) -> tuple[int, int, bool]:
    """(where the text begins, its stream, does it end here) of a line that begins here."""
    at = cri_time_end(data, at)
    if at < 0:
        return NOT_HERE, 0, False
    word = load64(data, at)
    tag = data[at + 8]
    if (word != _CRI_STDOUT and word != _CRI_STDERR) or (tag != 70 and tag != 80) or data[at + 9] != _SPACE:
        return NOT_HERE, 0, False
    return at + 10, np.int64(word == _CRI_STDERR), tag == 70


@inlined
def copy_line(data: Any, at: int, out: Any, to: int) -> tuple[int, int]:
    """Copies up to a newline: (where that stands, where the copy ends)."""
    while True:
        copy16(out, to, data, at)
        copy16(out, to + 16, data, at + 16)
        found = line_ends(data, at)
        if found:
            passed = np.int64(trailing_zeros(found))
            return at + passed, to + passed
        at += 32
        to += 32


@compiled
def open_cri(data: Any, end: int, out: Any, left: Any, joins: Any, progress: Any) -> None:
    """Parts of a line are joined if they follow one another, and no other line comes in between."""
    at, to, joined, joining = progress[RAW_AT], progress[PLAIN_AT], np.int64(0), np.int64(0)
    extra = np.int64(0)
    while at < end and progress[LEFT] + joined < len(left):
        text, stream, ends = cri_header(data, at)
        newline = np.int64(NOT_HERE)
        is_usual = text >= 0 and (stream == joining if joined else not progress[OPEN + stream])
        if is_usual:
            newline, to = copy_line(data, text, out, to)
        if newline < 0 or newline - at > LINE_LIMIT or to - progress[PLAIN_AT] > LINE_LIMIT:
            if joined:
                progress[OPEN + joining] = 1
            elif text >= 0 and not is_usual and next_line(data, at) - at <= LINE_LIMIT:  # a longer one joins nothing
                progress[OPEN + stream] = not ends
            else:
                progress[OPEN] = progress[OPEN + 1] = 1
            leave_all(data, progress, out, left, joined or np.int64(1))
            at, to, joined = progress[RAW_AT], progress[PLAIN_AT], np.int64(0)
        elif ends:
            if joined:
                number = progress[JOINS]
                extra += joined
                joins[number, 0], joins[number, 1] = progress[LINES], extra
                progress[JOINS] = number + 1
                joined = np.int64(0)
            end_line(progress, out, to, newline + 1)
            at, to = progress[RAW_AT], progress[PLAIN_AT]
        else:
            at, joined, joining = newline + 1, joined + 1, stream
    leave_all(data, progress, out, left, joined)


@dataclass(frozen=True, slots=True)
class Opened:
    """A block out of its envelopes."""

    data: Array
    """uint8: plain lines."""
    size: int
    end: int
    """In the block: what follows is left over, too."""
    left: Array
    """int64[line, 4]: of what is left over, begin and end in the block, number of its place among the plain lines, and
    where that stands.
    """
    joins: Array
    """int64[line, 2]: number of a plain line, and how many lines more than plain ones there were up to its end."""

    def numbers(self, plain: Array) -> Array:
        """Of lines in the block, from 0, by their numbers as plain lines."""
        found = np.searchsorted(self.joins[:, 0], plain, side="right")
        extras = np.concatenate([[0], self.joins[:, 1]])
        moved: Array = plain + extras[found]
        return moved


@dataclass(slots=True)
class Opener:
    """Has room for one block."""

    out: Array = field(default_factory=lambda: np.empty(0, np.uint8))
    left: Array = field(default_factory=lambda: np.empty((0, 4), np.int64))
    joins: Array = field(default_factory=lambda: np.empty((0, 2), np.int64))
    progress: Array = field(default_factory=lambda: alone(7))

    def opened(self, stream: Stream, data: Array, size: int) -> Opened:
        if len(self.out) < size + PADDING:
            self.out = np.empty(size + PADDING, np.uint8)
            self.left = np.empty((size // LEAST_LEFT + 16, 4), np.int64)
            self.joins = np.empty((size // LEAST_PART + 1, 2), np.int64)
        assert stream.envelope is not None
        progress = self.progress
        progress[:] = 0
        progress[OPEN:] = 1
        _WAYS[stream.envelope.name](data, size, self.out, self.left, self.joins, progress)
        left, joins = self.left[: int(progress[LEFT])], self.joins[: int(progress[JOINS])]
        return Opened(self.out, int(progress[PLAIN_AT]), int(progress[RAW_AT]), left, joins)


LEAST_PART, LEAST_LEFT = 32, 16
"""Bytes that a part of a line takes at least, and a line that is left over in a log that makes sense."""

_WAYS: dict[str, Callable[[Any, int, Any, Any, Any, Any], None]] = {
    docker.ENVELOPE.name: open_docker,
    cri.ENVELOPE.name: open_cri,
}


def opens(stream: Stream) -> bool:
    """Whether lines of its envelope are opened here."""
    return stream.envelope is not None and stream.envelope.name in _WAYS
