"""What stands between the commas: numbers, times and bins, as the emitter writes them.

Each returns what it read and where it ends, or NOT_PLAIN as the end where the text is anything else: the reference
decoder then says what it is.
"""

from typing import Any

import numpy as np

from logemit import grid

from .native import inlined, load64, trailing_zeros

NOT_PLAIN = -1
MOST_DIGITS = 15
"""So many fit a double exactly, and their quotient by a power of ten is the double nearest to the text."""

MOST_PLACES = 18
_POWERS = np.array([10**power for power in range(MOST_PLACES + 1)], np.int64)
_SECONDS = np.array(grid.SECONDS_NANO, np.int64)
_COUNTS = np.array(grid.COUNTS_INT, np.int64)
_SMALL = 1 << 16
_SMALL_SECONDS = np.searchsorted(_SECONDS, np.arange(_SMALL) * 1000, side="left").astype(np.int16)
_SMALL_COUNTS = np.searchsorted(_COUNTS, np.arange(_SMALL), side="left").astype(np.int16)
_DAYS_BEFORE_MONTH = np.array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], np.int64)
_DAYS_OF_MONTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


@inlined
def digits_here(data: Any, at: int) -> tuple[int, int]:
    """(value, how many there are) of the digits that stand here, eight at most."""
    values = load64(data, at) ^ np.uint64(0x3030303030303030)
    others = ((values + np.uint64(0x7676767676767676)) | values) & np.uint64(0x8080808080808080)
    count = np.int64(8)
    if others:
        count = np.int64(trailing_zeros(others)) >> 3
        if count == 0:
            return 0, 0
        values <<= np.uint64(64 - 8 * count)
    values = (values & np.uint64(0x0F0F0F0F0F0F0F0F)) * np.uint64(2561) >> np.uint64(8)
    values = (values & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(6553601) >> np.uint64(16)
    values = (values & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(42949672960001) >> np.uint64(32)
    return np.int64(values), count


@inlined
def digits_up_to_16(data: Any, at: int) -> tuple[int, int]:
    value, count = digits_here(data, at)
    if count == 8:
        more, others = digits_here(data, at + 8)
        value, count = value * _POWERS[others] + more, 8 + others
    return value, count


@inlined
def decimal(data: Any, at: int) -> tuple[int, int, int]:
    """(digits as one integer, how many stand behind the point, end) of a number such as 12, 0.25, 6e-6."""
    value, whole = digits_up_to_16(data, at)
    end = at + whole
    if whole == 0 or whole > MOST_DIGITS or (data[at] == 48 and whole > 1):
        return value, 0, NOT_PLAIN
    places = np.int64(0)
    if data[end] == 46:
        more, places = digits_up_to_16(data, end + 1)
        if places == 0 or whole + places > MOST_DIGITS:
            return value, 0, NOT_PLAIN
        value, end = value * _POWERS[places] + more, end + 1 + places
    if data[end] != 101:
        return value, places, end
    power, count = digits_here(data, end + 2)
    if data[end + 1] != 45 or not 1 <= count <= 2 or power == 0 or places + power > MOST_PLACES:
        return value, 0, NOT_PLAIN
    return value, places + power, end + 2 + count


@inlined
def real(digits: int, places: int) -> float:
    """The double nearest to a decimal."""
    return np.float64(digits) / np.float64(_POWERS[places])


@inlined
def microseconds(digits: int, places: int) -> int:
    """Of seconds, rounded as the reference decoder does."""
    if places <= 6:
        return digits * _POWERS[6 - places] if digits < _POWERS[9 + places] else np.int64(1) << 62
    return np.int64(np.rint(real(digits, places) * 1e6))


@inlined
def seconds_bin(value: int) -> int:
    """Where in the grid microseconds lie."""
    if value < _SMALL:
        return np.int64(_SMALL_SECONDS[value])
    return np.searchsorted(_SECONDS, value * 1000)


@inlined
def counts_bin(value: int) -> int:
    """Where in the grid bytes or counts lie."""
    if value < _SMALL:
        return np.int64(_SMALL_COUNTS[value])
    return np.searchsorted(_COUNTS, value)


@inlined
def bound(data: Any, at: int) -> tuple[int, int]:
    """(bin, end) of a bound of the grid of seconds."""
    if data[at] == 43:  # +Inf
        is_inf = data[at + 1] == 73 and data[at + 2] == 110 and data[at + 3] == 102
        return len(_SECONDS), at + 4 if is_inf else NOT_PLAIN
    digits, places, end = decimal(data, at)
    if end < 0 or places > 9 or digits > _POWERS[6 + places]:  # 1,000,000 is the last bound
        return 0, NOT_PLAIN
    nanoseconds = digits * _POWERS[9 - places]
    place = seconds_bin((nanoseconds + 999) // 1000)
    while place > 0 and _SECONDS[place - 1] >= nanoseconds:
        place -= 1
    return place, end if _SECONDS[place] == nanoseconds else NOT_PLAIN


@inlined
def two_digits(data: Any, at: int) -> int:
    """-1000 or less where they are none."""
    high, low = np.int64(data[at]) - 48, np.int64(data[at + 1]) - 48
    return high * 10 + low if 0 <= high <= 9 and 0 <= low <= 9 else -100_000


@inlined
def hour(data: Any, at: int) -> int:
    """Microseconds since 1970 of `2026-11-20T13`; -1 for anything else."""
    year = two_digits(data, at) * 100 + two_digits(data, at + 2)
    month, day, hours = two_digits(data, at + 5), two_digits(data, at + 8), two_digits(data, at + 11)
    if data[at + 4] != 45 or data[at + 7] != 45 or data[at + 10] != 84:
        return -1
    if not (2000 <= year <= 9999 and 1 <= month <= 12 and 0 <= hours <= 23 and day >= 1):
        return -1
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day > _DAYS_OF_MONTH[month] + (1 if is_leap and month == 2 else 0):
        return -1
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719_162
    days += _DAYS_BEFORE_MONTH[month] + (1 if is_leap and month > 2 else 0) + day - 1
    return (days * 24 + hours) * 3_600_000_000


@inlined
def within_hour(data: Any, at: int) -> int:
    """Microseconds of `:05:15.095531Z`; -1 for anything else."""
    minutes, seconds = two_digits(data, at + 1), two_digits(data, at + 4)
    first, second, third = two_digits(data, at + 7), two_digits(data, at + 9), two_digits(data, at + 11)
    fraction = first * 10_000 + second * 100 + third
    if data[at] != 58 or data[at + 3] != 58 or data[at + 6] != 46 or data[at + 13] != 90:
        return -1
    if not (0 <= minutes <= 59 and 0 <= seconds <= 59) or first < 0 or second < 0 or third < 0:
        return -1
    return (minutes * 60 + seconds) * 1_000_000 + fraction
