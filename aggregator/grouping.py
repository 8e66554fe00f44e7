"""Rows grouped by the values of some columns, and what the rows of a group make together.

Columns become integers first: codes, which are places among a column's distinct values in ascending order. So groups
are numbered in the order of their keys, and text is compared once for each value, not for each row.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .fields import MAX_SUM

Array = np.ndarray[Any, Any]

TEXT = pa.dictionary(pa.int32(), pa.string())
NO_ROWS: Array = np.zeros(0, dtype=np.int64)
_MAX_IDS = 2**62
_LOW = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Key:
    """A column as codes, and the distinct values that they mean, ascending; each value is used."""

    codes: Array
    values: pa.Array

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Self:
        if not len(column):
            return cls(NO_ROWS, pa.array([], getattr(column.type, "value_type", column.type)))
        whole = column.combine_chunks()
        if not pa.types.is_dictionary(column.type):
            whole = whole.dictionary_encode()
        indices = whole.indices.to_numpy()
        used = np.zeros(len(whole.dictionary), dtype=bool)
        used[indices] = True
        held = whole.dictionary.filter(pa.array(used)).unique()
        values = held.take(pc.sort_indices(held))
        places = pc.fill_null(pc.index_in(whole.dictionary, values), 0).to_numpy()
        return cls(places[indices].astype(np.int64), values)

    def column(self, rows: Array | slice) -> pa.Array:
        """The values of these rows, which between them have all there are."""
        if pa.types.is_string(self.values.type):
            return pa.DictionaryArray.from_arrays(self.codes[rows].astype(np.int32), self.values)
        return self.values.take(pa.array(self.codes[rows]))


def combined(keys: Iterable[Key], rows: int) -> Array:
    """One number for each of so many rows: equal for equal keys, and in the order of the keys."""
    ids, size = np.zeros(rows, dtype=np.int64), 1
    for key in keys:
        if size * len(key.values) > _MAX_IDS:
            distinct, ids = np.unique(ids, return_inverse=True)
            size = len(distinct)
        ids = ids * len(key.values) + key.codes
        size *= len(key.values)
    return ids


def fits(values: Array) -> bool:
    """Whether no sum of some of them, which are not negative, can pass the limit."""
    return not len(values) or int(values.max()) * len(values) <= MAX_SUM


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows with equal ids: `order` has the rows group by group, `starts` where in it each group begins."""

    order: Array
    starts: Array

    @classmethod
    def of(cls, ids: Array) -> Self:
        order = np.argsort(ids, kind="stable")  # which merges what is sorted in runs, as parts are
        ordered = ids[order]
        is_first = np.ones(len(ids), dtype=bool)
        np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
        return cls(order, np.flatnonzero(is_first))

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def firsts(self) -> Array:
        """A row of each group."""
        return self.order[self.starts]

    @property
    def numbers(self) -> Array:
        """The group of each row."""
        numbers = np.empty(len(self.order), dtype=np.int64)
        numbers[self.order] = np.repeat(np.arange(len(self)), np.diff(self.starts, append=len(self.order)))
        return numbers

    def sums(self, values: Array) -> Array:
        """What each group adds up to, as far as sums go: they stay at 2^62."""
        ordered = values[self.order]
        if fits(values):
            sums: Array = np.add.reduceat(ordered, self.starts)
            return sums
        # In halves, which do not overflow.
        low: Array = np.add.reduceat(ordered & _LOW, self.starts)
        high: Array = np.add.reduceat(ordered >> 32, self.starts) + (low >> 32)
        return np.minimum((np.minimum(high, MAX_SUM >> 32) << 32) + (low & _LOW), MAX_SUM)

    def least(self, values: Array) -> Array:
        least: Array = np.minimum.reduceat(values[self.order], self.starts)
        return least

    def greatest(self, values: Array) -> Array:
        greatest: Array = np.maximum.reduceat(values[self.order], self.starts)
        return greatest

    def latest(self, values: Array, at: Array) -> tuple[Array, Array]:
        """Of each group the value with the greatest time, and of those the greatest; and that time."""
        newest = self.greatest(at)
        return self.greatest(np.where(at == newest[self.numbers], values, -np.inf)), newest


NO_GROUPS = Groups(NO_ROWS, NO_ROWS)
