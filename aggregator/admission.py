"""Which label values and which series a metric shows; the others add to `__other__`.

A place is given when a value is met for the first time, and for good: to those that bring most events, then by name,
until all are taken. What was shown before stays. What was once counted in `__other__` stays there, also when a cap is
raised: it is among the totals of before and not among the admitted. So no series ever falls. Nothing is kept of a label
that stays below its cap: then all its values are admitted.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from .definitions import Column, Metric
from .errors import StateError
from .limits import Caps

ADMITTED_PATH = "_logemit/admitted.json"
OTHER = "__other__"
Labels = tuple[str, ...]
T = TypeVar("T", str, Labels)
SERIES = ""
"""In place of a label's column: the cap that was reached is that of the series."""


@dataclass(slots=True)
class Places:
    """What a metric may show. `grouping` names the columns of its labels; of those not among `values` all."""

    grouping: Labels
    values: dict[str, set[str]] = field(default_factory=dict)
    series: set[Labels] | None = None
    hidden: dict[str, int] = field(default_factory=dict)
    """How many values of a column, or SERIES, are shown as `__other__`."""
    reached: dict[str, int] = field(default_factory=dict)
    """The columns, or SERIES, whose cap was met in this run for the first time, and that cap."""

    def admit(self, what: str, events: Mapping[T, int], most: int, known: Callable[[], set[T]]) -> set[T] | None:
        """Who of these values of a column, or of these SERIES, has a place; None where there is one for all."""
        before: Any = self.series if what == SERIES else self.values.get(what)
        if before is None and len(events) <= most:
            return None
        kept = known() & events.keys() if before is None else before
        ranked = sorted(events.keys() - kept - known(), key=lambda value: (-events[value], value))
        admitted: set[T] = kept | set(ranked[: max(0, most - len(kept))])
        self.hidden[what] = len(events.keys() - admitted)
        if before is None:
            self.reached[what] = most
        return admitted

    def mapped(self, key: Labels) -> Labels:
        """With the values that have no place as `__other__`."""
        if not self.values:
            return key
        admitted = map(self.values.get, self.grouping)
        return tuple(value if of is None or value in of else OTHER for value, of in zip(key, admitted, strict=True))

    def shown(self, key: Labels) -> Labels:
        """What a series is shown as."""
        as_ = self.mapped(key)
        return as_ if self.series is None or as_ in self.series else self.rest(as_)

    def rest(self, key: Labels) -> Labels:
        """What a series without a place is shown as: of its labels the service is left."""
        pairs = zip(self.grouping, key, strict=True)
        return tuple(value if dimension == "service" else OTHER for dimension, value in pairs)

    def widened(self, grouping: Labels) -> "Places":
        """The same places, where columns were added that were empty so far."""
        if not set(self.grouping) < set(grouping):
            return self
        of = [self.grouping.index(column) if column in self.grouping else None for column in grouping]
        series = self.series and {tuple("" if at is None else key[at] for at in of) for key in self.series}
        return Places(grouping, self.values, series)

    def is_rest(self, key: Labels) -> bool:
        return key == self.rest(key)


class Admission:
    """The places of all metrics: those of before, and those of this run."""

    def __init__(self, before: bytes | None) -> None:
        """Raises StateError."""
        self._before = _loaded(before) if before else {}
        self._now: dict[str, Places] = {}
        self._labels: dict[str, dict[str, str]] = {}

    def shown(
        self,
        metric: Metric,
        columns: Sequence[Column],
        caps: Caps,
        events: Mapping[Labels, int],
        old: Callable[[], Iterable[Labels]],
        *,
        widens: bool = False,
    ) -> Mapping[Labels, Labels] | None:
        """What each label set is shown as; None where all are as they are.

        `events` of each label set say who comes first. `old` gives the label sets in the totals of before. Where it
        `widens`, a column may be added that is empty in them.
        """
        before = self._before.get(metric.name)
        grouping = tuple(map(str, columns))  # another mapping means other places
        if before is not None and widens:
            before = before.widened(grouping)
        places = self._now[metric.name] = Places(grouping)
        self._labels[metric.name] = {**{str(column): label for label, column in metric.labels}, "service": "service"}
        if before is None or before.grouping != grouping:
            old = tuple
        else:
            places.values, places.series = dict(before.values), before.series
        if len(events) <= caps.values("service") and not places.values and places.series is None:
            return None
        known = cache(lambda: list(old()))
        for at, dimension in enumerate(grouping):
            values = _added_up((key[at], number) for key, number in events.items() if key[at] != OTHER)
            admitted = places.admit(dimension, values, caps.values(dimension), lambda: {key[at] for key in known()})  # noqa: B023
            if admitted is not None:
                places.values[dimension] = admitted
        mapped = {key: places.mapped(key) for key in events}
        series = _added_up((mapped[key], number) for key, number in events.items() if not places.is_rest(mapped[key]))
        places.series = places.admit(SERIES, series, caps.max_series, lambda: set(map(places.mapped, known())))
        if places.series is None:
            return mapped if places.values else None
        return {key: places.shown(key) for key in events}

    def places(self, metric: str) -> Places:
        """Those of this run, once it is known what is shown."""
        return self._now[metric]

    def columns_before(self, metric: str) -> Labels:
        """By which it was grouped in the run before."""
        return self._before[metric].grouping if metric in self._before else ()

    @property
    def hidden(self) -> dict[str, dict[str, int]]:
        """By metric and label ("" for its series), how many values are shown as `__other__`."""
        return {
            name: {self._labels[name].get(what, ""): number for what, number in places.hidden.items()}
            for name, places in sorted(self._now.items())
            if places.hidden
        }

    @property
    def warnings(self) -> Iterator[str]:
        """Of the caps that were met in this run for the first time."""
        found: dict[tuple[str, int], list[str]] = {}
        for name, places in self._now.items():
            for what, most in places.reached.items():
                found.setdefault((self._labels[name].get(what, ""), most), []).append(name)
        for (label, most), names in found.items():
            what = f"values of label {label!r}" if label else "series"
            metrics = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more metrics"
            key = "max_label_values" if label else "max_series"
            yield f"{metrics}: more than {most:,} {what}; the others are shown as {OTHER}: set {key} in logemit.toml"

    def encoded(self, *, is_all: bool = True) -> bytes | None:
        """For the next run; None where nothing changed. Unless this was all, other metrics keep their places."""
        places = self._now if is_all else {**self._before, **self._now}
        kept = {name: _document(of) for name, of in sorted(places.items())}
        if kept == {name: _document(of) for name, of in self._before.items()}:
            return None
        return json.dumps(kept).encode() + b"\n"


def _added_up(numbers: Iterable[tuple[T, int]]) -> Mapping[T, int]:
    found: Counter[T] = Counter()
    for key, number in numbers:
        found[key] += number
    return found


def _document(places: Places) -> dict[str, Any]:
    values = {dimension: sorted(held) for dimension, held in sorted(places.values.items())}
    series = None if places.series is None else sorted(map(list, places.series))
    return {"grouping": list(places.grouping), "values": values, "series": series}


def _loaded(data: bytes) -> dict[str, Places]:
    try:
        return {name: _places(**found) for name, found in json.loads(data).items()}
    except (ValueError, TypeError, AttributeError) as exc:
        raise StateError(f"the admitted series cannot be read: {exc}; see logemit repair") from None


def _places(grouping: list[str], values: dict[str, list[str]], series: list[list[str]] | None) -> Places:
    kept = None if series is None else set(map(tuple, series))
    return Places(tuple(grouping), {name: set(held) for name, held in values.items()}, kept)
