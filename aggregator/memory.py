"""What a run keeps for the next ones: what was seen, and what waits for its time."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from .held import Held
from .seen import DAY, RETAINED_DATES, HistoryRow, Seen, SeenRow, date_of
from .store import State, Store, tables

_KINDS = {"proc": pa.string(), "kind": pa.string(), "marks": pa.binary()}
SEEN = {name: _KINDS.get(name, pa.int64()) for name in SeenRow._fields}
HISTORY = {name: _KINDS.get(name, pa.int64()) for name in HistoryRow._fields}
SEEN_FOLDER = "_logemit/seen/"
HISTORY_PATH = "_logemit/history.parquet"
HELD_PATH = "_logemit/held/lines.jsonl"
MARKS_KEPT = 8 * DAY
"""Microseconds. Later, a number that comes again within the time of its neighbours is taken for a repeat."""


def seen_path(hour: str) -> str:
    """Of "2026-11-20/13"."""
    return f"{SEEN_FOLDER}date={hour}.parquet"


class Memory:
    def __init__(self, store: Store) -> None:
        self._store = store

    def seen(self, hour: str) -> Iterator[SeenRow]:
        """Raises StateError."""
        return (SeenRow(*row) for row in self._rows(seen_path(hour)))

    def history(self) -> Iterator[HistoryRow]:
        return (HistoryRow(*row) for row in self._rows(HISTORY_PATH))

    def _rows(self, relative: str) -> Iterator[tuple[Any, ...]]:
        data = self._store.read(relative)
        return tables.table_rows(None if data is None else tables.parsed(data, self._store.path(relative)))

    def held(self) -> list[bytes]:
        return (self._store.read(HELD_PATH) or b"").split(b"\n")[:-1]

    def write(self, seen: Seen, held: Held, state: State, now: int) -> list[str]:
        """Also moves `state` on to the dates kept now; the files of the dates that are not."""
        marked_from = date_of(now - MARKS_KEPT)
        hours = dict(seen.rows())
        dates = {*state.seen_dates, *(hour[:10] for hour in hours)}
        state.seen_dates = sorted(dates)[-RETAINED_DATES:]
        forgotten = sorted(dates.difference(state.seen_dates))
        if forgotten:
            state.checked_from = state.seen_dates[0]
        for hour, rows in {**dict(self._to_unmark(state, marked_from)), **hours}.items():
            if hour >= state.checked_from:
                self._stage_seen(hour, rows if hour >= marked_from else unmarked(rows))
        state.unmarked_before = max(state.unmarked_before, marked_from)
        self._store.stage(HISTORY_PATH, [tables.encoded(tables.rows_table(HISTORY, seen.history_rows()))])
        if held.lines or held.due:
            self._store.stage(HELD_PATH, [line + b"\n" for line in held.lines])
        return [name for date in forgotten for name in self._store.files_of(date) if name.startswith(SEEN_FOLDER)]

    def _to_unmark(self, state: State, marked_from: str) -> Iterator[tuple[str, list[SeenRow]]]:
        """Hours with marks that are too old for them."""
        for date in state.seen_dates:
            if state.unmarked_before <= date < marked_from:
                for name in self._store.files_of(date):
                    if name.startswith(SEEN_FOLDER):
                        hour = name.removeprefix(f"{SEEN_FOLDER}date=").removesuffix(".parquet")
                        rows = list(self.seen(hour))
                        if len(unmarked(rows)) < len(rows):
                            yield hour, rows

    def _stage_seen(self, hour: str, rows: list[SeenRow]) -> None:
        self._store.stage(seen_path(hour), [tables.encoded(tables.rows_table(SEEN, rows))])


def unmarked(rows: list[SeenRow]) -> list[SeenRow]:
    return [row for row in rows if row.kind != "marks"]
