"""The families of a folder with their past, by the summaries that they are made of."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from operator import itemgetter
from typing import Protocol

from .. import cube
from ..admission import Admission
from ..config import Config
from ..cube import Cube
from ..definitions import Metric, Summary
from ..errors import UsageError
from ..exposition import Source, View
from ..instruments import OF_KINDS, SUMMARIES, Instrument, Instruments, Row, Rows, labels_of
from ..origin import suggestion
from ..outputs import Outputs
from ..series import Totals
from .levels import Levels, newest_of
from .measured import Measured
from .openmetrics import Head, Track
from .sums import Sums
from .timeline import Slice
from .windows import STEP, Windows, steps_of, total_of

Tracks = Iterator[tuple["Family", Iterator[Track]]]


class _Past(Protocol):
    head: Head
    is_whole: bool


@dataclass(slots=True)
class Family:
    """`mark` is the time of the last sample that was exported, or that is not wanted."""

    past: _Past
    mark: int

    @property
    def name(self) -> str:
        return shown_name(self.past.head)


def shown_name(head: Head) -> str:
    """As in metrics.prom."""
    return f"{head.name}_total" if head.type == "counter" else head.name


@dataclass(slots=True)
class Group:
    """Families that are made of the same summaries, and the windows of these that are still to be taken."""

    summaries: list[Summary]
    families: list[Family]
    windows: list[Windows]
    after: int
    """The windows that are read end after this time."""
    _tracks: Callable[["Group", Slice], Tracks]

    @property
    def begin(self) -> int | None:
        """No window begins before."""
        return min((begin for each in self.windows if (begin := each.begin) is not None), default=None)

    def tracks(self, of: Slice) -> Tracks:
        """The samples of each family, each to be gone through before the next."""
        return self._tracks(self, of)


@dataclass(slots=True)
class Folder:
    """What a folder has to tell, as far as it is new and wanted."""

    outputs: Outputs
    config: Config
    admission: Admission
    step: int
    end: int
    wanted: Sequence[str]
    """Names of families; all, where there are none."""
    mark_of: Callable[[str], int]
    labels: Collection[str] = ()
    """Names of labels that every series gets."""
    warnings: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def groups(self) -> Iterator[Group]:
        """Raises UsageError, StateError."""
        of_metrics = [group for summary in self.config.catalogue.summaries if (group := self._of_metrics(summary))]
        of_instruments = self._of_instruments()
        for name in self.wanted:
            if name not in self.names:
                raise UsageError(f"--metric {name}: no family of this name here{suggestion(name, self.names)}")
        yield from of_metrics
        if of_instruments:
            yield of_instruments

    def _is_new(self, name: str) -> bool:
        self.names.add(name)
        return (not self.wanted or name in self.wanted) and self.mark_of(name) < self.end

    def _kept(self, families: Iterable[Family]) -> list[Family]:
        found = []
        for family in families:
            if family.past.is_whole:
                found.append(family)
            else:
                self.warnings.append(f"{family.name}: left out: its windows hold more than its totals, which are full")
        return found

    def _check_labels(self, family: str, own: Collection[str]) -> None:
        for name in self.labels:
            if name in own:
                raise UsageError(f"--label {name}: is a label of {family}; choose another name")

    def _totals(self, summary: Summary) -> Cube:
        return cube.merge([cube.empty(summary, windowed=False), self.outputs.totals(summary)])

    # The catalogue's.

    def _of_metrics(self, summary: Summary) -> Group | None:
        metrics = [each for each in self.config.catalogue.metrics if each.summary == summary.name]
        metrics = [each for each in metrics if self._is_new(each.name)]
        if not metrics:
            return None
        # What a gauge was told last may be of long ago.
        has_gauges = any(metric.type == "gauge" for metric in metrics)
        after = 0 if has_gauges else min(self.mark_of(metric.name) for metric in metrics)
        windows = Windows(self.outputs, summary, after, self.step, {self.mark_of(metric.name) for metric in metrics})
        total = Totals(self._totals(summary))
        read = cache(lambda: Totals(total_of(summary, windows)))
        families = (Family(self._past(metric, total, read), self.mark_of(metric.name)) for metric in metrics)
        return Group([summary], self._kept(families), [windows], after, _of_catalogue)

    def _past(self, metric: Metric, total: Totals, read: Callable[[], Totals]) -> Sums | Levels:
        view = View.of(metric, total, lambda _: total, self.config, self.admission)
        self._check_labels(metric.name, view.labels)
        return Levels(view, total) if metric.type == "gauge" else Sums(view, total, read())

    # Instruments'.

    def _of_instruments(self) -> Group | None:
        catalogue = self.config.catalogue
        named = map(catalogue.summary, ("instruments", *SUMMARIES))
        summaries = [summary for summary in named if summary is not None]
        totals = {summary.name: self._totals(summary) for summary in summaries}
        found = Instruments(self.config, Source(totals.__getitem__, lambda s: totals[s.name]), self.admission)
        shown = [(each, rows, found.view(each, [*rows, *_of_labels(each, totals)])) for each, rows in found.shown()]
        shown = [each for each in shown if self._is_new(_name_of(each[0]))]
        if not shown:
            return None
        for instrument, _, view in shown:
            self._check_labels(_name_of(instrument), view.label_names)
        gauges = [each for each, *_ in shown if each.type == "gauge"]
        after = 0 if gauges else min(self.mark_of(_name_of(each)) for each, *_ in shown)
        marks = {self.mark_of(_name_of(each)) for each, *_ in shown}
        windows = [Windows(self.outputs, summary, after, self.step, marks) for summary in summaries]
        read = {summary.name: total_of(summary, of) for summary, of in zip(summaries, windows, strict=True)}
        adding = [Rows(read[name]) for name in ("measurements", "gauges") if name in read]
        before = _declared_before(totals, read)
        families = (
            Family(
                Measured(
                    each,
                    view,
                    [row for row in rows if not row.is_live],
                    [row for of in adding for row in of.of(each.name) if _is_of(each, row)],
                    {service for name, service in before if name == each.name},
                ),
                self.mark_of(_name_of(each)),
            )
            for each, rows, view in shown
        )
        return Group(summaries, self._kept(families), windows, after, _of_instruments)


def _name_of(instrument: Instrument) -> str:
    return f"{instrument.family}_total" if instrument.kind == "counter" else instrument.family


def _of_labels(instrument: Instrument, totals: Mapping[str, Cube]) -> Iterator[Row]:
    """With all labels that processes ever told a gauge with, and no living one may tell now."""
    if instrument.kind == "gauge" and "live_gauges" in totals:
        cells = totals["live_gauges"].cells.select(["name", "labels"]).to_pylist()
        names = {label for cell in cells if cell["name"] == instrument.name for label in labels_of(cell["labels"])}
        if names:
            yield Row("", "gauge", dict.fromkeys(sorted(names), ""))


def _declared_before(totals: Mapping[str, Cube], read: Mapping[str, Cube]) -> set[tuple[str, str]]:
    """(name, service) of declarations that are in no window that is read."""
    ever, later = (_declarations(of["instruments"]) if "instruments" in of else Counter() for of in (totals, read))
    return {*(ever - later)}


def _declarations(of: Cube) -> Counter[tuple[str, str]]:
    """How many of each (name, service)."""
    found: Counter[tuple[str, str]] = Counter()
    for row in of.cells.select(["name", "service", "events"]).to_pylist():
        found[row["name"], row["service"]] += row["events"]
    return found


# Slice by slice.


def _of_catalogue(group: Group, of: Slice) -> Tracks:
    windows = group.windows[0].take(of.end)
    coming = group.windows[0].coming(of.end)
    for family in group.families:
        if isinstance(family.past, Sums):
            yield family, family.past.tracks(windows, of, coming)
        elif isinstance(family.past, Levels):
            yield family, family.past.tracks(windows, of)


def _of_instruments(group: Group, of: Slice) -> Tracks:
    by_name = {each.name: windows.take(of.end) for each, windows in zip(group.summaries, group.windows, strict=True)}
    begins: dict[str, dict[str, int]] = defaultdict(dict)
    if "instruments" in by_name:
        cells = by_name["instruments"].cube.cells.select(["name", "service", STEP]).to_pylist()
        for row in sorted(cells, key=itemgetter(STEP), reverse=True):
            begins[row["name"]][row["service"]] = row[STEP]
    rows = [Rows(by_name[name].cube) for name in SUMMARIES if name in by_name]
    live = by_name.get("live_gauges")
    newest = newest_of(live, of.place(steps_of(live))) if live else []
    for family in group.families:
        if isinstance(past := family.past, Measured):
            instrument = past.instrument
            own = (row for of_summary in rows for row in of_summary.of(instrument.name) if _is_of(instrument, row))
            yield family, past.tracks(own, begins[instrument.name], newest if instrument.kind == "gauge" else [], of)


def _is_of(instrument: Instrument, row: Row) -> bool:
    return row.kind in OF_KINDS[instrument.kind]
