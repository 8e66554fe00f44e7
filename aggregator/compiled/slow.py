"""Of slow events the newest in each bucket of each series, with its id: what becomes an exemplar."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from ..exemplars import IDS, LONGEST_ID, Exemplar, Wish
from . import cells, texts
from .cells import SUM, Cells, find_cell
from .layout import COUNT, LENGTH_BITS, LENGTH_MASK, NOTHING, SERVICE, Places
from .native import compiled, inlined
from .records import Records
from .texts import Array, Texts

MOST = 1 << 12
"""Cells that there is room for; more are handed over before it goes on."""

_ID_BYTES = 4 * LONGEST_ID
_LONGEST_ID = LONGEST_ID

Found = tuple[Wish, list[str], Exemplar]
"""With the texts of the wish's columns."""


class Roles(NamedTuple):
    """What wishes take from the records of their events; all have the same threshold, in microseconds."""

    threshold: int
    wishes: Array
    """int32[plan, place]: those of an event, then -1."""
    measures: Array
    """int32[wish]: slots."""
    ids: Array
    """int32[wish, field]: slots of the fields that may hold the id, in order."""
    widths: Array
    """int32[wish]: dimensions."""
    texts: Array
    """int32[wish, place]: slots of the dimensions, -1 for the process."""
    bounds: Array
    """int64[wish, place]: nanoseconds, and then what nothing is over."""


class Ids(NamedTuple):
    """By cell."""

    names: Array
    """int8: which of the fields it is from."""
    lengths: Array
    """int64, bytes."""
    data: Array
    """uint8[cell, byte]."""


@inlined
def id_length(data: Any, place: int) -> int:
    """Bytes of the text at a place; 0 where there is none, or none that can be told."""
    if place < 0:
        return 0
    begin, length = place >> LENGTH_BITS, place & LENGTH_MASK
    if length > _ID_BYTES:
        return 0
    characters = 0
    for at in range(begin, begin + length):
        characters += data[at] & 0xC0 != 0x80
    return length if characters <= _LONGEST_ID else np.int64(0)


@inlined
def id_order(ids: Any, cell: int, data: Any, begin: int, length: int) -> int:
    """Whether an id comes after (1) or before (-1) that of a cell, or is the same (0)."""
    known = ids.lengths[cell]
    for at in range(min(known, length)):
        if data[begin + at] != ids.data[cell, at]:
            return 1 if data[begin + at] > ids.data[cell, at] else -1
    return 1 if length > known else -1 if length < known else 0


@inlined
def is_newer(held: Any, ids: Any, cell: int, moment: int, order: int, value: int, name: int) -> bool:
    """As exemplars are ordered."""
    if moment != held.last_at[cell]:
        return moment > held.last_at[cell]
    if order != 0:
        return order > 0
    known = held.measures[cell, 0, SUM]
    return value > known if value != known else name > ids.names[cell]


@inlined
def fill_keys(keys: Any, roles: Any, wish: int, records: Any, row: int) -> None:
    """Wish, bucket, the codes of the service and the dimensions, and zeros."""
    record, bucket = records.records[row], 0
    value = records.values[record + roles.measures[wish]] * 1000
    while value > roles.bounds[wish, bucket]:
        bucket += 1
    keys[0, 0], keys[0, 1], keys[0, 2] = wish, bucket, records.values[record + SERVICE]
    for place in range(roles.texts.shape[1]):
        slot, code = roles.texts[wish, place], np.int64(0)
        if place < roles.widths[wish]:
            code = records.values[record + slot] if slot >= 0 else np.int64(records.procs[row])
        keys[0, 3 + place] = code


@inlined
def keep(held: Any, ids: Any, roles: Any, wish: int, records: Any, data: Any, row: int, keys: Any) -> None:
    """A slow event, unless there is no id, or a newer one."""
    record = records.records[row]
    for name in range(roles.ids.shape[1]):
        place = records.values[record + roles.ids[wish, name]]
        begin, length = place >> LENGTH_BITS, id_length(data, place)
        if length == 0:
            continue
        fill_keys(keys, roles, wish, records, row)
        known, cell = held.used[0], find_cell(held, keys)
        order = 0 if cell == known else id_order(ids, cell, data, begin, length)
        value, moment = records.values[record + roles.measures[wish]], records.moments[row]
        if is_newer(held, ids, cell, moment, order, value, name):
            held.last_at[cell], held.measures[cell, 0, SUM] = moment, value
            ids.names[cell], ids.lengths[cell] = name, length
            for byte in range(length):
                ids.data[cell, byte] = data[begin + byte]
        return


@compiled
def keep_newest(held: Any, ids: Any, roles: Any, records: Any, data: Any, verdicts: Any, row: int, keys: Any) -> int:
    """Goes through rows that count, from one on; where it stopped: there may be no room for more cells."""
    most = roles.wishes.shape[1]
    while row < len(verdicts) and held.used[0] + most <= len(held.events):
        place, record = 0, records.records[row]
        while verdicts[row] > 0 and place < most:
            wish = roles.wishes[records.plans[row], place]
            if wish < 0:
                break
            is_slow = records.values[record + roles.measures[wish]] >= roles.threshold
            if is_slow and records.values[record + COUNT] == 1:
                keep(held, ids, roles, wish, records, data, row, keys)
            place += 1
        row += 1
    return row


_NO_BOUND = np.iinfo(np.int64).max


def roles_of(plans: Sequence[Places], wishes: Sequence[Wish]) -> Roles:
    """Of wishes whose events are all among the plans; at least one."""
    numbers = {places.plan.name: number for number, places in enumerate(plans)}
    of_plan = [[n for n, wish in enumerate(wishes) if wish.summary.event == name] for name in numbers]
    slots = [plans[numbers[wish.summary.event]].slots for wish in wishes]
    each = list(zip(wishes, slots, strict=True))
    return Roles(
        wishes[0].threshold,
        _padded(of_plan, NOTHING, np.int32),
        np.array([slot[wish.measure.name] for wish, slot in each], np.int32),
        np.array([[slot[name] for name in IDS] for slot in slots], np.int32),
        np.array([len(wish.columns) - 1 for wish in wishes], np.int32),
        _padded([[slot.get(name, NOTHING) for name in wish.columns[1:]] for wish, slot in each], NOTHING, np.int32),
        _padded([[*wish.bounds, _NO_BOUND] for wish in wishes], _NO_BOUND, np.int64),
    )


def _padded(rows: Sequence[Sequence[int]], value: int, kind: Any) -> Array:
    found = np.full((len(rows), max(map(len, rows))), value, kind)
    for number, row in enumerate(rows):
        found[number, : len(row)] = row
    return found


@dataclass(slots=True)
class Slow:
    """What one thread holds of all wishes whose events are scanned."""

    wishes: list[Wish]
    roles: Roles
    cells: Cells
    ids: Ids
    keys: Array
    """Room for one cell's."""

    @classmethod
    def of(cls, plans: Sequence[Places], wishes: Sequence[Wish]) -> Self | None:
        """None where there is nothing to look for."""
        scanned = {places.plan.name for places in plans}
        wanted = [wish for wish in wishes if wish.summary.event in scanned]
        if not wanted:
            return None
        roles = roles_of(plans, wanted)
        width = 3 + roles.texts.shape[1]
        ids = Ids(np.empty(MOST, np.int8), np.zeros(MOST, np.int64), np.empty((MOST, _ID_BYTES), np.uint8))
        return cls(wanted, roles, cells.empty(width, 1, 0, MOST, 0), ids, texts.alone(width).reshape(1, -1))

    def add(self, records: Records, data: Array, verdicts: Array, strings: Texts) -> list[Found]:
        """What there was no room for any more."""
        found: list[Found] = []
        row = 0
        while True:
            row = keep_newest(self.cells, self.ids, self.roles, records, data, verdicts, row, self.keys)
            if row == len(verdicts):
                return found
            found += self.take(strings)

    def take(self, strings: Texts) -> list[Found]:
        """All that is held; there is nothing left of it."""
        found = [self._found(cell, strings) for cell in range(int(self.cells.used[0]))]
        cells.clear(self.cells)
        return found

    def _found(self, cell: int, strings: Texts) -> Found:
        held, ids = self.cells, self.ids
        wish, _, *codes = held.keys[cell].tolist()
        columns = [texts.text(strings, code) for code in codes[: 1 + int(self.roles.widths[wish])]]
        id_ = ids.data[cell, : ids.lengths[cell]].tobytes().decode()
        moment, duration = int(held.last_at[cell]), int(held.measures[cell, 0, SUM])
        return self.wishes[wish], columns, Exemplar(moment, id_, duration, IDS[ids.names[cell]])
