"""The kinds of operations that fold, and what each adds up to: the fields of their lines.

Durations are kept as they came until the fold is flushed (1,000 at most), so that adding one costs an append
and a fold with too many bins for one line splits into lines that are each exact.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from . import grid
from .unit import Unit

_BINS_PER_LINE = 128
_KINDS = 4096
"""Kept of each event at most; a kind made anew is a line of its own, and adds up all the same."""
_READS = frozenset({"get", "get_many", "get_or_set"})

Line = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class QueryKind:
    """The dimensions of db_query."""

    alias: str
    vendor: str
    operation: str
    many: bool
    error: str

    def cell(self) -> "QueryCell":
        return QueryCell(self)


class QueryCell:
    __slots__ = ("kind", "microseconds", "rows", "statements")

    def __init__(self, kind: QueryKind) -> None:
        self.kind = kind
        self.microseconds: list[int] = []
        self.statements = 0
        self.rows: int | None = None

    def add(self, unit: Unit, microseconds: int, statements: int, rows: int | None) -> None:
        unit.queries += 1
        unit.query_microseconds += microseconds
        self.microseconds.append(microseconds)
        self.statements += statements
        if rows is not None:
            self.rows = (self.rows or 0) + rows

    def lines(self) -> Iterator[Line]:
        counted: dict[int, int] = {}
        for value in self.microseconds:
            index = grid.seconds_bin(value)
            counted[index] = counted.get(index, 0) + 1
        if len(counted) <= _BINS_PER_LINE:
            yield self._line(self.microseconds, counted, self.statements, self.rows)
            return
        indices = sorted(counted)
        statements, rows = self.statements, self.rows
        for start in range(0, len(indices), _BINS_PER_LINE):
            part = {index: counted[index] for index in indices[start : start + _BINS_PER_LINE]}
            yield self._line([us for us in self.microseconds if grid.seconds_bin(us) in part], part, statements, rows)
            statements, rows = 0, None

    def _line(self, microseconds: list[int], counted: dict[int, int], statements: int, rows: int | None) -> Line:
        kind = self.kind
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
            fields["bins"] = grid.render_bins(counted)
        return "db_query", fields


@dataclass(frozen=True, slots=True, eq=False)
class ConnectionKind:
    """The dimensions of db_connection, which is a line for each."""

    alias: str
    vendor: str
    error: str

    def cell(self) -> "ConnectionCell":
        return ConnectionCell(self)


class ConnectionCell:
    __slots__ = ("attempts", "kind")

    def __init__(self, kind: ConnectionKind) -> None:
        self.kind = kind
        self.attempts = 0

    def add(self, _unit: Unit) -> None:
        self.attempts += 1

    def lines(self) -> Iterator[Line]:
        fields = {"alias": self.kind.alias, "vendor": self.kind.vendor}
        if self.kind.error:
            fields["error"] = self.kind.error
        for _ in range(self.attempts):
            yield "db_connection", fields


@dataclass(frozen=True, slots=True, eq=False)
class CacheKind:
    """The dimensions of cache_operation; `hit` is None where nothing was looked up."""

    alias: str
    backend: str
    operation: str
    hit: bool | None
    error: str

    def cell(self) -> "CacheCell":
        return CacheCell(self)


class CacheCell:
    __slots__ = ("calls", "keys", "kind")

    def __init__(self, kind: CacheKind) -> None:
        self.kind = kind
        self.calls = 0
        self.keys = 0

    def add(self, unit: Unit, calls: int, keys: int) -> None:
        if self.kind.operation in _READS:
            unit.cache_gets += keys
            unit.cache_hits += keys if self.kind.hit else 0
        self.calls += calls
        self.keys += keys

    def lines(self) -> Iterator[Line]:
        kind = self.kind
        fields: dict[str, Any] = {"alias": kind.alias, "backend": kind.backend, "operation": kind.operation}
        if kind.hit is not None:
            fields["hit"] = kind.hit
        if kind.error:
            fields["error"] = kind.error
        fields["count"] = self.calls
        fields["keys"] = self.keys
        yield "cache_operation", fields


@dataclass(frozen=True, slots=True, eq=False)
class ModelKind:
    """The dimensions of model_change."""

    model: str
    operation: str

    def cell(self) -> "ModelCell":
        return ModelCell(self)


class ModelCell:
    __slots__ = ("kind", "rows", "unknown")

    def __init__(self, kind: ModelKind) -> None:
        self.kind = kind
        self.rows = 0
        self.unknown = 0

    def add(self, _unit: Unit, rows: int | None) -> None:
        if rows is None:
            self.unknown += 1
        else:
            self.rows += rows

    def lines(self) -> Iterator[Line]:
        if self.rows or self.unknown:
            fields = {"model": self.kind.model, "operation": self.kind.operation, "count": self.rows}
            if self.unknown:
                fields["unknown"] = self.unknown
            yield "model_change", fields


query_kind = lru_cache(maxsize=_KINDS)(QueryKind)
connection_kind = lru_cache(maxsize=_KINDS)(ConnectionKind)
cache_kind = lru_cache(maxsize=_KINDS)(CacheKind)
model_kind = lru_cache(maxsize=_KINDS)(ModelKind)
