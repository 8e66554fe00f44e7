"""How many combinations of dimensions a partition and the totals hold: past that, cells of new ones are folded.

That is protection from logs that bring any number of values, far beyond what metrics show. What adds up stays whole.
A folded cell keeps its window, and of each dimension the values that a filter of the catalogue names, so that filters
see it as before; of a measurement also its instrument; all else is `__other__`.

Keys are compared by a digest, so that cells which do not fit into memory can be counted.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import cube
from .admission import OTHER
from .cube import Cube
from .definitions import Catalogue, Summary
from .grouping import Array, Key
from .limits import Room

MOST_SERVICES = 10
"""With more of them, folded cells do not keep theirs."""

OF_INSTRUMENTS, MOST_INSTRUMENTS = frozenset({"name", "kind", "mode"}), 1000
"""Dimensions that tell them apart; with more of them, folded cells do not keep theirs."""

_FACTOR, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)

MOST_TEXT = 32 << 20
"""Bytes of the texts of all combinations, each counted for itself."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some cells, which may have to be read, and how much that is."""

    read: Callable[[], Cube]
    rows: int
    text_bytes: int

    @classmethod
    def of(cls, whole: Cube) -> "Part":
        return cls(lambda: whole, len(whole.cells), whole.text_bytes)


def digests(cells: pa.Table, names: Iterable[str]) -> tuple[Array, Array]:
    """A number of 64 bits for each row's texts in these columns; and how many bytes these are."""
    found, sizes = np.zeros(len(cells), dtype=np.uint64), np.zeros(len(cells), dtype=np.int32)
    for name in names:
        key = Key.of(cells[name])
        values = np.array([_digest(value) for value in key.values.to_pylist()], dtype=np.uint64)
        found = _mixed(found, values[key.codes])
        sizes += pc.binary_length(key.values).to_numpy()[key.codes]
    return found, sizes


def _with_window(found: Array, whole: Cube) -> Array:
    for name in ("window_start", "window_seconds") if whole.windowed else ():
        found = _mixed(found, whole.cells[name].cast(pa.int64()).to_numpy().view(np.uint64))
    return found


def _mixed(found: Array, more: Array) -> Array:
    mixed: Array = (found ^ more) * _FACTOR
    mixed ^= mixed >> _SHIFT
    return mixed


def _digest(value: str) -> int:
    return int.from_bytes(blake2b(value.encode(), digest_size=8).digest(), "little")


@dataclass(frozen=True, slots=True)
class Capacity:
    """Of a summary: how much there may be."""

    catalogue: Catalogue
    summary: Summary
    room: Room

    @property
    def _named(self) -> Mapping[str, Set[str]]:
        """The values by dimension that folded cells keep."""
        filters = [metric.filter for metric in self.catalogue.metrics if metric.summary == self.summary.name]
        named: dict[str, set[str]] = defaultdict(set)
        for each in [*filters, *([self.summary.errors] if self.summary.errors else [])]:
            for dimension, values in (*each.where, *each.unless):
                named[dimension].update(values)
        return named

    @property
    def _instruments(self) -> frozenset[str]:
        return OF_INSTRUMENTS if self.summary.event == "measurement" else frozenset()

    def merged(self, parts: Sequence[Part], old: Cube, known: Callable[[], Array]) -> tuple[Cube, int]:
        """All parts, as far as they find room beside the old cells; and the events folded.

        First come keys that old cells have, then those that are `known`, which are digests, then those that bring
        most events.
        """
        if self._has_room([*parts, Part.of(old)]):
            return self._added_up(parts, old), 0
        rows_of, held = [_Rows.of(part.read()) for part in parts], _Rows.of(old)
        admitted = _Rows.joined(rows_of).admitted(held, known(), self.room)
        keeps = [np.isin(each.cells, held.cells) | np.isin(each.keys, admitted) for each in rows_of]
        if all(keep.all() for keep in keeps):
            return self._added_up(parts, old), 0
        services = held.services.union(*(each.services for each in rows_of))
        steps = Steps(self.room.max_combinations // 2, cube.merge)
        for part, keep in zip(parts, keeps, strict=True):
            steps.add(self._folded(part.read(), keep, keeps_service=len(services) <= MOST_SERVICES))
        return steps.merged(), sum(int(each.events[~keep].sum()) for each, keep in zip(rows_of, keeps, strict=True))

    def _has_room(self, parts: Sequence[Part]) -> bool:
        """Whether that is clear without a look at them."""
        rows, text = sum(part.rows for part in parts), sum(part.text_bytes for part in parts)
        return rows <= min(self.room.max_combinations, self.room.max_cells) and text <= MOST_TEXT

    def _added_up(self, parts: Sequence[Part], old: Cube) -> Cube:
        return cube.merge([*(part.read() for part in parts), cube.empty(self.summary, windowed=old.windowed)])

    def _folded(self, whole: Cube, keep: Array, *, keeps_service: bool) -> Cube:
        if keep.all():
            return whole
        cells, named = whole.cells, self._named
        for name in self.summary.group:
            if name == "service" and keeps_service:
                continue
            key = Key.of(cells[name])
            if name in self._instruments and len(key.values) <= MOST_INSTRUMENTS:
                continue
            stays = pc.is_in(key.values, pa.array(named.get(name, ()), pa.string())).to_numpy(zero_copy_only=False)
            codes = np.where(keep | stays[key.codes], key.codes, len(key.values)).astype(np.int32)
            values = pa.concat_arrays([key.values, pa.array([OTHER], pa.string())])
            column = pa.DictionaryArray.from_arrays(codes, values)
            cells = cells.set_column(cells.column_names.index(name), cells.schema.field(name), column)
        return cube.grouped(self.summary, cells, whole.bins, windowed=whole.windowed)


class Steps:
    """Cubes merged as they come, whenever more than so many rows wait for it.

    They may come from several threads and in any order: they are merged in that of their places, 0, 1, 2 …
    """

    def __init__(self, rows: int, merge: Callable[[Sequence[Cube]], Cube]) -> None:
        self._rows, self._merge = rows, merge
        self._waiting: list[Cube] = []
        self._early: dict[int, Cube] = {}
        self._next = 0
        self._lock = Lock()

    def add(self, part: Cube, place: int | None = None) -> None:
        with self._lock:
            self._early[self._next if place is None else place] = part
            while self._next in self._early:
                self._waiting.append(self._early.pop(self._next))
                self._next += 1
                if sum(len(each.cells) for each in self._waiting[1:]) > self._rows:
                    self._waiting = [self._merge(self._waiting)]

    def merged(self) -> Cube:
        """All that came, of which there must be any."""
        return self._merge(self._waiting)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Of cells: digests of all their keys, and of those but the window; their events."""

    cells: Array
    keys: Array
    sizes: Array
    """Bytes of the texts of the keys."""
    events: Array
    services: frozenset[str] = frozenset()
    """Some of them, where there are many."""

    @classmethod
    def of(cls, part: Cube) -> "_Rows":
        services = part.cells["service"].unique().slice(0, MOST_SERVICES + 1)
        keys, sizes = digests(part.cells, part.summary.group)
        events = part.cells["events"].to_numpy().copy()  # a view would hold all of the part
        return cls(_with_window(keys, part), keys, sizes, events, frozenset(services.to_pylist()))

    @classmethod
    def joined(cls, parts: Sequence["_Rows"]) -> "_Rows":
        def column(name: str) -> Array:
            return np.concatenate([getattr(part, name) for part in parts])

        return cls(column("cells"), column("keys"), column("sizes"), column("events"))

    def admitted(self, held: "_Rows", known: Array, room: Room) -> Array:
        """The keys whose cells all find room, beside those that are held."""
        keys, firsts, places = np.unique(self.keys, return_index=True, return_inverse=True)
        events = np.zeros(len(keys), dtype=np.int64)
        np.add.at(events, places, self.events)
        new_keys = ~np.isin(keys, held.keys)
        ranked = np.lexsort((keys, -events, ~np.isin(keys, known), new_keys))
        cells, first_cells = np.unique(self.cells, return_index=True)
        new_cells = np.bincount(places[first_cells[~np.isin(cells, held.cells)]], minlength=len(keys))
        text = np.where(new_keys, self.sizes[firsts], 0)
        held_keys, of_held = np.unique(held.keys, return_index=True)
        fits = np.cumsum(new_cells[ranked]) <= room.max_cells - len(held.cells)
        fits &= np.cumsum(new_keys[ranked]) <= max(0, room.max_combinations - len(held_keys))
        fits &= np.cumsum(text[ranked]) <= max(0, MOST_TEXT - int(held.sizes[of_held].sum()))
        found: Array = keys[ranked[fits]]
        return found
