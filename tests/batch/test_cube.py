"""Cubes add up: merging is a commutative monoid, any split of the rows gives the same cube."""

import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import bins, cube
from aggregator.bins import BINS, bounds
from aggregator.catalogue import shipped
from aggregator.cube import Cube
from aggregator.decode import Batch
from aggregator.definitions import Measure, Summary
from aggregator.errors import StateError
from aggregator.grouping import Groups
from aggregator.plans import plan_event
from aggregator.records import Record
from aggregator.retention import folded
from aggregator.rollup import bins_of, rollup
from aggregator.store import tables
from logemit import grid
from tests.batch.cubes import check_form, check_monoid, check_partition, check_split, coded, disordered, same
from tests.scale import scaled

SUMMARY = next(summary for summary in shipped().summaries if summary.name == "feed_polls")
PLAN = plan_event("feed_poll", shipped())
START = 1_795_176_000_000_000

rows = st.lists(
    st.fixed_dictionaries(
        {
            "timestamp": st.integers(START - 10**9, START + 10**9),
            "service": st.sampled_from(["", "a", "b", "\ufffd", "\U0001f600"]),
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
    return Batch(PLAN, columns, [Record(0, 0, b"")] * len(full), [()] * len(full))


def cube_of(given_rows: list[dict[str, Any]]) -> Cube:
    return rollup(batch(given_rows), SUMMARY, 60) if given_rows else cube.empty(SUMMARY)


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows, rows, rows)
def test_merging_is_a_commutative_monoid(a: list[Any], b: list[Any], c: list[Any]) -> None:
    check_monoid(cube_of(a), cube_of(b), cube_of(c))


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows, st.randoms(use_true_random=False))
def test_any_split_and_order_gives_the_same_cube(given_rows: list[Any], rng: random.Random) -> None:
    check_split(given_rows, cube_of, rng)


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows)
def test_a_partition_survives_its_files(given_rows: list[Any]) -> None:
    check_partition(cube.merge([cube_of(given_rows)]))


@settings(deadline=None, max_examples=scaled(33, 100, 100))
@given(rows, st.randoms(use_true_random=False))
def test_a_cube_has_one_form_whatever_it_came_from(given_rows: list[Any], rng: random.Random) -> None:
    """Whatever the order, the chunks and the dictionaries of its rows."""
    whole = cube_of(given_rows)
    assert same(cube.grouped(SUMMARY, *disordered(whole, rng)), whole)
    assert same(coded(whole, rng), whole)
    cut = rng.randrange(len(whole.cells) + 1)
    parts = [cube.part(whole, 0, cut), cube.part(whole, cut, len(whole.cells))]
    assert same(cube.merge(rng.sample(parts, 2)), whole)
    for part in parts:
        check_form(part)


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows, rows)
def test_bins_survive_merges_folds_and_totals(a: list[Any], b: list[Any]) -> None:
    """Against a plain recount."""

    def recount(window: int | None) -> Counter[Any]:
        found: Counter[Any] = Counter()
        for row in (row for row in (*a, *b) if row["duration_seconds"] is not None):
            le = next(le for le in grid.bounds("seconds") if round(le * 10**6, 3) >= row["duration_seconds"])
            start = [] if window is None else [row["timestamp"] // window * window, window // 10**6]
            found[*start, *(row[name] for name in SUMMARY.group), le] += 1
        return found

    def told(whole: Cube) -> Counter[Any]:
        columns = whole.cells.select(whole.keys)
        if whole.windowed:
            columns = columns.set_column(0, "window_start", columns["window_start"].cast(pa.int64()))
        keys = list(zip(*(column.to_pylist() for column in columns.columns), strict=True))
        assert set(whole.bins["measure"].to_pylist()) <= {0}
        bounds = grid.bounds("seconds")
        return Counter({(*keys[each["row"]], bounds[each["bin"]]): each["n"] for each in whole.bins.to_pylist()})

    whole = cube.merge([cube_of(a), cube_of(b)])
    assert told(whole) == recount(60 * 10**6)
    assert told(folded(whole)) == recount(3600 * 10**6)
    assert told(cube.totals(whole)) == told(cube.totals(folded(whole))) == recount(None)


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows)
def test_totals_survive_their_files(given_rows: list[Any]) -> None:
    whole = cube.totals(cube_of(given_rows))
    cells, bins = (tables.parsed(tables.encoded(table), "file") for table in tables.totals_tables(whole))
    assert same(cube.merge([tables.totals_of(SUMMARY, cells, bins)]), whole)
    assert bins.column_names == [*SUMMARY.group, "measure", "le", "n"]
    assert bins.equals(bins.sort_by([(name, "ascending") for name in bins.column_names[:-1]]))


def test_bins_of_several_measures_stand_by_name_in_the_file_of_totals() -> None:
    measures = (Measure("late_seconds", "seconds", True), Measure("keys", "count", True))
    summary = Summary("own", "own", "day", ("kind",), measures, (), None)
    texts, none = pa.array(["b", "s", "a"]), np.zeros((2, 0))
    told = np.array([[[3, 1, 2], [0, cube.NO_MIN, cube.NO_MAX]], [[1000, 1000, 1000], [7, 3, 4]]])
    bins = [np.array(column) for column in ([1, 0, 1, 0], [1, 0, 0, 0], [4, 9, 8, 8], [1, 2, 3, 4])]
    at = np.full(2, START)
    codes = np.array([[1, 0], [1, 2]], dtype=np.int32)
    whole = cube.totals(cube.coded(summary, texts, at, 60, codes, np.array([5, 6]), told, none, none, at, *bins))
    cells, long = tables.totals_tables(whole)
    assert cells.select(["kind", "events", "late_seconds_max", "keys_min"]).to_pylist() == [
        {"kind": "a", "events": 6, "late_seconds_max": 1000, "keys_min": 3},
        {"kind": "b", "events": 5, "late_seconds_max": 2, "keys_min": None},
    ]
    bounds = grid.bounds("seconds")
    assert list(tables.table_rows(long)) == [
        ("s", "a", "keys", 4.0, 1),
        ("s", "a", "late_seconds", bounds[8], 3),
        ("s", "b", "late_seconds", bounds[8], 4),
        ("s", "b", "late_seconds", bounds[9], 2),
    ]
    assert same(cube.merge([tables.totals_of(summary, cells, long)]), whole)


def test_bins_go_by_their_keys_and_without_a_row_nowhere() -> None:
    """The files of a partition may come from two backups."""
    poll = {"service": "s", "status": "", "timestamp": START, "duration_seconds": 5, "items_new": None}
    one, both = cube_of([{**poll, "feed_id": "2"}]), cube_of([{**poll, "feed_id": "1"}, {**poll, "feed_id": "2"}])
    (cells, _), (_, bins) = tables.partition_tables(one), tables.partition_tables(both)
    assert same(cube.merge([tables.cube_of(SUMMARY, cells, bins)]), one)


def test_a_bound_that_is_not_on_the_grid_is_refused() -> None:
    """By a version whose grid is another: its bins would be taken for others."""
    refused = r"feed_polls\.duration_seconds: was written with another grid; upgrade logemit"
    poll = {"service": "", "feed_id": "", "status": "", "timestamp": START, "duration_seconds": 5, "items_new": None}
    whole = cube_of([poll])
    cells, bins = tables.partition_tables(whole)
    assert bins is not None
    total_cells, total_bins = tables.totals_tables(cube.totals(whole))
    for le in (0.0000051001, float("nan"), -1.0):
        lists = pa.array([[le]], pa.list_(pa.float64()))
        odd = bins.set_column(bins.column_names.index("duration_seconds_le"), "duration_seconds_le", lists)
        with pytest.raises(StateError, match=refused):
            tables.cube_of(SUMMARY, cells, odd)
        odd = total_bins.set_column(total_bins.column_names.index("le"), "le", pa.array([le]))
        with pytest.raises(StateError, match=refused):
            tables.totals_of(SUMMARY, total_cells, odd)


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
    def le(values: list[int], unit: str) -> list[float]:
        found: list[float] = bounds(unit)[bins_of(np.array(values), unit)].tolist()
        return found

    assert le([10_000, 10_001], "seconds") == [0.01, 0.01025]
    assert le([1024, 1025, 2**53, 2**53 + 1], "bytes") == [1024, 1056, 2.0**53, float("inf")]


def test_a_sum_that_no_longer_fits_exactly_stays_where_it_still_does() -> None:
    """Hostile durations must not stop every later run."""
    cells = cube.cells_schema(SUMMARY).empty_table().to_pylist()
    row = {"window_start": datetime(2026, 1, 1, tzinfo=UTC), "window_seconds": 60, "service": "", "feed_id": ""}
    row |= {"status": "", "events": 1, "items_discovered_sum": 0, "items_new_sum": 0, "duration_seconds_sum": 2**50 + 1}
    table = pa.Table.from_pylist([*cells, row], schema=cube.cells_schema(SUMMARY))
    cells_table, _ = tables.partition_tables(Cube(SUMMARY, table, BINS.empty_table()))
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


@pytest.mark.parametrize("largest", [1, 2**62])
@given(st.data())
@settings(deadline=None, max_examples=scaled(33, 100, 100))
def test_bins_add_up_whether_they_lie_densely_or_far_apart(largest: int, data: st.DataObject) -> None:
    """Bins of cells that become one, as a dictionary adds them up."""
    groups = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=6))
    far = data.draw(st.sampled_from([3, 1000]))
    each = st.tuples(st.integers(0, len(groups) - 1), st.integers(0, 2), st.integers(0, far), st.integers(0, largest))
    held = data.draw(st.lists(each, max_size=200))
    if data.draw(st.booleans()):
        held.sort()
    columns = [np.array(column, np.int64) for column in zip(*held, strict=True)] or [np.array([], np.int64)] * 4
    numbers = {group: number for number, group in enumerate(sorted(set(groups)))}
    wanted: Counter[tuple[int, int, int]] = Counter()
    for row, measure, place, n in held:
        wanted[numbers[groups[row]], measure, place] += n
    found = bins.grouped(bins.bins_table(*columns), Groups.of(np.array(groups, np.int64)))
    rows = [[*key, min(n, 2**62)] for key, n in sorted(wanted.items()) if n]
    assert [list(row.values()) for row in found.to_pylist()] == rows
