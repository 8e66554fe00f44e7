"""Lines to records, in one pass over their bytes.

Only the lines that the emitter writes are read here: keys and plain scalars with nothing between them. Any other line
that holds an event's first bytes is handed out for the reference decoder; lines that do not are counted.
"""

from typing import Any

import numpy as np

from ..envelopes.envelope import MARKER, WORD
from ..lines import LINE_LIMIT
from . import numbers
from .keys import find_key, next_key
from .layout import COUNT, PREFIX, SKIPPED
from .native import compiled, inlined, line_ends, line_ends_and_words, load64, trailing_zeros
from .records import AT, BINS_USED, FOREIGN, LINES, ODD, ROWS, USED
from .values import COMMA, NO_TEXTS, QUOTE, read_value, text_end

MARKER_WORDS = np.frombuffer(MARKER.ljust(16, b"\0"), np.uint64)
(WORD_WORD,) = np.frombuffer(WORD, np.uint64)
PREFIX_WORDS = np.frombuffer(PREFIX.ljust(24, b"\0"), np.uint64)

DONE, NO_ROOM = 0, 1
_CLOSE, _NEWLINE, _RETURN = b"}\n\r"


@inlined
def next_line(data: Any, at: int) -> int:
    """Behind the next newline."""
    while True:
        found = line_ends(data, at)
        if found:
            return at + np.int64(trailing_zeros(found)) + 1
        at += 32


@compiled
def count_newlines(data: Any, end: int) -> int:
    count = 0
    for at in range(0, end - 31, 32):
        found = line_ends(data, at)
        while found:
            count += 1
            found &= found - np.uint64(1)
    for at in range(end - end % 32, end):
        count += data[at] == _NEWLINE
    return count


@inlined
def starts_event(data: Any, at: int) -> bool:
    """Whether every event's first bytes stand here."""
    if load64(data, at) != MARKER_WORDS[0]:
        return False
    return load64(data, at + 8) & np.uint64(0xFFFFFF) == MARKER_WORDS[1]


@inlined
def starts_usual_event(data: Any, at: int) -> bool:
    """Whether an event stands here as the emitter begins it."""
    if load64(data, at) != PREFIX_WORDS[0] or load64(data, at + 8) != PREFIX_WORDS[1]:
        return False
    return load64(data, at + 16) & np.uint64(0xFFFFFFFFFFFF) == PREFIX_WORDS[2]


@inlined
def pass_foreign(data: Any, at: int, end: int) -> tuple[int, int, int]:
    """From the begin of a line that is none: (begin of the line it stopped at, lines passed, where its word stands)."""
    line, passed, place = at, 0, at
    while place < end:
        found = line_ends_and_words(data, place)
        while found:
            here = place + np.int64(trailing_zeros(found))
            found &= found - np.uint64(1)
            if here >= end:
                break
            if data[here] == _NEWLINE:
                line, passed = here + 1, passed + 1
            elif load64(data, here) == WORD_WORD:
                return line, passed, here
        place += 32
    return line, passed, np.int64(-1)


@inlined
def settle(layout: Any, plan: int, out: Any, record: int) -> bool:
    """Give a measure its extremes and a fold its bins; whether they fit together."""
    values = out.values
    count = values[record + COUNT]
    if count < 1:
        return False
    value_slot, low, high = layout.spreads[plan]
    if value_slot >= 0:
        value = values[record + value_slot]
        if count == 1 or value < 0:
            values[record + low] = value
            values[record + high] = value
    measure, place = layout.binned[plan]
    if measure < 0:
        return True
    number, total = values[record + place], values[record + place + 1]
    if values[record + measure] < 0:
        number = -1
    elif (number >= 0 and total != count) or (number < 0 and count != 1):
        return False
    if number >= 0:
        values[record + place + 1] = out.progress[BINS_USED]
        out.progress[BINS_USED] += number
    values[record + place] = number
    return True


@inlined
def read_fields(layout: Any, plan: int, data: Any, at: int, texts: Any, hour: Any, out: Any, row: int) -> int:
    """Where the fields of an event end, of which the first begins here; NOT_PLAIN, or NO_TEXTS."""
    record = out.progress[USED]
    for slot in range(layout.widths[plan]):
        out.values[record + slot] = layout.defaults[plan, slot]
    out.seqs[row], out.procs[row], out.moments[row] = -1, 0, -1
    found = np.uint64(0)
    before = np.int64(-1)
    while data[at] == COMMA:
        if data[at + 1] != QUOTE:
            return numbers.NOT_PLAIN
        key, at = next_key(layout, plan, before, data, at + 2)
        if at < 0:
            return at
        kind, place = np.int64(SKIPPED), np.int64(-1)
        if key >= 0:
            bit = layout.bits[key]
            if found & bit:
                return numbers.NOT_PLAIN
            found |= bit
            kind, place = np.int64(layout.kinds[key]), np.int64(layout.places[key])
            before = key
        at = read_value(kind, place, data, at, texts, hour, out, row, record)
        if at < 0:
            return at
    is_whole = out.seqs[row] >= 0 and out.procs[row] != 0 and out.moments[row] >= 0
    return at if is_whole and settle(layout, plan, out, record) else np.int64(numbers.NOT_PLAIN)


@inlined
def read_event(layout: Any, data: Any, start: int, texts: Any, hour: Any, out: Any, row: int) -> int:
    """Where the line ends whose event is read into a row; NOT_PLAIN, or NO_TEXTS."""
    at = start + len(PREFIX)
    name_end = text_end(data, at)
    if name_end < 0:
        return numbers.NOT_PLAIN
    name = find_key(layout, 0, data, at, name_end - at + 1)
    if name < 0:
        return numbers.NOT_PLAIN
    plan = np.int64(layout.places[name])
    at = read_fields(layout, plan, data, name_end + 1, texts, hour, out, row)
    if at < 0:
        return at
    end = at + 2 if data[at + 1] == _RETURN else at + 1
    if data[at] != _CLOSE or data[end] != _NEWLINE:
        return numbers.NOT_PLAIN
    out.plans[row], out.begins[row], out.records[row] = plan, start, out.progress[USED]
    return end + 1


@inlined
def add_odd(out: Any, begin: int, end: int) -> None:
    progress = out.progress
    odd = progress[ODD]
    out.odd[odd, 0], out.odd[odd, 1], out.odd[odd, 2] = begin, end, progress[LINES]
    progress[ODD] = odd + 1
    progress[LINES] += 1
    progress[AT] = end


@compiled
def scan(layout: Any, texts: Any, hour: Any, data: Any, end: int, out: Any) -> int:
    """Reads whole lines up to `end` from where the progress is; NO_ROOM where the texts must grow before it goes on.

    `hour` (uint64[3]) remembers the hour of the last line: as two words of its text, and in microseconds since 1970.
    """
    progress = out.progress
    at = progress[AT]
    while at < end:
        start = at
        if not starts_event(data, at):
            at, passed, word = pass_foreign(data, at, end)
            progress[LINES] += passed
            progress[FOREIGN] += passed
            progress[AT] = at
            if word < 0:
                continue
            start = word - 1
        row = progress[ROWS]
        behind = np.int64(numbers.NOT_PLAIN)
        if start >= at and starts_usual_event(data, start):
            behind = read_event(layout, data, start, texts, hour, out, row)
        if behind == NO_TEXTS:
            return NO_ROOM
        if behind < 0 or behind - at > LINE_LIMIT:
            begin = at
            at = next_line(data, at)
            add_odd(out, begin, at)
        else:
            at = behind
            out.progress[USED] += layout.widths[out.plans[row]]
            progress[ROWS] = row + 1
            progress[LINES] += 1
            progress[AT] = at
    return DONE
