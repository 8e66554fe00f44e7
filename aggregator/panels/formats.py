"""Numbers as people read them: a column in one unit and with as many decimals, so that its numbers can be compared."""

from collections.abc import Sequence
from math import floor, isfinite, isnan, log10
from typing import Any

import pandas as pd

from .panel import Unit

MISSING = "-"
_SCALES: dict[Unit, tuple[tuple[float, str], ...]] = {
    "seconds": ((10.0, "s"), (0.0, "ms")),
    "rate": ((1.0, "/s"), (1 / 60, "/min"), (1 / 3600, "/h"), (0.0, "/d")),
    "bytes": ((1e9, "GB"), (1e6, "MB"), (1e4, "kB"), (0.0, "B")),
    "share": ((0.0, "%"),),
}
"""From which greatest value on a unit is taken."""
_SIZES = {"ms": 1000.0, "/min": 60.0, "/h": 3600.0, "/d": 86400.0, "kB": 1e-3, "MB": 1e-6, "GB": 1e-9, "%": 100.0}
_LONG = {"days": 86400, "h": 3600, "min": 60}
_DIGITS = 3
"""Of the greatest number of a column that are shown at least."""


def column(values: Sequence[Any], unit: Unit) -> tuple[str, list[str]]:
    """(the unit for the column's head, the texts).

    Text is as it is: whoever shows it escapes it. Numbers that are not 0 never look like 0, nor others like 100 %.
    """
    if unit == "text":
        return "", [str(value) for value in values]
    if unit == "time":
        return "UTC", [_time(value) for value in values]
    if unit == "count":
        return "", [MISSING if pd.isna(value) else f"{int(value):,}" for value in values]
    numbers = [float("nan") if value is None else float(value) for value in values]
    greatest = max((abs(number) for number in numbers if isfinite(number)), default=0.0)
    suffix = next((name for least, name in _SCALES.get(unit, ()) if greatest >= least), "")
    scale = _SIZES.get(suffix, 1.0)
    decimals = _decimals([number * scale for number in numbers], suffix)
    return suffix, [_number(number * scale, decimals, unit) for number in numbers]


def value(given: Any, unit: Unit) -> str:
    """One value with its unit: "34.5 ms", "2.1 %", "6.8 h"."""
    if unit == "seconds":
        for name, size in _LONG.items():
            if given >= 2 * size:
                return f"{given / size:,.1f} {name}"
    suffix, (text,) = column([given], unit)
    return text if text == MISSING else f"{text} {suffix}".strip() if suffix[:1] != "/" else f"{text}{suffix}"


def _decimals(numbers: Sequence[float], suffix: str) -> int:
    finite = [abs(number) for number in numbers if isfinite(number)]
    greatest = max(finite, default=0.0)
    if suffix == "%":
        return 1
    if suffix == "B" or (not suffix and all(number.is_integer() for number in finite)):
        return 0
    return min(_DIGITS, max(1, _DIGITS - 1 - floor(log10(greatest)))) if greatest else 1


def _number(number: float, decimals: int, unit: Unit) -> str:
    if isnan(number):
        return MISSING
    text, step = f"{number:,.{decimals}f}", 10.0**-decimals
    shown = float(text.replace(",", ""))
    if number and shown == 0:
        return f"{'>-' if number < 0 else '<'}{step:.{decimals}f}"
    if unit == "share" and number < 100 and shown == 100:
        return f">{100 - step:.{decimals}f}"
    return text


def _time(moment: Any) -> str:
    return MISSING if pd.isna(moment) else f"{moment:%Y-%m-%d %H:%M}" if not moment.second else f"{moment:%F %T}"
