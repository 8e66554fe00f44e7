"""Cubes of values: sums of any size and sign stay exact, merged, in files, and in hours."""

import json
import random
import time
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import config, cube
from aggregator.catalogue import shipped
from aggregator.compact import compact
from aggregator.cube import Cube
from aggregator.decode import Batch
from aggregator.plans import plan_event
from aggregator.records import Record
from aggregator.retention import folded
from aggregator.rollup import rollup
from aggregator.store import tables
from logemit import grid
from tests.batch.cubes import check_monoid, check_partition, check_split, same
from tests.batch.runs import CONFIG, NOON, families, poll, take_in
from tests.scale import scaled

SUMMARY = next(summary for summary in shipped().summaries if summary.name == "measurements")
PLAN = plan_event("measurement", shipped())
START = 1_795_176_000_000_000
MOST = 2**63 * 10**9
"""Nanos of one line."""

nanos = st.integers(-MOST, MOST) | st.sampled_from([0, 1, -1, MOST, -MOST, 2**63, 10**15 - 1, 10**15, -(10**15) - 1])
bounds = st.sampled_from([-1e6, -0.5, 0.0, 1e-6, 0.25, float("inf")])
extremes = st.none() | st.sampled_from([-1e15, -0.3, 0.0, 0.1, 1e15])
rows = st.lists(
    st.fixed_dictionaries(
        {
            "timestamp": st.integers(START - 10**10, START + 10**10),
            "service": st.sampled_from(["a", "b"]),
            "name": st.sampled_from(["x", "y"]),
            "labels": st.sampled_from(["", '{"a":"b"}']),
            "count": st.integers(0, 10**6),
            "value": st.none() | nanos,
            "value_low": extremes,
            "value_high": extremes,
            "value_bins": st.none() | st.dictionaries(bounds, st.integers(1, 10**6)).map(lambda d: tuple(d.items())),
        }
    ),
    max_size=25,
)


def cube_of(given_rows: list[dict[str, Any]]) -> Cube:
    if not given_rows:
        return cube.empty(SUMMARY)
    full = [dict.fromkeys(PLAN.columns) | {"kind": "histogram", "mode": "", "state": ""} | row for row in given_rows]
    columns: dict[str, list[Any]] = {name: [row[name] for row in full] for name in PLAN.columns}
    return rollup(Batch(PLAN, columns, [Record(0, 0, b"")] * len(full), [()] * len(full)), SUMMARY, 60)


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows, rows, rows)
def test_merging_values_is_a_commutative_monoid(a: list[Any], b: list[Any], c: list[Any]) -> None:
    check_monoid(cube_of(a), cube_of(b), cube_of(c))


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows, st.randoms(use_true_random=False))
def test_any_split_and_order_gives_the_same_values(given_rows: list[Any], rng: random.Random) -> None:
    check_split(given_rows, cube_of, rng)


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows)
def test_values_survive_their_files_to_the_last_nano(given_rows: list[Any]) -> None:
    whole = cube.merge([cube_of(given_rows)])
    check_partition(whole)
    totals = cube.totals(whole)
    kept = (tables.parsed(tables.encoded(table), "file") for table in tables.totals_tables(totals))
    assert same(cube.merge([tables.totals_of(SUMMARY, *kept)]), totals)


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows)
def test_a_file_shows_the_nearest_double_and_what_it_leaves(given_rows: list[Any]) -> None:
    sums: dict[Any, int] = defaultdict(int)
    for row in given_rows:
        window = row["timestamp"] // 60_000_000 * 60_000_000
        sums[window, row["service"], row["name"], row["labels"]] += row["value"] or 0
    cells, _ = tables.partition_tables(cube_of(given_rows))
    windows = (int(start.timestamp()) * 10**6 for start in cells["window_start"].to_pylist())
    shown = cells.select(["service", "name", "labels", "value_sum", "value_sum_rest"]).to_pylist()
    found = {(start, *list(row.values())[:3]): row for start, row in zip(windows, shown, strict=True)}
    assert found.keys() == sums.keys()
    for key, total in sums.items():
        nearest = float(Fraction(total, 10**9))
        assert found[key]["value_sum"] == nearest
        assert found[key]["value_sum_rest"] == total - round(Fraction(nearest) * 10**9)


@settings(deadline=None, max_examples=scaled(20, 60, 60))
@given(rows)
def test_hours_hold_what_their_minutes_held(given_rows: list[Any]) -> None:
    sums: dict[Any, int] = defaultdict(int)
    binned: dict[Any, int] = defaultdict(int)
    for row in given_rows:
        key = (row["timestamp"] // (3600 * 10**6), row["service"], row["name"], row["labels"])
        sums[key] += row["value"] or 0
        for le, number in row["value_bins"] or ():
            binned[(*key, le)] += number
    hours = folded(cube.merge([cube_of(given_rows)]))
    keys = [
        (int(row["window_start"].timestamp()) // 3600, row["service"], row["name"], row["labels"])
        for row in hours.cells.to_pylist()
    ]
    exact = [int(total.scaleb(9)) for total in hours.cells["value_sum"].to_pylist()]
    assert dict(zip(keys, exact, strict=True)) == sums
    les = grid.bounds("value")
    assert {(*keys[each["row"]], les[each["bin"]]): each["n"] for each in hours.bins.to_pylist()} == binned
    assert same(cube.totals(hours), cube.totals(cube_of(given_rows)))


@pytest.mark.parametrize("sign", [1, -1])
def test_no_number_of_great_values_stops_a_run(sign: int) -> None:
    """Ten billion lines: there a sum is as exact as a double."""
    row = {"timestamp": START, "service": "a", "name": "x", "labels": "", "count": 1, "value": sign * (MOST - 1)}
    whole = cube_of([row])
    for times in (1000, 1000, 1000, 10):
        whole = cube.merge([whole] * times)
    cells, bins = tables.partition_tables(whole)
    assert cells["value_sum"].to_pylist() == [float(Fraction(sign * (MOST - 1) * 10**10, 10**9))]
    again = cube.merge([tables.cube_of(SUMMARY, cells, bins)])
    assert float(again.cells["value_sum"][0].as_py()) == cells["value_sum"][0].as_py()


def test_folding_hours_keeps_value_sums_in_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: NOON)
    head = {"logemit": 1, "event": "measurement", "service": "s", "proc": "p", "name": "x", "kind": "summary"}
    texts = [f"{sign}{number}" for number in ("123456789012345.1", "0.1", "1e-9", "1000000000000000") for sign in "- "]
    lines = [
        json.dumps({**head, "seq": seq, "timestamp": f"2026-10-0{1 + seq % 5}T10:{seq % 60:02}:00Z", "value": "VALUE"})
        for seq in range(200)
    ]
    values = [texts[seq * seq % 7] for seq in range(200)]
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_text("".join(f"{line.replace(json.dumps('VALUE'), v)}\n" for line, v in zip(lines, values, strict=True)))
    with log.open("ab") as file:
        file.write(poll(0))  # of today: ages are counted from the newest event
    take_in(log, out)

    def sums() -> dict[str, Decimal]:
        rows = pd.read_parquet(out / "measurements")
        exact = rows["value_sum"].map(Decimal) + rows["value_sum_rest"].map(lambda rest: Decimal(rest).scaleb(-9))
        return {day: sum(part, Decimal()) for day, part in exact.groupby(rows["date"].astype(str))}

    wanted: dict[str, Decimal] = defaultdict(Decimal)
    for seq, value in enumerate(values):
        wanted[f"2026-10-0{1 + seq % 5}"] += Decimal(value)
    before = families(out)
    for fold in (False, True):
        if fold:
            compact(out, config.with_retention(CONFIG, {"fold_after": "10d"}))
        rounded = {day: round(total, 9) for day, total in sums().items()}
        assert rounded == wanted
    assert set(pd.read_parquet(out / "measurements")["window_seconds"]) == {3600}
    assert families(out) == before
