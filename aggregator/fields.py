"""One field's JSON value to what is kept of it: text for dimensions, integers for measures, floats for gauges.

Seconds become integer microseconds here, once, and that integer feeds sum, min, max and bins alike. A value of the
wrong type raises WrongTypeError and the line is rejected; a number that cannot be a measurement (NaN, infinite,
negative, too large) raises OutOfRangeError and only the field is missing.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from math import inf, isfinite
from typing import Any

from logemit import grid
from logemit.vocabulary import Event, Field

from .definitions import Measure

LONGEST = 2**50
"""Microseconds of one duration, 35 years: Parquet shows as many exactly. More is no measurement."""

MAX_SUM = 2**62
"""Of one fold's microseconds; sums stay there, too."""

MAX_GAUGE = 1e300
"""Of a gauge, either side of 0: as many as there may be still add up in a double."""

MAX_COUNT = 2**40
"""Of one line's bytes or counts: more is no measurement, and eight million such lines still add up in 64 bits."""

Bins = tuple[tuple[float, int], ...]
Reader = Callable[[Any], Any]

_SECONDS_LE = dict(zip((*grid.SECONDS_TEXT, "+Inf"), (*grid.SECONDS, inf), strict=True))
_SECONDS_LE_EXACT = {Decimal(bound): bound for bound in grid.SECONDS_TEXT}
_DECIMAL = re.compile(r"\+?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})(e[+-]?\d{1,2})?", re.ASCII | re.IGNORECASE)


class WrongTypeError(ValueError):
    """`str()` says what was expected."""


class OutOfRangeError(ValueError):
    """The value is of the right type and cannot be measured."""


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongTypeError("a number")
    return value


def text(value: Any) -> str:
    """A dimension or name; an integer is taken as its digits, because ids are often numbers."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise WrongTypeError("text")


def integer_text(value: Any) -> str:
    return str(count(value))


def boolean_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    raise WrongTypeError("true or false")


def microseconds(value: Any) -> int:
    """Of one duration or, so far, of all in a fold."""
    seconds = _number(value)
    if not 0 <= seconds <= MAX_SUM / 10**6:
        raise OutOfRangeError
    return round(seconds * 1_000_000)


def count(value: Any) -> int:
    """Bytes or a count."""
    number = _number(value)
    if not 0 <= number <= MAX_COUNT:
        raise OutOfRangeError
    if number != int(number):
        raise WrongTypeError("a whole number")
    return int(number)


def any_number(value: Any) -> int | float:
    number = _number(value)
    if not isfinite(number):
        raise OutOfRangeError
    return number


def any_gauge(value: Any) -> float:
    number = float(any_number(value))
    if abs(number) > MAX_GAUGE:
        raise OutOfRangeError
    return number + 0.0  # one zero, not two: a last value must be the same in any order


def level(value: Any) -> float:
    """A gauge of logemit's own events: none of them goes below 0."""
    number = any_gauge(value)
    if number < 0:
        raise OutOfRangeError
    return number


def whole_level(value: Any) -> float:
    if isinstance(value, float) and isfinite(value) and not value.is_integer():
        raise WrongTypeError("a whole number")
    return level(value)


def any_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WrongTypeError("an object")
    return value


def bins(value: Any) -> Bins:
    """`le:count,…` on the grid of seconds: (upper bound, count), ascending."""
    pairs = []
    for pair in text(value).split(","):
        text_le, _, number = pair.partition(":")
        le = _bound(text_le)
        if le is None or not (number.isascii() and number.isdigit() and len(number) < 16):
            raise WrongTypeError("le:count,… on the grid of seconds")
        pairs.append((le, int(number)))
    return tuple(pairs)


def _bound(le: str) -> float | None:
    """The bound that a decimal number in any spelling equals; None where it equals none."""
    known = _SECONDS_LE.get(le)
    if known is None and _DECIMAL.fullmatch(le):
        spelled = _SECONDS_LE_EXACT.get(Decimal(le))
        return _SECONDS_LE[spelled] if spelled is not None else None
    return known


_BY_UNIT: dict[str, Reader] = {"seconds": microseconds, "bytes": count, "count": count}
_BY_TYPE: dict[str, Reader] = {"string": text, "boolean": boolean_text, "object": any_object, "bins": bins}


def reader(field: Field) -> Reader:
    """How a field of the vocabulary is read."""
    if field.dimension and field.type == "integer":
        return integer_text
    if field.type in ("integer", "number"):
        return _BY_UNIT.get(field.unit, any_number)
    return _BY_TYPE[field.type]


def readers(event: Event) -> dict[str, Reader]:
    return {field.name: reader(field) for field in event.fields}


def measure_reader(measure: Measure) -> Reader:
    return _BY_UNIT[measure.unit]


def gauge_reader(field: Field | None) -> Reader:
    """Of a field of the vocabulary, or of an app's own event."""
    if field is None:
        return any_gauge
    return whole_level if field.type == "integer" else level


def any_text(value: Any) -> str:
    """A dimension of an app's own event, whatever scalar it is."""
    match value:
        case bool():
            return boolean_text(value)
        case float():
            return format(value, ".15g")
        case _:
            return text(value)
