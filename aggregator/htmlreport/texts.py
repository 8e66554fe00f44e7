"""What stands on the page as text."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from .. import escapes
from ..panels import Column, Panel, formats

LONGEST = 160
"""Characters of a text from a log that are shown."""


def visible(text: str, longest: int = LONGEST) -> str:
    """What a log says, without what cannot be seen or turns around what follows; what is long is cut."""
    return f"{escapes.visible(text[:longest])}…" if len(text) > longest else escapes.visible(text)


def heads(panel: Panel) -> Iterator[tuple[Column, str]]:
    """(column, its title with the unit)."""
    for column in panel.columns:
        unit, _ = formats.column(panel.table[column.name].tolist(), column.unit)
        yield column, visible(f"{column.title} {unit}".strip())


def rows(panel: Panel) -> Iterator[list[tuple[Column, str, float | None]]]:
    """Cells, each (column, text, a number to sort by: None for text and for what is missing)."""
    columns = []
    for column in panel.columns:
        values = panel.table[column.name].tolist()
        texts = formats.column(values, column.unit)[1]
        columns.append([(column, visible(text), _number(value)) for value, text in zip(values, texts, strict=True)])
    return map(list, zip(*columns, strict=True))


def facts(panel: Panel) -> Iterator[tuple[Column, str, float | None]]:
    """The cells of the only row, with their units."""
    for column in panel.columns:
        value = panel.table[column.name].iloc[0]
        yield column, visible(formats.value(value, column.unit)), _number(value)


def seconds(value: float) -> str:
    """Microseconds, too: a bin has them for a bound."""
    return f"{value * 1e6:.3g} µs" if 0 < value < 0.001 else formats.value(value, "seconds")


def moment(value: float) -> str:
    """Of seconds since 1970, in UTC."""
    return formats.column([datetime.fromtimestamp(value, UTC)], "time")[1][0]


def plural(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _number(value: Any) -> float | None:
    if isinstance(value, str) or pd.isna(value):
        return None
    return float(value.timestamp() if isinstance(value, pd.Timestamp) else value)
