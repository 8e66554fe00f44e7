"""Workers and schedulers that die, stand still or are full: the run ends as if nothing had been, or with one line."""

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aggregator.errors import LogemitError
from aggregator.report import Report
from aggregator.run import aggregate
from aggregator.spread import on_dask, patience, tree
from aggregator.spread.spec import Spec
from aggregator.spread.workers import Workers
from tests.batch.runs import CONFIG
from tests.batch.test_compiled import RECORDED
from tests.conftest import LOGEMIT, ROOT
from tests.remote.store import S3
from tests.scale import LEVEL, scaled

from .cluster import Cluster, Clusters, until
from .same import Both, files, slices_of, stopped_clock, told

OBJECTS = [b"".join(RECORDED[300 * number : 300 * number + 300]) for number in range(4)]
OF_TWO = max(map(len, OBJECTS)) + 1
"""Bytes of a slice that two of these are in."""


@pytest.fixture
def held(s3: S3, tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Four objects; the store holds back what is asked of one of them, until it is let go."""
    for number, data in enumerate(OBJECTS):
        s3.put(f"app/{number}.log", data)
    reached, go = tmp_path / "reached", tmp_path / "go"
    s3.plan(do="hold", method="GET", part="app/2.log", reached=str(reached), until=str(go))

    def hold() -> Path:
        until(reached.exists)
        return go

    yield hold
    go.touch()
    s3.plan()


class Running(threading.Thread):
    """A run in a thread of its own, with slices of two objects each."""

    def __init__(self, s3: S3, out: Path, cluster: Cluster) -> None:
        super().__init__()
        self._arguments = [s3.url("app/*.log")], out, CONFIG
        self._spec = Spec(cluster.address, least_workers=len(cluster.workers))
        self.report: Any = None
        self.error: LogemitError | None = None

    def run(self) -> None:
        try:
            self.report = aggregate(*self._arguments, cluster=lambda: on_dask.connected(self._spec))
        except LogemitError as exc:
            self.error = exc

    def ended(self) -> "Running":
        self.join(90)
        assert not self.is_alive()
        return self


def check_same(found: Running, wanted: Report, folder: Path) -> None:
    assert found.error is None
    assert told(found.report) == told(wanted)
    assert files(folder / "spread") == files(folder / "local")


def test_a_worker_that_is_killed_while_it_reads(
    s3: S3, held: Callable[[], Path], clusters: Clusters, tmp_path: Path
) -> None:
    """Another reads on, with what the killed one had read before, too."""
    cluster = clusters.of(1)
    with slices_of(OF_TWO), stopped_clock():
        running = Running(s3, tmp_path / "spread", cluster)
        running.start()
        go = held()
        cluster.kill(cluster.workers[0])
        go.touch()
        cluster.start_worker()
        found = running.ended()
        wanted = aggregate([s3.url("app/*.log")], tmp_path / "local", CONFIG)
    check_same(found, wanted, tmp_path)


@pytest.mark.skipif(LEVEL == "quick", reason="takes many seconds; TESTS=usual does it")
def test_a_worker_that_stands_still(s3: S3, held: Callable[[], Path], clusters: Clusters, tmp_path: Path) -> None:
    """After a while, which is Dask's `worker-ttl`, another does its work."""
    cluster = clusters.of(1, DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL="3s")
    with slices_of(OF_TWO), stopped_clock():
        running = Running(s3, tmp_path / "spread", cluster)
        running.start()
        go = held()
        cluster.workers[0].send_signal(signal.SIGSTOP)
        go.touch()
        cluster.start_worker()
        found = running.ended()
        wanted = aggregate([s3.url("app/*.log")], tmp_path / "local", CONFIG)
    check_same(found, wanted, tmp_path)


def test_a_worker_that_is_slow(
    s3: S3, held: Callable[[], Path], dask_of_all: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another reads what it reads; it is never waited for."""
    monkeypatch.setattr(patience, "LEAST_SECONDS", 0.5)
    monkeypatch.setattr(patience, "UNKNOWN_SECONDS", 0.5)
    with slices_of(OF_TWO), stopped_clock():
        running = Running(s3, tmp_path / "spread", dask_of_all)
        running.start()
        go = held()
        found = running.ended()
        assert not go.exists()
        wanted = aggregate([s3.url("app/*.log")], tmp_path / "local", CONFIG)
    check_same(found, wanted, tmp_path)


def test_a_worker_that_is_killed_while_another_reads_the_same(
    s3: S3, held: Callable[[], Path], clusters: Clusters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask gives up one of both; the other counts."""
    monkeypatch.setattr(patience, "LEAST_SECONDS", 0.5)
    monkeypatch.setattr(patience, "UNKNOWN_SECONDS", 0.5)
    cluster = clusters.of(2, failures=0)
    with slices_of(OF_TWO), stopped_clock():
        go = tmp_path / "go"
        s3.plan(do="hold", method="GET", part="app/2.log", times=2, reached=str(tmp_path / "reached"), until=str(go))
        running = Running(s3, tmp_path / "spread", cluster)
        running.start()
        until(lambda: sum("app/2.log" in each["path"] and each["method"] == "GET" for each in s3.requests) > 1)
        cluster.kill(cluster.workers[0])
        go.touch()
        found = running.ended()
        wanted = aggregate([s3.url("app/*.log")], tmp_path / "local", CONFIG)
    check_same(found, wanted, tmp_path)


def test_workers_that_are_killed_one_after_the_other(
    s3: S3, held: Callable[[], Path], clusters: Clusters, tmp_path: Path
) -> None:
    """Dask gives up, and so does the run."""
    cluster = clusters.of(1, failures=0)
    with slices_of(OF_TWO):
        running = Running(s3, tmp_path / "out", cluster)
        running.start()
        held()
        cluster.kill(cluster.workers[0])
        cluster.start_worker()
        error = running.ended().error
    told_of = "the worker that read it died; workers may need more memory; nothing has changed"
    assert str(error) in [f"{s3.url(f'app/{number}.log')} and 1 more: {told_of}" for number in (0, 2)]
    assert not list((tmp_path / "out").glob("[a-z]*"))


def test_workers_that_do_not_come_back(
    s3: S3, held: Callable[[], Path], clusters: Clusters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_dask, "LOST_SECONDS", 1.0)
    monkeypatch.setattr(on_dask, "POLL_SECONDS", 0.5)
    cluster = clusters.of(1)
    with slices_of(OF_TWO):
        running = Running(s3, tmp_path / "out", cluster)
        running.start()
        held()
        cluster.kill(cluster.workers[0])
        error = running.ended().error
    assert (
        str(error) == f"{cluster.address}: the Dask cluster has no workers any more; nothing has changed; run it again"
    )


class Killing:
    """Workers that are killed, and others started, as the run asks for something."""

    def __init__(self, workers: Workers, cluster: Cluster, rng: Random) -> None:
        self._workers, self._cluster, self._rng = workers, cluster, rng
        self.killed, self._left, self._aim = 0, KILLS, rng.choice(["", "merge", "of_summary"])

    @property
    def threads(self) -> int:
        return self._workers.threads

    def everywhere(self, task: Callable[..., Any], *args: Any) -> Any:
        return self._workers.everywhere(task, *args)

    def submit(self, task: Callable[..., Any], *args: Any, **how: Any) -> Any:
        handle = self._workers.submit(task, *args, **how)
        self._strike(0.5 if task.__name__ == self._aim else 0.02)
        return handle

    def first(self, handles: Sequence[Any], seconds: float = inf) -> Any:
        self._strike(0.02)
        return self._workers.first(handles, seconds)

    def result(self, handle: Any) -> Any:
        self._strike(0.02)
        return self._workers.result(handle)

    def _strike(self, chance: float) -> None:
        if self._left and self._rng.random() < chance:
            self._left -= 1
            self.killed += 1
            self._cluster.kill(self._rng.choice(self._cluster.workers))
            self._cluster.start_worker()


KILLS = scaled(2, 4, 4)


@pytest.mark.parametrize("seed", range(scaled(1, 4, 20)))
def test_workers_killed_at_any_time(
    seed: int, s3: S3, clusters: Clusters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And replaced, while files and objects are read and while sums are merged: what was lost is made again."""
    monkeypatch.setattr(tree, "FAN_IN", 3)
    rng, log = Random(seed), tmp_path / "app.log"
    log.write_bytes(b"".join(RECORDED[: scaled(800, 5000, 5000)] + RECORDED[:500]))
    for number in range(0, 600, 100):
        s3.put(f"app/{number}.log", b"".join(RECORDED[number : number + 150]))
    cluster = clusters.of(2, failures=50)
    spec, struck = Spec(cluster.address), []

    @contextmanager
    def killed() -> Iterator[Killing]:
        with on_dask.connected(spec) as workers:
            struck.append(Killing(workers, cluster, rng))
            yield struck[0]

    assert Both(tmp_path, killed, size=30_000).run([log, s3.url("app/")]).duplicates
    assert struck[0].killed


def test_the_run_itself_is_killed(s3: S3, held: Callable[[], Path], dask_of_all: Cluster, tmp_path: Path) -> None:
    """Its workers forget what they did for it; the next run does it all."""
    command = [str(LOGEMIT), "aggregate", s3.url("app/*.log"), "--out", str(tmp_path / "spread"), "--engine", "dask"]
    run = subprocess.Popen([*command, "--scheduler", dask_of_all.address], cwd=ROOT)
    try:
        go = held()
    finally:
        run.kill()
        run.wait()
    go.touch()
    from distributed import Client

    with Client(dask_of_all.address, set_as_default=False) as client:
        until(lambda: not any(client.processing().values()) and not client.who_has())
    spec = Spec(dask_of_all.address)
    assert Both(tmp_path, lambda: on_dask.connected(spec), size=OF_TWO).run([s3.url("app/*.log")]).events


def test_a_scheduler_that_goes_away(
    s3: S3, held: Callable[[], Path], clusters: Clusters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask
    import distributed  # noqa: F401 (which sets what it reads)

    monkeypatch.setattr(on_dask, "LOST_SECONDS", 1.0)
    cluster = clusters.of(1)
    with dask.config.set({"distributed.comm.timeouts.connect": "2s"}), slices_of(OF_TWO):
        running = Running(s3, tmp_path / "out", cluster)
        running.start()
        held()
        cluster.scheduler.send_signal(signal.SIGKILL)
        cluster.scheduler.wait()
        error = running.ended().error
    assert str(error) == f"{cluster.address}: the Dask cluster is gone; nothing has changed; run it again"
    assert not list((tmp_path / "out").glob("[a-z]*"))
