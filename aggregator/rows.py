"""From one event to its row: what each column of the event's table takes from the line."""

import reprlib
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from typing import Any

from logemit import grid

from .decimals import NANOS
from .fields import LONGEST, Bins, OutOfRangeError, Reader, WrongTypeError, shortened, shortened_labels, text
from .plans import EventPlan

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
OBSERVED = ("histogram", "summary")
"""Kinds of measurements of which each value counts, not what they add up to."""
SUMMED = (*OBSERVED, "counter", "bucket")
"""Those whose values add up; of the others the last one counts."""
_VALUES = grid.bounds("value")
_MAX_SEQ = 2**62
_MOST_SHOWN = 60
_shortened = reprlib.Repr()
_shortened.maxlevel = 3
_shortened.maxstring = _shortened.maxlong = _shortened.maxother = _MOST_SHOWN


def shown(value: Any, most: int = _MOST_SHOWN) -> str:
    """What a value was, for people, however large or deep it is: repr follows only so deep, and then raises."""
    return _shortened.repr(value)[:most]


class RejectedError(Exception):
    """Why a line that begins as an event is none: (kind, message)."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def row_of(event: dict[str, Any], plan: EventPlan) -> tuple[dict[str, Any], tuple[str, ...]]:
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
        if measure in plan.values:
            _spread_value(row, measure, values, invalid, plan)
        else:
            _spread(row, measure, values, invalid, plan.extremes.get(measure))
    for measure in plan.binned:
        row[f"{measure}_bins"] = _checked_bins(plan, values, measure, row)
    if plan.gauges:
        levels, off = _values(event, plan.name, plan.gauges)
        row.update({f"{name}_last": value for name, value in levels.items()})
        invalid |= off
    return row, tuple(invalid)


def shorten(row: dict[str, Any], plan: EventPlan) -> int:
    """Cuts the texts that are too long; how many there were."""
    cut = 0
    for name in ("service", *plan.dimensions):
        whole, shorten = row[name], shortened_labels if name in plan.objects else shortened
        row[name] = shorten(whole)
        cut += row[name] != whole
    return cut


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
            raise RejectedError("type", f"{name}.{field_name}: expected {exc}, found {shown(value)}") from None
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


def _spread_value(
    row: dict[str, Any], measure: str, values: dict[str, Any], invalid: dict[str, None], plan: EventPlan
) -> None:
    """In nanos, between doubles where it was observed; what a counter adds has no extremes, and is not negative."""
    value, kind, extremes = values.get(measure), values.get("kind"), plan.extremes.get(measure, ())
    if plan.known and kind not in SUMMED and measure in plan.gauges:
        invalid.pop(measure, None)  # it is a level, which may be greater
        return
    if value is None:
        return
    low = high = value / NANOS
    if plan.known and kind not in OBSERVED:
        low = high = None
    elif extremes and row["count"] != 1:
        low, high = (values.get(end) for end in extremes)
    if any(end in invalid for end in extremes) or (plan.known and kind == "counter" and value < 0):
        invalid[measure] = None
        return
    row[measure] = value
    row[f"{measure}_low"], row[f"{measure}_high"] = (None if end is None else end + 0.0 for end in (low, high))


def _checked_bins(plan: EventPlan, values: dict[str, Any], measure: str, row: dict[str, Any]) -> Bins | None:
    """The bins of a fold, which must hold as many as it counts; None for a single event, which is binned later."""
    if measure in plan.values:
        return _bins_of_value(plan, values, row[measure], row["count"])
    if row[measure] is None or not plan.known or "bins" not in plan.readers:
        return None
    if values.get("bins") is None and row["count"] == 1:
        return None
    return _whole_bins(plan, values, row["count"])


def _bins_of_value(plan: EventPlan, values: dict[str, Any], value: int | None, count: int) -> Bins | None:
    """A histogram tells them, also where what was observed has no sum; those of an app's own event are made here."""
    if plan.known:
        is_told = values.get("kind") == "histogram" and (value is not None or "bins" in values)
        return _whole_bins(plan, values, count) if is_told else None
    return None if value is None else ((_VALUES[bisect_left(grid.VALUES_NANO, value)], 1),)


def _whole_bins(plan: EventPlan, values: dict[str, Any], count: int) -> Bins:
    found: Bins = values.get("bins", ())
    held = sum(n for _, n in found)
    if held != count:
        raise RejectedError("type", f"{plan.name}.bins: expected {count} in all, found {held}")
    return found


def _typed(name: str, read: Reader, value: Any) -> Any:
    try:
        return read(value)
    except WrongTypeError as exc:
        raise RejectedError("type", f"{name}: expected {exc}, found {shown(value)}") from None


def _origin(event: dict[str, Any]) -> tuple[str | None, int | None]:
    """(proc, seq), or (None, None) for an event of another emitter that has no such thing."""
    proc, seq = event.get("proc"), event.get("seq")
    if proc is None and seq is None:
        return None, None
    if not isinstance(proc, str) or not 0 < len(proc) <= 64:
        raise RejectedError("type", f"proc: expected up to 64 characters, found {shown(proc)}")
    if not isinstance(seq, int) or isinstance(seq, bool) or not 0 <= seq < _MAX_SEQ:
        raise RejectedError("type", f"seq: expected a whole number, found {shown(seq)}")
    return proc, seq


def timestamp(value: Any) -> int:
    """Microseconds since 1970 of an ISO 8601 text with a zone. Raises RejectedError."""
    try:
        moment = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        raise RejectedError("timestamp", f"timestamp: expected ISO 8601 with a zone, found {shown(value)}") from None
    if moment.tzinfo is None:
        raise RejectedError("timestamp", f"timestamp: {shown(value)} has no zone; expected Z or an offset")
    if moment < EARLIEST:
        raise RejectedError("timestamp", f"timestamp: {shown(value)} is before 2000")
    return (moment - EPOCH) // _MICROSECOND
