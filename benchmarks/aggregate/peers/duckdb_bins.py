"""DuckDB, with bins: the cells of the other, and of each binned measure a map of bounds to numbers of events.

In the one GROUP BY, the bounds of a cell's events are a list, which becomes a histogram; those of folds are in it as
often as they are told. A bound is computed. This takes 1.65 CPU seconds of a log of 150 MB, the cells alone 1.35. No
better are folds added up apart. Slower are

- decoded rows in a temporary table and a second GROUP BY, of keys and bound: 2.0, also with cells numbered
- the aggregate function `histogram` of the bounds: 2.2
- the second GROUP BY with bounds found by an ASOF JOIN, or once for all measures, unnested: 2.2
- `histogram` with all bounds of a grid, which finds the bins by itself: 8.6, in 1.6 GB
"""

from pathlib import Path

import duckdb

from .duckdb import roll_up, sum_and_extremes
from .wanted import Measured, Rollup, run

GRIDS = """
    CREATE TEMP MACRO up_to(value, step) AS ceil(value / step) * step;
    CREATE TEMP MACRO nanoseconds(us, decade) AS
        decade * CASE WHEN us <= 2 * decade THEN 25 WHEN us <= 5 * decade THEN 50 ELSE 100 END;
    CREATE TEMP MACRO seconds_le(us) AS CASE
        WHEN us > 1e12 THEN 'inf'::DOUBLE
        WHEN us > 0 THEN up_to(1000 * us, nanoseconds(us, pow(10, floor(log10(us))))) / 1e9
        ELSE us::DOUBLE
    END;
    CREATE TEMP MACRO counts_le(n) AS CASE WHEN n > 32 THEN up_to(n, pow(2, floor(log2(n)) - 5)) ELSE n::DOUBLE END;
    CREATE TEMP MACRO told_le(bins) AS flatten([
        repeat([split_part(pair, ':', 1)::DOUBLE], split_part(pair, ':', 2)::BIGINT)
        for pair in string_split(bins, ',')
    ]);
"""
"""`logemit.grid` in SQL: the bounds of microseconds, and of bytes and counts; and of all that a fold tells."""


def compute(log: Path, out: Path, wanted: list[Rollup]) -> None:
    with duckdb.connect() as connection:
        connection.execute(GRIDS)
        roll_up(connection, log, out, wanted, _with_bins, has_bins=True)


def _with_bins(measure: Measured) -> list[str]:
    columns = sum_and_extremes(measure)
    if not measure.grid:
        return columns
    name = measure.name
    own = f"seconds_le(round({name} * 1000000))" if measure.is_seconds else f"counts_le({name})"
    bounds = f"flatten(list(coalesce(told_le({measure.bins}), [{own}])))" if measure.bins else f"list({own})"
    return [*columns, f"list_aggregate({bounds}, 'histogram') AS {name}_bins"]


if __name__ == "__main__":
    run(compute)
