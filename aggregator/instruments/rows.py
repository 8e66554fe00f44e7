"""The rows of totals that instruments made, one instrument after the other: there may be very many."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pyarrow as pa

from ..admission import OTHER
from ..bins import bounds
from ..cube import Cube
from ..decimals import nanos
from ..grouping import Array, Key
from ..live import is_living
from ..names import plain_name

BOUND = "le"
"""The label of a `bucket` that is its bound."""

_LIVE_MODES = frozenset({"livesum", "livemax", "livemin", "livemostrecent", "max", "min"})


@dataclass(frozen=True, slots=True)
class Row:
    """What the measurements of one kind and label set add up to; `nanos` of a gauge are its steps."""

    service: str
    kind: str
    labels: Mapping[str, str]
    events: int = 0
    nanos: int = 0
    bins: tuple[tuple[float, int], ...] = ()
    mode: str = ""
    state: str = ""
    proc: str = ""
    value: float | None = None
    at: int = 0
    """When the value was told, in microseconds since 1970."""
    step: int = 0
    """Of a window: when it is shown."""

    @property
    def is_live(self) -> bool:
        """Whether it holds only as long as its process lives."""
        return self.mode in _LIVE_MODES

    @property
    def label_names(self) -> set[str]:
        return self.labels.keys() - {BOUND} if self.kind == "bucket" else set(self.labels)


class Rows:
    """Of the totals of one summary; of gauges of live modes those of processes that live."""

    def __init__(self, totals: Cube) -> None:
        cells = totals.cells.filter(is_living(totals.cells)) if totals.summary.by_process else totals.cells
        key = Key.of(cells["name"])
        self._order = np.argsort(key.codes, kind="stable")
        self._cells, self._bins = cells.take(pa.array(self._order)), totals.bins
        starts = np.searchsorted(key.codes[self._order], np.arange(len(key.values) + 1)).tolist()
        self._ranges = dict(zip(key.values.to_pylist(), pairwise(starts), strict=True))

    @property
    def names(self) -> set[str]:
        return set(self._ranges)

    def of(self, name: str) -> Iterator[Row]:
        if name not in self._ranges:
            return
        start, stop = self._ranges[name]
        places, cells = self._order[start:stop], self._cells.slice(start, stop - start)
        columns = {name: cells[name].to_pylist() for name in ("service", "kind", "labels", "events")}
        columns |= {
            name: cells[name].to_pylist() for name in ("mode", "state", "proc", "step") if name in cells.column_names
        }
        for total in {"value_sum", "step_sum"} & set(cells.column_names):
            columns["nanos"] = nanos(cells[total])
        if "value_last" in cells.column_names:
            columns["value"] = cells["value_last"].to_pylist()
            columns["at"] = [at or 0 for at in cells["value_last_at"].cast(pa.int64()).to_pylist()]
        if "value" not in columns:
            columns["bins"] = list(self._bins_of(places))
        columns["labels"] = list(map(labels_of, columns["labels"]))
        for values in zip(*columns.values(), strict=True):
            yield Row(**dict(zip(columns, values, strict=True)))

    def _bins_of(self, places: Array) -> Iterator[tuple[tuple[float, int], ...]]:
        row, _, place, n = (column.to_numpy() for column in self._bins.columns)
        starts, stops = (np.searchsorted(row, places, side).tolist() for side in ("left", "right"))
        for start, stop in zip(starts, stops, strict=True):
            les = bounds("value")[place[start:stop]].tolist()
            yield tuple(zip(les, n[start:stop].tolist(), strict=True))


class _AnyLabels(dict[str, str]):
    """Of a folded cell."""

    def get(self, _name: str, _default: str = "") -> str:  # type: ignore[override]
        return OTHER


@lru_cache(maxsize=4096)
def labels_of(text: str) -> Mapping[str, str]:
    if text == OTHER:
        return _AnyLabels()
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    named = found if isinstance(found, dict) else {}
    return {plain_name(name, is_label=True): named[name] for name in sorted(named, reverse=True)}
