"""From records to tables, one per event: the reference decoder, plain and slow, for every odd line.

A table's columns are `timestamp` (microseconds since 1970, UTC), `service`, `proc`, `seq`, `count`, each dimension as
text ("" is missing), per gauge `<g>_last` (a float; None is missing), and per measure `<m>`, `<m>_low`, `<m>_high`
(integers; None is missing) and, where a summary wants bins, `<m>_bins`.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from logemit.vocabulary import SCHEMA_VERSION

from .definitions import Catalogue
from .envelopes import Records, too_nested
from .fields import LONGEST, Bins, OutOfRangeError, Reader, WrongTypeError, text
from .plans import EventPlan, plan_event

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_SEQ = 2**62


class RejectedError(Exception):
    """Why a line that begins as an event is none: (kind, message)."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Rejection:
    line: int
    kind: str
    reason: str


@dataclass(slots=True)
class Batch:
    """Rows of one event, in columns, and the lines they came from."""

    plan: EventPlan
    columns: dict[str, list[Any]]
    lines: list[bytes] = field(default_factory=list)
    invalid: list[tuple[str, ...]] = field(default_factory=list)
    """Of each row, the fields that could not be measured."""

    def __len__(self) -> int:
        return len(self.lines)

    def keep(self, wanted: list[bool]) -> "Batch":
        columns = {name: [v for v, w in zip(column, wanted, strict=True) if w] for name, column in self.columns.items()}
        lines = [line for line, w in zip(self.lines, wanted, strict=True) if w]
        return Batch(self.plan, columns, lines, [names for names, w in zip(self.invalid, wanted, strict=True) if w])


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
        decoded.rejections = [Rejection(line, "too_long", "longer than 64 KiB") for line in records.too_long]
        for line, record in records.events:
            try:
                self._take(record, decoded)
            except RejectedError as exc:
                decoded.rejections.append(Rejection(line, exc.kind, str(exc)))
        return decoded

    def _take(self, record: bytes, decoded: Decoded) -> None:
        event = parse(record)
        name = event.get("event")
        if event.get("logemit") != SCHEMA_VERSION:
            found = event.get("logemit")
            raise RejectedError(
                "version", f"schema version {found!r:.20}, this logemit reads {SCHEMA_VERSION}: upgrade it"
            )
        if not isinstance(name, str) or not name:
            raise RejectedError("type", f"event is {name!r:.40}, expected a name")
        plan = self._plans.get(name)
        if plan is None:
            plan = plan_event(name, self._catalogue)
            if len(self._plans) < 10_000:  # names are hostile, too
                self._plans[name] = plan
        row, invalid = _row(event, plan)
        batch = decoded.batches.get(name)
        if batch is None:
            batch = decoded.batches[name] = Batch(plan, {column: [] for column in plan.columns})
        for column, values in batch.columns.items():
            values.append(row[column])
        batch.lines.append(record)
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


def _row(event: dict[str, Any], plan: EventPlan) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The columns of a line, and the fields that could not be measured."""
    row: dict[str, Any] = dict.fromkeys(plan.columns)
    row["timestamp"] = timestamp(event.get("timestamp"))
    row["service"] = _typed("service", text, event.get("service", ""))
    row["proc"], row["seq"] = _origin(event)
    values, invalid = _values(event, plan.name, plan.readers)
    for dimension in plan.dimensions:
        row[dimension] = values.get(dimension, "")
    row["count"] = values.get("count", 1) if plan.known else 1
    for measure in plan.measures:
        _spread(row, measure, values, invalid, plan.extremes.get(measure))
    for measure in plan.binned:
        row[f"{measure}_bins"] = _checked_bins(plan, values, measure, row)
    if plan.gauges:
        levels, off = _values(event, plan.name, plan.gauges)
        row.update({f"{name}_last": value for name, value in levels.items()})
        invalid |= off
    return row, tuple(invalid)


def _values(event: dict[str, Any], name: str, read_by: dict[str, Reader]) -> tuple[dict[str, Any], dict[str, None]]:
    """The fields that are there, and those that could not be measured, in order."""
    values: dict[str, Any] = {}
    invalid: dict[str, None] = {}
    for field_name, read in read_by.items():
        value = event.get(field_name)
        if value is None:
            continue
        try:
            values[field_name] = read(value)
        except WrongTypeError as exc:
            raise RejectedError("type", f"{name}.{field_name}: expected {exc}, found {value!r:.60}") from None
        except (OutOfRangeError, OverflowError):
            invalid[field_name] = None
    return values, invalid


def _spread(
    row: dict[str, Any],
    measure: str,
    values: dict[str, Any],
    invalid: dict[str, None],
    extremes: tuple[str, str] | None,
) -> None:
    """A fold brings its own extremes; a single event is its own. None of what it counts may be too long."""
    value = low = high = values.get(measure)
    if value is None:
        return
    if extremes and row["count"] > 1:
        low, high = (values.get(end) for end in extremes)
    off = any(end in invalid for end in extremes or ())
    too_long = max(high or 0, value // max(1, row["count"])) > LONGEST
    if too_long:
        invalid[measure] = None
    if not off and not too_long:
        row[measure], row[f"{measure}_low"], row[f"{measure}_high"] = value, low, high


def _checked_bins(plan: EventPlan, values: dict[str, Any], measure: str, row: dict[str, Any]) -> Bins | None:
    """The bins of a fold, which must hold as many as it counts; None for a single event, which is binned later."""
    if row[measure] is None or not plan.known or "bins" not in plan.readers:
        return None
    found: Bins | None = values.get("bins")
    if found is None and row["count"] == 1:
        return None
    held = sum(n for _, n in found or ())
    if held != row["count"]:
        raise RejectedError("type", f"{plan.name}.bins: expected {row['count']} in all, found {held}")
    return found


def _typed(name: str, read: Reader, value: Any) -> Any:
    try:
        return read(value)
    except WrongTypeError as exc:
        raise RejectedError("type", f"{name}: expected {exc}, found {value!r:.60}") from None


def _origin(event: dict[str, Any]) -> tuple[str | None, int | None]:
    """(proc, seq), or (None, None) for an event of another emitter that has no such thing."""
    proc, seq = event.get("proc"), event.get("seq")
    if proc is None and seq is None:
        return None, None
    if not isinstance(proc, str) or not 0 < len(proc) <= 64:
        raise RejectedError("type", f"proc: expected up to 64 characters, found {proc!r:.60}")
    if not isinstance(seq, int) or isinstance(seq, bool) or not 0 <= seq < _MAX_SEQ:
        raise RejectedError("type", f"seq: expected a whole number, found {seq!r:.60}")
    return proc, seq


def timestamp(value: Any) -> int:
    """Microseconds since 1970 of an ISO 8601 text with a zone. Raises RejectedError."""
    try:
        moment = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        raise RejectedError("timestamp", f"timestamp: expected ISO 8601 with a zone, found {value!r:.60}") from None
    if moment.tzinfo is None:
        raise RejectedError("timestamp", f"timestamp: {value!r:.60} has no zone; expected Z or an offset")
    if moment < EARLIEST:
        raise RejectedError("timestamp", f"timestamp: {value!r:.60} is before 2000")
    return (moment - EPOCH) // _MICROSECOND
