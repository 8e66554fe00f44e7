"""Numbers with their units, as people read them."""

from datetime import UTC, datetime
from math import isnan
from typing import Any

import pandas as pd

from ..panels.panel import Unit

NOTHING = "–"
LONGEST_TEXT = 160
"""Characters of a text from a log that are shown."""

_SPANS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"))


def shown(value: Any, unit: Unit) -> str:
    """A cell of a panel as text; of a missing one a dash."""
    if unit == "text":
        return text(value)
    if pd.isna(value):
        return NOTHING
    if unit == "count":
        return f"{int(value):,}"
    if unit == "time":
        return moment(value.timestamp())
    if unit == "rate":
        return f"{_number(float(value))}/s"
    return {"share": share, "seconds": seconds, "bytes": size, "number": _number}[unit](float(value))


def sortable(value: Any) -> str:
    """A number or a time as a script can compare it."""
    return repr(float(value.timestamp() if isinstance(value, pd.Timestamp) else value))


def text(value: str) -> str:
    """What a log says, without what cannot be seen or turns what follows around; long ones are cut."""
    visible = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in value[:LONGEST_TEXT])
    return f"{visible}…" if len(value) > LONGEST_TEXT else visible


def seconds(value: float | None) -> str:
    """ "12.5 ms" of 0.0125, three digits."""
    if value is None or isnan(value):
        return NOTHING
    size, unit = next(((size, unit) for size, unit in _SPANS if value >= size), (1e-6, "µs"))
    return f"{_number(value / size)} {unit}"


def share(value: float) -> str:
    """ "99.97 %"; of less than all never 100 %, and of something never 0 %."""
    if 0 < value < 0.0001:
        return "< 0.01 %"
    if 0.9999 < value < 1:
        return "> 99.99 %"
    return f"{100 * value:.2f}".rstrip("0").rstrip(".") + " %"


def size(value: float) -> str:
    """ "4.1 kB" of 4,096."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{_number(value)} {unit}"
        value /= 1000
    return f"{_number(value)} TB"


def moment(value: float) -> str:
    """Seconds since 1970, to the second where it is no whole minute; in UTC."""
    found = datetime.fromtimestamp(value, UTC)
    return found.strftime("%Y-%m-%d %H:%M:%S" if found.second else "%Y-%m-%d %H:%M")


def _number(value: float) -> str:
    """Three digits, those before the point all."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.1e}"
