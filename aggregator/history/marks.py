"""What was exported: until when each family, how many events each window held then, and files on their way.

The marks are one small document, the windows a small file a date; both are files of the folder's commits.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa

from ..errors import StateError
from ..store import Store, tables

FOLDER = "_logemit/backfill"
MARKS_PATH = f"{FOLDER}/marks.json"
_KINDS = {"summary": pa.string(), "partition": pa.string(), "digest": pa.string()}


@dataclass(frozen=True, slots=True)
class File:
    """A file that is written, and may not have its name yet. `replaces` what had it, where it may."""

    path: str
    temporary: str
    sha256: str
    replaces: bool


@dataclass(slots=True)
class Marks:
    """Times are seconds since 1970."""

    families: dict[str, int] = field(default_factory=dict)
    """The last sample that was exported."""
    summaries: dict[str, int] = field(default_factory=dict)
    """Windows that ended by then are on record."""
    files: list[File] = field(default_factory=list)
    """Of the last export."""

    @classmethod
    def of(cls, data: bytes | None) -> "Marks":
        """Raises StateError."""
        if data is None:
            return cls()
        try:
            found: dict[str, Any] = json.loads(data)
            return cls(**{**found, "files": [File(**each) for each in found["files"]]})
        except (ValueError, TypeError, KeyError) as exc:
            raise StateError(f"what was exported cannot be read: {exc}; see logemit repair") from None

    def encoded(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode() + b"\n"


class Window(NamedTuple):
    """One of a summary, as it was when it was exported."""

    summary: str
    partition: str
    digest: str
    """Of the partition's file."""
    start: int
    seconds: int
    events: int


COLUMNS = {name: _KINDS.get(name, pa.int64()) for name in Window._fields}


def record_path(date: str) -> str:
    return f"{FOLDER}/date={date}/windows.parquet"


def recorded(store: Store, date: str) -> Iterator[Window]:
    """Of a date. Raises StateError."""
    data = store.read(record_path(date))
    table = None if data is None else tables.parsed(data, store.path(record_path(date)))
    return (Window(*row) for row in tables.table_rows(table))


def write_record(store: Store, date: str, windows: list[Window]) -> None:
    store.stage(record_path(date), [tables.encoded(tables.rows_table(COLUMNS, windows))])
