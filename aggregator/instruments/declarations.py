"""What instruments are, as processes declared them; what was not declared is told by its measurements."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from math import inf

from ..cube import Cube
from ..names import plain_name
from .rows import Row

KINDS = ("counter", "gauge", "histogram", "summary", "info", "enum")
DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""prometheus_client's."""


@dataclass(frozen=True, slots=True)
class Instrument:
    name: str
    kind: str
    help: str = ""
    buckets: tuple[float, ...] = DEFAULT_BUCKETS
    states: tuple[str, ...] = ()
    label_names: tuple[str, ...] = ()
    services: frozenset[str] = frozenset()
    """That have it without labels, and so show it from the beginning."""

    @property
    def shown_name(self) -> str:
        return plain_name(self.name)

    @property
    def family(self) -> str:
        """The name of its family."""
        return f"{self.shown_name}_info" if self.kind == "info" else self.shown_name

    @property
    def type(self) -> str:
        """Of its family: text 0.0.4 has no word for info and enum."""
        return "gauge" if self.kind in ("info", "enum") else self.kind


def declared(totals: Cube) -> dict[str, Instrument]:
    """By name. Each service has its newest declaration; of several services that of the first by name holds."""
    names = ("name", "service", "declared_last_at", "kind", "help", "buckets", "states", "label_names")
    newest: dict[tuple[str, str], tuple[str, ...]] = {}
    rows = zip(*(totals.cells[each].to_pylist() for each in names), strict=True)
    for name, service, _, *rest in sorted(rows, key=lambda row: (*row[:2], row[2] is not None, *row[2:])):
        if rest[0] in KINDS:
            newest[name, service] = tuple(rest)
    found: dict[str, Instrument] = {}
    for (name, service), (kind, help_text, buckets, states, label_names) in sorted(newest.items()):
        labels = tuple(plain_name(label, is_label=True) for label in label_names.split(",") if label)
        first = found.get(name) or Instrument(name, kind, help_text, _buckets(buckets), _states(states), labels)
        found[name] = first if labels else replace(first, services=first.services | {service})
    return found


def guessed(name: str, rows: Iterable[Row]) -> Instrument:
    kinds = {"histogram" if row.kind == "bucket" else row.kind for row in rows}
    return Instrument(name, min(kinds & set(KINDS), key=lambda kind: (kind == "summary", kind), default=""))


def _buckets(text: str) -> tuple[float, ...]:
    try:
        bounds = tuple(map(float, text.split(","))) if text else DEFAULT_BUCKETS
    except ValueError:
        return DEFAULT_BUCKETS
    return tuple(sorted({bound for bound in bounds if bound < inf}))


def _states(text: str) -> tuple[str, ...]:
    try:
        found = json.loads(text) if text else []
    except ValueError:
        return ()
    return tuple(map(str, found)) if isinstance(found, Collection) else ()
