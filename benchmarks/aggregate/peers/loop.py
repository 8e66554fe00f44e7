"""A plain loop: a line, orjson, a dict of cells for each summary, one process. Parquet by pyarrow."""

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .wanted import MARK, Measured, Rollup, run

Cells = dict[tuple[str, ...], list[Any]]
_TEXTS = {True: "true", False: "false", None: ""}


def compute(log: Path, out: Path, wanted: list[Rollup]) -> None:
    mark = MARK.encode()
    by_event: dict[str, list[tuple[Rollup, Cells]]] = {}
    for rollup in wanted:
        by_event.setdefault(rollup.event, []).append((rollup, {}))
    with log.open("rb") as file:
        for line in file:
            if line.startswith(mark):
                event = orjson.loads(line)
                for rollup, cells in by_event.get(event["event"], ()):
                    _take(event, rollup, cells)
    for rollup, cells in (pair for pairs in by_event.values() for pair in pairs):
        pq.write_table(_table(rollup, cells), out / f"{rollup.name}.parquet")


def _take(event: dict[str, Any], rollup: Rollup, cells: Cells) -> None:
    key = (event["timestamp"][:16], event["service"], *[_text(event.get(name)) for name in rollup.dimensions])
    cell = cells.get(key)
    if cell is None:
        cell = cells[key] = [0, *[0, None, None] * len(rollup.measures)]
    count = event.get("count", 1) if rollup.is_folded else 1
    cell[0] += count
    place = 1
    for measure in rollup.measures:
        value = event.get(measure.name)
        if value is not None:
            _add(cell, place, event, measure, value, count)
        place += 3


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return _TEXTS[value] if value is None or isinstance(value, bool) else str(value)


def _add(cell: list[Any], place: int, event: dict[str, Any], measure: Measured, value: Any, count: int) -> None:
    least = most = value
    if measure.least and count > 1:
        least, most = event[measure.least], event[measure.most]
    if measure.is_seconds:
        value, least, most = round(value * 1e6), round(least * 1e6), round(most * 1e6)
    cell[place] += value
    if cell[place + 1] is None or least < cell[place + 1]:
        cell[place + 1] = least
    if cell[place + 2] is None or most > cell[place + 2]:
        cell[place + 2] = most


def _table(rollup: Rollup, cells: Cells) -> pa.Table:
    rows = [(*key, *cell) for key, cell in cells.items()]
    columns = list(zip(*rows, strict=True)) or [()] * len(rollup.columns)
    texts = 2 + len(rollup.dimensions)
    types = [pa.string() if place < texts else pa.int64() for place in range(len(columns))]
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, types, strict=True)]
    table = pa.table(arrays, names=rollup.columns)
    minutes = pc.strptime(table["window_start"], format="%Y-%m-%dT%H:%M", unit="us")
    return table.set_column(0, "window_start", minutes)


if __name__ == "__main__":
    run(compute)
