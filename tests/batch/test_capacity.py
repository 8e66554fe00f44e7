"""How much a partition and the totals hold: what is over that is folded, and all that adds up stays whole."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import cube
from aggregator.capacity import Capacity, Part, _Rows
from aggregator.catalogue import shipped
from aggregator.cube import Cube
from aggregator.limits import Room
from aggregator.repair import repair
from aggregator.run import aggregate
from tests.batch.cubes import check_form
from tests.batch.runs import CONFIG
from tests.batch.test_caps import OTHER, Folder, configured, of, poll
from tests.scale import scaled

LIMIT = "max_combinations = 20\nmax_label_values = 1000000\nmax_series = 1000000\n"


def request(view: str, minute: int = 0, **fields: Any) -> str:
    event = {"logemit": 1, "event": "http_request", "timestamp": f"2026-11-20T12:{minute:02}:00Z", "service": "s"}
    base = {"outcome": "ok", "method": "GET", "view": view, "status": 200, "duration_seconds": 0.25}
    return json.dumps({**event, **base, **fields}, separators=(",", ":")) + "\n"


def partitions(folder: Folder, columns: str, summary: str = "http_requests") -> list[Any]:
    files = f"{folder.out}/{summary}/*/*.parquet"
    query = f"SELECT {columns} FROM read_parquet('{files}', hive_partitioning = false)"
    return duckdb.connect().execute(query).fetchall()


def bombs() -> list[str]:
    """Of 100 views one is that of a real one, and the bomb's requests fail in part."""
    lines = [request("home", minute) for minute in range(10) for _ in range(3)]
    lines += [request(f"bomb{n}", n % 10, ajax=n % 2 == 0, outcome="error" if n % 5 == 0 else "ok") for n in range(99)]
    return lines


def test_what_finds_no_room_is_folded_and_nothing_is_lost(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    found = folder.run(bombs(), LIMIT)
    assert partitions(folder, "sum(events), sum(duration_seconds_sum)") == [(129, 129 * 0.25)]
    ((distinct,),) = partitions(folder, "count(DISTINCT view)")
    assert distinct == 21
    by_view = of(found, "django_http_responses_total_by_status_view_method_total", "view")
    assert by_view["home"] == 30
    assert sum(of(found, "django_http_responses_total_by_status_view_method_total", "view", "status").values()) == 129
    assert of(found, "django_http_requests_latency_including_middlewares_seconds_count", "service") == {"s": 129}
    assert of(found, "logemit_events_folded_total", "summary")["http_requests"] >= 80
    assert "http_requests: has 20 combinations of dimensions, or 1,000,000 cells; " in folder.report.warnings[0]


def test_totals_are_not_derived_from_folded_partitions_unasked(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run(bombs(), LIMIT)
    path = folder.out / "_logemit/totals/http_requests.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    assert {(each.kind, each.outcome) for each in repair(folder.out, CONFIG).findings} == {("totals", "lost")}


def test_filters_see_folded_events_as_before(tmp_path: Path) -> None:
    found = Folder(tmp_path).run(bombs(), LIMIT)
    assert of(found, "django_http_ajax_requests_total", "service") == {"s": 50}
    assert of(found, "django_http_responses_before_middlewares_total", "service") == {"s": 129}
    assert of(found, "django_http_requests_before_middlewares_total", "service") == {"s": 129}


def test_what_found_room_goes_on_counting(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run(bombs(), LIMIT)
    found = folder.run([request("home", 9), request("home", 50), request("new", 51)], LIMIT)
    by_view = of(found, "django_http_responses_total_by_status_view_method_total", "view")
    assert (by_view["home"], "new" in by_view) == (32, False)
    assert partitions(folder, "sum(events)") == [(132,)]
    assert sum(events for (events,) in partitions(folder, "events")) == 132


def test_a_partition_holds_so_many_cells(tmp_path: Path) -> None:
    """Also where few combinations come in many windows."""
    folder = Folder(tmp_path)
    folder.run([request("home", minute) for minute in range(60)], "max_cells = 10")
    assert partitions(folder, "sum(events)") == [(60,)]
    found = of(folder.samples(), "django_http_responses_total_by_status_view_method_total", "view")
    assert sum(found.values()) == 60


def test_services_are_folded_where_there_are_many(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    lines = [request("home", service=f"s{n}") for n in range(100)]
    found = of(folder.run(lines, LIMIT), "django_http_requests_before_middlewares_total", "service")
    assert sum(found.values()) == 100
    assert len(found) <= 21
    assert OTHER in found


def test_processes_are_folded_too(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    base = {"logemit": 1, "event": "process_stats", "timestamp": "2026-11-20T12:00:00Z", "service": "s", "seq": 0}
    lines = [json.dumps({**base, "proc": f"p{n}", "cpu_seconds": 1.5, "rss_bytes": 7}) + "\n" for n in range(100)]
    found = folder.run(lines, LIMIT)
    assert of(found, "process_cpu_seconds_total", "service") == {"s": 150}
    assert of(found, "process_resident_memory_bytes", "service")["s"] <= 21 * 7


@pytest.mark.parametrize("workers", [1, 3])
def test_late_events_are_folded_too(tmp_path: Path, workers: int) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_text("".join([poll(str(n)) for n in range(100)]))
    aggregate([str(log)], out, configured(tmp_path, f'late_limit = "1d"\n{LIMIT}'), workers=workers)
    folder = Folder(tmp_path)
    assert sum(of(folder.samples(), "feed_polls_total", "feed_id").values()) == 100
    assert len(of(folder.samples(), "feed_polls_total", "feed_id")) <= 21


(SUMMARY,) = (each for each in shipped().summaries if each.name == "feed_polls")
keys = st.tuples(
    st.integers(0, 2), st.sampled_from(["s", "t"]), st.sampled_from("abcdefgh"), st.sampled_from(["success", "x"])
)


def cube_of(rows: list[Any]) -> Cube:
    schema = cube.cells_schema(SUMMARY)
    empty = dict.fromkeys(schema.names)
    listed = [
        {**empty, "window_start": minute * 60_000_000, "window_seconds": 60, "service": service, "feed_id": feed}
        | {"status": status, "events": 1, **{f"{each.name}_sum": 3 for each in SUMMARY.measures}}
        for minute, service, feed, status in rows
    ]
    plain = pa.schema([f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in schema])
    return cube.grouped(SUMMARY, pa.Table.from_pylist(listed, plain), cube.empty(SUMMARY).bins)


@settings(deadline=None, max_examples=scaled(33, 100, 100))
@given(st.lists(st.lists(keys, max_size=12), min_size=1, max_size=4), st.lists(keys, max_size=6), st.integers(1, 12))
def test_folding_conserves_and_is_the_same_in_any_parts(parts: list[Any], before: list[Any], most: int) -> None:
    capacity, old = Capacity(shipped(), SUMMARY, Room(most, 1000)), cube_of(before)

    def merged(groups: list[list[Any]]) -> tuple[Cube, int]:
        return capacity.merged([Part.of(cube_of(rows)) for rows in groups], old, lambda: _Rows.of(old).keys)

    whole = [row for rows in parts for row in rows]
    (one, folded), (many, folded_again) = merged([whole]), merged(parts)
    for each in (one, many):
        check_form(each)
    assert (one.cells.to_pylist(), folded) == (many.cells.to_pylist(), folded_again)
    told = Counter[Any]()
    for row in one.cells.to_pylist():
        told[row["window_start"].minute, row["service"]] += row["events"]
    assert told == Counter((minute, service) for minute, service, _, _ in whole)
    combinations = {key[1:] for key in whole if key[1:] not in {held[1:] for held in before}}
    kept = {(r["service"], r["feed_id"], r["status"]) for r in one.cells.to_pylist() if r["feed_id"] != OTHER}
    assert {key[1:] for key in whole if key in before} <= kept
    assert len(kept & combinations) <= max(0, most - len({held[1:] for held in before}))
    assert (folded == 0) == (kept == {key[1:] for key in whole})
