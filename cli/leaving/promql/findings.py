"""What becomes of an expression once its metrics are those that come in their place."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from math import inf
from typing import NamedTuple

from aggregator.names import plain_name
from aggregator.spans import shown

from ..successors import BY_ITSELF, SERVICE, Successor
from .selectors import QUANTILES, Range, Use

_OF_CHANGE = frozenset(
    {
        *("rate", "irate", "increase", "delta", "idelta", "deriv", "changes", "resets", "predict_linear"),
        "double_exponential_smoothing",
    }
)
"""Functions that see how much a number changed within a range."""
_OF_TWO_SAMPLES = ("irate", "idelta")
_OF_A_SCRAPE = {
    "instance": "who serves logemit's file, not of a process of the app",
    "job": "the scrape of logemit's file, not of the app",
}
_OF_SAMPLES = ("le", "quantile")
_RUNS = 2
"""Intervals between runs that a range spans at least."""


class What(StrEnum):
    """What is the matter; the values are what --json says."""

    RENAMED = "renamed"
    GONE = "gone"
    LABEL = "label"
    RANGE = "range"
    BUCKETS = "buckets"
    DIFFERS = "differs"  # it has its name and its labels, and does not mean quite the same
    UNREAD = "unread"  # nobody knows


@dataclass(frozen=True, slots=True)
class Finding:
    """`must_change`: without a change it shows nothing, or something wrong; otherwise it is to know."""

    file: str
    line: int
    what: What
    metric: str
    text: str
    expression: str
    must_change: bool

    def __str__(self) -> str:
        return f"{self.metric}: {self.text}" if self.metric else self.text


class Told(NamedTuple):
    """Of one metric in one expression."""

    what: What
    metric: str
    text: str
    must_change: bool = True


class Known:
    """The metrics of the map, by the names of their samples."""

    def __init__(self, successors: Sequence[Successor], interval: int) -> None:
        """`interval`: seconds between two runs of logemit aggregate."""
        self._interval = interval
        self._samples: dict[str, tuple[Successor, str]] = {}
        for each in successors:
            for old, new in each.samples.items():
                self._samples.setdefault(old, (each, new))
                if plain_name(old) == new:  # which it may have had in Prometheus
                    self._samples.setdefault(new, (each, new))
        counters = [each for each in successors if each.type == "counter"]
        self._without_total = {each.old.removesuffix("_total"): each for each in counters}

    def told(self, use: Use) -> Iterator[Told]:
        """Nothing of metrics that are not in the map. Of a pattern, what must be changed."""
        if use.is_pattern:
            yield from self._of_pattern(use)
        elif use.name in self._samples:
            yield from self._of_sample(use, use.name)
        elif (found := self._without_total.get(use.name)) is not None:
            yield Told(What.GONE, use.name, f"has no such name: a counter ends in _total, as `{found.name}`")

    def _of_pattern(self, use: Use) -> Iterator[Told]:
        names = use.name.replace(".+", ".*").split("|")
        if not all(re.fullmatch(r"[\w:]*(?:\.\*[\w:]*)*", name) for name in names):
            begin = re.match(r"\^?([\w:]*)", use.name)
            if any(sample.startswith(begin[1] if begin else "") for sample in self._samples):
                yield Told(What.UNREAD, use.name, "is a pattern for names: see which of them it is for")
            return
        globs = [name.replace(".*", "*") for name in names if name != ".*"]
        found = [sample for sample, (_, new) in self._samples.items() if new and _fits(sample, globs)]
        for sample in found:
            for each in self._of_sample(use, sample):
                if each.must_change and not (each.what is What.RENAMED and _fits(self._samples[sample][1], globs)):
                    yield each._replace(metric=use.name)

    def _of_sample(self, use: Use, sample: str) -> Iterator[Told]:
        successor, new = self._samples[sample]
        if not new:
            is_created = bool(successor.name)
            text = "has no successor: when a series began is not told" if is_created else successor.differences[0]
            yield Told(What.GONE, sample, text)
            return
        if new != sample:
            yield Told(What.RENAMED, sample, f"is `{new}` now")
        found = [*_labels(use, successor), *self._ranges(use), *_buckets(use, successor)]
        if successor.differences:
            found.append(Told(What.DIFFERS, "", "; ".join(successor.differences), must_change=False))
        for each in found:
            if _may_be_of_others(use, successor):
                yield each._replace(metric=sample, text=f"if it is the app's: {each.text}", must_change=False)
            else:
                yield each._replace(metric=sample)

    def _ranges(self, use: Use) -> Iterator[Told]:
        for each in use.ranges:
            if each.function in _OF_TWO_SAMPLES:
                text = f"{each.function}() looks at two scrapes, and is 0 but right after a run: take rate() or delta()"
                yield Told(What.RANGE, "", text)
            elif each.function in _OF_CHANGE:
                yield from self._range(each)

    def _range(self, asked: Range) -> Iterator[Told]:
        least = shown(_RUNS * self._interval)
        if asked.variable == "__rate_interval":
            text = f"$__rate_interval follows the data source: set its scrape interval to {shown(self._interval)}"
            yield Told(What.RANGE, "", text, must_change=False)
        elif asked.variable and asked.variable != "__range":
            text = f"${asked.variable} must be {least} at least: two intervals between runs"
            yield Told(What.RANGE, "", text, must_change=False)
        elif not asked.variable and asked.seconds < _RUNS * self._interval:
            text = f"a range of {shown(int(asked.seconds))} is too short: {least} at least, two intervals between runs"
            yield Told(What.RANGE, "", text)


def _fits(name: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


def _may_be_of_others(use: Use, successor: Successor) -> bool:
    """Every client of Prometheus has process_*: a label of the scrape may choose another's."""
    labels = successor.labels or ()
    return successor.source == BY_ITSELF and any(not each.is_open and each.label not in labels for each in use.matchers)


def _labels(use: Use, successor: Successor) -> Iterator[Told]:
    renamed = dict(successor.relabelled)
    fixed = {each.label for each in use.matchers if not each.is_open}
    for label in dict.fromkeys([*(each.label for each in use.matchers), *use.labels]):
        is_fixed = label in fixed
        if label in renamed:
            yield Told(What.LABEL, "", f"`{label}` is `{renamed[label]}` now")
        elif label == "pid":
            yield Told(What.LABEL, "", "`pid` is no label any more: one series tells of all processes")
        elif label in _OF_A_SCRAPE and (is_fixed or label in use.labels):
            must_change = is_fixed or label == "instance"
            yield Told(What.LABEL, "", f"`{label}` is that of {_OF_A_SCRAPE[label]}", must_change)
        elif label == SERVICE and is_fixed:
            yield Told(What.LABEL, "", "`service` is logemit's own label now: what LOGEMIT_SERVICE calls the app")
        elif is_fixed and successor.labels is not None and label not in (*successor.labels, *_OF_SAMPLES):
            text = f"`{label}` is none of its labels: the scrape has to attach it"
            yield Told(What.LABEL, "", text, must_change=False)


def _buckets(use: Use, successor: Successor) -> Iterator[Told]:
    if not successor.buckets:
        return
    there = {*successor.buckets, inf}
    for asked in use.matchers:
        for value in asked.values if asked.label == "le" else ():
            bound = _number(value)
            if bound not in there:
                bounds = ", ".join(format(each, "g") for each in successor.buckets)
                yield Told(What.BUCKETS, "", f"no bucket ends at {value}: they end at {bounds}")
    if successor.old_buckets and set(use.functions) & set(QUANTILES):
        yield Told(What.BUCKETS, "", "its buckets are others than there: so are quantiles", must_change=False)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
