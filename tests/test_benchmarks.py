"""The benchmarks run, and their tables are whole. How fast anything is, no test says."""

import json
import os
import re
import subprocess
import sys
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import replace
from decimal import Decimal
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.aggregate import generate as generator
from benchmarks.aggregate.equal import UnequalError, check, check_bins, check_counts
from benchmarks.aggregate.generate import FutureError, Generated, Wanted, generate
from benchmarks.aggregate.peers.wanted import derived
from benchmarks.aggregate.running import run
from logemit.grid import COUNTS_INT, SECONDS_NANO, bounds, seconds_le
from tests import quick
from tests.conftest import ROOT, tool
from tests.recount import MARK, recount
from tests.scale import LEVEL

needs_prometheus = pytest.mark.usefixtures("django_prometheus")
NUMBER = re.compile(r"[+-]?[\d,]+(\.\d+)?")
HANDLERS, QUERIES = ["sync", "async"], ["no", "10", "100"]
CHOSEN: list[str] = []
if LEVEL == "quick":  # a case takes three processes
    HANDLERS, QUERIES, CHOSEN = ["async"], ["10"], ["--handler=async", "--queries=10"]
OUTPUTS = ("/dev/null", "pipe")
BINNED = [
    ("db_queries", "duration_seconds"),
    ("http_requests", "duration_seconds"),
    ("http_requests", "request_bytes"),
    ("bookmark_imports", "items_processed"),
]
"""Folds, seconds, bytes and counts."""
CASES = [f"{handler}, {queries} queries, {to}" for handler in HANDLERS for queries in QUERIES for to in OUTPUTS]

Table = dict[str, dict[str, str]]


def emitter_cost(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.emitter_cost", "--quick", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tables(page: str) -> list[Table]:
    """Each as its rows by their first cell, a row as its other cells by their heads."""
    found = []
    for text in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        head, _rule, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
        found.append({row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows})
    return found


def assert_numbers(row: dict[str, str]) -> None:
    for name, cell in row.items():
        assert NUMBER.fullmatch(cell), f"{name}: {cell!r}"


@needs_prometheus
def test_emitter_cost_has_every_case_with_its_numbers(tmp_path: Path) -> None:
    page = emitter_cost("--output", str(tmp_path / "page.md"), *CHOSEN)
    assert (tmp_path / "page.md").read_text() == page
    costs, written = tables(page)
    assert list(costs) == CASES
    for row in costs.values():
        del row["target"]
        for end in row.pop("quartiles").split(" to "):
            assert NUMBER.fullmatch(end)
        assert_numbers(row)
    assert list(written) == [case for case in CASES if case.endswith("pipe")]
    for case, row in written.items():
        assert float(row["lines"]) >= (1 if "no queries" in case else 2)
        assert float(row["bytes"].replace(",", "")) > 300


@needs_prometheus
def test_emitter_cost_of_one_contender() -> None:
    page = emitter_cost("--contender=logemit", "--handler=sync", "--queries=0", "--sink=null")
    (costs,) = tables(page)
    (row,) = costs.values()
    assert NUMBER.fullmatch(row["logemit adds"])
    assert row["django-prometheus adds"] == row["ratio"] == "-"


@needs_prometheus
def test_emitter_cost_by_its_parts() -> None:
    (parts,) = tables(emitter_cost("--breakdown", "--queries=10"))
    assert len(parts) == 5
    for row in parts.values():
        assert len(row) == 2
        assert_numbers(row)


@needs_prometheus
def test_emitter_cost_profiled() -> None:
    packages, functions = tables(emitter_cost("--profile", "--queries=10"))
    assert {"logemit", "django"} <= set(packages)
    assert any("middleware.py" in name for name in functions)


# The batch side.


def made(folder: Path, wanted: Wanted) -> tuple[Path, Generated]:
    log = folder / "generated.log"
    return log, generate(wanted, log)


def events_in(log: Path) -> list[dict[str, Any]]:
    lines = log.read_bytes().splitlines()
    return [json.loads(line, parse_float=Decimal) for line in lines if line.startswith(MARK)]


def aggregated(log: Path, out: Path) -> dict[str, Any]:
    command = [str(quick.command().path), "aggregate", str(log), "--out", str(out), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report


def assert_clean(report: dict[str, Any], told: Generated) -> None:
    assert (report["read"], report["foreign"]) == (told.lines, told.foreign)
    assert report["by_event"] == dict(told.events)
    for name in ("rejected", "duplicates", "held", "missing", "lost", "conflicts", "unchecked", "fields_invalid"):
        assert report[name] == 0, name


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Generated, Path, dict[str, Any]]:
    """A generated log, what stands in it, and what `logemit aggregate` makes of it and tells."""
    folder = tmp_path_factory.mktemp("generated")
    log, told = made(folder, Wanted(lines=8000, seed=7))
    report = aggregated(log, folder / "out")
    return log, told, folder / "out", report


Small = tuple[Path, Generated, Path, dict[str, Any]]


def test_generated_log_is_the_same_for_a_seed(tmp_path: Path) -> None:
    logs = []
    for number, hashes in enumerate(("0", "123")):
        log = tmp_path / f"{number}.log"
        command = [sys.executable, "-m", "benchmarks.aggregate.generate", "--lines=2000", "--seed=5"]
        environment = {**os.environ, "PYTHONHASHSEED": hashes}
        done = subprocess.run([*command, "--output", log], cwd=ROOT, env=environment, capture_output=True, check=True)
        assert json.loads(done.stdout)["lines"] == 2000
        logs.append(log.read_bytes())
    other, _ = made(tmp_path, Wanted(lines=2000, seed=6))
    assert logs[0] == logs[1] != other.read_bytes()


def test_generated_log_is_taken_in_whole(small: Small) -> None:
    log, told, _, report = small
    assert_clean(report, told)
    assert told.bytes == log.stat().st_size
    assert told.foreign == pytest.approx(0.1 * told.lines, rel=0.02)
    counted = recount([log])
    assert (counted.missing, counted.foreign, counted.lines_of) == (0, told.foreign, told.events)


def test_generated_log_is_like_the_recorded_ones(small: Small) -> None:
    recorded = events_in(ROOT / "sample_logs" / "gunicorn" / "stdout.log")
    found = events_in(small[0])
    assert {tuple(e) for e in recorded if e["event"] == "http_request"} <= {tuple(e) for e in found}
    assert 40 < len({e["view"] for e in found if "view" in e}) < 80
    assert len({e["feed_id"] for e in found if "feed_id" in e}) > 100
    times = [e["timestamp"] for e in found]
    assert times != sorted(times)
    for before, after in zip(times, times[200:], strict=False):
        assert before < after, "out of order by more than a moment"


def test_generated_folds_agree(small: Small) -> None:
    folds = [event for event in events_in(small[0]) if event.get("count", 1) > 1 and event["event"] == "db_query"]
    assert len(folds) > 100
    for fold in folds:
        bins = [(bound, int(number)) for bound, number in (pair.split(":") for pair in fold["bins"].split(","))]
        bounds = [Decimal(bound) for bound, _ in bins]
        least, most, total = (fold[f"duration_{part}seconds"] for part in ("min_", "max_", ""))
        assert sum(number for _, number in bins) == fold["count"] <= fold["statements"]
        assert bounds == sorted(bounds)
        assert [bins[0][0], bins[-1][0]] == [seconds_le(int(end * 1_000_000)) for end in (least, most)]
        assert least * fold["count"] <= total <= most * fold["count"]


def test_generated_units_add_up(small: Small) -> None:
    queries: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    checked = 0
    for event in events_in(small[0]):
        unit = event["proc"], event.get("request_id") or event.get("task_id", "")
        if event["event"] == "db_query":
            queries[unit].append(event)
        elif event["event"] in {"http_request", "task", "command"}:
            own = queries.pop(unit, [])
            assert event["db_queries"] == sum(query["count"] for query in own)
            assert event["db_seconds"] == sum(query["duration_seconds"] for query in own)
            assert event["duration_seconds"] > event["db_seconds"]
            checked += 1
    assert checked > 1000


def test_generated_log_goes_on_with_other_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "PART_LINES", 1500)
    log, told = made(tmp_path, Wanted(lines=4000, seed=3, rate=0.5))
    assert told.lines == 4000
    assert_clean(aggregated(log, tmp_path / "out"), told)
    procs = Counter(event["proc"] for event in events_in(log) if event["seq"] == 0)
    assert set(procs.values()) == {1}
    assert len({event["timestamp"][:13] for event in events_in(log)}) > 2


def test_generated_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "PART_BYTES", 120_000)
    for size in (100_000, 300_000):
        log, told = made(tmp_path, Wanted(size=size))
        assert size <= log.stat().st_size == told.bytes < size + 20_000


@pytest.mark.parametrize("envelope", ["docker", "cri"])
def test_generated_envelopes_hold_the_lines(envelope: str, tmp_path: Path) -> None:
    wanted = Wanted(lines=500)
    bare = made(tmp_path, wanted)[0].read_text().splitlines()
    wrapped = made(tmp_path, replace(wanted, envelope=envelope))[0].read_text().splitlines()
    if envelope == "docker":
        assert [json.loads(line)["log"] for line in wrapped] == [f"{line}\n" for line in bare]
    else:
        assert [line.split(" ", 3)[3] for line in wrapped] == bare


def test_generated_log_of_the_future_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FutureError, match="start earlier"):
        made(tmp_path, Wanted(lines=100, start="2200-01-01T00:00:00Z"))


def needs(module: str) -> None:
    """Skips where it is missing, fails under CI."""
    if find_spec(module) is None:
        message = f"{module} is missing; install the extra `bench`"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


def peer(name: str, log: Path, out: Path) -> None:
    """Runs it where its program is there."""
    if name == "mtail":
        tool("mtail", "mtail")
    elif name != "loop":
        needs(name.partition("_")[0])
    command = [sys.executable, "-m", f"benchmarks.aggregate.peers.{name}", str(log), str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["seconds"] > 0


@pytest.mark.parametrize("name", ["duckdb", "polars", "loop"])
def test_peer_makes_the_same_rows(name: str, small: Small, tmp_path: Path) -> None:
    log, _, out, _ = small
    peer(name, log, tmp_path / name)
    assert check(tmp_path / name, out) > 500


def test_duckdb_makes_the_same_bins(small: Small, tmp_path: Path) -> None:
    log, _, out, _ = small
    peer("duckdb_bins", log, tmp_path)
    assert check_bins(tmp_path, out) > check(tmp_path, out) + 5000
    for summary, measure in BINNED:
        path, name = tmp_path / f"{summary}.parquet", f"{measure}_bins"
        table = pq.ParquetFile(path).read()
        rows = table[name].to_pylist()
        bins = next(filter(None, reversed(rows)))
        bins[0] = bins[0][0], bins[0][1] + 1
        place = table.column_names.index(name)
        pq.write_table(table.set_column(place, name, pa.array(rows, table.schema.field(name).type)), path)
        with pytest.raises(UnequalError, match=f"{summary}: of .* {measure} has bins"):
            check_bins(tmp_path, out)
        pq.write_table(table, path)
    assert check_bins(tmp_path, out)


def test_bins_in_sql_lie_on_the_grid() -> None:
    needs("duckdb")
    import duckdb

    from benchmarks.aggregate.peers.duckdb_bins import GRIDS

    microseconds = sorted({0, *(bound // 1000 + more for bound in SECONDS_NANO[1:] for more in (0, 1))})
    counts = sorted({0, *(bound + more for bound in COUNTS_INT[1:-1] for more in (-1, 0, 1))})
    seconds_at = [bounds("seconds")[bisect_left(SECONDS_NANO, 1000 * value)] for value in microseconds]
    counts_at = [bounds("count")[bisect_left(COUNTS_INT, value)] for value in counts]
    with duckdb.connect() as connection:
        connection.execute(GRIDS)
        for name, values, expected in (("seconds_le", microseconds, seconds_at), ("counts_le", counts, counts_at)):
            rows = connection.execute(f"SELECT {name}(value) FROM (SELECT unnest(?) AS value)", [values]).fetchall()
            assert [le for (le,) in rows] == expected
        told = connection.execute("SELECT told_le('0.005:2,+Inf:1'), told_le(NULL), seconds_le(NULL), counts_le(NULL)")
        assert told.fetchall() == [([0.005, 0.005, inf], None, None, None)]


def test_mtail_counts_the_same(small: Small, tmp_path: Path) -> None:
    log, _, out, _ = small
    peer("mtail", log, tmp_path / "mtail")
    assert check_counts(tmp_path / "mtail", out) == 2


def test_peer_that_differs_is_an_error(small: Small, tmp_path: Path) -> None:
    log, _, out, _ = small
    peer("loop", log, tmp_path)
    path = tmp_path / "tasks.parquet"
    table = pq.ParquetFile(path).read()
    more = pc.add(table["duration_seconds_sum"], pa.array([0] * (len(table) - 1) + [1]))
    place = table.column_names.index("duration_seconds_sum")
    pq.write_table(table.set_column(place, "duration_seconds_sum", more), path)
    with pytest.raises(UnequalError, match="tasks: of"):
        check(tmp_path, out)
    pq.write_table(table.slice(1), path)
    with pytest.raises(UnequalError, match="tasks: lacks 1 rows"):
        check(tmp_path, out)


def test_peers_compute_every_summary_of_the_catalogue() -> None:
    found = {rollup.name: rollup for rollup in derived()}
    assert found["db_queries"].is_folded
    assert not found["http_requests"].is_folded
    assert [m.least for m in found["db_queries"].measures] == ["duration_min_seconds", "", ""]
    assert found["cache_operations"].dimensions["hit"] == "boolean"
    assert "proc" in found["processes"].dimensions
    binned = {f"{name}.{m.name}": (m.grid, m.bins) for name, rollup in found.items() for m in rollup.measures if m.grid}
    assert binned["db_queries.duration_seconds"] == ("seconds", "bins")
    assert binned["http_requests.duration_seconds"] == ("seconds", "")
    assert binned["http_requests.request_bytes"] == binned["bookmark_imports.items_processed"] == ("counts", "")
    assert "http_requests.db_seconds" not in binned


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"seconds": 2.5, "loading": 0.75}, 1.75),
        ({"seconds": 2.5, "loading": 0.0}, 2.5),
        ({"seconds": 2.5}, 2.5),
        ({}, None),
    ],
)
def test_loading_is_no_part_of_the_seconds(said: dict[str, float], seconds: float | None) -> None:
    turn = run([sys.executable, "-c", f"print({json.dumps(said)!r})"])
    assert turn.seconds == seconds
    assert turn.said == said
    assert turn.wall > 0


@pytest.mark.skipif(LEVEL == "quick", reason="takes a minute; TESTS=usual runs it")
def test_aggregate_benchmark_has_every_section(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.aggregate", "--quick", "--output", str(tmp_path / "page.md")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "page.md").read_text() == done.stdout
    targets, does, main, *rest = tables(done.stdout)
    assert len(targets) == 17
    assert {row["met"] for row in targets.values()} <= {"met", "not met", "not measured"}
    assert main.keys() == does.keys() >= {"logemit", "Python loop"}
    for row in main.values():
        assert_numbers({name: cell for name, cell in row.items() if not name.startswith("times as fast")})
    heads = re.findall("^## (.*)$", done.stdout, re.MULTILINE)
    longer = ["Longer logs", "Foreign lines only", "Packed logs", "Envelopes", "A little more", "Start-up"]
    assert heads[2:10] == ["One log, all programs", "Workers", *longer]
    assert len(rest) in {6, 7}
    for table in rest[-6:]:
        for row in table.values():
            assert_numbers({name: cell for name, cell in row.items() if cell != "-"})
