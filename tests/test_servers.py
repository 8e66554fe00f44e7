"""The whole way with real servers: what a client counted is what the aggregator says, to the last query."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests import quick
from tests.conftest import ROOT, tool
from tests.scale import LEVEL, scaled

sys.path.insert(0, str(ROOT / "examples"))

import servers
import task_traffic
import traffic

PAGES = [
    "/digest/",
    "/bookmarks/?page=2",
    "/tags/python/",
    "/api/stats/",
    "/api/titles/",
    "/feeds/",
    "/guide/",
    "/bookmarks/7/",
]
EACH, REQUESTS, TASKS = scaled(10, 30, 30), scaled(120, 300, 300), scaled(30, 60, 60)
FEEDS = "http://feeds.invalid"
SERVERS = ["sync", "gthread", "uvicorn"]
KNOWN, MIXED = (["gthread"], ["sync", "uvicorn"]) if LEVEL == "quick" else (SERVERS, SERVERS)
TABLES = ["Bookmark", "Bookmark_tags", "FeedItem", "Tag"]

COUNT_QUERIES = """
import json
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
counted = {}
for path in PATHS:
    with CaptureQueriesContext(connection) as captured:
        b"".join(Client(headers={"host": "localhost"}).get(path))
    counted[path] = len(captured)
print("COUNTED" + json.dumps(counted))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's database, with feeds at an address that is to be replaced."""
    path = tmp_path_factory.mktemp("loaded") / "db.sqlite3"
    servers.load_example(servers.environment(path), FEEDS)
    return path


@pytest.fixture
def example(loaded: Path, tmp_path: Path) -> Any:
    path = tmp_path / "db.sqlite3"
    with servers.feed_server(slow_seconds=1.5) as feeds:
        with closing(sqlite3.connect(loaded)) as whole, closing(sqlite3.connect(path)) as copy:
            whole.backup(copy)  # also what stands beside its file
            changed = copy.execute("UPDATE links_feed SET url = replace(url, ?, ?)", (FEEDS, feeds.url)).rowcount
            copy.commit()
        assert changed >= traffic.SLOW_FEED
        yield servers.environment(path)


def aggregate(log: Path, out: Path) -> dict[str, Any]:
    done = subprocess.run(
        [quick.command().path, "aggregate", log, "--out", out, "--json"], check=True, capture_output=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def series(out: Path, name: str, *labels: str) -> Counter[Any]:
    """A family's samples by some of its labels."""
    counted: Counter[Any] = Counter()
    for family in text_string_to_metric_families((out / "metrics.prom").read_text()):
        for sample in family.samples:
            if sample.name == name and sample.value:
                counted[tuple(sample.labels[label] for label in labels)] += int(sample.value)
    return counted


@pytest.fixture(scope="module")
def by_page(loaded: Path) -> dict[str, int]:
    """How many queries Django itself says each page makes."""
    env = servers.environment(loaded, LOGEMIT_ENABLED="0")
    done = servers.manage(env, "shell", "--verbosity=0", "-c", f"PATHS = {PAGES!r}\n{COUNT_QUERIES}")
    assert done.returncode == 0, done.stdout
    counted: dict[str, int] = json.loads(done.stdout.partition("COUNTED")[2])
    return counted


def visit(url: str) -> str | None:
    """Whether the page came from the cache, where it says so."""
    with build_opener(ProxyHandler({})).open(url, timeout=30) as response:
        response.read()
        told: str | None = response.headers["X-Cache"]
        return told


def running(env: Mapping[str, str], server: str, log: Path) -> AbstractContextManager[Any]:
    if server == "uvicorn":
        return servers.uvicorn(env, workers=2, stdout=log)  # type: ignore[no-any-return]
    threads = ["--threads=3"] if server == "gthread" else []
    return servers.gunicorn(env, scaled(2, 4, 4), server, stdout=log, arguments=threads)  # type: ignore[no-any-return]


@pytest.mark.parametrize("server", KNOWN)
def test_known_traffic_gives_exactly_its_totals(
    tmp_path: Path, example: Mapping[str, str], by_page: Mapping[str, int], server: str
) -> None:
    assert sum(by_page.values()) > 60
    log, out = tmp_path / "stdout.log", tmp_path / "out"
    with running(example, server, log) as running_server, ThreadPoolExecutor(8) as pool:
        told = [*pool.map(visit, [running_server.url + path for path in PAGES * EACH])]
    found = aggregate(log, out)
    assert (found["missing"], found["lost"], found["rejected"], found["duplicates"]) == (0, 0, 0, 0)
    assert series(out, "django_http_requests_before_middlewares_total", "service") == {
        ("bookmarks",): EACH * len(PAGES)
    }
    executed = series(out, "django_db_execute_total", "service")["bookmarks",]
    durations = series(out, "django_db_query_duration_seconds_count", "service")["bookmarks",]
    made = [by_page[path] for path, cache in zip(PAGES * EACH, told, strict=True) if cache != "hit"]
    assert executed == durations == sum(made)
    opened = series(out, "django_db_new_connections_total", "vendor")
    assert opened == {("sqlite",): sum(queries > 0 for queries in made)}
    assert "hit" in told
    assert cache_reads(out) == {("locmem", answer): told.count(answer) for answer in ("hit", "miss")}


def cache_reads(out: Path) -> Counter[Any]:
    reads: Counter[Any] = Counter()
    for answer, family in (("hit", "hits"), ("miss", "misses"), ("fail", "fail")):
        for (backend,), number in series(out, f"django_cache_get_{family}_total", "backend").items():
            reads[backend, answer] += number
    assert reads.total() == series(out, "django_cache_get_total").total()
    return reads


def rows_there(env: Mapping[str, str]) -> Counter[str]:
    """Rows by model, as the database counts them."""
    with closing(sqlite3.connect(env["BOOKMARKS_DB"])) as connection:
        return Counter(
            {f"links.{t}": connection.execute(f"SELECT count(*) FROM links_{t}").fetchone()[0] for t in TABLES}
        )


@pytest.mark.parametrize("server", MIXED)
def test_mixed_traffic_is_what_the_client_counted(tmp_path: Path, example: Mapping[str, str], server: str) -> None:
    log, out = tmp_path / "stdout.log", tmp_path / "out"
    before = rows_there(example)
    with running(example, server, log) as running_server:
        counts = traffic.drive(running_server.url, REQUESTS, seed=11).as_json()
    found = aggregate(log, out)
    assert (found["missing"], found["lost"], found["rejected"], found["duplicates"]) == (0, 0, 0, 0)
    assert counts["requests"] == REQUESTS
    assert_events_are_those_of_the_client(out, counts)
    assert cache_reads(out) == {("locmem", answer): number for answer, number in counts["cache"].items()}
    changed = changed_rows(out)
    grown = {t: changed[f"links.{t}", "insert"] - changed[f"links.{t}", "delete"] for t in TABLES}
    assert rows_there(example) - before == Counter({f"links.{t}": number for t, number in grown.items() if number})


def changed_rows(out: Path) -> Counter[Any]:
    rows: Counter[Any] = Counter()
    for operation in ("insert", "update", "delete"):
        for (model,), number in series(out, f"django_model_{operation}s_total", "model").items():
            rows[model, operation] = number
    assert series(out, "django_model_changes_unknown_total") == Counter()
    return rows


def assert_events_are_those_of_the_client(out: Path, counts: Mapping[str, Any]) -> None:
    def counted(key: str, *columns: str) -> Counter[Any]:
        return Counter({tuple(str(row[column]) for column in columns): row["count"] for row in counts[key]})

    sent: Counter[Any] = Counter()
    for (method, view, status), number in counted("by_method_view_status", "method", "view", "status").items():
        sent["<invalid method>" if method == "BREW" else method, view, status] += number
    labels = ("method", "view", "status")
    assert series(out, "django_http_responses_total_by_status_view_method_total", *labels) == sent
    polls, imports, tasks = ("feed_id", "status"), ("format", "status"), ("task", "state")
    assert series(out, "feed_polls_total", *polls) == counted("polls", *polls)
    assert series(out, "bookmark_imports_total", *imports) == counted("imports", *imports)
    assert series(out, "django_tasks_total", *tasks) == counted("tasks", "name", "state")
    assert changed_rows(out) == counted("rows", "model", "operation")


def test_tasks_are_what_celery_said_of_them(tmp_path: Path, example: Mapping[str, str]) -> None:
    """gunicorn sends them, a prefork worker runs them; all write to one stdout."""
    tool("redis-server", "redis-server")
    log, out = tmp_path / "stdout.log", tmp_path / "out"
    with servers.redis(tmp_path) as redis:
        env = {**example, "BOOKMARKS_REDIS": redis}
        worker_env = {**env, "LOGEMIT_SERVICE": "worker"}
        with servers.celery_worker(worker_env, stdout=log), servers.gunicorn(env, 2, stdout=log) as server:
            counts = task_traffic.drive(server.url, TASKS, seed=11).as_json()
    found = aggregate(log, out)
    assert (found["missing"], found["lost"], found["rejected"], found["duplicates"]) == (0, 0, 0, 0)
    assert_events_are_those_of_the_client(out, counts)
    assert cache_reads(out) == {("native_redis", answer): number for answer, number in counts["cache"].items()}
    runs = series(out, "django_tasks_total", "service", "queue")
    assert runs.keys() == {("worker", "celery"), ("worker", "imports")}
    for family in ("django_task_duration_seconds_count", "django_task_queue_seconds_count"):
        assert series(out, family, "service", "queue") == runs
    asked = sum(row["count"] for row in counts["by_method_view_status"] if row["view"] == "task_state")
    pages = counts["requests"] - asked - counts["cache"]["hit"]  # the others query
    opened = series(out, "django_db_new_connections_total", "service")
    assert opened == {("worker",): runs.total(), ("bookmarks",): pages}


def test_a_worker_that_is_killed_loses_nothing_that_was_written(tmp_path: Path, example: Mapping[str, str]) -> None:
    log, out = tmp_path / "stdout.log", tmp_path / "out"
    with servers.gunicorn(example, 2, stdout=log) as server:
        for _ in range(5):
            visit(f"{server.url}/bookmarks/")
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        for _ in range(5):
            visit(f"{server.url}/bookmarks/")
    found = aggregate(log, out)
    assert (found["by_event"]["http_request"], found["missing"], found["lost"]) == (10, 0, 0)
