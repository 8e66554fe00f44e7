"""Like operations of one unit of work in one line: a cell for each distinct set of dimensions, its kind."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .unit import Unit

FLUSH_OPERATIONS = 1000
FLUSH_SECONDS = 5.0

Lines = list[tuple[str, dict[str, Any]]]
"""(event, fields) of each."""


class Cell(Protocol):
    """What the operations of one kind add up to."""

    def add(self, unit: "Unit", *amounts: Any) -> None:
        """Take one operation in, also into the figures of its unit."""

    def lines(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """One line, or more where one could not hold it all."""


class Kind(Protocol):
    """The dimensions of an event, compared by identity: there is one object for each distinct set."""

    def cell(self) -> Cell: ...


class Fold:
    """The operations of a unit of work that are not written yet."""

    __slots__ = ("_cells", "_operations", "_since")

    def __init__(self) -> None:
        self._cells: dict[Kind, Cell] = {}
        self._operations = 0
        self._since = 0

    def add(self, unit: "Unit", kind: Kind, amounts: tuple[Any, ...], now: int) -> bool:
        """True when it is time to flush; `now` in nanoseconds of any steady clock."""
        cell = self._cells.get(kind)
        if cell is None:
            cell = self._cells[kind] = kind.cell()
        cell.add(unit, *amounts)
        operations = self._operations = self._operations + 1
        if operations == 1:
            self._since = now
            return False
        return operations >= FLUSH_OPERATIONS or now - self._since >= FLUSH_SECONDS * 1e9

    def drain(self) -> Lines:
        """Every line, and the fold is empty again."""
        if not self._cells:
            return []
        cells, self._cells, self._operations = self._cells, {}, 0
        return [line for cell in cells.values() for line in cell.lines()]
