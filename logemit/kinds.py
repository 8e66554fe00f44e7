"""The kinds of operations that fold, and the lines that they amount to."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
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
    """The dimensions of db_query.

    An amount is its duration in microseconds, of one statement that changes no rows; or (duration, statements, rows
    or None).
    """

    alias: str
    vendor: str
    operation: str
    many: bool
    error: str

    def lines(self, amounts: list[Any], unit: Unit) -> Iterator[Line]:
        rows: int | None = None
        if isinstance(amounts[0], int):
            values, statements = amounts, len(amounts)
        else:
            values, statements = [amount[0] for amount in amounts], sum(amount[1] for amount in amounts)
            known = [amount[2] for amount in amounts if amount[2] is not None]
            rows = sum(known) if known else None
        values.sort()
        unit.queries += len(values)
        unit.query_microseconds += sum(values)
        counted: dict[str, int] = {}
        for le in map(grid.seconds_le, values):
            counted[le] = counted.get(le, 0) + 1
        if len(counted) <= _BINS_PER_LINE:
            yield self._line(values, counted, statements, rows)
            return
        bins = iter(counted.items())
        while part := dict(islice(bins, _BINS_PER_LINE)):
            size = sum(part.values())
            own, values = values[:size], values[size:]
            yield self._line(own, part, statements, rows)
            statements, rows = 0, None

    def _line(self, values: list[int], counted: dict[str, int], statements: int, rows: int | None) -> Line:
        count = len(values)
        fields: dict[str, Any] = {
            "alias": self.alias,
            "vendor": self.vendor,
            "operation": self.operation,
            "many": self.many,
            "statements": statements,
            "count": count,
            "duration_seconds": sum(values) / 1e6,
        }
        if rows is not None:
            fields["rows_affected"] = rows
        if self.error:
            fields["error"] = self.error
        if count > 1:
            fields["duration_min_seconds"] = values[0] / 1e6
            fields["duration_max_seconds"] = values[-1] / 1e6
            fields["bins"] = ",".join([f"{le}:{n}" for le, n in counted.items()])
        return "db_query", fields


@dataclass(frozen=True, slots=True, eq=False)
class ConnectionKind:
    """The dimensions of db_connection, which is a line for each; amounts say nothing."""

    alias: str
    vendor: str
    error: str

    def lines(self, amounts: list[Any], _unit: Unit) -> Iterator[Line]:
        fields = {"alias": self.alias, "vendor": self.vendor}
        if self.error:
            fields["error"] = self.error
        for _ in amounts:
            yield "db_connection", fields


@dataclass(frozen=True, slots=True, eq=False)
class CacheKind:
    """The dimensions of cache_operation; `hit` is None where nothing was looked up. Amounts are (calls, keys)."""

    alias: str
    backend: str
    operation: str
    hit: bool | None
    error: str

    def lines(self, amounts: list[Any], unit: Unit) -> Iterator[Line]:
        calls, keys = (sum(column) for column in zip(*amounts, strict=True))
        if self.operation in _READS:
            unit.cache_gets += keys
            unit.cache_hits += keys if self.hit else 0
        fields: dict[str, Any] = {"alias": self.alias, "backend": self.backend, "operation": self.operation}
        if self.hit is not None:
            fields["hit"] = self.hit
        if self.error:
            fields["error"] = self.error
        fields["count"] = calls
        fields["keys"] = keys
        yield "cache_operation", fields


@dataclass(frozen=True, slots=True, eq=False)
class ModelKind:
    """The dimensions of model_change. An amount is the rows of one statement, None where nobody knows them."""

    model: str
    operation: str

    def lines(self, amounts: list[Any], _unit: Unit) -> Iterator[Line]:
        known = [rows for rows in amounts if rows is not None]
        rows, unknown = sum(known), len(amounts) - len(known)
        if rows or unknown:
            fields: dict[str, Any] = {"model": self.model, "operation": self.operation, "count": rows}
            if unknown:
                fields["unknown"] = unknown
            yield "model_change", fields


query_kind = lru_cache(maxsize=_KINDS)(QueryKind)
connection_kind = lru_cache(maxsize=_KINDS)(ConnectionKind)
cache_kind = lru_cache(maxsize=_KINDS)(CacheKind)
model_kind = lru_cache(maxsize=_KINDS)(ModelKind)
