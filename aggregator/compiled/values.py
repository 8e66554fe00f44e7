"""What stands behind a key, as the emitter writes it: texts, literals, numbers, times and bins."""

from typing import Any

import numpy as np

from ..fields import LONGEST, MAX_COUNT, MAX_TEXT
from . import numbers
from .layout import (
    ANY_TEXT,
    BINS,
    BOOLEAN,
    GAUGE,
    INTEGER_TEXT,
    LENGTH_BITS,
    NUMBER,
    PROC,
    SECONDS,
    SEQ,
    SKIPPED,
    TEXT,
    TIMESTAMP,
    WHOLE,
    WHOLE_GAUGE,
)
from .native import inlined, load64, text_ends, trailing_zeros
from .records import BINS_USED
from .texts import FULL, code_of

PROC_BYTES = 64
NO_TEXTS = -2
"""The end of a value where texts must grow before it can be read."""

_TRUE = np.uint64(int.from_bytes(b"true", "little"))
_FALSE = np.uint64(int.from_bytes(b"false", "little"))
_NULL = np.uint64(int.from_bytes(b"null", "little"))
_FOUR = np.uint64(0xFFFFFFFF)
_FIVE = np.uint64(0xFFFFFFFFFF)
QUOTE, COLON, COMMA, _T, _F = b'":,tf'


@inlined
def sequence_length(data: Any, at: int) -> int:
    """Bytes of the UTF-8 character of no ASCII that stands here; 0 where none does."""
    first, second, third, fourth = data[at], data[at + 1], data[at + 2], data[at + 3]
    if second & 0xC0 != 0x80:
        return 0
    if 0xC2 <= first <= 0xDF:
        return 2
    if third & 0xC0 != 0x80:
        return 0
    if 0xE0 <= first <= 0xEF:
        is_short, is_surrogate = first == 0xE0 and second < 0xA0, first == 0xED and second >= 0xA0
        return 0 if is_short or is_surrogate else 3
    if fourth & 0xC0 != 0x80 or not 0xF0 <= first <= 0xF4:
        return 0
    return 0 if (first == 0xF0 and second < 0x90) or (first == 0xF4 and second >= 0x90) else 4


@inlined
def text_end(data: Any, at: int) -> int:
    """Where the quote stands that ends a text which begins here; NOT_PLAIN where it has escapes or is none."""
    while True:
        found = text_ends(data, at)
        if not found:
            at += 16
            continue
        at += np.int64(trailing_zeros(found))
        if data[at] == QUOTE:
            return at
        length = sequence_length(data, at) if data[at] >= 0x80 else 0
        if length == 0:
            return numbers.NOT_PLAIN
        at += length


@inlined
def scalar_end(data: Any, at: int) -> int:
    """Where any plain value ends that nobody asks for."""
    byte = data[at]
    if byte == QUOTE:
        end = text_end(data, at + 1)
        return end + 1 if end >= 0 else end
    word = load64(data, at)
    if word & _FOUR == _TRUE or word & _FOUR == _NULL:
        return at + 4
    if word & _FIVE == _FALSE:
        return at + 5
    if byte == 45:
        at += 1
    _, _, end = numbers.decimal(data, at)
    return end


@inlined
def moment_of(hour: Any, data: Any, at: int) -> int:
    """Microseconds since 1970 of a timestamp as the emitter writes it; -1 for anything else."""
    # The first two digits of the year are not in this word; the others are checked with it.
    word, last = load64(data, at + 2), load64(data, at + 5)
    if word != hour[0] or last != hour[1] or data[at] != 50 or data[at + 1] != 48:
        found = numbers.hour(data, at)
        if found < 0:
            return -1
        if data[at] == 50 and data[at + 1] == 48:
            hour[0], hour[1], hour[2] = word, last, np.uint64(found)
    else:
        found = np.int64(hour[2])
    within = numbers.within_hour(data, at + 13)
    return found + within if within >= 0 else -1


@inlined
def read_bins(data: Any, at: int, bins: Any, used: int) -> tuple[int, int, int]:
    """(how many bins there are, what they hold in all, end) of `le:count,…`; no bins where there is no room."""
    begin, total = used, np.int64(0)
    while True:
        place, end = numbers.bound(data, at)
        if end < 0 or data[end] != COLON:
            return 0, 0, numbers.NOT_PLAIN
        number, places, end = numbers.decimal(data, end + 1)
        if end < 0 or places:
            return 0, 0, numbers.NOT_PLAIN
        bins[used, 0], bins[used, 1] = place, number
        used += 1
        total += number
        if data[end] == QUOTE:
            return used - begin, total, end + 1
        if data[end] != COMMA or total > MAX_COUNT:
            return 0, 0, numbers.NOT_PLAIN
        at = end + 1


@inlined
def read_literal(kind: int, place: int, data: Any, at: int, texts: Any, out: Any, record: int) -> int:
    """True or false; where it ends, NOT_PLAIN or NO_TEXTS."""
    word = load64(data, at)
    length = 4 if word & _FOUR == _TRUE else 5
    if (length == 5 and word & _FIVE != _FALSE) or (kind != BOOLEAN and kind != ANY_TEXT):
        return numbers.NOT_PLAIN
    if place >= 0:
        code = code_of(texts, data, at, length)
        if code == FULL:
            return NO_TEXTS
        out.values[record + place] = code
    return at + length


@inlined
def read_text(kind: int, place: int, data: Any, at: int, texts: Any, out: Any, row: int, record: int) -> int:
    """What stands in quotes; where it ends, NOT_PLAIN or NO_TEXTS."""
    begin = at + 1
    if kind == BINS:
        count, total, end = read_bins(data, begin, out.bins, out.progress[BINS_USED])
        if end >= 0 and place >= 0:
            out.values[record + place], out.values[record + place + 1] = count, total
        return end
    if kind != TEXT and kind != ANY_TEXT and kind != PROC:
        return numbers.NOT_PLAIN
    end = text_end(data, begin)
    if end < 0 or (kind == PROC and not 0 < end - begin <= PROC_BYTES):
        return numbers.NOT_PLAIN
    if place >= 0 and end - begin > MAX_TEXT:
        return numbers.NOT_PLAIN
    if place >= 0 or kind == PROC:
        code = code_of(texts, data, begin, end - begin)
        if code == FULL:
            return NO_TEXTS
        if kind == PROC:
            out.procs[row] = code
        else:
            out.values[record + place] = code
    return end + 1


@inlined
def read_number(  # noqa: C901
    kind: int, place: int, data: Any, at: int, texts: Any, out: Any, row: int, record: int
) -> int:
    """What has digits; where it ends, NOT_PLAIN or NO_TEXTS."""
    value, places, end = numbers.decimal(data, at)
    if end < 0:
        return end
    if kind == SECONDS:
        value = numbers.microseconds(value, places)
        if value > LONGEST:
            return numbers.NOT_PLAIN
    elif kind == GAUGE or kind == NUMBER:
        value = np.float64(numbers.real(value, places)).view(np.int64)
    elif places or ((kind == WHOLE or kind == INTEGER_TEXT) and value > MAX_COUNT):
        return numbers.NOT_PLAIN
    elif kind == WHOLE_GAUGE:
        value = np.float64(value).view(np.int64)
    elif kind == TEXT or kind == INTEGER_TEXT or kind == ANY_TEXT:
        value = code_of(texts, data, at, end - at) if place >= 0 else np.int64(0)
        if value == FULL:
            return NO_TEXTS
    elif kind == SEQ:
        out.seqs[row] = value
    elif kind != WHOLE:
        return numbers.NOT_PLAIN
    if place >= 0:
        out.values[record + place] = value
    return end


@inlined
def read_value(
    kind: int, place: int, data: Any, at: int, texts: Any, hour: Any, out: Any, row: int, record: int
) -> int:
    """Reads the value that stands here into its place; where it ends, NOT_PLAIN, or NO_TEXTS where texts must grow."""
    if kind == SKIPPED:
        end = scalar_end(data, at)
        if place >= 0 and end >= 0 and data[at] == QUOTE:
            out.values[record + place] = (at + 1) << LENGTH_BITS | (end - at - 2)
        return end
    if kind == TIMESTAMP:
        moment = moment_of(hour, data, at + 1)
        out.moments[row] = moment
        return at + 29 if moment >= 0 and data[at] == QUOTE and data[at + 28] == QUOTE else numbers.NOT_PLAIN
    byte = data[at]
    if byte == QUOTE:
        return read_text(kind, place, data, at, texts, out, row, record)
    if byte == _T or byte == _F:
        return read_literal(kind, place, data, at, texts, out, record)
    return read_number(kind, place, data, at, texts, out, row, record)
