"""Real workers on a real Redis: what a client sent is what their stdout says, to the last run and query."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests import quick, services
from tests.conftest import ROOT

CELERY = Path(sys.executable).with_name("celery")
APP = [str(CELERY), "-A", "tests.celery_worker.project"]
EACH = 8
QUERIES_OF_A_RUN = {
    "shop.nested": 2,
    "shop.fail": 1,
    "shop.flaky": 1,
    "shop.leave": 1,
    "shop.cope": 1,
    "shop.die_once": 1,
}
"""Of a hard time limit none is promised: the process may be killed before it can write them."""
CATALOGUE = """
[[summary]]
name = "task_runs"
event = "task"
dimensions = ["name", "queue", "state", "exception"]
measures = ["duration_seconds", "queue_seconds", "db_queries"]

[[metric]]
name = "task_runs_total"
type = "counter"
help = "Runs."
summary = "task_runs"
labels = ["name", "queue", "state", "exception"]
"""


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("redis")
    with services.redis_server(folder) as url:
        bare = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)}
        project = {
            "DJANGO_SETTINGS_MODULE": "tests.celery_worker.settings",
            "TESTS_DATABASE": str(folder / "db.sqlite3"),
        }
        yield {**bare, **project, "TESTS_REDIS": url, "C_FORCE_ROOT": "1"}


@contextmanager
def worker(env: Mapping[str, str], folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Its stdout, which is for events, apart from its stderr, which is for its own log."""
    ready = folder / "ready"
    command = [*APP, "worker", "--concurrency=4", "--queues=celery,slow", "--without-gossip", "--without-mingle"]
    with (
        (folder / "stdout.log").open("ab") as output,
        services.running(
            [*command, *arguments],
            folder / "stderr.log",
            ready.exists,
            cwd=ROOT,
            env={**env, "TESTS_READY": str(ready)},
            stdout=output,
        ) as process,
    ):
        yield process


def send(env: Mapping[str, str], pool: str, folder: Path) -> Counter[Any]:
    command = [sys.executable, "-m", "tests.celery_worker.client", pool, str(EACH), str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=dict(env), check=True, stdout=subprocess.PIPE, timeout=300)
    return Counter({tuple(key): runs for *key, runs in json.loads(done.stdout)})


def written(folder: Path, event: str | None = None) -> list[dict[str, Any]]:
    """The events on stdout, each of which must stand bare on a line of its own."""
    whole = (folder / "stdout.log").read_bytes().rpartition(b"\n")[0].split(b"\n")
    lines = [line for line in whole if b'"logemit":' in line]
    assert all(line.startswith(b'{"logemit":1,"event":') for line in lines)
    return [found for found in map(json.loads, lines) if event in (None, found["event"])]


def aggregated(folder: Path) -> tuple[dict[str, Any], Counter[Any]]:
    """The accounts of a run over the worker's stdout, and its tasks as a Prometheus family has them."""
    (folder / "logemit.toml").write_text(CATALOGUE)
    command = [str(quick.command().path), "aggregate", "stdout.log", "--config=logemit.toml", "--out=out", "--json"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    runs: Counter[Any] = Counter()
    for family in text_string_to_metric_families((folder / "out/metrics.prom").read_text()):
        for sample in family.samples:
            if sample.name == "task_runs_total":
                key = tuple(sample.labels[label] for label in ("name", "queue", "state", "exception"))
                runs[key] += int(sample.value)
    return json.loads(done.stdout), runs


def assert_all_is_told_once(folder: Path, expected: Counter[Any]) -> None:
    accounts, runs = aggregated(folder)
    assert runs == expected
    told = [accounts[name] for name in ("missing", "lost", "rejected", "duplicates")]
    assert told == [0, 0, 0, 0]
    assert accounts["by_event"]["task"] == expected.total()


def assert_queries_are_those_of_their_tasks(folder: Path, expected: Counter[Any]) -> None:
    tasks = {task["task_id"]: task["name"] for task in written(folder, "task")}
    found: Counter[str] = Counter()
    for line in written(folder, "db_query"):
        if line["unit"] == "task":
            found[tasks[line["task_id"]]] += line["count"]
    eager = EACH * 3
    sent = {(name, state): 0 for name, _, state, _ in expected}
    for (name, _, state, _), runs in expected.items():
        sent[name, state] += runs
    for name, queries in QUERIES_OF_A_RUN.items():
        runs = sum(number for (task, state), number in sent.items() if task == name and state != "revoked")
        assert found[name] == runs * queries, name
    assert found["shop.query"] == (sent["shop.query", "success"] - EACH) * 2 + eager


def finish(process: subprocess.Popen[bytes], folder: Path, expected: Counter[Any]) -> None:
    """Wait until all is told; what is told too often shows once the worker has stopped."""
    total = expected.total()
    services.wait_until(lambda: len(written(folder, "task")) >= total, process, folder / "stderr.log", 300)


def test_processes_are_cut_off_killed_and_revoked_and_each_run_is_told_once(env: Any, tmp_path: Path) -> None:
    """Celery reports a hard time limit twice, and a lost process only where the task did not run."""
    with worker(env, tmp_path, "--pool=prefork", "--loglevel=info") as process:
        expected = send(env, "prefork", tmp_path)
        finish(process, tmp_path, expected)
    assert_all_is_told_once(tmp_path, expected)
    assert_queries_are_those_of_their_tasks(tmp_path, expected)
    assert_fields_fit_states(tmp_path)
    assert_what_happens_in_a_task_is_its_own(tmp_path)
    log = (tmp_path / "stderr.log").read_text()
    assert re.search(r"^\[.*/ForkPoolWorker-\d+\] printed, not lost$", log, re.MULTILINE)  # stdout is redirected


def assert_fields_fit_states(folder: Path) -> None:
    for task in written(folder, "task"):
        runs = task["state"] != "revoked"
        assert ("duration_seconds" in task) == runs, task
        if task["name"] != "shop.query":  # some of which had to wait for their time, and may start a moment too soon
            assert ("queue_seconds" in task) == runs, task
        assert task["unit"] == "task"
    again = [task["retries"] for task in written(folder, "task") if task["name"] == "shop.flaky"]
    assert Counter(again) == {0: EACH, 1: EACH, 2: EACH}


def assert_what_happens_in_a_task_is_its_own(folder: Path) -> None:
    of_emit = {task["task_id"] for task in written(folder, "task") if task["name"] == "shop.emit"}
    for event in ("report_sent", "feed_poll"):
        lines = written(folder, event)
        assert {line["task_id"] for line in lines} == of_emit
        assert len(lines) == EACH
    outside = [line for line in written(folder, "db_query") if line["unit"] == "none"]
    assert sum(line["count"] for line in outside) == 2 * EACH  # by threads that tasks have started
    assert not any("task_id" in line for line in outside)


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_a_worker_of_one_process_tells_each_run_once(env: Any, tmp_path: Path, pool: str) -> None:
    with worker(env, tmp_path, f"--pool={pool}", "--loglevel=error") as process:
        expected = send(env, pool, tmp_path)
        finish(process, tmp_path, expected)
    assert_all_is_told_once(tmp_path, expected)
    assert_queries_are_those_of_their_tasks(tmp_path, expected)
    assert_fields_fit_states(tmp_path)
    assert_what_happens_in_a_task_is_its_own(tmp_path)


def test_what_beat_sends_has_its_queue_time_too(env: Any, tmp_path: Path) -> None:
    """Beat may be stopped between saying that a task is due and sending it; what the worker received is what ran."""
    log, sent = tmp_path / "beat.log", re.compile(rb"shop\.query sent\. id->(\S+)")
    command = [*APP, "beat", "--loglevel=debug", f"--schedule={tmp_path / 'schedule'}", "--pidfile="]
    with worker(env, tmp_path, "--pool=threads", "--loglevel=info") as process:
        with services.running(command, log, lambda: len(sent.findall(log.read_bytes())) >= 5, cwd=ROOT, env=env):
            pass
        of_beat = {task.decode() for task in sent.findall(log.read_bytes())}
        finish(process, tmp_path, Counter(of_beat))
    received = re.findall(r"Task shop\.query\[(\S+)\] received", (tmp_path / "stderr.log").read_text())
    assert of_beat <= set(received)
    assert len(received) <= log.read_bytes().count(b"Sending due task often")
    assert_all_is_told_once(tmp_path, Counter({("shop.query", "celery", "success", ""): len(received)}))
    assert sorted(task["task_id"] for task in written(tmp_path, "task")) == sorted(received)
    assert all("queue_seconds" in task for task in written(tmp_path, "task"))
