"""What a run keeps for the next ones: what was seen, and what waits for its time."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from .held import Held
from .objects import COLUMNS, OBJECTS_PATH, Objects, Row
from .processes import DAY, FORGET_AFTER, HistoryRow, Processes
from .seen import RETAINED_DATES, Seen, SeenRow, date_of, hour_of
from .store import State, Store, tables

_KINDS = {"proc": pa.string(), "kind": pa.string(), "marks": pa.binary()}
SEEN = {name: _KINDS.get(name, pa.int64()) for name in SeenRow._fields}
HISTORY = {name: _KINDS.get(name, pa.int64()) for name in HistoryRow._fields}
SEEN_FOLDER = "_logemit/seen/"
QUIET_FOLDER = "_logemit/quiet/"
"""Processes that were put away, by the hour in which they were."""

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
        self._quiet: pa.Table | None = None

    def seen(self, hour: str) -> Iterator[SeenRow]:
        """Raises StateError."""
        return (SeenRow(*row) for row in self._rows(seen_path(hour)))

    def processes(self, now: int) -> Processes:
        living = (HistoryRow(*row) for row in self._rows(HISTORY_PATH))
        return Processes(living, self._put_away, now)

    def _put_away(self, proc: str) -> Iterator[HistoryRow]:
        if self._quiet is None:
            names = sorted(str(path.relative_to(self._store.out)) for path in self._quiet_paths())
            read = [table for name in names if (table := self._table(name)) is not None]
            self._quiet = pa.concat_tables([tables.rows_table(HISTORY, []), *read]).sort_by("proc")
        procs = self._quiet["proc"]
        first = bisect_left(range(len(procs)), proc, key=lambda row: procs[row].as_py())
        last = bisect_right(range(len(procs)), proc, key=lambda row: procs[row].as_py())
        return (HistoryRow(*row) for row in tables.table_rows(self._quiet.slice(first, last - first)))

    def _quiet_paths(self) -> Iterator[Path]:
        return self._store.path(QUIET_FOLDER).glob("date=*/*.parquet")

    def _table(self, relative: str) -> pa.Table | None:
        data = self._store.read(relative)
        return None if data is None else tables.parsed(data, self._store.path(relative))

    def _rows(self, relative: str) -> Iterator[tuple[Any, ...]]:
        return tables.table_rows(self._table(relative))

    def held(self) -> list[bytes]:
        return (self._store.read(HELD_PATH) or b"").split(b"\n")[:-1]

    def objects(self, now: int) -> Objects:
        return Objects((Row(*row) for row in self._rows(OBJECTS_PATH)), now)

    def write_objects(self, known: Objects) -> None:
        self._stage(OBJECTS_PATH, COLUMNS, known.remembered())

    def write(self, seen: Seen, processes: Processes, held: Held, state: State, now: int) -> list[str]:
        """Also moves `state` on to the dates kept now; the files that are not kept any more."""
        if held.lines or held.due:
            self._store.stage(HELD_PATH, [line + b"\n" for line in sorted(held.lines)])
        return [*self._write_seen(seen, state, date_of(now - MARKS_KEPT)), *self._write_processes(processes, now)]

    def _write_seen(self, seen: Seen, state: State, marked_from: str) -> Iterator[str]:
        hours = dict(seen.rows())
        dates = {*state.seen_dates, *(hour[:10] for hour in hours)}
        state.seen_dates = sorted(dates)[-RETAINED_DATES:]
        forgotten = sorted(dates.difference(state.seen_dates))
        if forgotten:
            state.checked_from = state.seen_dates[0]
        for hour, rows in {**dict(self._to_unmark(state, marked_from)), **hours}.items():
            if hour >= state.checked_from:
                self._stage(seen_path(hour), SEEN, rows if hour >= marked_from else unmarked(rows))
        state.unmarked_before = max(state.unmarked_before, marked_from)
        return (name for date in forgotten for name in self._store.files_of(date) if name.startswith(SEEN_FOLDER))

    def _write_processes(self, processes: Processes, now: int) -> Iterator[str]:
        living, quiet = processes.rows()
        self._stage(HISTORY_PATH, HISTORY, living)
        if quiet:
            path = f"{QUIET_FOLDER}date={hour_of(now)}.parquet"
            before = (HistoryRow(*row) for row in self._rows(path))
            self._stage(path, HISTORY, [*before, *quiet])
        kept_from = date_of(now - FORGET_AFTER)
        names = (str(path.relative_to(self._store.out)) for path in self._quiet_paths())
        return (name for name in names if name.removeprefix(f"{QUIET_FOLDER}date=") < kept_from)

    def _stage(self, path: str, columns: dict[str, pa.DataType], rows: Iterable[tuple[Any, ...]]) -> None:
        self._store.stage(path, [tables.encoded(tables.rows_table(columns, rows))])

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


def unmarked(rows: list[SeenRow]) -> list[SeenRow]:
    return [row for row in rows if row.kind != "marks"]
