"""Cubes in Parquet, and back, without losing a microsecond.

What people read shows seconds as floats; they are converted back exactly before a merge, which holds up to 2^50
microseconds a cell, 35 years: there a cell stays. Totals and what was seen are the project's own and stay integers.
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

from ..cube import Cube, bins_schema, cells_schema, empty, merge
from ..definitions import Summary
from ..errors import ConfigError, StateError
from ..fields import LONGEST

_TEXT = pa.dictionary(pa.int32(), pa.string())
_SUFFIXES = ("sum", "min", "max")


def parsed(data: bytes, name: str | Path) -> pa.Table:
    """A Parquet file. Raises StateError where it is damaged."""
    try:
        return pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True).read()
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
    for name in summary.group:
        columns[name] = columns[name].cast(_TEXT)
    for measure in summary.measures:
        if measure.unit == "seconds":
            for suffix in _SUFFIXES:
                name = f"{measure.name}_{suffix}"
                exact = pc.min_element_wise(columns[name], LONGEST, skip_nulls=False)
                columns[name] = pc.divide(exact.cast(pa.float64()), 1e6)
    return pa.table(columns).replace_schema_metadata(_metadata(summary))


def _bins_for_people(cube: Cube, cells: pa.Table) -> pa.Table:
    """A row for each row of the cells, with the bins of each measure as two lists."""
    keys = list(cube.summary.keys)
    rows = cube.cells.select(keys).append_column("row", pa.array(np.arange(len(cells), dtype=np.int64)))
    bins = cube.bins.join(rows, keys, join_type="inner", use_threads=False)
    table = cells.select(keys)
    for measure in cube.summary.binned:
        own = bins.filter(pc.field("measure") == measure.name).sort_by([("row", "ascending"), ("le", "ascending")])
        counts = np.bincount(own["row"].to_numpy(), minlength=len(cells))
        offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
        for column, name in (("le", f"{measure.name}_le"), ("n", f"{measure.name}_n")):
            table = table.append_column(name, pa.ListArray.from_arrays(offsets, own[column].combine_chunks()))
    return table.replace_schema_metadata(_metadata(cube.summary))


def cube_of(summary: Summary, cells: pa.Table | None, bins: pa.Table | None) -> Cube:
    """The cube that a partition's files hold. Columns that the summary gained since are filled in."""
    if cells is None:
        return empty(summary)
    _check_measures(summary, cells)
    bins_part = _long_bins(summary, bins) if bins is not None else bins_schema(summary).empty_table()
    return merge([Cube(summary, _integers(summary, cells), bins_part)])


def _integers(summary: Summary, cells: pa.Table) -> pa.Table:
    columns = {}
    for field in cells_schema(summary):
        if field.name not in cells.column_names:
            columns[field.name] = _filled(field, len(cells))
            continue
        column = cells[field.name]
        if pa.types.is_int64(field.type) and pa.types.is_floating(column.type):
            column = pc.round(pc.multiply(column, 1e6))
        columns[field.name] = column.cast(field.type)
    return pa.table(columns, schema=cells_schema(summary))


def _filled(field: "pa.Field[pa.DataType]", length: int) -> pa.Array:
    value = None if field.nullable else "" if pa.types.is_string(field.type) else 0
    return pa.array([value] * length, field.type)


def _long_bins(summary: Summary, bins: pa.Table) -> pa.Table:
    keys = [field for field in bins_schema(summary) if field.name in summary.keys]
    columns = [
        bins[field.name].cast(field.type) if field.name in bins.column_names else _filled(field, len(bins))
        for field in keys
    ]
    key_table = pa.table(columns, schema=pa.schema(keys))
    parts = [bins_schema(summary).empty_table()]
    for measure in summary.binned:
        if f"{measure.name}_le" not in bins.column_names:
            continue
        le, n = (bins[f"{measure.name}_{kind}"].combine_chunks() for kind in ("le", "n"))
        part = key_table.take(pc.list_parent_indices(le))
        for name, column in (("measure", pa.repeat(measure.name, len(part))), ("le", le.flatten()), ("n", n.flatten())):
            part = part.append_column(name, column)
        parts.append(part.cast(bins_schema(summary)))
    return pa.concat_tables(parts)


# What only logemit reads.


def totals_of(summary: Summary, cells: pa.Table | None, bins: pa.Table | None) -> Cube:
    """The totals of a summary; a summary that gained columns since is filled in, lost ones are added up."""
    start = empty(summary, windowed=False)
    parts = [start]
    if cells is not None:
        _check_measures(summary, cells)
        own_cells, own_bins = _filled_up(cells, start.cells.schema), _filled_up(bins, start.bins.schema)
        parts.append(Cube(summary, own_cells, own_bins, windowed=False))
    return merge(parts)


def _filled_up(table: pa.Table | None, schema: pa.Schema) -> pa.Table:
    if table is None:
        return schema.empty_table()
    columns = [table[f.name] if f.name in table.column_names else _filled(f, len(table)) for f in schema]
    return pa.table([c.cast(f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def totals_tables(cube: Cube) -> tuple[pa.Table, pa.Table]:
    """(cells, bins) of totals as they stand in their files."""
    metadata = _metadata(cube.summary)
    return cube.cells.replace_schema_metadata(metadata), cube.bins.replace_schema_metadata(metadata)


def rows_table(columns: dict[str, pa.DataType], rows: Iterable[tuple[Any, ...]]) -> pa.Table:
    """A small table of plain rows."""
    listed = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = [pa.array(values, kind) for values, kind in zip(listed, columns.values(), strict=True)]
    return pa.table(arrays, names=list(columns))


def table_rows(table: pa.Table | None) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True) if table is not None else iter(())
