"""Tables in the width that there is: names are cut, details left out, and both is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from aggregator.escapes import visible
from aggregator.panels import Column, Panel, formats

_GAP = 2
_NAME_CELLS = 24
"""Of a name, as far as it is so long, before details are shown."""
_LEAST_CELLS = 16
"""Of a name, as far as it is so long, before other columns are shown."""
_CELL_CHARACTERS = 4
"""Of a cell at most: marks that are put on others take no room."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A column as text."""

    column: Column
    head: str
    cells: list[str]
    values: list[Any]

    @property
    def is_text(self) -> bool:
        return self.column.unit == "text"

    @property
    def width(self) -> int:
        return max(map(cell_len, (self.head, *self.cells)))

    @property
    def least(self) -> int:
        return min(self.width, _LEAST_CELLS) if self.is_text else self.width

    @property
    def wanted(self) -> int:
        return min(self.width, _NAME_CELLS) if self.is_text else self.width


def lines(panel: Panel, rows: int, width: int) -> tuple[list[Text], list[str]]:
    """(the first rows of a panel below their heads, the titles of columns for which there was no room)."""
    columns = [_shown(column, panel.table[column.name].head(rows).tolist()) for column in panel.columns]
    kept = _fitting(columns, width)
    widths = _widths(kept, width)
    head = _line([(each.head, "bold", each.is_text) for each in kept], widths)
    body = [
        _line([(each.cells[row], _style(each, row), each.is_text) for each in kept], widths)
        for row in range(len(columns[0].cells))
    ]
    return [head, *body], [each.column.title for each in columns if each not in kept]


def facts(panel: Panel, width: int) -> list[Text]:
    """The values of a panel's one row, each with its unit and what it means."""
    row = panel.table.iloc[0]
    told = [(column, visible(formats.value(row[column.name], column.unit))) for column in panel.columns]
    names = max(cell_len(column.title) for column, _ in told)
    values = min(max(cell_len(text) for _, text in told), max(1, width - names - _GAP))
    room = width - names - values - 2 * _GAP
    made = []
    for column, text in told:
        style = "red" if column.bad and row[column.name] > 0 else ""
        first, *more = wrap(column.help, room) if column.help and room >= _LEAST_CELLS else [""]
        shown = [(column.title, "bold", True), (text, style, False)]
        made.append(_line([*shown, (first, "dim", True)], [names, values, max(0, room)]))
        made += [Text(" " * (width - room) + line, "dim") for line in more]
    return made


def cut(text: str, width: int) -> str:
    """Text for a terminal in at most so many cells, with an ellipsis where some is missing."""
    short = text[: width * _CELL_CHARACTERS]
    if cell_len(short) <= width and short == text:
        return text
    return set_cell_size(short, max(0, min(width - 1, cell_len(short)))).rstrip() + "…" if width else ""


def _shown(column: Column, values: list[Any]) -> _Shown:
    unit, cells = formats.column(values, column.unit)
    texts = [visible(cell) or formats.MISSING for cell in cells]
    return _Shown(column, visible(f"{column.title} {unit}".strip()), texts, values)


def _fitting(columns: Sequence[_Shown], width: int) -> list[_Shown]:
    """Details go first, those on the right before others; then the rest, but never the first."""
    kept = list(columns)
    for droppable, of_text in ((True, "wanted"), (False, "least")):
        for each in reversed(columns[1:]):
            if sum(getattr(one, of_text) + _GAP for one in kept) - _GAP <= width:
                return kept
            if each.column.detail == droppable and each in kept:
                kept.remove(each)
    return kept


def _widths(columns: Sequence[_Shown], width: int) -> list[int]:
    """What numbers take, and for text what is left, the longest cut first."""
    widths = [each.width for each in columns]
    for _ in range(max(0, sum(widths) + _GAP * (len(widths) - 1) - width)):
        texts = [at for at, each in enumerate(columns) if each.is_text and widths[at] > 1]
        if not texts:
            break
        widths[max(texts, key=lambda at: widths[at])] -= 1
    return widths


def _style(shown: _Shown, row: int) -> str:
    return "red" if shown.column.bad and shown.values[row] > 0 else ""


def _line(cells: Sequence[tuple[str, str, bool]], widths: Sequence[int]) -> Text:
    """Of (text, style, whether it stands on the left)."""
    line = Text(no_wrap=True)
    for at, ((text, style, is_left), width) in enumerate(zip(cells, widths, strict=True)):
        short = cut(text, width)
        room = " " * (width - cell_len(short))
        line.append(" " * _GAP if at else "")
        line.append("" if is_left else room)
        line.append(short, style)
        line.append(room if is_left else "")
    line.rstrip()
    return line
