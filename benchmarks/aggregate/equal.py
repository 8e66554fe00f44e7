"""Whether a peer made the same rows and bins as `logemit aggregate`, to the microsecond."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .peers.mtail import counted
from .peers.wanted import Measured, Rollup, derived

COUNTED = {"http_requests": ("view", "method", "status"), "db_queries": ("alias", "vendor", "operation")}

Rows = dict[tuple[Any, ...], tuple[Any, ...]]
Bins = defaultdict[tuple[Any, ...], list[tuple[float, int]]]
"""By the keys of a row, (bound, number) in ascending order."""


class UnequalError(Exception):
    """A peer that computes something else is not measured."""


def check(peer: Path, ours: Path) -> int:
    """The number of rows of all summaries. Raises UnequalError for the first summary that differs."""
    return sum(_check(rollup, peer, ours) for rollup in derived())


def _check(rollup: Rollup, peer: Path, ours: Path) -> int:
    found = _rows(rollup, [peer / f"{rollup.name}.parquet"], are_seconds_whole=True)
    expected = _rows(rollup, sorted((ours / rollup.name).glob("date=*/*.parquet")), are_seconds_whole=False)
    for what, keys in (("lacks", expected.keys() - found.keys()), ("has also", found.keys() - expected.keys())):
        if keys:
            raise UnequalError(f"{rollup.name}: {what} {len(keys)} rows of {len(expected)}, as {min(map(str, keys))}")
    for key, values in expected.items():
        if found[key] != values:
            raise UnequalError(f"{rollup.name}: of {key} it has {found[key]}, expected {values}")
    return len(expected)


def check_bins(peer: Path, ours: Path) -> int:
    """The number of rows and of their bins. Raises UnequalError."""
    binned = [(rollup, measure) for rollup in derived() for measure in rollup.measures if measure.grid]
    return check(peer, ours) + sum(_check_bins(rollup, measure, peer, ours) for rollup, measure in binned)


def _check_bins(rollup: Rollup, measure: Measured, peer: Path, ours: Path) -> int:
    name = measure.name
    found, expected = Bins(list), Bins(list)
    for key, bins in _columns(rollup, peer / f"{rollup.name}.parquet", f"{name}_bins"):
        found[key] += sorted(bins or ())
    for file in sorted((ours / f"{rollup.name}_bins").glob("date=*/*.parquet")):
        for key, bounds, numbers in _columns(rollup, file, f"{name}_le", f"{name}_n"):
            expected[key] += zip(bounds, numbers, strict=True)
    for key in found.keys() | expected.keys():
        if found[key] != expected[key]:
            raise UnequalError(f"{rollup.name}: of {key} {name} has bins {found[key]}, expected {expected[key]}")
    return sum(map(len, expected.values()))


def _columns(rollup: Rollup, file: Path, *names: str) -> Iterator[tuple[Any, ...]]:
    """Of each row its keys, then these columns."""
    table = pq.ParquetFile(file).read(columns=[*rollup.keys, *names])
    moments = table["window_start"].cast(pa.int64()).to_pylist()
    keys = zip(moments, *(table[name].to_pylist() for name in rollup.keys[1:]), strict=True)
    return zip(keys, *(table[name].to_pylist() for name in names), strict=True)


def check_counts(peer: Path, ours: Path) -> int:
    """The same of mtail, which has only some counts, over all windows."""
    for summary, by in COUNTED.items():
        expected: Counter[tuple[str, ...]] = Counter()
        for file in sorted((ours / summary).glob("date=*/*.parquet")):
            table = pq.ParquetFile(file).read(columns=[*by, "events"])
            *labels, events = (table[name].to_pylist() for name in (*by, "events"))
            for key, number in zip(zip(*labels, strict=True), events, strict=True):
                expected[key] += number
        if (found := counted(peer)[summary]) != expected:
            raise UnequalError(f"{summary}: {sum(found.values())} counted, expected {expected.total()}")
    return len(COUNTED)


def _rows(rollup: Rollup, files: list[Path], *, are_seconds_whole: bool) -> Rows:
    keys, rows = len(rollup.keys), {}
    scaled = {f"{m.name}_{end}" for m in rollup.measures if m.is_seconds for end in ("sum", "min", "max")}
    for file in files:
        table = pq.ParquetFile(file).read(columns=rollup.columns)
        moments = table["window_start"].cast(pa.int64())
        columns = [moments.to_pylist(), *(table[name].to_pylist() for name in rollup.columns[1:])]
        if not are_seconds_whole:
            pairs = zip(columns, rollup.columns, strict=True)
            columns = [[_whole(v) for v in column] if name in scaled else column for column, name in pairs]
        found = list(zip(*columns, strict=True))
        rows.update({row[:keys]: row[keys:] for row in found})
    if len(rows) != sum(pq.read_metadata(file).num_rows for file in files):
        raise UnequalError(f"{rollup.name}: a row is there twice")
    return rows


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e6)
