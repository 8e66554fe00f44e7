"""Records to cells: what a summary adds up, under codes of its keys."""

from typing import Any, NamedTuple

import numpy as np

from ..cube import NEVER, NO_MAX, NO_MIN
from ..definitions import Summary
from ..fields import MAX_SUM
from .layout import COUNT, COUNTS_GRID, FOLDED, NO_BINS, SERVICE
from .native import compiled, inlined
from .numbers import counts_bin, seconds_bin
from .texts import Array, alone

SUM, MIN, MAX = range(3)
BIN_BITS, MEASURE_BITS = 12, 7
CELL_SHIFT = BIN_BITS + MEASURE_BITS
BIN_MASK, MEASURE_MASK = (1 << BIN_BITS) - 1, (1 << MEASURE_BITS) - 1
NEIGHBOUR_BITS = 4
NEIGHBOURS = (1 << NEIGHBOUR_BITS) - 1
"""Bins that are close to each other are so in memory, too."""

_EMPTY = -1
_MOST = MAX_SUM


class Cells(NamedTuple):
    """One summary's. `used` of the rows are."""

    keys: Array
    """int64[cell, key]: start of the window in microseconds, then the codes of the service and the dimensions."""
    events: Array
    """int64."""
    measures: Array
    """int64[cell, measure, 3]: sum, least, greatest; NO_MIN and NO_MAX where there was none."""
    gauges: Array
    """float64[cell, gauge]."""
    gauge_at: Array
    """int64[cell, gauge]: microseconds; NEVER where there was none."""
    last_at: Array
    """int64: of the newest line."""
    slots: Array
    """int32: cells by the hash of their keys, -1 for none; twice as many as there may be cells, a power of two."""
    bins: Array
    """int64[slot, 2]: (cell, measure, bin) in one number and how many; -1 for none."""
    used: Array
    """int64: cells, bins."""
    factors: Array
    """uint64: of the hash, odd and drawn at random."""


_GROWING = ("keys", "events", "measures", "gauges", "gauge_at", "last_at")


def make(summary: Summary, cells: int = 1 << 10, bins: int = 1 << 12) -> Cells:
    """Room for so many."""
    bins = bins if summary.binned else 0
    return empty(1 + len(summary.group), len(summary.measures), len(summary.gauges), cells, bins)


def empty(keys: int, measures: int, gauges: int, cells: int, bins: int) -> Cells:
    """Room for so many cells and bins, of so many keys, measures and gauges each."""
    return Cells(
        np.empty((cells, keys), np.int64),
        np.empty(cells, np.int64),
        np.empty((cells, measures, 3), np.int64),
        np.empty((cells, gauges), np.float64),
        np.empty((cells, gauges), np.int64),
        np.empty(cells, np.int64),
        np.full(2 * cells, _EMPTY, np.int32),
        np.full((max(1, 2 * bins), 2), _EMPTY, np.int64),
        alone(2),
        np.random.default_rng().integers(1 << 63, size=keys + 1, dtype=np.uint64) * np.uint64(2) + np.uint64(1),
    )


def with_room(cells: Cells, more_cells: int, more_bins: int) -> Cells:
    """The same, or larger, so that so many more fit."""
    used, used_bins = cells.used
    size = len(cells.events)
    if used + more_cells > size:
        while used + more_cells > size:
            size *= 2
        wider = {name: _lengthened(array, size) for name, array in zip(_GROWING, cells, strict=False)}
        cells = cells._replace(**wider, slots=np.full(2 * size, _EMPTY, np.int32))
        place_cells(cells)
    if more_bins and 2 * (used_bins + more_bins) > len(cells.bins):
        size = len(cells.bins)
        while 2 * (used_bins + more_bins) > size:
            size *= 2
        bins = np.full((size, 2), _EMPTY, np.int64)
        before, cells = cells.bins, cells._replace(bins=bins)
        cells.used[1] = 0
        place_bins(before, cells)
    return cells


def clear(cells: Cells) -> None:
    """Forget all cells, and keep the room."""
    cells.slots.fill(_EMPTY)
    cells.bins.fill(_EMPTY)
    cells.used.fill(0)


def bins_by_cell(cells: Cells) -> tuple[Array, Array]:
    """The bins' numbers (cell, measure, bin) and how many each holds, cell after cell."""
    starts = np.zeros(int(cells.used[0]), np.int64)
    keys, counts = np.empty(int(cells.used[1]), np.int64), np.empty(int(cells.used[1]), np.int64)
    gather_bins(cells.bins, starts, keys, counts)
    return keys, counts


def _lengthened(array: Array, size: int) -> Array:
    longer = np.empty((size, *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer


@inlined
def cell_slot(cells: Any, keys: Any, row: int) -> Any:
    found = np.uint64(0)
    for key in range(keys.shape[1]):
        found += np.uint64(keys[row, key]) * cells.factors[key]
    found ^= found >> np.uint64(32)
    return (found * cells.factors[keys.shape[1]] >> np.uint64(20)) & np.uint64(len(cells.slots) - 1)


@compiled
def place_cells(cells: Any) -> None:
    mask = np.uint64(len(cells.slots) - 1)
    for cell in range(cells.used[0]):
        place = cell_slot(cells, cells.keys, cell)
        while cells.slots[place] >= 0:
            place = (place + np.uint64(1)) & mask
        cells.slots[place] = cell


@compiled
def place_bins(bins: Any, cells: Any) -> None:
    for row in range(len(bins)):
        if bins[row, 0] != -1:
            add_bin(cells, bins[row, 0], bins[row, 1])


@compiled
def gather_bins(bins: Any, starts: Any, keys: Any, counts: Any) -> None:
    """Fills `keys` and `counts`; `starts` are zeros, one for each cell."""
    for row in range(len(bins)):
        if bins[row, 0] != -1:
            starts[bins[row, 0] >> CELL_SHIFT] += 1
    begin = 0
    for cell in range(len(starts)):
        begin += starts[cell]
        starts[cell] = begin - starts[cell]
    for row in range(len(bins)):
        if bins[row, 0] != -1:
            cell = bins[row, 0] >> CELL_SHIFT
            keys[starts[cell]], counts[starts[cell]] = bins[row, 0], bins[row, 1]
            starts[cell] += 1


@inlined
def add_bin(cells: Any, key: int, number: int) -> None:
    bins = cells.bins
    mask = np.uint64(len(bins) - 1)
    mixed = np.uint64(key >> NEIGHBOUR_BITS) * cells.factors[0]
    mixed = (mixed ^ mixed >> np.uint64(29)) * cells.factors[1] >> np.uint64(20)
    place = mixed + np.uint64(key & NEIGHBOURS) & mask
    while bins[place, 0] != key:
        if bins[place, 0] == -1:
            bins[place, 0], bins[place, 1] = key, 0
            cells.used[1] += 1
            break
        place = (place + np.uint64(1)) & mask
    bins[place, 1] = added(bins[place, 1], number)


@inlined
def added(sum_so_far: int, number: int) -> int:
    """Sums stay at their limit."""
    return sum_so_far + number if number <= _MOST - sum_so_far else np.int64(_MOST)


@inlined
def find_cell(cells: Any, keys: Any) -> int:
    """The cell of keys[0], a new one where they are new."""
    mask = np.uint64(len(cells.slots) - 1)
    width = keys.shape[1]
    place = cell_slot(cells, keys, 0)
    while True:
        cell = np.int64(cells.slots[place])
        if cell < 0:
            break
        same = True
        for key in range(width):
            same &= cells.keys[cell, key] == keys[0, key]
        if same:
            return cell
        place = (place + np.uint64(1)) & mask
    cell = cells.used[0]
    cells.used[0] = cell + 1
    cells.slots[place] = cell
    for key in range(width):
        cells.keys[cell, key] = keys[0, key]
    cells.events[cell] = 0
    cells.last_at[cell] = NEVER
    for measure in range(cells.measures.shape[1]):
        cells.measures[cell, measure, SUM] = 0
        cells.measures[cell, measure, MIN] = NO_MIN
        cells.measures[cell, measure, MAX] = NO_MAX
    for gauge in range(cells.gauges.shape[1]):
        cells.gauges[cell, gauge] = np.nan
        cells.gauge_at[cell, gauge] = NEVER
    return cell


@inlined
def add_measures(cells: Any, cell: int, roles: Any, records: Any, record: int) -> None:
    values = records.values
    count = values[record + COUNT]
    for measure in range(len(roles.units)):
        value = values[record + roles.measures[measure, 0]]
        if value < 0:
            continue
        held = cells.measures[cell, measure]
        low, high = values[record + roles.measures[measure, 1]], values[record + roles.measures[measure, 2]]
        held[SUM] = added(held[SUM], value)
        if 0 <= low < held[MIN]:
            held[MIN] = low
        held[MAX] = max(held[MAX], high)
        unit = roles.units[measure]
        if unit == NO_BINS:
            continue
        key = cell << CELL_SHIFT | measure << BIN_BITS
        folds = values[record + roles.bins] if unit == FOLDED else np.int64(-1)
        if folds < 0:
            add_bin(cells, key | (counts_bin(value) if unit == COUNTS_GRID else seconds_bin(value)), count)
            continue
        first = values[record + roles.bins + 1]
        for each in range(first, first + folds):
            if records.bins[each, 1] > 0:
                add_bin(cells, key | records.bins[each, 0], records.bins[each, 1])


@inlined
def add_gauges(cells: Any, cell: int, roles: Any, values: Any, record: int, moment: int) -> None:
    """Of each the latest is kept, of equally late ones the greatest."""
    for gauge in range(len(roles.gauges)):
        value = np.int64(values[record + roles.gauges[gauge]]).view(np.float64)
        if np.isnan(value):
            continue
        at = cells.gauge_at[cell, gauge]
        if moment > at or (moment == at and value > cells.gauges[cell, gauge]):
            cells.gauges[cell, gauge], cells.gauge_at[cell, gauge] = value, moment


@compiled
def add_up(cells: Any, roles: Any, records: Any, verdicts: Any, wanted: int, window: int, keys: Any) -> None:
    """Add the records of one event with the wanted verdict; `window` in microseconds, `keys` room for one cell's."""
    for row in range(len(verdicts)):
        if verdicts[row] != wanted or records.plans[row] != roles.plan:
            continue
        record, moment = records.records[row], records.moments[row]
        keys[0, 0] = moment - moment % window
        keys[0, 1] = records.values[record + SERVICE]
        for place in range(len(roles.texts)):
            slot = roles.texts[place]
            keys[0, 2 + place] = records.values[record + slot] if slot >= 0 else np.int64(records.procs[row])
        cell = find_cell(cells, keys)
        cells.events[cell] = added(cells.events[cell], records.values[record + COUNT])
        cells.last_at[cell] = max(cells.last_at[cell], moment)
        add_measures(cells, cell, roles, records, record)
        add_gauges(cells, cell, roles, records.values, record, moment)
