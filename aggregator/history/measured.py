"""The past of instruments: rows as instruments/ has them, added up window by window."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..instruments import Instrument, Row, View, samples_of
from ..series import Labels
from .levels import Lives, Newest
from .openmetrics import CUMULATIVE, Head, Run, Track
from .timeline import Slice

Series = tuple[str, tuple[tuple[str, str], ...]]
"""(what is added to the family's name, labels)."""

_Identity = tuple[Any, ...]


class Measured:
    """One family."""

    def __init__(
        self, instrument: Instrument, view: View, total: Iterable[Row], after: Iterable[Row], declared: Collection[str]
    ) -> None:
        """`total` is all that adds up, `after` what the windows hold that are read.

        `declared` are the services that had declared it before.
        """
        self.head = Head(instrument.family, instrument.type, instrument.help)
        self.instrument = instrument
        self._view = view
        self._lives = Lives()
        self._groups: dict[Labels, dict[_Identity, Row]] = defaultdict(dict)
        self._zeros = dict(zip(instrument.services, view.at_zero, strict=False))
        self._begun = {key for service, key in self._zeros.items() if service in declared}
        self.is_whole = self._begin(total, after)

    def _begin(self, total: Iterable[Row], after: Iterable[Row]) -> bool:
        """Whether the windows are a part of it."""
        later, is_whole = _added_up(after), True
        for identity, row in _added_up(total).items():
            before = _without(row, later.pop(identity, None))
            is_whole &= before.events >= 0 and all(n >= 0 for _, n in before.bins)
            if before.events > 0:
                self._groups[self._view.key(row)][identity] = before
        # A gauge that was never told a value is not shown.
        return is_whole and all(self.head.type == "gauge" and row.value is None for row in later.values())

    def tracks(self, rows: Iterable[Row], declared: Mapping[str, int], newest: Newest, of: Slice) -> Iterator[Track]:
        """Its samples in a slice, and what they are from there on.

        `declared` is by service the first step of the slice at which it was declared.
        """
        told: dict[int, list[Row]] = defaultdict(list)
        for row in rows:
            told[(row.step - of.begin) // of.step].append(row)
        begins: dict[int, set[Labels]] = defaultdict(set)
        for service in declared.keys() & self._zeros.keys():
            begins[(declared[service] - of.begin) // of.step].add(self._zeros[service])
        self._lives.meet(newest)
        changes: dict[Labels, list[tuple[int, dict[Series, float]]]] = defaultdict(list)
        for place in sorted({0, *told, *begins, *self._lives.places}):
            touched = self._add(told.get(place, ())) | begins.get(place, set())
            self._begun |= begins.get(place, set())
            self._lives.move(place)
            touched |= self._let_go()
            for key in touched if place else {*self._groups, *self._begun}:
                changes[key].append((place, self._samples(key)))
        for key in sorted(changes):
            yield from _tracks_of(self.head, changes[key])

    def _add(self, rows: Iterable[Row]) -> set[Labels]:
        touched = set()
        for row in rows:
            key, identity = self._view.key(row), _identity(row)
            group = self._groups[key]
            group[identity] = _merged(group[identity], row) if identity in group else row
            touched.add(key)
        return touched

    def _let_go(self) -> set[Labels]:
        """What processes told that do not live any more."""
        touched = set()
        for key, group in self._groups.items() if self._lives.places else ():
            over = [each for each, row in group.items() if row.is_live and self._lives.is_over(row.service, row.at)]
            for identity in over:
                del group[identity]
            if over:
                touched.add(key)
        return touched

    def _samples(self, key: Labels) -> dict[Series, float]:
        rows = [*self._groups[key].values()] if key in self._groups else []
        if self.head.type not in CUMULATIVE:
            rows = [row for row in rows if row.value is not None]
        if not rows and key not in self._begun:
            return {}
        cut = len(self.head.name) - len(self.instrument.shown_name)
        found = samples_of(self.instrument, rows, self._view.named(key))
        return {(suffix[cut:], tuple(labels.items())): value for suffix, labels, value in found}


def _tracks_of(head: Head, changes: Sequence[tuple[int, dict[Series, float]]]) -> Iterator[Track]:
    """Of one label set."""
    changes = [change for at, change in enumerate(changes) if not at or change[1] != changes[at - 1][1]]
    series = dict.fromkeys(each for _, samples in changes for each in samples)
    if head.type in CUMULATIVE:
        runs: list[Run] = [(place, [samples[each] for each in series]) for place, samples in changes]
        if runs[0][0]:  # so that increase() sees its first step
            runs.insert(0, (runs[0][0] - 1, [0.0] * len(series)))
        yield Track([(suffix, dict(labels)) for suffix, labels in series], runs)
        return
    for each in series:
        suffix, labels = each
        yield Track(
            [(suffix, dict(labels))],
            [(place, [samples[each]] if each in samples else None) for place, samples in changes],
        )


def _identity(row: Row) -> _Identity:
    labels = tuple(sorted(row.labels.items()))
    return row.kind, row.mode, row.state, row.proc, row.service, type(row.labels), labels


def _added_up(rows: Iterable[Row]) -> dict[_Identity, Row]:
    """Several may have the same identity, with labels spelled in other ways."""
    found: dict[_Identity, Row] = {}
    for row in rows:
        identity = _identity(row)
        found[identity] = _merged(found[identity], row) if identity in found else row
    return found


def _merged(before: Row, row: Row) -> Row:
    told = max((each for each in (before, row) if each.value is not None), key=_when, default=row)
    bins = before.bins
    if row.bins:
        added = Counter(dict(before.bins))
        added.update(dict(row.bins))
        bins = tuple(added.items())
    events, nanos = before.events + row.events, before.nanos + row.nanos
    return replace(row, events=events, nanos=nanos, bins=bins, value=told.value, at=told.at)


def _when(row: Row) -> tuple[int, float]:
    return row.at, row.value or 0.0


def _without(row: Row, less: Row | None) -> Row:
    """What was there before, of which it is not known what was told last."""
    if less is None:
        return replace(row, value=None, at=0)
    fewer = dict(less.bins)
    bins = tuple((le, n - fewer.pop(le, 0)) for le, n in row.bins)
    left = tuple((le, -n) for le, n in fewer.items())
    return replace(
        row, events=row.events - less.events, nanos=row.nanos - less.nanos, bins=(*bins, *left), value=None, at=0
    )
