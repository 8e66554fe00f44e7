"""Which rows a filter lets pass, told by the distinct values of their dimensions; and cubes of such rows."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .cube import Cube
from .definitions import Filter
from .grouping import Array, Key


def passing(wanted: Filter, rows: int, key: Callable[[str], Key]) -> Array:
    """Whether a filter lets each of so many rows pass; `key` gives their values of a dimension."""
    passes = np.ones(rows, dtype=bool)
    for dimension, values in wanted.where:
        passes &= _is_one_of(key(dimension), values)
    for dimension, values in wanted.unless:
        passes &= ~_is_one_of(key(dimension), values)
    return passes


def _is_one_of(key: Key, values: Sequence[str]) -> Array:
    wanted = pc.is_in(key.values, pa.array(values, pa.string())).to_numpy(zero_copy_only=False)
    found: Array = wanted[key.codes]
    return found


def lets_pass(wanted: Filter, values: Mapping[str, str]) -> bool:
    """Whether a filter lets one row pass, of these values by dimension."""
    is_wanted = all(values[dimension] in allowed for dimension, allowed in wanted.where)
    return is_wanted and not any(values[dimension] in refused for dimension, refused in wanted.unless)


def taken(whole: Cube) -> Cube:
    """The cube of those of its rows that its summary takes in."""
    wanted = passing(whole.summary.taken, len(whole.cells), lambda name: Key.of(whole.cells[name]))
    return whole if wanted.all() else of_rows(whole, wanted)


def of_rows(whole: Cube, wanted: Array) -> Cube:
    """The cube of some of its rows, in the same order."""
    cells = whole.cells.filter(pa.array(wanted))
    if whole.is_sorted:
        for name in whole.summary.group:
            used = Key.of(cells[name]).column(slice(None))
            cells = cells.set_column(cells.column_names.index(name), cells.schema.field(name), used)
    bins = whole.bins.filter(pa.array(wanted[whole.bins["row"].to_numpy()]))
    moved = (np.cumsum(wanted) - 1)[bins["row"].to_numpy()]
    bins = bins.set_column(0, bins.schema.field("row"), pa.array(moved, pa.int64()))
    return Cube(whole.summary, cells, bins, whole.windowed, whole.is_sorted)
