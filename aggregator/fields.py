"""One field's JSON value to the value that adds up: text for dimensions, integers for measures.

Seconds become integer microseconds here, once, and that integer feeds sum, min, max and bins alike. A value of the
wrong type raises WrongTypeError and the line is rejected; a number that cannot be a measurement (NaN, infinite,
negative, beyond the grid) raises OutOfRangeError and only the field is missing.
"""

from collections.abc import Callable
from math import inf, isfinite
from typing import Any

from logemit import grid
from logemit.vocabulary import Event, Field

from .definitions import Measure

MAX_COUNT = 2**40
"""Of one line's bytes or counts: more is no measurement, and eight million such lines still add up in 64 bits."""

Bins = tuple[tuple[float, int], ...]
Reader = Callable[[Any], Any]

_SECONDS_LE = dict(zip((*grid.SECONDS_TEXT, "+Inf"), (*grid.SECONDS, inf), strict=True))


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
    seconds = _number(value)
    if not 0 <= seconds <= grid.MAX_MICROSECONDS / 10**6:
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


def any_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WrongTypeError("an object")
    return value


def bins(value: Any) -> Bins:
    """`le:count,…` on the grid of seconds: (upper bound, count), ascending."""
    pairs = []
    for pair in text(value).split(","):
        le, _, number = pair.partition(":")
        if le not in _SECONDS_LE or not (number.isascii() and number.isdigit() and len(number) < 16):
            raise WrongTypeError("le:count,… on the grid of seconds")
        pairs.append((_SECONDS_LE[le], int(number)))
    return tuple(pairs)


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


def any_text(value: Any) -> str:
    """A dimension of an app's own event, whatever scalar it is."""
    match value:
        case bool():
            return boolean_text(value)
        case float():
            return format(value, ".15g")
        case _:
            return text(value)
