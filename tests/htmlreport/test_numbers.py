"""What stands in a report, against DuckDB over the same Parquet."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

import aggregator
from aggregator import config
from aggregator.htmlreport import gather, render
from aggregator.htmlreport.timeline import MOST, timeline
from aggregator.panels import Asked

from .read_page import Page

CAPPED = "django_http_requests_total_by_view_transport_method_total{"


@pytest.fixture(scope="module")
def read(page: str) -> Page:
    return Page(page)


def ask(out: Path, query: str) -> list[tuple[Any, ...]]:
    """`requests`, `bins` and so on are the summaries, a bin a row with `le` and `n`."""
    with duckdb.connect() as connection:
        for name in ("http_requests", "cache_operations", "feed_polls", "tasks", "health_checks"):
            files = f"{out}/{name}/*/*.parquet"
            connection.execute(f"CREATE VIEW {name} AS SELECT *, epoch(window_start)::BIGINT AS moment FROM '{files}'")
        connection.execute(
            "CREATE VIEW bins AS SELECT epoch(window_start)::BIGINT AS moment, unnest(duration_seconds_le) AS le, "
            f"unnest(duration_seconds_n) AS n FROM '{out}/http_requests_bins/*/*.parquet'"
        )
        return connection.execute(query).fetchall()


def width(chart: dict[str, Any]) -> int:
    """Seconds of a bucket."""
    (text,) = [each["calculate"] for each in chart["transform"] if each["as"] == "end"]
    return int(text.removeprefix("datum.t + ")) // 1000


def test_headline_numbers(read: Page, sampled: Path) -> None:
    ((requests, errors, queries),) = ask(
        sampled,
        "SELECT sum(events), sum(events) FILTER (outcome = 'error'), sum(db_queries_sum) / sum(events) "
        "FROM http_requests",
    )
    ((reads, hits),) = ask(
        sampled,
        "SELECT sum(keys_sum), sum(keys_sum) FILTER (hit = 'true') FROM cache_operations "
        "WHERE error = '' AND operation IN ('get', 'get_many', 'get_or_set')",
    )
    ((runs, failures),) = ask(sampled, "SELECT sum(events), sum(events) FILTER (state = 'failure') FROM tasks")
    ((checks, passed),) = ask(sampled, "SELECT sum(events), sum(events) FILTER (healthy = 'true') FROM health_checks")
    ((feeds, failing),) = ask(
        sampled,
        "SELECT count(DISTINCT feed_id), count(DISTINCT feed_id) FILTER (status IN ('error', 'timeout')) "
        "FROM feed_polls",
    )
    told = read.headlines
    assert told["requests"][0] == f"{requests:,}"
    assert told["errors"] == (f"{100 * errors / requests:.1f} %", f"{errors} requests")
    assert told["queries a request"][0] == f"{queries:.2f}"
    assert told["cache hits"] == (f"{100 * hits / reads:.1f} %", f"of {reads:,} keys read")
    assert told["failed tasks"] == (f"{failures}", f"of {runs} runs")
    assert told["failing feeds"] == (f"{failing}", f"of {feeds} feeds")
    assert told["uptime"][0] == f"{100 * passed / checks:.1f} %"
    assert told["lost events"][0] == "0"


def test_requests_and_errors_over_time(read: Page, sampled: Path) -> None:
    chart = read.charts["requests"]
    span = width(chart)
    expected = ask(
        sampled,
        f"SELECT moment // {span} * {span * 1000}, outcome, sum(events) FROM http_requests GROUP BY ALL ORDER BY ALL",
    )
    drawn = chart["data"]["values"]
    assert sorted((row["t"], row["outcome"], row["requests"]) for row in drawn) == expected
    assert all(row["high"] - row["low"] == row["requests"] for row in drawn)
    failed = [(row["t"], row["errors"]) for row in read.charts["errors"]["data"]["values"] if row["errors"]]
    assert failed == [(at, number) for at, outcome, number in expected if outcome == "error"]
    for row in read.charts["errors"]["data"]["values"]:
        assert row["requests"] == sum(number for at, _, number in expected if at == row["t"])
        assert row["share"] == (row["errors"] / row["requests"] if row["requests"] else 0)


def test_percentiles_over_time(read: Page, sampled: Path) -> None:
    chart = read.charts["latency"]
    span = width(chart)
    ranked = (
        f"SELECT moment // {span} * {span * 1000} AS t, le, sum(sum(n)) OVER (PARTITION BY t ORDER BY le) AS upto, "
        "sum(sum(n)) OVER (PARTITION BY t) AS total FROM bins GROUP BY t, le"
    )
    drawn = {row["t"]: row for row in chart["data"]["values"] if "p50" in row}
    for name, q in (("p50", 50), ("p95", 95), ("p99", 99)):
        found = ask(sampled, f"SELECT t, min(le) FROM ({ranked}) WHERE upto * 100 >= total * {q} GROUP BY t")
        assert drawn.keys() == {at for at, _ in found}
        assert all(0.97 * le <= drawn[at][name] <= le for at, le in found)  # within the bin, of 2.5 % at most


def test_the_heat_map_has_every_request_once(read: Page, sampled: Path) -> None:
    chart = read.charts["heat-map"]
    span = width(chart)
    ((total,),) = ask(sampled, "SELECT sum(n) FROM bins")
    rows = chart["data"]["values"]
    assert sum(row["requests"] for row in rows) == total
    found = ask(sampled, f"SELECT moment // {span} * {span * 1000}, le, sum(n) FROM bins GROUP BY ALL")
    for row in rows:
        inside = (n for at, le, n in found if at == row["t"] and row["low"] < le <= row["high"])
        assert row["requests"] == sum(inside)
        assert 1.2 < row["high"] / row["low"] < 1.3


def test_a_span_of_time(sampled: Path) -> None:
    since = datetime.fromisoformat("2026-11-21T12:00Z")
    line = timeline(Asked(sampled, since))
    assert line is not None
    ((requests,),) = ask(sampled, f"SELECT sum(events) FROM http_requests WHERE moment >= {since.timestamp()}")
    assert sum(bucket.requests for bucket in line.buckets) == sum(cell.requests for cell in line.cells) == requests
    assert timeline(Asked(sampled, since + timedelta(days=1))) is None


@pytest.mark.parametrize(
    ("window", "first", "last"),
    [
        ("45s", "2026-11-20T09:59:13Z", "2026-11-20T10:01:00Z"),
        ("45s", "2026-11-20T03:00:00Z", "2026-11-20T23:30:00Z"),
        ("1d", "2026-11-01T00:00:00Z", "2026-11-20T23:59:00Z"),
        ("1min", "2000-01-01T00:00:00Z", "2026-11-20T23:59:00Z"),
    ],
)
def test_few_buckets_in_which_each_window_lies_whole(tmp_path: Path, window: str, first: str, last: str) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_text("".join(map(_request, (first, last, last))))
    aggregator.aggregate([str(log)], out, config.load(None, window))
    line = timeline(Asked(out))
    assert line is not None
    assert len(line.buckets) <= MOST
    (seconds,) = {row[0] for row in _windows(out)}
    assert line.width % seconds == 0
    moments = [datetime.fromisoformat(text).timestamp() for text in (first, last)]
    assert line.start <= moments[0] < line.start + line.width
    assert line.end - line.width <= moments[1] < line.end
    counts = [bucket.requests for bucket in line.buckets]
    assert (counts[0], counts[-1], sum(counts)) == ((1, 2, 3) if len(counts) > 1 else (3, 3, 3))
    assert sum(cell.requests for cell in line.cells) == 3


def test_what_was_lost_rejected_and_capped(tmp_path: Path) -> None:
    log, out, settings = tmp_path / "app.log", tmp_path / "out", tmp_path / "logemit.toml"
    settings.write_text("max_label_values = 4\n")
    numbers = [*range(5), *range(8, 12), 3, 4]  # three never came, two came twice
    lines = [_request(f"2020-11-20T10:00:{n:02}Z", view=f"view-{n}", proc="a" * 16, seq=n) for n in numbers]
    rejected = ['{"logemit":1,"event":"http_request","timestamp":"yesterday"}\n'] * 6
    log.write_text("".join([*lines, *rejected, "booting\n"]))
    aggregator.aggregate([str(log)], out, config.load(settings))
    read = Page(render(gather(Asked(out), "Trouble", 1.8e9)))
    told = {name.partition(" ")[0]: value for name, value in read.facts.items()}
    expected = {"read": 18, "events": 9, "foreign": 1, "rejected": 6, "duplicates": 2, "missing": 0, "lost": 3}
    assert {name: told[name] for name in expected} == {name: str(number) for name, number in expected.items()}
    assert read.headlines["lost events"] == ("3", "over all runs")
    shown = [line for line in (out / "metrics.prom").read_text().splitlines() if line.startswith(CAPPED)]
    views = {line.partition('view="')[2].partition('"')[0] for line in shown}
    assert "__other__" in views
    (row,) = [row for row in read.rows if row and row[0] == CAPPED[:-1]]
    assert row == [row[0], str(9 - len(views - {"__other__"})), "values of view"]


def _windows(out: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT window_seconds FROM '{out}/http_requests/*/*.parquet'").fetchall()


def _request(moment: str, **fields: object) -> str:
    event = {"logemit": 1, "event": "http_request", "timestamp": moment, "service": "shop", "outcome": "ok"}
    return json.dumps({**event, "view": "index", "duration_seconds": 0.0105, **fields}, separators=(",", ":")) + "\n"
