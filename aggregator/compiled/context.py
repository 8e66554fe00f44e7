"""What one thread works with: it scans a block, and adds up those of its events that count."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .. import cube
from ..cube import Cube
from ..definitions import Catalogue, Summary
from ..envelopes.envelope import WORD
from ..exemplars import Wish
from ..lines import LINE_LIMIT, PADDING, Block, Buffer
from ..streams import Stream
from . import cells, layout, scan, texts
from .cells import Cells
from .layout import Layout, Places, Roles
from .opened import Opened, Opener, opens
from .records import BINS_USED, FOREIGN, ODD, ROWS, Records
from .scan import NO_ROOM
from .slow import Found, Slow
from .texts import Array, Texts

IN_TIME, LATE = 1, 2
"""What becomes of a record; 0 is none of them: it does not count."""

MOST_BINS = 3 << 14
MOST_CELLS = 1 << 14
MOST_TEXTS = 1 << 17
MOST_WORDS = 1 << 20
"""More is handed over before it goes on: memory does not grow with the input."""


@dataclass(slots=True)
class Sums:
    """A summary's cells, as they grow."""

    summary: Summary
    roles: Roles
    cells: Cells

    def add(self, records: Records, verdicts: Array, wanted: int, window: int, rows: int) -> None:
        folded = int(records.progress[BINS_USED]) if layout.FOLDED in self.roles.units else 0
        bins = rows * len(self.summary.binned) + folded
        self.cells = cells.with_room(self.cells, rows, bins)
        keys = texts.alone(self.cells.keys.shape[1]).reshape(1, -1)
        cells.add_up(self.cells, self.roles, records, verdicts, wanted, window, keys)

    @property
    def is_full(self) -> bool:
        used = self.cells.used
        return bool(used[0] > MOST_CELLS or used[1] > MOST_BINS)

    def cube(self, texts: Any, window_seconds: int) -> Cube:
        """What was added so far; there is nothing left of it."""
        found, summary = self.cells, self.summary
        count = int(found.used[0])
        bins, bin_counts = cells.bins_by_cell(found)
        places = np.cumsum([measure.bins for measure in summary.measures]) - 1
        made = cube.coded(
            summary,
            texts,
            found.keys[:count, 0].copy(),
            window_seconds,
            found.keys[:count, 1:].astype(np.int32),
            found.events[:count].copy(),
            found.measures[:count].copy(),
            found.gauges[:count].copy(),
            found.gauge_at[:count].copy(),
            found.last_at[:count].copy(),
            bins >> cells.CELL_SHIFT,
            places[bins >> cells.BIN_BITS & cells.MEASURE_MASK],
            bins & cells.BIN_MASK,
            bin_counts,
        )
        cells.clear(found)
        return made


@dataclass(slots=True)
class Scanned:
    """What a block held, as far as it was plain."""

    block: Block
    stream: Stream
    context: "Context"
    opened: Opened | None = None
    """The lines that were scanned, where those of the block are in envelopes."""
    name: str = ""
    """Of the source, when it was read: its stream may go on under another name."""

    @property
    def records(self) -> Records:
        return self.context.records

    @property
    def rows(self) -> int:
        return int(self.records.progress[ROWS])

    @property
    def foreign(self) -> int:
        return int(self.records.progress[FOREIGN])

    @property
    def odd(self) -> Array:
        """int64[line, 3]: begin, end and number, from 0, of the lines that are left to the reference decoder."""
        return self.records.odd[: int(self.records.progress[ODD])]

    @property
    def data(self) -> Array:
        """uint8: where the records' texts stand."""
        return as_array(self.opened.data if self.opened else self.block.data)

    def line(self, begin: int) -> bytes:
        """That begins there."""
        data = memoryview(self.opened.data if self.opened else self.block.data)
        return bytes(data[begin : begin + LINE_LIMIT + 1]).partition(b"\n")[0]


class Handed(NamedTuple):
    """What a context hands over."""

    cubes: list[tuple[Cube, bool]]
    """Each with whether it is of late events."""
    slow: list[Found]


@dataclass(slots=True)
class Context:
    """`plans` are the events that are scanned, in the order of their numbers."""

    plans: list[Places]
    layout: Layout
    window_seconds: int
    sums: list[Sums]
    late: list[Sums]
    slow: Slow | None
    records: Records
    texts: Texts = field(default_factory=texts.make)
    hour: Array = field(default_factory=lambda: texts.alone(3, np.uint64))
    opener: Opener = field(default_factory=Opener)

    def scan(self, block: Block, stream: Stream, name: str = "") -> Scanned:
        assert len(block.data) >= block.size + PADDING
        if len(self.records.plans) < _most_rows(block.size):
            self.records = _room(block.size, self.layout.defaults.shape[1])
        self.records.progress[:] = 0
        data, size, opened = as_array(block.data), block.size, None
        if opens(stream):
            opened = self.opener.opened(stream, data, size)
            data, size = as_array(opened.data), opened.size
        while scan.scan(self.layout, self.texts, self.hour, data, size, self.records) == NO_ROOM:
            self.texts = texts.grown(self.texts)
        return Scanned(block, stream, self, opened, name)

    def add(self, scanned: Scanned, verdicts: Array) -> Handed:
        """Add up the rows by their verdicts; what has become too much to hold."""
        plans = self.records.plans[: scanned.rows]
        # Also of late events: the metrics count them.
        slow = self.slow.add(self.records, scanned.data, verdicts, self.texts) if self.slow else []
        for wanted, all_sums in ((IN_TIME, self.sums), (LATE, self.late)):
            counts = np.bincount(plans[verdicts == wanted], minlength=len(self.plans)).tolist()
            for sums in all_sums:
                if rows := counts[sums.roles.plan]:
                    sums.add(self.records, verdicts, wanted, self.window_seconds * 1_000_000, rows)
        handed = self.handed(only_full=True)
        return Handed(handed.cubes, [*slow, *handed.slow])

    def handed(self, *, only_full: bool) -> Handed:
        """What was added; then there is nothing left of it."""
        used, words = self.texts.used
        everything = not only_full or used > MOST_TEXTS or words > MOST_WORDS
        of_all = [(sums, is_late) for is_late, group in ((False, self.sums), (True, self.late)) for sums in group]
        due = [(sums, is_late) for sums, is_late in of_all if sums.is_full or (everything and sums.cells.used[0])]
        strings = texts.strings(self.texts) if due else None
        cubes = [(sums.cube(strings, self.window_seconds), is_late) for sums, is_late in due]
        slow: list[Found] = []
        if everything:
            slow = self.slow.take(self.texts) if self.slow else []
            self.texts = texts.make()
        return Handed(cubes, slow)


def as_array(data: Buffer | Array) -> Array:
    """Bytes for machine code, which is made for one kind of array."""
    found = np.frombuffer(data, np.uint8)
    found.flags.writeable = False
    return found


def count_newlines(data: Buffer, end: int) -> int:
    return int(scan.count_newlines(as_array(data), end))


def make(catalogue: Catalogue, plans: list[Places], window_seconds: int, wishes: Sequence[Wish] = ()) -> Context:
    def sums() -> list[Sums]:
        return [
            Sums(summary, layout.roles_of(number, places, summary), cells.make(summary))
            for number, places in enumerate(plans)
            for summary in catalogue.of_event(places.plan.name)
        ]

    made = layout.make(plans)
    room = _room(0, made.defaults.shape[1])
    return Context(plans, made, window_seconds, sums(), sums(), Slow.of(plans, wishes), room)


LEAST_EVENT, LEAST_ODD, LEAST_BIN = 64, len(WORD) + 1, 4
"""Bytes that one of these takes at least."""


def _most_rows(size: int) -> int:
    return size // LEAST_EVENT + 16


def _room(size: int, width: int) -> Records:
    """For all that a block of so many bytes can hold; memory that is not written to is not taken."""
    rows = _most_rows(size)
    return Records(
        np.empty(rows, np.int16),
        np.empty(rows, np.int64),
        np.empty(rows, np.int32),
        np.empty(rows, np.int64),
        np.empty(rows, np.int64),
        np.empty(rows, np.int64),
        np.empty(rows * width, np.int64),
        np.empty((size // LEAST_BIN + 16, 2), np.int64),
        np.empty((size // LEAST_ODD + 16, 3), np.int64),
        texts.alone(7),
    )
