"""Gauges: of cells the last value, of processes what they told while they lived."""

import random
from collections import Counter, defaultdict
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import cube
from aggregator.catalogue import extend
from aggregator.cube import Cube
from aggregator.decode import Batch
from aggregator.definitions import Catalogue
from aggregator.fields import MAX_SUM
from aggregator.live import LIVE_SECONDS, is_living, settled
from aggregator.plans import plan_event
from aggregator.records import Record
from aggregator.rollup import rollup
from aggregator.store import tables
from tests.batch.cubes import check_monoid, coded, disordered, same
from tests.scale import scaled

CATALOGUE = extend(
    Catalogue(),
    {
        "summary": [
            {
                "name": "beats",
                "event": "beat",
                "dimensions": ["host", "proc"],
                "measures": [{"name": "busy_seconds", "unit": "seconds"}],
                "bins": ["busy_seconds"],
                "gauges": ["load", "heat"],
            }
        ]
    },
    "test",
)
(SUMMARY,) = CATALOGUE.summaries
PLAN = plan_event("beat", CATALOGUE)
START = 1_795_176_000_000_000
LIVE = LIVE_SECONDS * 10**6

levels = st.none() | st.sampled_from([0.0, -1.5, 1e300]) | st.floats(-1e9, 1e9).map(lambda value: value + 0.0)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "timestamp": st.sampled_from([START, START + 1, START + LIVE, START + LIVE + 1, START + 2 * LIVE])
            | st.integers(START, START + 3 * LIVE),
            "service": st.sampled_from(["a", "b"]),
            "host": st.sampled_from(["", "x"]),
            "proc": st.sampled_from([None, "p", "q", "r"]),
            "busy_seconds": st.none() | st.integers(0, 2**50),
            "load": levels,
            "heat": levels,
        }
    ),
    max_size=25,
)


def cube_of(given_rows: list[dict[str, Any]]) -> Cube:
    if not given_rows:
        return cube.empty(SUMMARY)
    columns: dict[str, list[Any]] = {name: [None] * len(given_rows) for name in PLAN.columns}
    for name in ("timestamp", "service", "host", "proc", "busy_seconds"):
        columns[name] = [row[name] for row in given_rows]
    for end in ("low", "high"):
        columns[f"busy_seconds_{end}"] = columns["busy_seconds"]
    for gauge in SUMMARY.gauges:
        columns[f"{gauge}_last"] = [row[gauge] for row in given_rows]
    columns["count"] = [1] * len(given_rows)
    return rollup(Batch(PLAN, columns, [Record(0, 0, b"")] * len(given_rows), [()] * len(given_rows)), SUMMARY, 60)


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows, rows, rows)
def test_merging_gauges_is_a_commutative_monoid(a: list[Any], b: list[Any], c: list[Any]) -> None:
    check_monoid(cube_of(a), cube_of(b), cube_of(c))


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows)
def test_the_last_value_is_that_with_the_greatest_time_and_then_the_greatest(given_rows: list[dict[str, Any]]) -> None:
    told: dict[tuple[str, ...], list[tuple[int, float]]] = defaultdict(list)
    for row in given_rows:
        if row["load"] is not None:
            told[row["service"], row["host"], row["proc"] or ""].append((row["timestamp"], row["load"]))
    cells = cube.totals(cube_of(given_rows)).cells
    found = {(row["service"], row["host"], row["proc"]): row["load_last"] for row in cells.to_pylist()}
    assert {key: value for key, value in found.items() if value is not None} == {
        key: max(pairs)[1] for key, pairs in told.items()
    }


@settings(deadline=None, max_examples=scaled(33, 100, 100))
@given(rows, st.randoms(use_true_random=False))
def test_any_split_settles_to_the_same_totals(given_rows: list[Any], rng: random.Random) -> None:
    """Also where a process was let go of between two of its lines."""
    whole = settled(cube.totals(cube_of(given_rows)))
    total = cube.empty(SUMMARY, windowed=False)
    left = rng.sample(given_rows, len(given_rows))
    while left:
        size = rng.randrange(1, len(left) + 1)
        total = settled(cube.merge([total, cube.totals(cube_of(left[:size]))]))
        left = left[size:]
    assert same(total, whole)
    assert same(settled(whole), whole)


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows)
def test_settling_keeps_all_that_adds_up(given_rows: list[Any]) -> None:
    def sums(totals: Cube) -> tuple[dict[Any, Any], Counter[Any]]:
        added: dict[Any, Any] = defaultdict(lambda: [0, 0, None])
        keys = []
        for row in totals.cells.to_pylist():
            keys.append((row["service"], row["host"]))
            kept = added[keys[-1]]
            kept[0] += row["events"]
            kept[1] = min(kept[1] + row["busy_seconds_sum"], MAX_SUM)
            kept[2] = max((each for each in (kept[2], row["busy_seconds_max"]) if each is not None), default=None)
        bins: Counter[Any] = Counter()
        for row in totals.bins.to_pylist():
            bins[*keys[row["row"]], row["measure"], row["bin"]] += row["n"]
        return dict(added), bins

    totals = cube.totals(cube_of(given_rows))
    assert sums(settled(totals)) == sums(totals)


def test_totals_stay_small_however_many_processes_came_and_went() -> None:
    beat = {"service": "a", "host": "", "busy_seconds": 5, "load": 1.0, "heat": None}
    given_rows = [{**beat, "timestamp": START + n * 10**9, "proc": f"p{n}"} for n in range(1000)]
    totals = settled(cube.totals(cube_of(given_rows)))
    assert len(totals.cells) == 2
    assert len(totals.bins) == 1
    assert totals.cells.filter(is_living(totals.cells))["proc"].to_pylist() == ["p999"]
    assert pa.compute.sum(totals.cells["events"]).as_py() == 1000


def test_a_value_lives_as_long_as_its_own_line() -> None:
    """A process that still writes, but no longer of this."""
    beat: dict[str, Any] = {"service": "a", "host": "", "proc": "p", "busy_seconds": None}
    told = [
        {**beat, "timestamp": START, "load": 1.0, "heat": None},
        {**beat, "timestamp": START + 1, "load": None, "heat": 2.0},
        {**beat, "timestamp": START + LIVE + 1, "load": None, "heat": None},
    ]
    cells = settled(cube.totals(cube_of(told))).cells
    (row,) = cells.filter(is_living(cells)).to_pylist()
    assert (row["load_last"], row["load_last_at"], row["heat_last"]) == (None, None, 2.0)


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows)
def test_gauges_survive_their_files(given_rows: list[Any]) -> None:
    whole = cube_of(given_rows)
    cells, bins = tables.partition_tables(whole)
    assert bins is not None
    again = [tables.parsed(tables.encoded(table), "file") for table in (cells, bins)]
    back = cube.merge([tables.cube_of(SUMMARY, *again)])
    without_sums = (each.cells.drop_columns(["busy_seconds_sum"]) for each in (back, whole))
    assert pa.Table.equals(*without_sums)
    assert same(back, cube.merge([tables.cube_of(SUMMARY, *tables.partition_tables(back))]))


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows, st.randoms(use_true_random=False))
def test_a_cube_with_gauges_has_one_form_whatever_it_came_from(given_rows: list[Any], rng: random.Random) -> None:
    whole = cube_of(given_rows)
    assert same(cube.grouped(SUMMARY, *disordered(whole, rng)), whole)
    assert same(coded(whole, rng), whole)


def test_sums_stay_where_64_bits_still_hold_them() -> None:
    """A counter must not wrap to below 0, however many absurd durations come, and stays the same in any order."""
    beat = {"timestamp": START, "service": "a", "host": "", "proc": "p", "busy_seconds": 2**50}
    part = cube_of([{**beat, "load": None, "heat": None}] * 3000)
    halves = cube.merge([cube.merge([part, part]), part, part])
    assert same(halves, cube.merge([part, part, part, part]))
    assert halves.cells["busy_seconds_sum"].to_pylist() == [MAX_SUM]
    later = cube_of([{**beat, "timestamp": START + 10**9, "load": None, "heat": None}] * 3000)
    assert cube.totals(cube.merge([part, later])).cells["busy_seconds_sum"].to_pylist() == [MAX_SUM]
    assert halves.bins["n"].to_pylist() == [12_000]
