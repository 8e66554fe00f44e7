"""The notebooks run, show what stands in them, and say what DuckDB finds in the same Parquet."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest

from . import notebooks

NUMBERS = {
    "first_look": """{
        "out": out,
        "views": views["count"].to_dict(),
        "heat": heat.sum(axis=1).to_dict(),
        "budget": error_budget(out, **goal).iloc[0].to_dict(),
        "spent": budget["spent"].iloc[-1],
    }""",
    "where_does_the_time_go": """{
        "out": out,
        "time": time.to_dict("index"),
        "queries": queries.to_dict(),
        "found": found.loc["bookmarks"].to_dict("index"),
        "waited": waited.loc["shop-worker"].to_dict(),
    }""",
    "feed_and_import_health": """{
        "out": out,
        "feeds": feeds["error_share"].to_dict(),
        "cells": grid.notna().sum(axis=1).to_dict(),
        "imports": imports.to_dict("index"),
        "items": items[["numerator", "denominator"]].to_dict("index"),
        "uptime": uptime(out, by=["check"])["uptime"].to_dict(),
    }""",
}
BOOKMARKS = "service = 'bookmarks' AND window_start < TIMESTAMPTZ '2026-11-21 08:26:00Z'"


class Executed:
    def __init__(self, folder: Path) -> None:
        self.books, self.numbers = notebooks.run(folder, NUMBERS)

    def asked(self, name: str, question: str) -> dict[Any, Any]:
        """DuckDB's answer, its first column as the key; {summary} is its files."""
        out = self.numbers[name]["out"]
        found = duckdb.execute(question.format_map(_Files(out))).fetchall()
        return {key: rest[0] if len(rest) == 1 else rest for key, *rest in found}


class _Files(dict[str, str]):
    def __init__(self, out: str) -> None:
        super().__init__()
        self._out = out

    def __missing__(self, summary: str) -> str:
        return f"'{self._out}/{summary}/*/*.parquet'"


@pytest.fixture(scope="module")
def executed() -> Iterator[Executed]:
    with TemporaryDirectory(prefix="logemit-", dir="/tmp") as folder:  # a socket's path has to be short
        yield Executed(Path(folder))


def shown(book: Any) -> list[tuple[str, str]]:
    """What the cells print, and "…" for each picture."""
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    data = [output.get("data") or {output.name: output.text} for output in outputs]
    return [(kind, "…" if kind == "image/png" else text) for each in data for kind, text in each.items()]


@pytest.mark.parametrize("name", notebooks.NAMES)
def test_a_notebook_runs_and_shows_what_stands_in_it(executed: Executed, name: str) -> None:
    shows = shown(executed.books[name])
    assert shows == shown(notebooks.opened(name)), "the code has changed since: run `make notebooks`"
    assert sum(kind == "image/png" for kind, _ in shows) >= 3
    assert {kind for kind, _ in shows} == set(notebooks.SHOWN)


def test_all_notebooks_are_run() -> None:
    assert {path.stem for path in notebooks.FOLDER.glob("*.ipynb")} == set(notebooks.NAMES)


def test_requests_and_the_error_budget(executed: Executed) -> None:
    name, told = "first_look", executed.numbers["first_look"]
    of_views = "SELECT view, sum(events) FROM {http_requests} WHERE service = 'bookmarks' GROUP BY view"
    assert told["views"] == executed.asked(name, of_views)
    bins = (
        "SELECT outcome, unnest(duration_seconds_le) AS le, unnest(duration_seconds_n) AS n "
        f"FROM {{http_requests_bins}} WHERE {BOOKMARKS}"
    )
    narrow = executed.asked(name, f"SELECT le, sum(n) FROM ({bins}) GROUP BY le")
    previous = 0.0
    for bound, count in sorted((float(key), value) for key, value in told["heat"].items()):
        assert count == sum(n for le, n in narrow.items() if previous < le <= bound)
        previous = bound
    failed = f"SELECT 'n', sum(events) FROM {{http_requests}} WHERE {BOOKMARKS} AND outcome = 'error'"
    slow = f"SELECT 'n', sum(n) FROM ({bins}) WHERE le > 0.1 AND outcome <> 'error'"
    bad = executed.asked(name, failed)["n"] + executed.asked(name, slow)["n"]
    total = sum(told["views"].values())
    assert (told["budget"]["events"], told["budget"]["errors"]) == (total, bad)
    assert told["spent"] == pytest.approx(bad / (0.02 * total))


def test_times_and_queries(executed: Executed) -> None:
    name, told = "where_does_the_time_go", executed.numbers["where_does_the_time_go"]
    sums = executed.asked(
        name,
        "SELECT view, sum(db_seconds_sum), sum(duration_seconds_sum), sum(db_queries_sum) / sum(events) "
        "FROM {http_requests} WHERE service = 'bookmarks' GROUP BY view",
    )
    assert set(told["time"]) == set(told["queries"]) == set(sums)
    for view, (database, whole, queries) in sums.items():
        assert told["time"][view] == pytest.approx({"database": database, "whole": whole, "share": database / whole})
        assert told["queries"][view] == pytest.approx(queries)
    hits = executed.asked(
        name,
        "SELECT backend, sum(events) FROM {cache_operations} WHERE service = 'bookmarks' AND hit = 'true' "
        "AND operation IN ('get', 'get_many', 'get_or_set') GROUP BY backend",
    )
    assert {backend: row["true"] for backend, row in told["found"].items()} == hits
    waited = executed.asked(
        name,
        "SELECT name, sum(queue_seconds_sum) / sum(events) FROM {tasks} WHERE service = 'shop-worker' GROUP BY name",
    )
    assert told["waited"] == pytest.approx(waited)


def test_queries_of_requests_are_those_that_the_queries_tell(executed: Executed) -> None:
    """Of services in which only requests make queries; and of the recorded lines, whichever way they are asked."""
    name = "where_does_the_time_go"
    by_requests = executed.asked(name, "SELECT service, sum(db_queries_sum) FROM {http_requests} GROUP BY service")
    by_queries = executed.asked(name, "SELECT service, sum(events) FROM {db_queries} GROUP BY service")
    log = (notebooks.ROOT / "sample_logs/shop/stdout.log").read_text("utf-8")
    events = [json.loads(line) for line in log.splitlines() if line.startswith('{"logemit":1,"event":"db_query"')]
    of_shop = sum(event.get("count", 1) for event in events if event["service"] == "shop")
    assert by_requests["shop"] == by_queries["shop"] == of_shop
    assert by_requests["bookmarks"] == by_queries["bookmarks"]


def test_feeds_and_imports(executed: Executed) -> None:
    name, told = "feed_and_import_health", executed.numbers["feed_and_import_health"]
    failed = "coalesce(sum(events) FILTER (status NOT IN ('success', 'not_modified')), 0)"
    polls = executed.asked(name, f"SELECT feed_id, {failed} / sum(events) FROM {{feed_polls}} GROUP BY feed_id")
    assert told["feeds"] == pytest.approx(polls)
    spans = executed.asked(
        name,
        "SELECT feed_id, count(DISTINCT time_bucket(INTERVAL 5 seconds, window_start)) FROM {feed_polls} "
        "WHERE window_start < TIMESTAMPTZ '2026-11-21 08:27:00Z' GROUP BY feed_id",
    )
    assert told["cells"] == spans
    for status in ("success", "partial", "error"):
        question = f"SELECT format, sum(events) FROM {{bookmark_imports}} WHERE status = '{status}' GROUP BY format"
        assert {form: row[status] for form, row in told["imports"].items()} == executed.asked(name, question)
    items = executed.asked(
        name, "SELECT format, sum(items_failed_sum), sum(items_total_sum) FROM {bookmark_imports} GROUP BY format"
    )
    assert {form: [row["numerator"], row["denominator"]] for form, row in told["items"].items()} == items
    passed = "coalesce(sum(events) FILTER (healthy = 'true'), 0) / sum(events)"
    checks = executed.asked(name, f'SELECT "check", {passed} FROM {{health_checks}} GROUP BY "check"')
    assert told["uptime"] == pytest.approx(checks)
