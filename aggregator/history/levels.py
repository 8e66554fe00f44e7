"""The past of gauges: what was told last, by each process as long as it lives."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ..admission import OTHER
from ..definitions import PROC
from ..exposition import View, combined
from ..grouping import Array
from ..live import LIVE_SECONDS
from ..series import Labels, Totals
from .openmetrics import Head, Run, Track
from .timeline import Slice
from .windows import steps_of

Newest = list[tuple[int, str, int]]
"""(place, service, time of its newest line), in the order of the places."""


def newest_of(windows: Totals, places: Array) -> Newest:
    """Of the lines of processes; nothing where they are not told apart."""
    if not windows.cube.summary.by_process:
        return []
    cells = windows.cube.cells
    service = cells["service"].cast(pa.string())
    table = pa.table({"place": places, "service": service, "at": cells["last_at"].cast(pa.int64())})
    found = table.group_by(["place", "service"]).aggregate([("at", "max")]).select(["place", "service", "at_max"])
    return sorted(tuple(row.values()) for row in found.to_pylist() if row["at_max"] is not None)


class Lives:
    """Which processes live: see live.py."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}
        self._coming: Newest = []
        self._next = 0
        self.places: set[int] = set()
        """Where something may be over."""

    def meet(self, newest: Newest) -> None:
        """What a slice tells."""
        self._coming, self._next = newest, 0
        self.places = {place for place, _, _ in newest}

    def move(self, place: int) -> None:
        while self._next < len(self._coming) and self._coming[self._next][0] <= place:
            _, service, at = self._coming[self._next]
            self._newest[service] = max(at, self._newest.get(service, at))
            self._next += 1

    def is_over(self, service: str, at: int) -> bool:
        """Whether what a process of a service told at a time is of the past."""
        return service in self._newest and at < self._newest[service] - LIVE_SECONDS * 1_000_000


@dataclass(slots=True)
class _Level:
    key: Labels
    service: str
    proc: str
    at: int
    value: float


class Levels:
    """One family."""

    is_whole = True

    def __init__(self, view: View, totals: Totals) -> None:
        self.head = Head(view.metric.name, "gauge", view.metric.help)
        self._view, self._value = view, view.metric.value
        self._summary = totals.cube.summary
        self._lives = Lives()
        self._levels: dict[tuple[str, ...], _Level] = {}

    def tracks(self, windows: Totals, of: Slice) -> Iterator[Track]:
        """Its samples in a slice, and what they are from there on."""
        places = of.place(steps_of(windows))
        self._lives.meet(newest_of(windows, places))
        told: dict[int, list[tuple[tuple[str, ...], _Level]]] = defaultdict(list)
        for place, identity, level in self._told(windows, places):
            told[place].append((identity, level))
        runs: dict[Labels, list[Run]] = defaultdict(list)
        for place in sorted({0, *told, *self._lives.places}):
            for identity, level in told.get(place, ()):
                before = self._levels.get(identity)
                if before is None or (before.at, before.value) <= (level.at, level.value):
                    self._levels[identity] = level
            self._lives.move(place)
            now = self._now()
            for key in now.keys() | runs.keys():
                values = [now[key]] if key in now else None
                if (runs[key][-1][1] if runs[key] else None) != values:
                    runs[key].append((place, values))
        for key in sorted(runs):
            yield Track([("", dict(zip(self._view.labels, key, strict=True)))], runs[key])

    def _told(self, windows: Totals, places: Array) -> Iterator[tuple[int, tuple[str, ...], _Level]]:
        series = self._view.series(windows, self._view.metric.filter)
        rows = pa.array(series.rows)
        cells = windows.cube.cells.select([name for name in self._columns if name]).take(rows)
        columns: list[list[Any]] = [cells[name].to_pylist() for name in self._summary.group]
        at_name, name = self._columns[-2:]
        at = cells[at_name].cast(pa.int64()).to_pylist() if at_name else [0] * len(rows)
        value = cells[name].to_pylist() if name else [1.0] * len(rows)
        names = self._summary.group
        proc = columns[names.index(PROC)] if PROC in names else [""] * len(rows)
        identities = zip(*columns, strict=True)
        labels = series.of_rows()
        everything = zip(places[series.rows].tolist(), identities, labels, columns[0], proc, at, value, strict=True)
        for place, identity, key, service, of_proc, moment, number in everything:
            if moment is not None and number is not None:
                yield place, identity, _Level(self._shown(key), service, of_proc, moment, number)

    @property
    def _columns(self) -> list[str]:
        """Those that identify a row, the one that has the time, and the one that has the value, where it has one."""
        if self._value in ("info", "processes"):
            return [*self._summary.group, "last_at" if self._summary.by_process else "", ""]
        return [*self._summary.group, f"{self._value}_at", self._value]

    def _shown(self, key: Labels) -> Labels:
        """What lived once and does not now may have no place."""
        if self._view.shown is None or key in self._view.shown:
            return key if self._view.shown is None else self._view.shown[key]
        kept = key[:1] if self._view.labels[:1] == ["service"] else ()
        return (*kept, *(OTHER for _ in key[len(kept) :]))

    def _now(self) -> Mapping[Labels, float]:
        over = [name for name, level in self._levels.items() if self._lives.is_over(level.service, level.at)]
        for name in over:
            del self._levels[name]
        if self._value == "processes":
            return Counter(key for key, _ in {(level.key, level.proc) for level in self._levels.values()})
        found: dict[Labels, list[tuple[int, float]]] = defaultdict(list)
        for level in self._levels.values():
            found[level.key].append((level.at, level.value))
        if self._value == "info":
            return dict.fromkeys(found, 1.0)
        return {key: combined(self._view.metric.over, values) for key, values in found.items()}
