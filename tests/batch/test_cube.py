"""Cubes add up: merging is a commutative monoid, any split of the rows gives the same cube."""

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import cube
from aggregator.catalogue import shipped
from aggregator.cube import Cube
from aggregator.decode import Batch
from aggregator.plans import plan_event
from aggregator.rollup import bin_bounds, rollup
from aggregator.store import tables
from logemit import grid

SUMMARY = next(summary for summary in shipped().summaries if summary.name == "feed_polls")
PLAN = plan_event("feed_poll", shipped())
START = 1_795_176_000_000_000

rows = st.lists(
    st.fixed_dictionaries(
        {
            "timestamp": st.integers(START - 10**9, START + 10**9),
            "service": st.sampled_from(["", "a", "b"]),
            "feed_id": st.sampled_from(["", "1", "2"]),
            "status": st.sampled_from(["success", "error"]),
            "duration_seconds": st.none() | st.integers(0, grid.MAX_MICROSECONDS),
            "items_new": st.none() | st.integers(0, 10**6),
        }
    ),
    max_size=30,
)


def batch(given_rows: list[dict[str, Any]]) -> Batch:
    full = []
    for row in given_rows:
        values = dict.fromkeys(PLAN.columns) | {"count": 1} | row
        for measure in ("duration_seconds", "items_new"):
            values[f"{measure}_low"] = values[f"{measure}_high"] = row[measure]
        full.append(values)
    columns: dict[str, list[Any]] = {name: [row[name] for row in full] for name in PLAN.columns}
    return Batch(PLAN, columns, [b""] * len(full), [()] * len(full))


def cube_of(given_rows: list[dict[str, Any]]) -> Cube:
    return rollup(batch(given_rows), SUMMARY, 60) if given_rows else cube.empty(SUMMARY)


def same(left: Cube, right: Cube) -> bool:
    return bool(left.cells.equals(right.cells) and left.bins.equals(right.bins))


@settings(deadline=None, max_examples=60)
@given(rows, rows, rows)
def test_merging_is_a_commutative_monoid(a: list[Any], b: list[Any], c: list[Any]) -> None:
    x, y, z = cube_of(a), cube_of(b), cube_of(c)
    assert same(cube.merge([x, y]), cube.merge([y, x]))
    assert same(cube.merge([cube.merge([x, y]), z]), cube.merge([x, cube.merge([y, z])]))
    assert same(cube.merge([x, cube.empty(SUMMARY)]), cube.merge([x]))


@settings(deadline=None, max_examples=60)
@given(rows, st.randoms(use_true_random=False))
def test_any_split_and_order_gives_the_same_cube(given_rows: list[Any], rng: random.Random) -> None:
    whole = cube.merge([cube_of(given_rows)])
    shuffled = rng.sample(given_rows, len(given_rows))
    cut = rng.randrange(len(shuffled) + 1)
    parts = [cube_of(shuffled[:cut]), cube_of(shuffled[cut:])]
    assert same(cube.merge(parts), whole)
    assert same(cube.merge([cube.totals(part) for part in parts]), cube.totals(whole))


@settings(deadline=None, max_examples=60)
@given(rows)
def test_a_partition_survives_its_files(given_rows: list[Any]) -> None:
    whole = cube.merge([cube_of(given_rows)])
    cells, bins = tables.partition_tables(whole)
    assert bins is not None
    again = [tables.parsed(tables.encoded(table), "file") for table in (cells, bins)]
    back = tables.cube_of(SUMMARY, *again)
    assert same(back, whole)


def test_a_window_begins_at_its_start_and_ends_before_the_next() -> None:
    poll = {"service": "", "feed_id": "", "status": "", "duration_seconds": None, "items_new": None}
    moments = [START, START + 59_999_999, START + 60_000_000]
    cells = cube_of([{**poll, "timestamp": moment} for moment in moments]).cells
    assert cells["window_start"].to_pylist() == [
        datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
        datetime(2026, 11, 20, 12, 1, tzinfo=UTC),
    ]
    assert cells["events"].to_pylist() == [2, 1]


def test_le_is_inclusive_in_both_grids() -> None:
    assert bin_bounds(np.array([10_000, 10_001]), "seconds").tolist() == [0.01, 0.01025]
    assert bin_bounds(np.array([1024, 1025, 2**53, 2**53 + 1]), "bytes").tolist() == [1024, 1056, 2.0**53, float("inf")]


def test_a_sum_that_no_longer_fits_exactly_stays_where_it_still_does() -> None:
    """Hostile durations must not stop every later run."""
    cells = cube.cells_schema(SUMMARY).empty_table().to_pylist()
    row = {"window_start": datetime(2026, 1, 1, tzinfo=UTC), "window_seconds": 60, "service": "", "feed_id": ""}
    row |= {"status": "", "events": 1, "items_discovered_sum": 0, "items_new_sum": 0, "duration_seconds_sum": 2**50 + 1}
    table = pa.Table.from_pylist([*cells, row], schema=cube.cells_schema(SUMMARY))
    cells_table, _ = tables.partition_tables(Cube(SUMMARY, table, cube.bins_schema(SUMMARY).empty_table()))
    assert cells_table["duration_seconds_sum"].to_pylist() == [2**50 / 1e6]
    assert cells_table["duration_seconds_min"].to_pylist() == [None]
    back = tables.cube_of(SUMMARY, cells_table, None).cells
    assert back["duration_seconds_sum"].to_pylist() == [2**50]


def test_files_of_a_summary_that_gained_columns_are_filled_in(tmp_path: Path) -> None:
    poll = {"service": "s", "feed_id": "1", "status": "error", "duration_seconds": 5, "items_new": 2}
    whole = cube.merge([cube_of([{**poll, "timestamp": START}])])
    cells, bins = tables.partition_tables(whole)
    older = cells.drop_columns(["status", "items_new_sum", "items_new_min", "items_new_max"])
    assert bins is not None
    back = tables.cube_of(SUMMARY, older, bins.drop_columns(["status"])).cells.to_pylist()[0]
    assert (back["status"], back["items_new_sum"], back["items_new_min"]) == ("", 0, None)
    assert (back["events"], back["duration_seconds_sum"]) == (1, 5)
