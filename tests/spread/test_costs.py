"""The model of a cluster against its simulation, both against runs that can be reckoned by hand; the pages' tables."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aggregator.spread.slicing import SLICE_BYTES
from aggregator.spread.tree import FAN_IN
from benchmarks.spread import tables
from benchmarks.spread.costs import Costs, load
from benchmarks.spread.model import Given, predict, shards
from benchmarks.spread.page import PAGES, RESULTS, page, with_tables
from benchmarks.spread.simulate import Unevenness, repeated, simulate
from tests.conftest import ROOT
from tests.scale import LEVEL

SLICE = float(SLICE_BYTES)
PLAIN = Costs(
    event_bytes=SLICE / 1000,
    start=3.0,
    start_cpu=1.0,
    read=10.0 / SLICE,
    take=1.0 / SLICE,
    end=0.0,
    end_sums=0.0,
    scheduler=0.0,
    merge=0.0,
    claims=2.0,
    account=2.0,
    slice_sums=1000.0,
    window_sums=1000.0,
    summary=0.5,
    driver_memory=1e8,
    driver_memory_event=10.0,
    worker_memory=1e9,
    seen=2.0,
    local_start=1.0,
    local={1: 12.0 / SLICE, 2: 8.0 / SLICE},
)
"""A slice takes ten seconds to read and one to take in; nothing else takes long."""

REAL = Costs(
    event_bytes=364.0,
    start=1.7,
    start_cpu=1.0,
    read=3e-9,
    take=1.2e-10,
    end=2.4e-10,
    end_sums=5.4e-9,
    scheduler=0.016,
    merge=2e-9,
    claims=2.09,
    account=2.12,
    slice_sums=4e6,
    window_sums=4e6,
    summary=0.43,
    driver_memory=1.3e8,
    driver_memory_event=13.6,
    worker_memory=6.7e8,
    seen=0.93,
    local_start=1.4,
    local={1: 5.6e-9, 2: 4.0e-9},
)
"""Such as are measured."""

NEAR = 0.01
"""Seconds that sums take over the network here."""


def of(slices: int, workers: int, **more: Any) -> Given:
    return replace(Given(slices * SLICE, workers, latency=0.0), **more)


# By hand.


@pytest.mark.parametrize(
    ("slices", "workers", "seconds"),
    [
        (40, 1, 3 + 40 * 10 + 1),  # workers are behind: the last slice is taken in, too
        (40, 2, 3 + 20 * 10 + 2),  # two end at once
        (42, 4, 3 + 11 * 10 + 2),  # in the last turn two of them have nothing to do
        (400, 100, 3 + 10 + 400),  # the driver is behind, once the first slice is there
    ],
)
def test_a_run_of_which_all_is_known(slices: int, workers: int, seconds: float) -> None:
    run = of(slices, workers)
    assert simulate(PLAIN, run).wall == pytest.approx(seconds, abs=NEAR)
    assert predict(PLAIN, run).wall == pytest.approx(seconds, abs=1 + NEAR)


def test_a_scheduler_that_is_behind() -> None:
    slow = replace(PLAIN, scheduler=4.0)
    seconds = 3 + 10 + 400 * 4 + 1
    assert simulate(slow, of(400, 100)).wall == pytest.approx(seconds, abs=NEAR)
    assert predict(slow, of(400, 100)).wall == pytest.approx(seconds, abs=NEAR)


def test_shared_cores_are_shared() -> None:
    run = of(40, 4, cores=2)
    busy = 40 * (10 + 1) / 2
    assert predict(PLAIN, run).wall == pytest.approx(3 + busy, abs=NEAR)
    assert busy < simulate(PLAIN, run).wall - 3 < busy + 10


def test_a_slow_worker_holds_the_others_up_once_they_are_far_ahead() -> None:
    """Four are sent ahead for each: of 16 slices the slow one has one, and the next are sent once it is taken in."""
    slow = simulate(PLAIN, of(40, 4), Unevenness(slow=1, times=100.0)).wall
    assert 3 * 1000 < slow < 3 * 1000 + 40 * 10 / 3
    assert simulate(PLAIN, of(16, 4), Unevenness(slow=1, times=100.0)).wall < 1000 + 40 * 10 / 3


def test_what_a_gone_worker_held_is_read_again() -> None:
    run = of(40, 4, interruptions=60.0, restart=10.0)
    played = simulate(PLAIN, run)
    assert played.gone
    assert played.again
    assert played.wall > simulate(PLAIN, of(40, 4)).wall


def test_sums_go_through_the_tree_once_a_level() -> None:
    """Windows of other minutes in each: nothing gets less by being merged."""
    apart = replace(PLAIN, window_sums=1e9)
    slices = FAN_IN**3
    played, told = simulate(apart, of(slices, 8)), predict(apart, of(slices, 8))
    assert told.depth == 4  # eight by eight by eight, and the last one, of which the driver gets the whole
    assert told.shuffled == played.shuffled == slices * 1000.0 * 4
    assert played.to_driver == pytest.approx(slices * (1000 * 2.0 + 1000.0))
    assert told.to_driver == pytest.approx(played.to_driver)


def test_memory_and_money() -> None:
    told = predict(PLAIN, of(400, 10, price=0.5))
    assert told.memory == pytest.approx(1e8 + 400 * 1000 * 10.0 + 400 * 1000.0)
    assert told.money == pytest.approx((10 + 2) * told.wall / 3600 * 0.5)


def test_as_many_outputs_as_it_takes() -> None:
    count = shards(PLAIN, of(4000, 10), seconds=500.0, memory=1e9)
    assert count == pytest.approx(4000 / (500 - 3 - 10), rel=0.1)
    assert predict(PLAIN, of(4000 // count, 10)).wall <= 510


# The model against the simulation, with costs as they are.


@pytest.mark.parametrize("name", [name for name, (run, _) in tables.CASES.items() if not run.interruptions])
def test_the_model_tells_what_the_simulation_shows(name: str) -> None:
    run, uneven = tables.CASES[name]
    told, played = predict(REAL, run), simulate(REAL, run, uneven)
    assert told.wall == pytest.approx(played.wall, rel=0.05)
    assert told.to_driver == pytest.approx(played.to_driver, rel=0.01)
    assert told.shuffled == pytest.approx(played.shuffled, rel=0.01)


def test_no_number_of_outputs_helps_where_a_run_over_nothing_takes_too_long() -> None:
    with pytest.raises(ValueError, match="not within 2 s"):
        shards(PLAIN, of(10, 1), seconds=2.0, memory=1e9)


def test_the_model_tells_what_interruptions_cost() -> None:
    run = Given(200e9, 4, files=20, interruptions=4.0)
    even = predict(REAL, replace(run, interruptions=0.0)).wall
    assert even < predict(REAL, run).wall == pytest.approx(repeated(REAL, run).wall, rel=0.25)


def test_with_more_workers_than_are_useful_nothing_is_won() -> None:
    run = Given(100e9, 1)
    useful = predict(REAL, run).useful
    walls = [predict(REAL, replace(run, workers=number)).wall for number in (useful // 2, useful, 2 * useful)]
    assert walls[0] > 1.1 * walls[1]
    assert walls[2] == pytest.approx(walls[1], rel=0.15)


# The pages.


def test_the_page_of_results_is_current() -> None:
    assert RESULTS.read_text("utf-8") == page(*load()), "run `python -m benchmarks.spread --pages`"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.name))
def test_tables_are_current(path: Path) -> None:
    text = path.read_text("utf-8")
    assert with_tables(text, load()[0]) == text, "run `python -m benchmarks.spread --pages`"


def test_every_table_stands_somewhere() -> None:
    named = [name for path in PAGES for name in re.findall(r"<!-- table: (\S+) -->", path.read_text("utf-8"))]
    assert sorted(named) == sorted([*tables.TABLES, "compared"])


@pytest.mark.skipif(LEVEL == "quick", reason="takes half a minute; TESTS=usual runs it")
def test_the_benchmark_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.spread", "--quick", "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    heads = re.findall("^## (.*)$", done.stdout, re.MULTILINE)
    assert heads == re.findall("^## (.*)$", RESULTS.read_text("utf-8"), re.MULTILINE)
    assert "10 outputs of clusters were compared" in done.stdout
