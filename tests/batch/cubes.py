"""What the tests of cubes share: whether two are equal and in the one form that equal cubes have, and other forms."""

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from aggregator import cube
from aggregator.bins import BINS, bins_table
from aggregator.cube import Cube
from aggregator.grouping import TEXT
from aggregator.store import tables


def same(left: Cube, right: Cube) -> bool:
    for each in (left, right):
        check_form(each)
    return bool(left.cells.equals(right.cells) and left.bins.equals(right.bins))


def check_form(whole: Cube) -> None:
    """Sorted, each row once, each column in one piece, each dictionary ascending and used."""
    assert whole.cells.schema == cube.cells_schema(whole.summary, windowed=whole.windowed)
    assert whole.bins.schema == BINS
    assert all(column.num_chunks <= 1 for table in (whole.cells, whole.bins) for column in table.columns)
    keys = [[_encoded(value) for value in whole.cells[name].to_pylist()] for name in whole.keys]
    assert _ascends(list(zip(*keys, strict=True)))
    row, measure, place, n = (column.to_pylist() for column in whole.bins.columns)
    assert _ascends(list(zip(row, measure, place, strict=True)))
    assert all(0 <= each < len(whole.cells) for each in row)
    assert all(each > 0 for each in n)
    for name in whole.summary.group:
        column = whole.cells[name].combine_chunks()
        values = [_encoded(value) for value in column.dictionary.to_pylist()]
        assert _ascends(values)
        assert set(column.indices.to_pylist()) == set(range(len(values)))


def check_monoid(x: Cube, y: Cube, z: Cube) -> None:
    """Merging is commutative and associative, and an empty cube makes no difference."""
    assert same(cube.merge([x, y]), cube.merge([y, x]))
    assert same(cube.merge([cube.merge([x, y]), z]), cube.merge([x, cube.merge([y, z])]))
    assert same(cube.merge([x, cube.empty(x.summary)]), x)


def check_split(rows: list[Any], cube_of: Callable[[list[Any]], Cube], rng: random.Random) -> None:
    """Rows make the same cube and the same totals in any two parts and any order."""
    whole = cube.merge([cube_of(rows)])
    shuffled = rng.sample(rows, len(rows))
    cut = rng.randrange(len(shuffled) + 1)
    parts = [cube_of(shuffled[:cut]), cube_of(shuffled[cut:])]
    assert same(cube.merge(parts), whole)
    assert same(cube.merge([cube.totals(part) for part in parts]), cube.totals(whole))


def check_partition(whole: Cube) -> None:
    """It survives its files."""
    cells, bins = tables.partition_tables(whole)
    assert bins is not None
    again = [tables.parsed(tables.encoded(table), "file") for table in (cells, bins)]
    assert same(cube.merge([tables.cube_of(whole.summary, *again)]), whole)


def _encoded(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _ascends(values: list[Any]) -> bool:
    return all(a < b for a, b in pairwise(values))


def disordered(whole: Cube, rng: random.Random) -> tuple[pa.Table, pa.Table]:
    """(cells, bins) with the same rows in any order, in chunks, each with text in a form of its own."""
    order = rng.sample(range(len(whole.cells)), len(whole.cells))
    cells = whole.cells.take(pa.array(order, pa.int64()))
    cut = rng.randrange(len(order) + 1)
    chunks = [_spelled(each, whole.summary.group, rng) for each in (cells[:cut], cells[cut:])]
    if rng.random() < 0.5:
        plain = pa.schema([field.with_type(pa.string()) if field.type == TEXT else field for field in cells.schema])
        chunks = [each.cast(plain) for each in chunks]
    places = np.argsort(np.array(order, dtype=np.int64))
    row, *others = (column.to_numpy() for column in whole.bins.columns)
    bins = bins_table(places[row], *others)
    shuffled = rng.sample(range(len(bins)), len(bins))
    return pa.concat_tables(chunks), bins.take(pa.array(shuffled, pa.int64()))


def _spelled(cells: pa.Table, texts: tuple[str, ...], rng: random.Random) -> pa.Table:
    """With dictionaries in any order, that hold also what no row has."""
    for name in texts:
        values = cells[name].to_pylist()
        held = [*{*values, "unused", "a"}]
        rng.shuffle(held)
        column = pa.DictionaryArray.from_arrays(pa.array([held.index(v) for v in values], pa.int32()), held)
        cells = cells.set_column(cells.column_names.index(name), cells.schema.field(name), column)
    return cells


def coded(whole: Cube, rng: random.Random) -> Cube:
    """The same cube from arrays of its rows, in any order."""
    summary = whole.summary
    cells, bins = disordered(whole, rng)
    rows = cells.to_pydict()
    texts = [*{text for name in summary.group for text in rows[name]}, "unused"]
    rng.shuffle(texts)
    times = {
        name: cells[name].cast(pa.int64()).to_pylist() for name in rows if cells.schema.field(name).type == cube.MOMENT
    }
    never = [cube.NEVER] * len(cells)
    unsorted = cube.coded(
        summary,
        pa.array(texts, pa.string()),
        np.array(times["window_start"], dtype=np.int64),
        rows["window_seconds"][0] if len(cells) else 60,
        _matrix([[texts.index(text) for text in rows[name]] for name in summary.group], len(cells), np.int32),
        np.array(rows["events"], dtype=np.int64),
        _measures(whole, rows, len(cells)),
        _matrix([[0.0 if v is None else v for v in rows[f"{g}_last"]] for g in summary.gauges], len(cells), np.float64),
        _matrix([_given(times[f"{g}_last_at"], cube.NEVER) for g in summary.gauges], len(cells), np.int64),
        np.array(_given(times.get("last_at", never), cube.NEVER), dtype=np.int64),
        *(column.to_numpy() for column in bins.columns),
    )
    return cube.merge([unsorted])


def _measures(whole: Cube, rows: dict[str, list[Any]], length: int) -> Any:
    parts = (("sum", 0), ("min", cube.NO_MIN), ("max", cube.NO_MAX))
    each = [
        _matrix([_given(rows[f"{measure.name}_{part}"], missing) for part, missing in parts], length, np.int64)
        for measure in whole.summary.measures
    ]
    return np.stack(each, axis=1) if each else np.zeros((length, 0, 3), dtype=np.int64)


def _given(values: list[int | None], missing: int) -> list[int]:
    return [missing if value is None else value for value in values]


def _matrix(columns: list[list[Any]], length: int, kind: Any) -> Any:
    return np.array(columns, dtype=kind).reshape(len(columns), length).T
