"""Polars: lines into memory without the foreign ones, then of each event only the fields it needs; all in one go.

`scan_ndjson` refuses a log with foreign lines, whatever it is told of errors. Decoding each event's lines beats reading
the events' lines as NDJSON with all columns, and all on the streaming engine.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from .wanted import MARK, Measured, Rollup, run

_TYPES = {"string": pl.String(), "integer": pl.Int64(), "boolean": pl.Boolean()}


def compute(log: Path, out: Path, wanted: list[Rollup]) -> None:
    is_event = pl.col("line").str.starts_with(MARK)
    lines = pl.scan_lines(log, name="line").filter(is_event).collect(engine="streaming").lazy()
    for rollup, frame in zip(wanted, pl.collect_all([_rolled_up(lines, each) for each in wanted]), strict=True):
        frame.write_parquet(out / f"{rollup.name}.parquet")


def _rolled_up(lines: pl.LazyFrame, rollup: Rollup) -> pl.LazyFrame:
    own = lines.filter(pl.col("line").str.starts_with(rollup.start))
    rows = own.select(pl.col("line").str.json_decode(_fields(rollup)).alias("event")).unnest("event")
    minute = pl.col("timestamp").str.slice(0, 16).alias("window_start")
    keys = [pl.col(name).cast(pl.String).fill_null("") for name in ("service", *rollup.dimensions)]
    events = pl.col("count").fill_null(1).sum() if rollup.is_folded else pl.len().cast(pl.Int64)
    measures = (column for measure in rollup.measures for column in _measure(measure))
    cells = rows.group_by(minute, *keys).agg(events.alias("events"), *measures)
    return cells.with_columns(pl.col("window_start").str.to_datetime("%Y-%m-%dT%H:%M", time_unit="us"))


def _fields(rollup: Rollup) -> pl.Struct:
    types: dict[str, pl.DataType] = {"timestamp": pl.String(), "service": pl.String()}
    types |= {name: _TYPES[type_] for name, type_ in rollup.dimensions.items()}
    types |= {name: pl.Float64() if is_seconds else pl.Int64() for name, is_seconds in rollup.numbers.items()}
    return pl.Struct(types)


def _measure(measure: Measured) -> Iterator[pl.Expr]:
    value = least = most = pl.col(measure.name)
    if measure.least:
        is_fold = pl.col("count") > 1
        least, most = (pl.when(is_fold).then(pl.col(end)).otherwise(value) for end in (measure.least, measure.most))
    yield _whole(value, measure).sum().alias(f"{measure.name}_sum")
    yield _whole(least.min(), measure).alias(f"{measure.name}_min")
    yield _whole(most.max(), measure).alias(f"{measure.name}_max")


def _whole(expression: pl.Expr, measure: Measured) -> pl.Expr:
    return (expression * 1_000_000).round().cast(pl.Int64) if measure.is_seconds else expression


if __name__ == "__main__":
    run(compute)
