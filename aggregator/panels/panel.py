"""What a view of an output folder shows: a small table whose columns say in which unit they are."""

from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from ..errors import UsageError
from ..origin import suggestion

Unit = Literal["text", "time", "count", "number", "share", "rate", "seconds", "bytes"]
"""A share is from 0 to 1, a rate by the second, a time one with a zone; a number is any that is none of these."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    """Of the table."""
    title: str
    unit: Unit
    detail: bool = False
    """It is left out first where there is little room."""
    bad: bool = False
    """Anything above 0 is trouble."""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """`table` has these columns, in this order, and a plain index; missing numbers are nan, missing times NaT."""

    name: str
    title: str
    summary: str
    """What it was made of; "" for the state of the folder."""
    columns: tuple[Column, ...]
    table: pd.DataFrame
    facts: bool = False
    """It has one row, whose values are best shown one below the other."""
    order: str = ""
    """The column by which its rows are sorted."""

    @property
    def is_empty(self) -> bool:
        return self.table.empty

    def column(self, name: str) -> Column:
        """Raises UsageError."""
        found = next((column for column in self.columns if column.name == name), None)
        if found is None:
            names = [column.name for column in self.columns]
            raise UsageError(f"{self.title}: no column {name!r}; there are {', '.join(names)}{suggestion(name, names)}")
        return found

    def sorted(self, name: str) -> "Panel":
        """By a column: the greatest and the newest first, text in the order of the alphabet. Raises UsageError."""
        is_text = self.column(name).unit == "text"
        table = self.table.sort_values(name, ascending=is_text, kind="stable", ignore_index=True)
        return replace(self, table=table, order=name)

    def most(self, name: str) -> "Panel":
        """The rows that have any of a column, those with the most first. Raises UsageError."""
        found = self.sorted(name)
        return replace(found, table=found.table[found.table[name] > 0])

    def only(self, *names: str) -> "Panel":
        """These of its columns, none a detail. Raises UsageError."""
        columns = tuple(replace(self.column(name), detail=False) for name in names)
        return replace(self, columns=columns, table=self.table[list(names)])


def panel(name: str, title: str, summary: str, columns: tuple[Column, ...], table: pd.DataFrame) -> Panel:
    """A panel of the named columns of a table, whose dimensions may stand in its index."""
    flat = table.reset_index() if table.index.names != [None] else table
    texts = {column.name: "str" for column in columns if column.unit == "text"}
    chosen = flat[[column.name for column in columns]].astype(texts).reset_index(drop=True)
    return Panel(name, title, summary, columns, chosen)


def dimensions(by: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(Column(name, name, "text") for name in by)
