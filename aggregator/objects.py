"""Which objects of a store were read. An object does not grow: the same address, size and version is the same content.

They are kept by address, apart from the positions of files, of which there are fewer. What an object began with and
where it ended is kept, too: one that was written again and only grew is read on from there.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pyarrow as pa

from .content import End, digest
from .positions import FORGET_AFTER, Checkpoint
from .remote import Object

REMEMBERED = 100_000
"""Objects known at most; those listed last stay."""

OBJECTS_PATH = "_logemit/objects.parquet"


class Row(NamedTuple):
    url: str
    version: str
    head_bytes: int
    head: str
    offset: int
    tail: str
    lines: int
    met_at: int
    """When it was listed last, in microseconds since 1970."""


COLUMNS = {name: pa.string() if kind is str else pa.int64() for name, kind in Row.__annotations__.items()}


class Objects:
    """Those of earlier runs, and of this one as they are read."""

    def __init__(self, rows: Iterable[Row] = (), now: int = 0) -> None:
        self._rows = {row.url: row for row in rows}
        self._now = now
        self._met = 0

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def meet(self, found: Iterable[Object]) -> list[Object]:
        """Those of the listed objects that were not read as they are now."""
        new = []
        for each in found:
            self._met += 1
            row = self._rows.get(each.url)
            if row:
                self._rows[each.url] = row._replace(met_at=self._now)
            if not row or row.version != each.version:
                new.append(each)
        return new

    def before(self, found: Object) -> list[Checkpoint]:
        """How far the content was read that the object had before, if there was one."""
        row = self._rows.get(found.url)
        return [Checkpoint(row.head_bytes, row.head, row.offset, row.tail, row.lines)] if row and row.offset else []

    def record(self, found: Object, head: bytes, end: End) -> None:
        """It was read to its end."""
        begin = head[: end.offset]
        position = len(begin), digest(begin), end.offset, end.tail, end.lines
        self._rows[found.url] = Row(found.url, found.version, *position, self._now)

    def remembered(self) -> list[Row]:
        """What the next run shall know."""
        kept = [row for row in self._rows.values() if row.met_at >= self._now - FORGET_AFTER]
        return sorted(sorted(kept, key=lambda row: (row.met_at, row.url))[-REMEMBERED:])

    @property
    def warnings(self) -> list[str]:
        known = f"{self._met:,} objects were listed, and {REMEMBERED:,} are remembered: the next run reads the others"
        advice = "again; give a pattern with a date, such as {YYYY}/{MM}/{DD}/"
        return [f"{known} {advice}"] if self._met > REMEMBERED else []
