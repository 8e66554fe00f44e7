"""Histogram bins: sparse, named by their inclusive upper bound, the same on the wire and in the files.

Seconds lie on a log-linear grid (steps of 0.025 from 1 to 2, 0.05 to 5, 0.1 to 10, in every decade
from a microsecond to 1,000,000 s), so that the bounds people choose, 0.005 or 7.5, are bounds exactly.
Values that instruments observe may be negative: theirs is that of seconds, mirrored.
Bytes and counts lie on a binary one (0, then 32 steps an octave), so that every power of two is.
Bounds are made in integers and decimal text: multiplying floats puts hundreds of them an ulp off.
"""

from bisect import bisect_left
from decimal import Decimal
from functools import lru_cache
from math import inf

GRID_ID = "seconds-log150-v1;count-octave32-v1;value-mirrored150-v1"
"""Names the grids; every bins file carries it."""

MAX_MICROSECONDS = 10**12
"""1,000,000 s: the end of the grid of seconds. A longer duration is no duration (about 11.6 days)."""

_MANTISSAS = (*range(1000, 2000, 25), *range(2000, 5000, 50), *range(5000, 10000, 100))

SECONDS_NANO = (0, *(m * 10**decade for decade in range(12) for m in _MANTISSAS), 10**15)
"""Bounds of seconds in nanoseconds, ascending, without +Inf."""


def _decimal_text(nanoseconds: int) -> str:
    text = format(Decimal(nanoseconds).scaleb(-9), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


SECONDS_TEXT = tuple(_decimal_text(bound) for bound in SECONDS_NANO)
"""Bounds of seconds as they stand on the wire."""

_LE = (*SECONDS_TEXT, "+Inf")

SECONDS = tuple(float(text) for text in SECONDS_TEXT)
"""Bounds of seconds as they stand in Parquet: the doubles nearest to the decimal text."""

VALUES_NANO = (*(-bound for bound in reversed(SECONDS_NANO[1:])), *SECONDS_NANO)
"""Bounds of signed values in units of 1e-9, ascending, without +Inf."""

VALUES_TEXT = (*(f"-{bound}" for bound in reversed(SECONDS_TEXT[1:])), *SECONDS_TEXT)
"""Bounds of signed values as they stand on the wire."""

_VALUE_LE = (*VALUES_TEXT, "+Inf")

VALUES = (*(-bound for bound in reversed(SECONDS[1:])), *SECONDS)
"""Bounds of signed values as they stand in Parquet."""

COUNTS_INT = (0, *(base + step * base // 32 for base in (2**k for k in range(5, 53)) for step in range(32)), 2**53)
COUNTS_INT = tuple(sorted({*range(33), *COUNTS_INT}))
"""Bounds of bytes and counts that an integer can reach, ascending, without +Inf."""

COUNTS = tuple(float(bound) for bound in COUNTS_INT)


@lru_cache(maxsize=16384)  # quick queries take the same few microseconds again and again
def seconds_le(microseconds: int) -> str:
    """The bound of the bin that holds a duration, as it stands on the wire."""
    return _LE[bisect_left(SECONDS_NANO, microseconds * 1000)]


@lru_cache(maxsize=16384)
def value_le(nano: int) -> str:
    """The bound of the bin that holds a signed value, in units of 1e-9, as it stands on the wire."""
    return _VALUE_LE[bisect_left(VALUES_NANO, nano)]


def bounds(unit: str) -> tuple[float, ...]:
    """The grid on which a measure of this unit lies, ascending, +Inf last; of amounts it is that of values."""
    return (*{"seconds": SECONDS, "amount": VALUES, "value": VALUES}.get(unit, COUNTS), inf)
