"""DuckDB: lines into a table without the foreign ones, then of each event only the fields it needs, and one GROUP BY.

`read_json` over the whole log, with all columns of all events, takes more than twice as long. `from_json` with all
columns at once, one GROUP BY of everything, and reading the log once for each event are slower, too.
"""

from collections.abc import Callable
from pathlib import Path

import duckdb

from .wanted import MARK, Measured, Rollup, run

_BEFORE = f'{MARK}"event":"'
_LINES = """
    CREATE TEMP TABLE lines AS
    SELECT split_part(line[{place}:{place} + 60], '"', 1) AS event, line
    FROM read_csv(
        ?, columns = {{'line': 'VARCHAR'}}, delim = e'\\x01', quote = '', escape = '', header = false,
        auto_detect = false, strict_mode = false
    )
    WHERE starts_with(line, '{mark}')
"""
_ROLLUP = """
    COPY (
        SELECT left(timestamp, 16)::TIMESTAMP AS window_start, {columns}
        FROM (SELECT unnest(from_json(line, '{fields}')) FROM lines WHERE event = '{event}')
        GROUP BY ALL
    ) TO '{path}' (FORMAT parquet)
"""


Columns = Callable[[Measured], list[str]]
"""What is selected of a measure."""


def compute(log: Path, out: Path, wanted: list[Rollup]) -> None:
    with duckdb.connect() as connection:
        roll_up(connection, log, out, wanted, sum_and_extremes, has_bins=False)


def roll_up(
    connection: duckdb.DuckDBPyConnection,
    log: Path,
    out: Path,
    wanted: list[Rollup],
    measured: Columns,
    *,
    has_bins: bool,
) -> None:
    """`has_bins`: the bins of folds are read, too."""
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(_LINES.format(mark=MARK, place=len(_BEFORE) + 1), [str(log)])
    for rollup in wanted:
        path = out / f"{rollup.name}.parquet"
        columns, fields = _columns(rollup, measured), _fields(rollup, has_bins=has_bins)
        connection.execute(_ROLLUP.format(columns=columns, fields=fields, event=rollup.event, path=path))


def _fields(rollup: Rollup, *, has_bins: bool) -> str:
    bins = [measure.bins for measure in rollup.measures if measure.bins and has_bins]
    types = dict.fromkeys(["timestamp", "service", *rollup.dimensions, *bins], "VARCHAR")
    types |= {name: "DOUBLE" if is_seconds else "BIGINT" for name, is_seconds in rollup.numbers.items()}
    return "{" + ", ".join(f'"{name}": "{type_}"' for name, type_ in types.items()) + "}"


def _columns(rollup: Rollup, measured: Columns) -> str:
    keys = [f'coalesce("{name}", \'\') AS "{name}"' for name in ("service", *rollup.dimensions)]
    events = "sum(coalesce(count, 1))::BIGINT" if rollup.is_folded else "count(*)"
    measures = [column for measure in rollup.measures for column in measured(measure)]
    return ", ".join([*keys, f"{events} AS events", *measures])


def sum_and_extremes(measure: Measured) -> list[str]:
    name, least, most = measure.name, measure.name, measure.name
    if measure.least:
        least, most = (f"CASE WHEN count > 1 THEN {end} ELSE {name} END" for end in (measure.least, measure.most))
    return [
        f"coalesce(sum({_whole(name, measure)}), 0)::BIGINT AS {name}_sum",
        f"{_whole(f'min({least})', measure)} AS {name}_min",
        f"{_whole(f'max({most})', measure)} AS {name}_max",
    ]


def _whole(expression: str, measure: Measured) -> str:
    return f"round({expression} * 1000000)::BIGINT" if measure.is_seconds else expression


if __name__ == "__main__":
    run(compute)
