"""Families of what apps measured with instruments, under their own names, without a [[metric]] for each."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from prometheus_client.metrics_core import Metric as Family

from ..admission import OTHER, Admission
from ..config import Config
from ..definitions import Filter, Metric
from ..exposition import Source
from ..families import sample_names
from ..fields import LABEL, MOST_LABELS
from ..names import shown_as
from ..promtext import SERIES_AT_ONCE, rendered
from .declarations import Instrument, declared, guessed
from .labels import reserved
from .rows import Row, Rows, labels_of
from .samples import OF_KINDS, samples_of

__all__ = ["OF_KINDS", "SUMMARIES", "Instrument", "Instruments", "Row", "Rows", "View", "labels_of", "samples_of"]

Labels = tuple[str, ...]
_NAME = re.compile(r"(?!logemit_)[a-zA-Z_:][a-zA-Z0-9_:]{0,199}")
_NAMES = {"enum": (_NAME, LABEL)}
"""An enum's name is that of a label, too."""
SUMMARIES = ("measurements", "gauges", "live_gauges")
_ENDS = {"counter": "_total", "info": "_info"}
"""Of the name of a family."""


class Instruments:
    """Of the totals of a run; `warnings` are complete once the families are made."""

    def __init__(self, config: Config, source: Source, admission: Admission) -> None:
        self._config, self._admission = config, admission
        summaries = {summary.name: summary for summary in config.catalogue.summaries}
        measured = [summaries[name] for name in SUMMARIES if name in summaries]
        self._now = [Rows(source.now(summary.name)) for summary in measured]
        self._before = cache(lambda: [Rows(source.before(summary)) for summary in measured])
        self._declared = declared(source.now("instruments")) if "instruments" in summaries else {}
        self._declared_before = cache(lambda: declared(source.before(summaries["instruments"])))
        self._taken = {name for metric in config.catalogue.metrics for name in sample_names(metric.name, metric.type)}
        self.warnings: list[str] = []

    def families(self) -> Iterator[str]:
        """In pieces."""
        for instrument, rows in self.shown():
            yield from self._family(instrument, rows)

    def shown(self) -> Iterator[tuple[Instrument, list[Row]]]:
        """Each that has a family, and what it is made of."""
        for name in sorted({*self._declared, *(name for rows in self._now for name in rows.names)}):
            rows = [row for table in self._now for row in table.of(name)]
            instrument = self._declared.get(name) or guessed(name, rows)
            if self._is_shown(instrument):
                yield instrument, self._own(instrument, rows)

    def _is_shown(self, instrument: Instrument) -> bool:
        is_named = all(each.fullmatch(instrument.shown_name) for each in _NAMES.get(instrument.kind, (_NAME,)))
        if not (instrument.kind and is_named):
            self.warnings.append(f"{instrument.name!r:.80}: no name of a metric; its measurements are in Parquet only")
            return False
        names = sample_names(instrument.shown_name + _ENDS.get(instrument.kind, ""), instrument.kind)
        if names & self._taken:
            self.warnings.append(f"{min(names & self._taken)}: a metric has this name; the instrument is not shown")
            return False
        self._taken |= names
        return True

    def _own(self, instrument: Instrument, rows: list[Row]) -> list[Row]:
        own = [row for row in rows if row.kind in OF_KINDS[instrument.kind]]
        if len(own) < len(rows):
            others = ", ".join(sorted({row.kind for row in rows} - OF_KINDS[instrument.kind]))
            self.warnings.append(f"{instrument.name}: is a {instrument.kind}; measurements of a {others} are not shown")
        return [row for row in own if instrument.kind != "gauge" or row.value is not None]

    def _family(self, instrument: Instrument, rows: list[Row]) -> Iterator[str]:
        view = self.view(instrument, rows)
        groups: dict[Labels, list[Row]] = {key: [] for key in view.at_zero}
        for row in rows:
            groups.setdefault(view.key(row), []).append(row)
        keys = sorted(groups)
        for start in range(0, len(keys), SERIES_AT_ONCE):
            family = Family(instrument.family, instrument.help, instrument.type)
            for key in keys[start : start + SERIES_AT_ONCE]:
                for suffix, labels, value in samples_of(instrument, groups[key], view.named(key)):
                    family.add_sample(f"{instrument.shown_name}{suffix}", labels, value)
            yield rendered(family, head=not start)

    def _label_names(self, instrument: Instrument, rows: list[Row]) -> list[str]:
        """In order; of too many those that were shown before and those that were declared come first."""
        found = set().union(*(row.label_names for row in rows))
        if len(found) > MOST_LABELS:
            text = f"{instrument.name}: has {len(found):,} labels; {MOST_LABELS} of them are shown"
            self.warnings.append(text)
            before = self._admission.columns_before(instrument.name)
            kept = [name for name in found if f"label {name}" in before]
            more = [name for name in instrument.label_names if name in found]
            found = set([*dict.fromkeys([*kept, *more, *sorted(found)])][:MOST_LABELS])
        return sorted(found)

    def view(self, instrument: Instrument, rows: list[Row]) -> "View":
        """By which labels, and how, its rows are shown."""
        names = self._label_names(instrument, rows)
        events: Counter[Labels] = Counter()
        for row in rows:
            events[self._key(row, names)] += row.events
        at_zero = list(self._at_zero(instrument, names))
        events.update(dict.fromkeys(at_zero, 0))
        metric = _metric(instrument, names)
        shown = self._admission.shown(
            metric,
            self._grouping(names),
            self._config.limits.of(metric.name),
            events,
            lambda: self._known(metric, names),
            widens=True,
        )
        return View(names, self._labels(instrument, names), at_zero, shown, self._config.service_label)

    def _known(self, metric: Metric, names: list[str]) -> Iterator[Labels]:
        """Label sets among the totals of before."""
        for table in self._before():
            for row in table.of(metric.name):
                if row.kind in OF_KINDS[metric.type]:
                    yield self._key(row, names)
        if (instrument := self._declared_before().get(metric.name)) is not None:
            yield from self._at_zero(instrument, names)

    def _at_zero(self, instrument: Instrument, names: list[str]) -> Iterator[Labels]:
        """Of services that have it without labels, and so show it from the beginning."""
        if instrument.kind != "enum" or instrument.states:
            for service in instrument.services:
                yield self._key(Row(service, instrument.kind, {}), names)

    def _grouping(self, names: list[str]) -> Labels:
        return (*(["service"] if self._config.service_label else []), *(f"label {name}" for name in names))

    def _labels(self, instrument: Instrument, names: list[str]) -> Labels:
        own = reserved(instrument, service_label=self._config.service_label)
        return (*(["service"] if self._config.service_label else []), *shown_as(names, own).values())

    def _key(self, row: Row, names: list[str]) -> Labels:
        return _key(row, names, with_service=self._config.service_label)


@dataclass(frozen=True, slots=True)
class View:
    """How an instrument shows its rows: by labels with these `names`, as labels of these `label_names`."""

    names: list[str]
    label_names: Labels
    _at_zero: list[Labels]
    _shown: Mapping[Labels, Labels] | None
    _with_service: bool

    @property
    def at_zero(self) -> list[Labels]:
        """What is shown from the beginning."""
        return [*map(self._as_shown, self._at_zero)]

    def key(self, row: Row) -> Labels:
        """The label set that a row is shown in."""
        return self._as_shown(_key(row, self.names, with_service=self._with_service))

    def named(self, key: Labels) -> dict[str, str]:
        return dict(zip(self.label_names, key, strict=True))

    def _as_shown(self, key: Labels) -> Labels:
        return key if self._shown is None else self._shown.get(key) or self._rest(key)

    def _rest(self, key: Labels) -> Labels:
        """Of what was shown once, and has no place among what is."""
        kept = key[:1] if self._with_service else ()
        return (*kept, *(OTHER for _ in self.names))


def _key(row: Row, names: list[str], *, with_service: bool) -> Labels:
    service = [row.service] if with_service else []
    return (*service, *(row.labels.get(name, "") for name in names))


def _metric(instrument: Instrument, names: list[str]) -> Metric:
    """What caps know of it."""
    labels = tuple((name, f"label {name}") for name in names)
    return Metric(instrument.name, instrument.kind, instrument.help, "", labels, "", "", "", (), Filter())  # type: ignore[arg-type]
