"""Totals grouped by the labels of a metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa

from .bins import bounds
from .cube import Cube
from .decimals import DECIMAL, nanos
from .decimals import sums as decimal_sums
from .definitions import Column, Filter, Mapped
from .filters import passing
from .grouping import NO_GROUPS, NO_ROWS, Array, Groups, Key, combined
from .live import is_living
from .mappings import mapped

Labels = tuple[str, ...]
Grouping = tuple[Column, ...]
_FEW = 1000
"""Groups that are worth keeping: many metrics show the same ones."""


class Totals:
    """Of a summary; each column of text becomes codes once, for all metrics."""

    def __init__(self, cube: Cube) -> None:
        self.cube = cube
        self._keys: dict[Column, Key] = {}
        self._series: dict[tuple[Filter, Grouping, bool], Series] = {}

    def key(self, column: Column) -> Key:
        if column not in self._keys:
            if isinstance(column, Mapped):
                self._keys[column] = mapped(self.key(column.dimension), column)
            else:
                self._keys[column] = Key.of(self.cube.cells[column])
        return self._keys[column]

    def series(self, wanted: Filter, grouping: Grouping, *, living: bool = False) -> "Series":
        """Of the rows that a filter lets pass; `living`: of these, the processes that live."""
        key = (wanted, grouping, living)
        if key in self._series:
            return self._series[key]
        if not len(self.cube.cells):  # as most summaries are that nothing writes to
            return Series(self, NO_ROWS, NO_GROUPS, [])
        chosen = passing(wanted, len(self.cube.cells), self.key)
        if living:
            chosen &= is_living(self.cube.cells).to_numpy()
        found = Series.of(self, chosen, grouping)
        if len(found.labels) <= _FEW:
            self._series[key] = found
        return found


@dataclass(frozen=True)
class Series:
    """Rows of totals, grouped by their labels."""

    totals: Totals
    rows: Array
    groups: Groups
    labels: list[Labels]
    """Of each group."""

    @classmethod
    def of(cls, totals: Totals, chosen: Array, grouping: Grouping) -> Self:
        rows = np.flatnonzero(chosen)
        keys = [totals.key(name) for name in grouping]
        groups = Groups.of(combined((Key(key.codes[rows], key.values) for key in keys), len(rows)))
        firsts = rows[groups.firsts]
        columns = (key.values.take(pa.array(key.codes[firsts])).to_pylist() for key in keys)
        return cls(totals, rows, groups, list(zip(*columns, strict=True)) if grouping else [()] * len(groups))

    def shown_as(self, labels: Mapping[Labels, Labels]) -> Self:
        """The same rows under other labels, of which several may be equal."""
        places: dict[Labels, int] = {}
        numbers = np.array([places.setdefault(labels[key], len(places)) for key in self.labels], dtype=np.int64)
        return replace(self, groups=Groups.of(numbers[self.groups.numbers]), labels=list(places))

    def of_rows(self) -> list[Labels]:
        return [self.labels[number] for number in self.groups.numbers.tolist()]

    def column(self, name: str) -> list[Any]:
        """Of the rows."""
        found: list[Any] = self.totals.cube.cells[name].take(pa.array(self.rows)).to_pylist()
        return found

    def sums(self, column: str) -> dict[Labels, int]:
        """Of integers, or of the nanos of values."""
        if not self.labels:
            return {}
        cells = self.totals.cube.cells[column]
        if cells.type == DECIMAL:
            added = nanos(decimal_sums(cells.take(pa.array(self.rows)), self.groups))
            return dict(zip(self.labels, added, strict=True))
        values = cells.to_numpy()[self.rows]
        return dict(zip(self.labels, self.groups.sums(values).tolist(), strict=True))

    def counts(self, measure: str, buckets: Sequence[float]) -> dict[Labels, list[int]]:
        """How many of a measure each bucket holds, and the one beyond; only where there are any."""
        if not self.labels:
            return {}
        cube = self.totals.cube
        found = ((number, each) for number, each in enumerate(cube.summary.binned) if each.name == measure)
        number, binned = next(found)
        row, of, place, n = (column.to_numpy() for column in cube.bins.columns)
        numbers = np.full(len(cube.cells), -1)
        numbers[self.rows] = self.groups.numbers
        held = (of == number) & (numbers[row] >= 0)
        bucket = np.searchsorted(np.array(buckets), bounds(binned.unit), side="left")  # a bound holds its equal
        ids = numbers[row[held]] * (len(buckets) + 1) + bucket[place[held]]
        groups = Groups.of(ids)
        counts = np.zeros((len(self.labels), len(buckets) + 1), dtype=np.int64)
        counts.flat[ids[groups.firsts]] = groups.sums(n[held])
        return {key: line for key, line in zip(self.labels, counts.tolist(), strict=True) if any(line)}
