"""What makes a sample of an instrument, whose family no [[metric]] declares: lines of `measurement`."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..admission import Admission
from ..config import Config
from ..decode import Batch
from ..errors import UsageError
from ..exposition import Source
from ..filters import of_rows, passing
from ..instruments import OF_KINDS, SUMMARIES, Instrument, Instruments, Rows, samples_of
from ..instruments import Row as Measured
from ..instruments.samples import LIVE
from ..origin import suggestion
from ..rollup import lined
from ..series import Totals
from .numbers import Row, check_bound, check_labels, metrics_by_sample
from .query import Query, Sample

_SUFFIXES = {"counter": ("_total",), "summary": ("_count", "_sum"), "histogram": ("_bucket", "_count", "_sum")}
EVENT = "measurement"


class OfInstrument:
    """Whether there is such an instrument is known once all lines were read."""

    def __init__(self, query: Query, config: Config, admission: Admission) -> None:
        summaries = map(config.catalogue.summary, (*SUMMARIES, "instruments"))
        self.summaries = tuple(summary for summary in summaries if summary is not None)
        self._query, self._config, self._admission = query, config, admission
        self._summed: set[tuple[str, ...]] = set()
        self._left: set[Any] = set()

    @property
    def adds_up(self) -> bool:
        return self._adds_up

    def settle(self, source: Source) -> None:
        instruments = Instruments(self._config, source, self._admission)
        names = set(metrics_by_sample(self._config.catalogue))
        for instrument, rows in instruments.shown():
            if self._query.name in _names(instrument):
                self._instrument, self._view = instrument, instruments.view(instrument, rows)
                self._check()
                self._decide(rows)
                self._adds_up = instrument.kind in _SUFFIXES or (bool(self._summed) and not self._left)
                return
            names |= _names(instrument)
        near = suggestion(self._query.name, names) or "; logemit metrics lists those that are declared"
        raise UsageError(f"no metric {self._query.name!r:.200}, and these logs measure none of this name{near}")

    def samples(self, source: Source) -> list[Sample]:
        pieces = Instruments(self._config, source, self._admission).families()
        return [sample for piece in pieces for sample in self._query.among(piece.split("\n"))]

    def lines(self, batch: Batch) -> Iterator[Row]:
        if batch.plan.name != EVENT:
            return
        found: dict[int, float] = {}
        for place, row in self._rows(batch):
            key = self._view.key(row)
            if not self._adds_up and key not in self._summed:
                if _identity(row) not in self._left:
                    continue
                self._left.remove(_identity(row))
            value = self._value(row)
            if value or not self._adds_up:
                found[place] = value
        yield from sorted(found.items())

    def _value(self, row: Measured) -> float:
        labels = self._view.named(self._view.key(row))
        made = samples_of(self._instrument, [row], labels)
        fitting = (value for suffix, named, value in made if self._query.fits(self._named(suffix), named))
        return sum(fitting)

    def _named(self, suffix: str) -> str:
        return f"{self._instrument.shown_name}{suffix}"

    def _rows(self, batch: Batch) -> Iterator[tuple[int, Measured]]:
        """Of this instrument, with their places."""
        is_named = np.array([name == self._instrument.name for name in batch.columns["name"]], dtype=bool)
        for summary in self.summaries:
            if summary.name not in SUMMARIES:
                continue
            whole = lined(batch, summary, self._config.window_seconds)
            wanted = is_named & passing(summary.taken, len(batch), Totals(whole).key)
            rows = Rows(of_rows(whole, wanted)).of(self._instrument.name)
            for place, row in zip(np.flatnonzero(wanted).tolist(), rows, strict=True):
                if row.kind in OF_KINDS[self._instrument.kind] and self._fits(row):
                    yield place, row

    def _fits(self, row: Measured) -> bool:
        """By its own labels: those that an info, an enum or a bucket adds come of what it tells."""
        labels = self._view.named(self._view.key(row))
        wanted = {name: value for name, value in self._query.labels.items() if name in labels}
        return Query(self._query.name, wanted).fits(self._query.name, labels)

    def _check(self) -> None:
        """Raises UsageError."""
        own = {"histogram": ["le"], "enum": [self._instrument.shown_name]}.get(self._instrument.kind, [])
        if self._query.name.endswith("_bucket") and own == ["le"]:
            check_bound(self._query, self._instrument.buckets)
        if self._instrument.kind != "info":  # which brings any
            check_labels(self._query, [*self._view.label_names, *own])

    def _decide(self, rows: list[Measured]) -> None:
        """Which rows the samples show of those that do not add up."""
        groups: dict[tuple[str, ...], list[Measured]] = defaultdict(list)
        for row in rows:
            groups[self._view.key(row)].append(row)
        for key, told in groups.items():
            newest = max(told, key=lambda row: (row.at, row.mode, row.state, row.value or 0))
            mode = LIVE.get(newest.mode, newest.mode)
            if self._instrument.kind == "gauge" and newest.mode == "sum":
                self._summed.add(key)
            elif mode in ("sum", "max", "min"):
                self._left |= set(map(_identity, _extreme([r for r in told if r.mode == newest.mode], mode)))
            else:
                self._left.add(_identity(newest))


def _extreme(told: list[Measured], mode: str) -> list[Measured]:
    if mode == "sum":
        return told
    wanted = (max if mode == "max" else min)(row.value or 0 for row in told)
    return [max((row for row in told if row.value == wanted), key=lambda row: row.at)]


def _identity(row: Measured) -> tuple[Any, ...]:
    labels = frozenset(row.labels.items())
    return row.service, row.kind, labels, row.mode, row.state, row.proc, row.at, row.value


def _names(instrument: Instrument) -> set[str]:
    suffixes = _SUFFIXES.get(instrument.kind, ("_info",) if instrument.kind == "info" else ("",))
    return {f"{instrument.shown_name}{suffix}" for suffix in suffixes}
