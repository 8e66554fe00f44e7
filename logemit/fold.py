"""Like operations of one unit of work in one line: counts add up, durations become bins.

Durations are kept as they came until the fold is flushed (1,000 at most), so that adding one costs an append
and a fold with too many bins for one line splits into lines that are each exact.
"""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from . import grid

FLUSH_OPERATIONS = 1000
FLUSH_SECONDS = 5.0
_BINS_PER_LINE = 128


class QueryKind(NamedTuple):
    """The dimensions of db_query."""

    alias: str
    vendor: str
    operation: str
    many: bool
    error: str


class QueryCell:
    """All queries of one kind since the last flush."""

    __slots__ = ("microseconds", "rows", "statements")

    def __init__(self) -> None:
        self.microseconds: list[int] = []
        self.statements = 0
        self.rows: int | None = None

    def add(self, microseconds: int, statements: int, rows: int | None) -> None:
        self.microseconds.append(microseconds)
        self.statements += statements
        if rows is not None:
            self.rows = (self.rows or 0) + rows

    def events(self, kind: QueryKind) -> Iterator[dict[str, Any]]:
        """The fields of each line: one, or more where the bins would not fit."""
        binned: dict[int, list[int]] = {}
        for value in self.microseconds:
            binned.setdefault(grid.seconds_bin(value), []).append(value)
        indices = sorted(binned)
        statements, rows = self.statements, self.rows
        for start in range(0, len(indices), _BINS_PER_LINE):
            values = [value for index in indices[start : start + _BINS_PER_LINE] for value in binned[index]]
            yield query_fields(kind, values, statements, rows)
            statements, rows = 0, None


class Fold:
    """The operations of a unit of work that are not written yet."""

    __slots__ = ("_operations", "_queries", "_since")

    def __init__(self) -> None:
        self._queries: dict[QueryKind, QueryCell] = {}
        self._operations = 0
        self._since = 0.0

    def add_query(self, kind: QueryKind, microseconds: int, statements: int, rows: int | None) -> bool:
        """True when it is time to flush."""
        cell = self._queries.get(kind)
        if cell is None:
            cell = self._queries[kind] = QueryCell()
        cell.add(microseconds, statements, rows)
        operations = self._operations = self._operations + 1
        if operations == 1:
            self._since = time.monotonic()
            return False
        return operations >= FLUSH_OPERATIONS or time.monotonic() - self._since >= FLUSH_SECONDS

    def drain(self) -> list[tuple[str, dict[str, Any]]]:
        """(event, fields) of every line, and the fold is empty again."""
        queries, self._queries, self._operations = self._queries, {}, 0
        return [("db_query", fields) for kind, cell in queries.items() for fields in cell.events(kind)]


def query_fields(kind: QueryKind, microseconds: list[int], statements: int, rows: int | None) -> dict[str, Any]:
    """The fields of one db_query line."""
    fields: dict[str, Any] = {
        "alias": kind.alias,
        "vendor": kind.vendor,
        "operation": kind.operation,
        "many": kind.many,
        "statements": statements,
    }
    if rows is not None:
        fields["rows_affected"] = rows
    if kind.error:
        fields["error"] = kind.error
    fields["count"] = len(microseconds)
    fields["duration_seconds"] = sum(microseconds) / 1e6
    if len(microseconds) > 1:
        fields["duration_min_seconds"] = min(microseconds) / 1e6
        fields["duration_max_seconds"] = max(microseconds) / 1e6
        fields["bins"] = grid.render_bins(Counter(map(grid.seconds_bin, microseconds)))
    return fields
