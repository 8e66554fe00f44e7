"""The whole way with real servers: what a client counted is what the aggregator says, to the last query."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import LOGEMIT, ROOT

sys.path.insert(0, str(ROOT / "examples"))

import servers
import traffic

PAGES = [
    "/digest/",
    "/bookmarks/?page=2",
    "/api/stats/",
    "/api/titles/",
    "/feeds/",
    "/guide/",
    "/bookmarks/7/",
]
EACH = 30

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


@pytest.fixture
def example(tmp_path: Path) -> Any:
    env = servers.environment(tmp_path / "db.sqlite3")
    with servers.feed_server(slow_seconds=1.5) as feeds:
        servers.load_example(env, feeds.url)
        yield env


def aggregate(log: Path, out: Path) -> dict[str, Any]:
    done = subprocess.run([LOGEMIT, "aggregate", log, "--out", out, "--json"], check=True, capture_output=True)
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


def queries_by_django(env: Mapping[str, str]) -> dict[str, int]:
    """How many queries Django itself says each page makes."""
    done = servers.manage(
        {**env, "LOGEMIT_ENABLED": "0"}, "shell", "--verbosity=0", "-c", f"PATHS = {PAGES!r}\n{COUNT_QUERIES}"
    )
    assert done.returncode == 0, done.stdout
    counted: dict[str, int] = json.loads(done.stdout.partition("COUNTED")[2])
    return counted


def visit(url: str) -> None:
    with build_opener(ProxyHandler({})).open(url, timeout=30) as response:
        response.read()


@pytest.mark.parametrize("server", ["sync", "gthread", "uvicorn"])
def test_known_traffic_gives_exactly_its_totals(tmp_path: Path, example: Mapping[str, str], server: str) -> None:
    by_page = queries_by_django(example)
    assert sum(by_page.values()) > 60
    log, out = tmp_path / "stdout.log", tmp_path / "out"
    running = (
        servers.uvicorn(example, workers=2, stdout=log)
        if server == "uvicorn"
        else servers.gunicorn(example, 4, server, stdout=log, arguments=["--threads=3"] if server == "gthread" else [])
    )
    with running as running_server, ThreadPoolExecutor(8) as pool:
        list(pool.map(visit, [running_server.url + path for path in PAGES * EACH]))
    found = aggregate(log, out)
    assert (found["missing"], found["lost"], found["rejected"], found["duplicates"]) == (0, 0, 0, 0)
    assert series(out, "django_http_requests_before_middlewares_total", "service") == {
        ("bookmarks",): EACH * len(PAGES)
    }
    executed = series(out, "django_db_execute_total", "service")["bookmarks",]
    durations = series(out, "django_db_query_duration_seconds_count", "service")["bookmarks",]
    assert executed == durations == EACH * sum(by_page.values())


def test_mixed_traffic_is_what_the_client_counted(tmp_path: Path, example: Mapping[str, str]) -> None:
    log, out = tmp_path / "stdout.log", tmp_path / "out"
    with servers.gunicorn(example, 4, stdout=log) as server:
        counts = traffic.drive(server.url, 400, seed=11).as_json()
    found = aggregate(log, out)
    assert (found["missing"], found["lost"], found["rejected"]) == (0, 0, 0)
    sent: Counter[Any] = Counter()
    for row in counts["by_method_view_status"]:
        method = "<invalid method>" if row["method"] == "BREW" else row["method"]
        sent[method, row["view"], str(row["status"])] += row["count"]
    assert sent.total() == 400
    labels = ("method", "view", "status")
    assert series(out, "django_http_responses_total_by_status_view_method_total", *labels) == sent
    polls = Counter({(str(row["feed_id"]), row["status"]): row["count"] for row in counts["polls"]})
    assert series(out, "feed_polls_total", "feed_id", "status") == polls
    imports = Counter({(row["format"], row["status"]): row["count"] for row in counts["imports"]})
    assert series(out, "bookmark_imports_total", "format", "status") == imports


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
