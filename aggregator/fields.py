"""One field's JSON value to what is kept of it: text for dimensions, integers for measures, floats for gauges.

Seconds become integer microseconds here, once, and that integer feeds sum, min, max and bins alike. A value of the
wrong type raises WrongTypeError and the line is rejected; a number that cannot be a measurement (NaN, infinite,
negative, too large) raises OutOfRangeError and only the field is missing.
"""

import json
import re
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
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

MAX_VALUE = 2**63
"""Of one line's value, either side of 0: a thousand of the emitter's greatest. Ten billion such lines still add up."""

MAX_TEXT = 1024
"""UTF-8 bytes of a dimension's value, with the mark of a cut. The emitter cuts to as many where a line is too long."""

_CUT = "…"

Bins = tuple[tuple[float, int], ...]
Reader = Callable[[Any], Any]

_SECONDS_LE = dict(zip((*grid.SECONDS_TEXT, "+Inf"), (*grid.SECONDS, inf), strict=True))
_VALUES_LE = dict(zip((*grid.VALUES_TEXT, "+Inf"), (*grid.VALUES, inf), strict=True))
_EXACT = {Decimal(bound): bound for bound in grid.VALUES_TEXT}
_DECIMAL = re.compile(r"[+-]?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})(e[+-]?\d{1,2})?", re.ASCII | re.IGNORECASE)


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


def shortened(value: str) -> str:
    """A text of at most MAX_TEXT bytes, cut between two characters."""
    return _within(value, MAX_TEXT)


def _within(value: str, most: int) -> str:
    if 4 * len(value) <= most or len(encoded := value.encode()) <= most:
        return value
    return encoded[: most - len(_CUT.encode())].decode("utf-8", "ignore") + _CUT


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


def value(given: Any) -> int:
    """In nanos."""
    number = _number(given)
    if not -MAX_VALUE <= number <= MAX_VALUE:
        raise OutOfRangeError
    if isinstance(number, int):
        return number * 10**9
    return int(Decimal(repr(number)).scaleb(9).to_integral_value(ROUND_HALF_EVEN))


def amount(given: Any) -> int:
    """In nanos."""
    found = value(given)
    if found < 0:
        raise OutOfRangeError
    return found


def bins(value: Any) -> Bins:
    """`le:count,…` on the grid of seconds: (upper bound, count), ascending."""
    return _bins(value, _SECONDS_LE, "seconds")


def value_bins(value: Any) -> Bins:
    """The same on the grid of values."""
    return _bins(value, _VALUES_LE, "values")


def _bins(value: Any, known: dict[str, float], of: str) -> Bins:
    pairs = []
    for pair in text(value).split(","):
        le, _, number = pair.partition(":")
        bound = known.get(le)
        if bound is None and _DECIMAL.fullmatch(le):  # another spelling of the same number
            bound = known.get(_EXACT.get(Decimal(le), ""))
        if bound is None or not (number.isascii() and number.isdigit() and len(number) < 16):
            raise WrongTypeError(f"le:count,… on the grid of {of}")
        pairs.append((bound, int(number)))
    return tuple(pairs)


def any_text(value: Any) -> str:
    """A dimension of an app's own event, whatever scalar it is."""
    match value:
        case bool():
            return boolean_text(value)
        case float():
            return format(value, ".15g")
        case _:
            return text(value)


MOST_LABELS = 50
_REMEMBERED = 50
"""Characters of values that come again and again."""
LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,99}")
_NAMED = re.compile(r"(?!__).{1,100}", re.DOTALL)
_CUTS = (256, 128, 64, 32, 16, 8)


def labels_text(given: Any) -> str:
    """Labels of an instrument as JSON with sorted names: equal labels are equal texts. `shortened_labels` cuts it."""
    if not isinstance(given, dict) or len(given) > MOST_LABELS or not all(map(_NAMED.fullmatch, given)):
        raise WrongTypeError(f"an object of at most {MOST_LABELS} labels")
    if all(type(found) is str and len(found) <= _REMEMBERED for found in given.values()):
        return _sorted(tuple(given.items()))
    return _labels(given)


def shortened_labels(labels: str) -> str:
    """Labels whose text takes at most MAX_TEXT bytes: of long ones the values are cut."""
    if len(labels.encode()) <= MAX_TEXT:
        return labels
    whole: dict[str, str] = json.loads(labels)
    for longest in _CUTS:
        short = _labels({name: _within(found, longest) for name, found in whole.items()})
        if len(short.encode()) <= MAX_TEXT:
            return short
    return _labels({name: found for name, found in whole.items() if name == "le"})


@lru_cache(maxsize=1024)
def _sorted(labels: tuple[tuple[str, str], ...]) -> str:
    """The same few come again and again."""
    return _labels(dict(labels))


def _labels(labels: dict[str, Any]) -> str:
    plain = {name: any_text(found).encode("utf-8", "replace").decode() for name, found in labels.items()}
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


_BY_UNIT: dict[str, Reader] = {
    "seconds": microseconds,
    "bytes": count,
    "count": count,
    "amount": amount,
    "value": value,
}
_BY_TYPE: dict[str, Reader] = {"string": text, "boolean": boolean_text, "object": labels_text}


def reader(field: Field) -> Reader:
    """How a field of the vocabulary is read."""
    if field.dimension and field.type == "integer":
        return integer_text
    if field.type == "bins":
        return bins if field.unit == "seconds" else value_bins
    if field.type in ("integer", "number"):
        return _BY_UNIT.get(field.unit, any_number)
    return _BY_TYPE[field.type]


def readers(event: Event) -> dict[str, Reader]:
    return {field.name: reader(field) for field in event.fields}


def measure_reader(measure: Measure) -> Reader:
    return _BY_UNIT[measure.unit]


def gauge_reader(field: Field | None) -> Reader:
    """Of a field of the vocabulary, or of an app's own event."""
    if field is None or not field.unit:
        return any_gauge
    return whole_level if field.type == "integer" else level
