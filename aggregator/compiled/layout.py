"""The catalogue's wishes as arrays: which keys the scanner looks for in a line, and where each value goes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from logemit.vocabulary import BY_NAME, COMMON, SCHEMA_VERSION

from .. import fields
from ..definitions import Catalogue, Summary
from ..exemplars import IDS, Wish
from ..fields import Reader
from ..plans import EventPlan, plan_event
from .texts import Array

PREFIX = b'{"logemit":%d,"event":"' % SCHEMA_VERSION
"""How the line begins that the emitter writes."""

MOST_KEYS = 60
"""Of one event: which of them a line has is told in one word."""

SERVICE, COUNT, FIRST_SLOT = 0, 1, 2
"""Places in a record; the event's dimensions, measures, gauges and bins follow."""

OWNER_FACTOR, KEY_FACTOR = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
"""Of the hash of a key."""

NOTHING = -1
"""A measure that is missing, and where nothing is kept."""

LENGTH_BITS = 20
LENGTH_MASK = (1 << LENGTH_BITS) - 1
"""Of a text that is kept as its place in the block: where it begins, and how many bytes it has, in one number."""

(
    SKIPPED, TEXT, INTEGER_TEXT, BOOLEAN, ANY_TEXT, SECONDS, WHOLE, NUMBER, GAUGE, WHOLE_GAUGE, BINS,
    TIMESTAMP, PROC, SEQ, REFERENCE,
) = range(15)  # fmt: skip
"""What a value is, and how it is read; REFERENCE leaves the line to the reference decoder."""

NO_BINS, SECONDS_GRID, COUNTS_GRID, FOLDED = range(4)
"""How a measure is binned; FOLDED is seconds of which folds bring their bins."""

_KINDS: Mapping[Reader, int] = {
    fields.text: TEXT,
    fields.integer_text: INTEGER_TEXT,
    fields.boolean_text: BOOLEAN,
    fields.any_text: ANY_TEXT,
    fields.microseconds: SECONDS,
    fields.count: WHOLE,
    fields.any_number: NUMBER,
    fields.any_gauge: GAUGE,
    fields.level: GAUGE,
    fields.whole_level: WHOLE_GAUGE,
    fields.bins: BINS,
}
_BASE = {"timestamp": TIMESTAMP, "proc": PROC, "seq": SEQ, "logemit": REFERENCE, "event": REFERENCE}


class Layout(NamedTuple):
    """Keys of all events in one hash table; names of events are keys of owner 0, keys of plan p of owner p + 1."""

    owners: Array
    """int32."""
    lengths: Array
    """int32: of the text with what ends it."""
    words: Array
    """uint64[key, word], padded with zeros; three words at least."""
    masks: Array
    """uint64[key, word]: the bits of the words that are the key's."""
    kinds: Array
    """int8."""
    places: Array
    """int32: the slot of a value, or the plan of a name."""
    bits: Array
    """uint64: one for each key of a plan."""
    following: Array
    """int32: the key that came next, the last time; the scanner learns it."""
    first: Array
    """int32: of each plan the key that came first, the last time."""
    slots: Array
    """int32: keys by hash."""
    defaults: Array
    """int64[plan, slot]: a record before anything was read."""
    widths: Array
    """int32: slots of a plan."""
    spreads: Array
    """int32[plan, 3]: the slots of a measure that folds bring extremes of, -1 for none: value, low, high."""
    binned: Array
    """int32[plan, 2]: the slot of the measure that folds bring bins of, and of where these are; -1 for none."""


class Places(NamedTuple):
    """Where in a record of an event its values are."""

    plan: EventPlan
    slots: dict[str, int]
    """Of a dimension, a measure, a gauge (`<g>_last`), an extreme, `bins`; of the place of an id in the block."""
    width: int


def places_of(plan: EventPlan, ids: Sequence[str] = ()) -> Places | None:
    """None for an event that is left to the reference decoder: a field is read in two ways, or there are too many.

    `ids` are fields of every event, of which the place in the block is wanted.
    """
    gauges = [f"{name}_last" for name in plan.gauges]
    ends = [name for pair in plan.extremes.values() for name in pair]
    names = [*plan.dimensions, *plan.measures, *gauges, *ends, *(["bins"] if plan.binned and _is_folded(plan) else [])]
    twice = set(plan.gauges) & {*plan.measures, *plan.dimensions} | {*plan.readers, *plan.gauges} & set(ids)
    unread = [read for read in (*plan.readers.values(), *plan.gauges.values()) if read not in _KINDS]
    keys = len(plan.readers) + len(plan.gauges) + len(COMMON)
    if twice or unread or keys > MOST_KEYS or len(plan.extremes) > 1 or len(set(names)) < len(names):
        return None
    slots = {name: FIRST_SLOT + place for place, name in enumerate([*ids, *names])}  # bins take two
    return Places(plan, slots, FIRST_SLOT + len(slots) + ("bins" in slots))


def _is_folded(plan: EventPlan) -> bool:
    return plan.known and "bins" in plan.readers


class _Key(NamedTuple):
    owner: int
    text: bytes
    kind: int
    place: int
    bit: int


def _keys(number: int, places: Places) -> Iterable[_Key]:
    plan, slots = places.plan, places.slots
    kinds = {field.name: (SKIPPED, slots.get(field.name, NOTHING)) for field in COMMON}
    kinds |= {name: (kind, NOTHING) for name, kind in _BASE.items()}
    kinds["service"] = (TEXT, SERVICE)
    for name, read in plan.readers.items():
        place = COUNT if name == "count" and plan.known else slots.get(name, NOTHING)
        kinds[name] = (_KINDS[read], place)
    for name, read in plan.gauges.items():
        kinds[name] = (_KINDS[read], slots[f"{name}_last"])
    for bit, (name, (kind, place)) in enumerate(kinds.items()):
        yield _Key(number + 1, name.encode() + b'":', kind, place, bit)


def make(plans: list[Places]) -> Layout:
    """Of events by their number."""
    names = [_Key(0, places.plan.name.encode() + b'"', SKIPPED, number, 0) for number, places in enumerate(plans)]
    keys = [*names, *(key for number, places in enumerate(plans) for key in _keys(number, places))]
    words = np.zeros((len(keys), max(24, *(len(key.text) + 7 for key in keys)) // 8), np.uint64)
    masks = np.zeros_like(words)
    for row, key in enumerate(keys):
        words.view(np.uint8)[row, : len(key.text)] = np.frombuffer(key.text, np.uint8)
        masks.view(np.uint8)[row, : len(key.text)] = 0xFF
    width = max(places.width for places in plans)
    defaults = np.zeros((len(plans), width), np.int64)
    spreads, binned = np.full((len(plans), 3), NOTHING, np.int32), np.full((len(plans), 2), NOTHING, np.int32)
    for number, (plan, slots, _) in enumerate(plans):
        defaults[number] = _default(plan, slots, width)
        for measure, ends in plan.extremes.items():
            spreads[number] = [slots[name] for name in (measure, *ends)]
        if "bins" in slots:
            binned[number] = slots[plan.binned[0]], slots["bins"]
    first = [next(row for row, key in enumerate(keys) if key.owner == number + 1) for number in range(len(plans))]
    return Layout(
        np.array([key.owner for key in keys], np.int32),
        np.array([len(key.text) for key in keys], np.int32),
        words,
        masks,
        np.array([key.kind for key in keys], np.int8),
        np.array([key.place for key in keys], np.int32),
        np.array([1 << key.bit for key in keys], np.uint64),
        np.arange(len(keys), dtype=np.int32),
        np.array(first, np.int32),
        _slots(keys),
        defaults,
        np.array([places.width for places in plans], np.int32),
        spreads,
        binned,
    )


def _default(plan: EventPlan, slots: Mapping[str, int], width: int) -> Array:
    record = np.full(width, NOTHING, np.int64)
    record[[SERVICE, COUNT]] = 0, 1
    record[[slots[name] for name in plan.dimensions]] = 0
    record[[slots[f"{name}_last"] for name in plan.gauges]] = np.array(np.nan).view(np.int64)
    return record


def _slots(keys: list[_Key]) -> Array:
    size = 1 << (4 * len(keys)).bit_length()
    slots = np.full(size, NOTHING, np.int32)
    for row, key in enumerate(keys):
        place = key_hash(key.owner, int.from_bytes(key.text[:8].ljust(8, b"\0"), "little"), len(key.text)) & (size - 1)
        while slots[place] >= 0:
            place = (place + 1) & (size - 1)
        slots[place] = row
    return slots


def key_hash(owner: int, word: int, length: int) -> int:
    """Of a key's first word; the scanner has the same in words of 64 bits."""
    mixed = ((word ^ owner * OWNER_FACTOR ^ length << 32) * KEY_FACTOR) & 0xFFFFFFFFFFFFFFFF
    return mixed >> 40


class Roles(NamedTuple):
    """What the roll-up of one summary takes from the records of its event."""

    plan: int
    texts: Array
    """int32: slots of the dimensions, -1 for the process."""
    measures: Array
    """int32[measure, 3]: slots of value, low and high."""
    units: Array
    """int8: of each measure, how it is binned."""
    bins: int
    """The slot of a fold's bins."""
    gauges: Array
    """int32: slots."""


def roles_of(number: int, places: Places, summary: Summary) -> Roles:
    plan, slots = places.plan, places.slots
    fields_of = ((m.name, *plan.extremes.get(m.name, (m.name, m.name))) for m in summary.measures)
    measures = [[slots[name] for name in names] for names in fields_of]
    units = [_unit(places, m.unit) if m.bins else NO_BINS for m in summary.measures]
    return Roles(
        number,
        np.array([slots.get(name, NOTHING) for name in summary.dimensions], np.int32),
        np.array(measures, np.int32).reshape(-1, 3),
        np.array(units, np.int8),
        slots.get("bins", NOTHING),
        np.array([slots[f"{name}_last"] for name in summary.gauges], np.int32),
    )


def _unit(places: Places, unit: str) -> int:
    if unit != "seconds":
        return COUNTS_GRID
    return FOLDED if "bins" in places.slots else SECONDS_GRID


def plans_of(catalogue: Catalogue, wishes: Sequence[Wish] = ()) -> list[Places]:
    """Of the events that the vocabulary or a summary names, as far as the scanner can take them."""
    with_ids = {wish.summary.event for wish in wishes}
    names = dict.fromkeys([*BY_NAME, *(summary.event for summary in catalogue.summaries)])
    found = (places_of(plan_event(name, catalogue), IDS if name in with_ids else ()) for name in names)
    return [places for places in found if places is not None]
