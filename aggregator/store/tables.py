"""Cubes in Parquet, and back, without losing a microsecond.

What people read shows seconds as floats; they are converted back exactly before a merge, which holds up to 2^50
microseconds a cell, 35 years: there a cell stays. Of values it shows doubles, and beside them `<m>_sum_rest`, the nanos
that these leave. Totals and what was seen are the project's own and stay integers and decimals.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logemit.grid import GRID_ID

from ..bins import BINS, bins_table, bounds
from ..cube import Cube, cells_schema, empty
from ..decimals import DECIMAL, kept, shown
from ..definitions import Summary
from ..errors import ConfigError, StateError
from ..fields import LONGEST
from ..grouping import TEXT, Array, Groups, Key, combined

_SUFFIXES = ("sum", "min", "max")
_THREADS_FROM = 1 << 20
"""Bytes. To read less, threads cost more than they save."""


def parsed(data: bytes, name: str | Path) -> pa.Table:
    """A Parquet file. Raises StateError where it is damaged."""
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        return file.read(use_threads=len(data) >= _THREADS_FROM)
    except (pa.ArrowException, OSError) as exc:
        raise StateError(f"{name}: not readable as Parquet: {exc}; see logemit repair") from None


def row_count(path: Path) -> int:
    """Raises StateError where the file is damaged."""
    try:
        with path.open("rb") as file:
            return int(pq.ParquetFile(file).metadata.num_rows)
    except (pa.ArrowException, OSError) as exc:
        raise StateError(f"{path}: not readable as Parquet: {exc}; see logemit repair") from None


def encoded(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return bytes(sink.getvalue())


# What people read.


def partition_tables(cube: Cube) -> tuple[pa.Table, pa.Table | None]:
    """(cells, bins) of one partition as they stand in its files; bins are None where the summary has none."""
    cells = _for_people(cube)
    return cells, _bins_for_people(cube, cells) if cube.summary.binned else None


def _metadata(summary: Summary) -> dict[str, str]:
    measures = {measure.name: [measure.unit, measure.bins] for measure in summary.measures}
    names = {"logemit.summary": summary.name, "logemit.format": "1", "logemit.grid": GRID_ID}
    return {**names, "logemit.measures": json.dumps(measures)}


def _check_measures(summary: Summary, table: pa.Table) -> None:
    """A measure's unit and bins stay what they were: what is in the files cannot be counted anew."""
    before = json.loads((table.schema.metadata or {}).get(b"logemit.measures", b"{}"))
    for measure in summary.measures:
        unit, bins = before.get(measure.name, [measure.unit, measure.bins])
        if unit != measure.unit:
            raise ConfigError(
                f"{summary.name}.{measure.name}: is in {unit} in the output, {measure.unit} in the configuration; "
                "give the summary another name"
            )
        if bins != measure.bins:
            raise ConfigError(
                f"{summary.name}.{measure.name}: has {'' if bins else 'no '}bins in the output, "
                f"{'' if measure.bins else 'no '}bins in the configuration; give the summary another name"
            )


def _for_people(cube: Cube) -> pa.Table:
    summary = cube.summary
    columns = {name: cube.cells[name] for name in cube.cells.column_names}
    for measure in summary.measures:
        if measure.unit == "seconds":
            for suffix in _SUFFIXES:
                name = f"{measure.name}_{suffix}"
                exact = pc.min_element_wise(columns[name], LONGEST, skip_nulls=False)
                columns[name] = pc.divide(exact.cast(pa.float64()), 1e6)
        elif measure.is_value:
            total = f"{measure.name}_sum"
            columns[total], columns[f"{total}_rest"] = shown(columns[total])
    return pa.table(columns).replace_schema_metadata(_metadata(summary))


def _bins_for_people(cube: Cube, cells: pa.Table) -> pa.Table:
    """A row for each row of the cells, with the bins of each measure as two lists."""
    table = cells.select(cube.keys)
    row, of, place, n = (column.to_numpy() for column in cube.bins.columns)
    for number, measure in enumerate(cube.summary.binned):
        own = of == number
        offsets = pa.array(np.searchsorted(row[own], np.arange(len(cells) + 1)), pa.int32())
        for name, values in (("le", bounds(measure.unit)[place[own]]), ("n", n[own])):
            table = table.append_column(f"{measure.name}_{name}", pa.ListArray.from_arrays(offsets, pa.array(values)))
    return table.replace_schema_metadata(_metadata(cube.summary))


def cube_of(summary: Summary, cells: pa.Table | None, bins: pa.Table | None) -> Cube:
    """A partition as it stands in its files, not sorted. Columns that the summary gained since are filled in.

    Raises StateError.
    """
    if cells is None:
        return empty(summary)
    _check_measures(summary, cells)
    own = _integers(summary, cells)
    return Cube(summary, own, _read_bins(summary, own, bins), is_sorted=False)


def _integers(summary: Summary, cells: pa.Table) -> pa.Table:
    columns = {}
    for field in cells_schema(summary):
        if field.name not in cells.column_names:
            columns[field.name] = _filled(field, len(cells))
            continue
        column = cells[field.name]
        if field.type == DECIMAL:
            columns[field.name] = kept(column, cells[f"{field.name}_rest"])
            continue
        if pa.types.is_int64(field.type) and pa.types.is_floating(column.type):
            column = pc.round(pc.multiply(column, 1e6))
        columns[field.name] = column.cast(field.type)
    return pa.table(columns, schema=cells_schema(summary))


def _filled(field: "pa.Field[pa.DataType]", length: int) -> pa.Array:
    value = None if field.nullable else "" if field.type == TEXT else 0
    return pa.array([value] * length, field.type)


def _read_bins(summary: Summary, cells: pa.Table, bins: pa.Table | None) -> pa.Table:
    if bins is None:
        return BINS.empty_table()
    rows = _rows_of(cells, bins, summary.keys)
    parts = [BINS.empty_table()]
    for number, measure in enumerate(summary.binned):
        if f"{measure.name}_le" in bins.column_names:
            le, n = (bins[f"{measure.name}_{kind}"].combine_chunks() for kind in ("le", "n"))
            own = rows[pc.list_parent_indices(le).to_numpy()]
            parts.append(_placed(summary, number, own, le.flatten().to_numpy(), n.flatten().to_numpy()))
    return pa.concat_tables(parts)


def _rows_of(cells: pa.Table, table: pa.Table, keys: Iterable[str]) -> Array:
    """The row of the cells that has the keys of each row of the table; -1 where none has."""
    schema = pa.schema([cells.schema.field(name) for name in keys])
    own, given = cells.select(schema.names), _filled_up(table, schema)
    if own.equals(given):
        return np.arange(len(cells))
    both = pa.concat_tables([own, given])
    groups = Groups.of(combined([Key.of(column) for column in both.columns], len(both)))
    numbers, rows = groups.numbers, np.full(len(groups), -1)
    rows[numbers[: len(cells)]] = np.arange(len(cells))
    found: Array = rows[numbers[len(cells) :]]
    return found


def _placed(summary: Summary, number: int, row: Array, le: Array, n: Array) -> pa.Table:
    """Bins of one measure by their bounds, without those of no row."""
    measure = summary.binned[number]
    grid = bounds(measure.unit)
    places = np.searchsorted(grid, le)
    if not np.array_equal(grid[np.minimum(places, len(grid) - 1)], le):
        raise StateError(f"{summary.name}.{measure.name}: was written with another grid; upgrade logemit")
    held = row >= 0
    return bins_table(row[held], np.full(np.count_nonzero(held), number), places[held], n[held])


# What only logemit reads.


def totals_of(summary: Summary, cells: pa.Table | None, bins: pa.Table | None) -> Cube:
    """The totals of a summary, not sorted: over columns that it lost they are yet to be added up. Others are filled in.

    Raises StateError.
    """
    if cells is None:
        return empty(summary, windowed=False)
    _check_measures(summary, cells)
    own = _filled_up(cells, cells_schema(summary, windowed=False))
    parts = [BINS.empty_table()]
    if bins is not None:
        rows, le, n = _rows_of(own, bins, summary.group), bins["le"].to_numpy(), bins["n"].to_numpy()
        for number, measure in enumerate(summary.binned):
            of = pc.equal(bins["measure"], measure.name).to_numpy()
            parts.append(_placed(summary, number, rows[of], le[of], n[of]))
    return Cube(summary, own, pa.concat_tables(parts), windowed=False, is_sorted=False)


def _filled_up(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [table[f.name] if f.name in table.column_names else _filled(f, len(table)) for f in schema]
    return pa.table([c.cast(f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def totals_tables(cube: Cube) -> Iterator[pa.Table]:
    """Cells, then bins of totals as they stand in their files, each made when it is asked for: they may be large.

    Text is plain, and bins have the keys of their cells.
    """
    metadata = _metadata(cube.summary)
    yield _plain(cube.cells).replace_schema_metadata(metadata)
    yield _long_bins(cube).replace_schema_metadata(metadata)


def _plain(table: pa.Table) -> pa.Table:
    fields = [field.with_type(pa.string()) if field.type == TEXT else field for field in table.schema]
    return table.cast(pa.schema(fields))


def _long_bins(cube: Cube) -> pa.Table:
    """Sorted by the keys, the measure's name and the bound."""
    binned = cube.summary.binned
    names = sorted(measure.name for measure in binned)
    ranks = np.array([names.index(measure.name) for measure in binned], dtype=np.int64)
    columns = [column.to_numpy() for column in cube.bins.columns]
    order = np.lexsort((columns[2], ranks[columns[1]], columns[0]))
    row, of, place, n = (column[order] for column in columns)
    le = np.empty(len(row))
    for number, measure in enumerate(binned):
        le[of == number] = bounds(measure.unit)[place[of == number]]
    table = _plain(cube.cells.select(cube.keys).take(pa.array(row)))
    measures = pa.array(names, pa.string()).take(pa.array(ranks[of]))
    for name, column in (("measure", measures), ("le", le), ("n", n)):
        array = pa.array(column)
        table = table.append_column(pa.field(name, array.type, nullable=False), array)
    return table


def rows_table(columns: dict[str, pa.DataType], rows: Iterable[tuple[Any, ...]]) -> pa.Table:
    """A small table of plain rows."""
    listed = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = [pa.array(values, kind) for values, kind in zip(listed, columns.values(), strict=True)]
    return pa.table(arrays, names=list(columns))


def table_rows(table: pa.Table | None) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True) if table is not None else iter(())
