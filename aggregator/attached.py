"""The exemplars of metrics.prom, by the sample each belongs to: those of the last commit, overlaid with new ones."""

import json
from collections.abc import Iterator, Mapping
from heapq import nlargest
from itertools import chain
from typing import Any

from .admission import Admission
from .definitions import Metric
from .errors import StateError
from .exemplars import IDS, Exemplar, Exemplars, Labels
from .promtext import number, series
from .store import Store

EXEMPLARS_PATH = "_logemit/exemplars.json"
MOST = 1000
"""The newest are kept."""


class Attached:
    """Complete once `meet` was told of all histograms; `warnings` say what was wrong with those of before."""

    def __init__(self, store: Store, gathered: Exemplars, admission: Admission, *, service_label: bool) -> None:
        self.warnings: list[str] = []
        self._before, self._old = self._read(store)
        self._gathered, self._admission, self._service_label = gathered, admission, service_label
        self._new: dict[str, list[tuple[str, str, Exemplar]]] = {}
        """By metric: sample, the one shown where there was no room for it in the totals, and exemplar."""
        self._met: set[str] = set()

    def _read(self, store: Store) -> tuple[bytes | None, dict[str, Exemplar]]:
        """The file, and what it says. A damaged one stops no run: nothing else follows from it."""
        try:
            data = store.read(EXEMPLARS_PATH)
            return data, _loaded(data) if data else {}
        except StateError:
            self.warnings.append(f"{EXEMPLARS_PATH}: is not what was committed; exemplars begin anew")
            return b"", {}

    def meet(self, metric: Metric, text: str) -> None:
        """Some of the lines of a metric's family."""
        if metric.type != "histogram" or not self._gathered.wishes:
            return
        if metric.name not in self._new:
            self._new[metric.name] = list(self._named(metric))
        begin = f"{metric.name}_bucket{{"
        wanted = {sample for sample in self._old if sample.startswith(begin)}
        wanted.update(chain.from_iterable(samples for *samples, _ in self._new[metric.name]))
        if wanted:
            self._met |= wanted & {line.rpartition(" ")[0] for line in text.split("\n")}

    def _named(self, metric: Metric) -> Iterator[tuple[str, str, Exemplar]]:
        places = self._admission.places(metric.name)
        for bucket, exemplar in self._gathered.of(metric):
            shown, rest = places.shown(bucket.labels), places.rest(bucket.labels)
            yield self._sample(metric, shown, bucket.le), self._sample(metric, rest, bucket.le), exemplar

    def _sample(self, metric: Metric, labels: Labels, le: float) -> str:
        """As it stands in metrics.prom before its value."""
        names = [*(["service"] if self._service_label else []), *(label for label, _ in metric.labels), "le"]
        return series(f"{metric.name}_bucket", dict(zip(names, (*labels, number(le)), strict=True)))

    def encoded(self) -> bytes | None:
        """For the next run, and for who serves the metrics; None where nothing changed."""
        found = {sample: exemplar for sample, exemplar in self._old.items() if sample in self._met}
        for *samples, exemplar in chain.from_iterable(self._new.values()):
            if sample := next((each for each in samples if each in self._met), None):
                found[sample] = max(exemplar, found.get(sample, exemplar))
        newest = nlargest(MOST, found.items(), key=lambda each: each[::-1])
        data = json.dumps({sample: _document(exemplar) for sample, exemplar in sorted(newest)}).encode() + b"\n"
        return None if data == self._before or (self._before is None and not found) else data


def _document(exemplar: Exemplar) -> dict[str, Any]:
    return {exemplar.name: exemplar.id, "value": exemplar.duration / 10**6, "timestamp": exemplar.moment / 10**6}


def _loaded(data: bytes) -> dict[str, Exemplar]:
    """Raises StateError."""
    try:
        return {sample: _exemplar(found) for sample, found in json.loads(data).items()}
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError) as exc:
        raise StateError(f"the exemplars cannot be read: {exc}; see logemit repair") from None


def _exemplar(found: Mapping[str, Any]) -> Exemplar:
    (name,) = found.keys() & set(IDS)
    return Exemplar(round(found["timestamp"] * 10**6), str(found[name]), round(found["value"] * 10**6), name)
