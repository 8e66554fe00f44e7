"""From records to tables, one per event: the reference decoder, plain and slow, for every odd line.

A table's columns are `timestamp` (microseconds since 1970, UTC), `service`, `proc`, `seq`, `count`, each dimension as
text ("" is missing), per gauge `<g>_last` (a float; None is missing), and per measure `<m>`, `<m>_low`, `<m>_high`
(integers, of values the latter two doubles; None is missing) and, where a summary wants bins, `<m>_bins`.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import orjson

from logemit.vocabulary import SCHEMA_VERSION

from .definitions import Catalogue
from .envelopes.envelope import too_nested
from .fields import shortened
from .plans import EventPlan, plan_event
from .records import Record, Records
from .rows import RejectedError, row_of, shorten, shown


@dataclass(frozen=True, slots=True)
class Rejection:
    record: Record
    kind: str
    reason: str


@dataclass(slots=True)
class Batch:
    """Rows of one event, in columns, and the lines they came from."""

    plan: EventPlan
    columns: dict[str, list[Any]]
    records: list[Record] = field(default_factory=list)
    invalid: list[tuple[str, ...]] = field(default_factory=list)
    """Of each row, the fields that could not be measured."""
    cut: list[int] = field(default_factory=list)
    """Of each row, how many texts were too long."""

    def __len__(self) -> int:
        return len(self.records)

    def origin(self, row: int) -> tuple[str | None, int | None, int]:
        """Process, number and moment."""
        return self.columns["proc"][row], self.columns["seq"][row], self.columns["timestamp"][row]

    def keep(self, wanted: list[bool]) -> "Batch":
        columns = {name: list(compress(column, wanted)) for name, column in self.columns.items()}
        kept = (list(compress(each, wanted)) for each in (self.records, self.invalid, self.cut))
        return Batch(self.plan, columns, *kept)  # type: ignore[arg-type]


@dataclass(slots=True)
class Decoded:
    batches: dict[str, Batch] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)

    @property
    def fields_invalid(self) -> Counter[str]:
        """How often each field could not be measured, by event.field."""
        names = (f"{b.plan.name}.{name}" for b in self.batches.values() for names in b.invalid for name in names)
        return Counter(names)


class Decoder:
    """Reads lines against a catalogue's wishes and the vocabulary's types."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._plans: dict[str, EventPlan] = {}

    def decode(self, records: Records) -> Decoded:
        decoded = Decoded()
        decoded.rejections = [Rejection(record, "too_long", "longer than 64 KiB") for record in records.too_long]
        for record in records.events:
            try:
                self._take(record, decoded)
            except RejectedError as exc:
                decoded.rejections.append(Rejection(record, exc.kind, str(exc)))
        decoded.rejections.sort(key=lambda rejection: rejection.record.line)
        return decoded

    def plan(self, name: str) -> EventPlan:
        plan = self._plans.get(name)
        if plan is None:
            plan = plan_event(name, self._catalogue)
            if len(self._plans) < 10_000:  # names are hostile, too
                self._plans[name] = plan
        return plan

    def _take(self, record: Record, decoded: Decoded) -> None:
        event = parse(record.text)
        name = event.get("event")
        if event.get("logemit") != SCHEMA_VERSION:
            found = event.get("logemit")
            raise RejectedError(
                "version", f"schema version {shown(found, 20)}, this logemit reads {SCHEMA_VERSION}: upgrade it"
            )
        if not isinstance(name, str) or not name:
            raise RejectedError("type", f"event is {shown(name, 40)}, expected a name")
        whole, name = name, shortened(name)
        plan = self.plan(name)
        row, invalid = row_of(event, plan)
        batch = decoded.batches.get(name)
        if batch is None:
            batch = decoded.batches[name] = Batch(plan, {column: [] for column in plan.columns})
        batch.cut.append(shorten(row, plan) + (name != whole))
        for column, values in batch.columns.items():
            values.append(row[column])
        batch.records.append(record)
        batch.invalid.append(invalid)


def parse(record: bytes) -> dict[str, Any]:
    """The JSON object of a line. Raises RejectedError."""
    try:
        value = orjson.loads(record)
    except orjson.JSONDecodeError as strict:
        # The standard library also takes NaN and lone surrogates; what neither takes is broken.
        try:
            value = None if too_nested(record) else json.loads(record.decode("utf-8"))
        except (ValueError, RecursionError):
            raise RejectedError("json", f"broken JSON: {str(strict)[:100]}") from None
        if isinstance(value, dict):
            value = {name: _encodable(item) for name, item in value.items()}
    if not isinstance(value, dict):
        raise RejectedError("json", "not a JSON object")
    return value


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
