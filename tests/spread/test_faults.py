"""What goes wrong on a cluster: the run ends as if nothing had been, or with one line and nothing changed."""

import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from random import Random
from typing import Any
from weakref import WeakSet

import pytest

from aggregator.errors import LogemitError, ReadWriteError, UnavailableError, UsageError
from aggregator.run import aggregate
from aggregator.spread import on_dask, patience, task, tree, versions
from aggregator.spread.spec import Spec, load
from aggregator.spread.task import read
from aggregator.spread.workers import Here, Workers
from tests.batch.runs import CONFIG
from tests.batch.test_compiled import RECORDED
from tests.command.calls import logemit, message
from tests.conftest import LOGEMIT, ROOT
from tests.remote.store import S3
from tests.scale import LEVEL, scaled
from tests.services import free_port

from .cluster import Cluster, Clusters, until
from .same import Both, files, slices_of, stopped_clock, told


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_bytes(b"".join(RECORDED[:600]))
    return path


# Files that are not what they were when their slices were made.


class Meddling(Here):
    """Something happens to the input between the first task's submission and its run."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens = happens

    def submit(self, task: Callable[..., Any], *args: Any, **how: Any) -> Any:
        if task is read:
            self._happens()
        return super().submit(task, *args, **how)


def failed(log: Path, out: Path, happens: Callable[[], object]) -> str:
    """What the run says; nothing has changed."""
    before = files(out)
    with slices_of(20_000), pytest.raises(ReadWriteError) as told_of:
        aggregate([str(log)], out, CONFIG, cluster=lambda: Entered(Meddling(happens)))
    assert files(out) == before
    return str(told_of.value)


class Entered:
    def __init__(self, workers: Here) -> None:
        self._workers = workers

    def __enter__(self) -> Here:
        return self._workers

    def __exit__(self, *_: object) -> None:
        return None


@pytest.fixture
def out(log: Path, tmp_path: Path) -> Path:
    """Of a run before the log grew."""
    aggregate([str(log)], tmp_path / "out", CONFIG)
    with log.open("ab") as file:
        file.writelines(RECORDED[600:900])
    return tmp_path / "out"


def test_a_file_that_vanishes(log: Path, out: Path) -> None:
    assert failed(log, out, lambda: log.unlink(missing_ok=True)) == (
        f"{log}: is not there, or not for the process that reads it; "
        "workers need the same files under the same names, or name URLs"
    )


def test_a_file_that_is_cut_off(log: Path, out: Path) -> None:
    assert failed(log, out, lambda: log.write_bytes(log.read_bytes()[:1000])) == f"{log}: {task.CHANGED}"


def test_a_file_that_is_replaced(log: Path, out: Path) -> None:
    assert failed(log, out, lambda: log.write_bytes(b"x\n" * len(log.read_bytes()))) == f"{log}: {task.CHANGED}"


def test_a_file_whose_lines_are_replaced(log: Path, out: Path) -> None:
    def happens() -> None:
        data = log.read_bytes()
        log.write_bytes(data[:2000] + b"x" * (len(data) - 2000))

    assert failed(log, out, happens) == f"{log}: {task.CHANGED}"


def test_a_file_that_is_rotated(log: Path, tmp_path: Path) -> None:
    """It is read where it stands now, and the next run knows it there."""

    def happens() -> None:
        if not log.with_name("app.log.1").exists():
            log.rename(log.with_name("app.log.1"))
            log.write_bytes(b"".join(RECORDED[600:650]))

    with stopped_clock(), slices_of(20_000):
        found = aggregate([str(log)], tmp_path / "out", CONFIG, cluster=lambda: Entered(Meddling(happens)))
        wanted = aggregate([f"{log}.1", str(log)], tmp_path / "local", CONFIG)
    assert told(found) == told(wanted)
    assert not aggregate([str(log)], tmp_path / "out", CONFIG).read
    ours, theirs = (files(tmp_path / out) for out in ("out", "local"))
    assert [data for name, data in ours.items() if "/date=" in name] == [
        data for name, data in theirs.items() if "/date=" in name
    ]


# Tasks that come late, or not at all.


class Late(Here):
    """One in so many is not there in time; what is sent again is."""

    def __init__(self, rng: Random, share: float) -> None:
        self._rng, self._share = rng, share
        self.sent_again: list[str] = []

    def submit(self, task: Callable[..., Any], *args: Any, **how: Any) -> Any:
        if how.get("apart"):
            self.sent_again.append(task.__name__)
        return super().submit(task, *args, **how)

    def first(self, handles: Sequence[Any], seconds: float = inf) -> Any:
        if seconds < inf and self._rng.random() < self._share:
            return None
        return handles[-1]


@pytest.mark.parametrize(("share", "wanted"), [(0.5, {"read"}), (1.0, {"read", "merge", "of_summary"})])
def test_what_comes_late_is_sent_again(share: float, wanted: set[str], log: Path, tmp_path: Path) -> None:
    late = Late(Random(1), share)
    again = tmp_path / "again.log"
    again.write_bytes(b"another first line\n" + b"".join(RECORDED[100:300]))
    assert Both(tmp_path, lambda: Entered(late), size=10_000).run([log, again]).duplicates
    assert wanted <= set(late.sent_again)


class Counted(Here):
    """How many handles there are at once, of all that were given out."""

    def __init__(self) -> None:
        self._handles: WeakSet[Any] = WeakSet()
        self.most = self.all = 0

    def submit(self, task: Callable[..., Any], *args: Any, **how: Any) -> Any:
        handle = super().submit(task, *args, **how)
        self._handles.add(handle)
        self.most, self.all = max(self.most, len(self._handles)), self.all + 1
        return handle


def test_what_was_merged_is_given_up(log: Path, tmp_path: Path) -> None:
    counted = Counted()
    assert Both(tmp_path, lambda: Entered(counted), size=1_500).run([log]).events
    assert counted.all > 200
    assert counted.most < 60


def test_large_sums_are_not_merged_further(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_BYTES", 20_000)
    assert Both(tmp_path, size=10_000).run([log]).events


# Workers.


def test_another_version_is_refused(log: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Older(Here):
        def everywhere(self, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
            return {"the worker at tcp://10.0.0.1:1": function(*args) | {"numpy": "2.0.0"}}

    with pytest.raises(UsageError, match=r"^the worker at tcp://10.0.0.1:1 has numpy 2.0.0, this process \d"):
        aggregate([str(log)], out, CONFIG, cluster=lambda: Entered(Older()))


def test_another_version_of_a_worker_that_came_later(log: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = versions.facts
    answers = iter([{}, {}, {"logemit": "0.0.1"}])
    monkeypatch.setattr(versions, "facts", lambda config: real(config) | next(answers))
    with pytest.raises(UsageError, match=r"has logemit 0\.0\.1, this process"):
        aggregate([str(log)], out, CONFIG, cluster=lambda: Entered(Here()))


def test_a_worker_without_logemit(clusters: Clusters, log: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text('import sys\nsys.modules["aggregator"] = None\n')
    cluster = clusters.of(0)
    cluster.start_worker(PYTHONPATH=str(tmp_path))
    with pytest.raises(UsageError) as error:
        aggregate([str(log)], tmp_path / "out", CONFIG, cluster=lambda: on_dask.connected(Spec(cluster.address)))
    cluster.keep(0)
    worker = r"the worker at tcp://127\.0\.0\.1:\d+"
    assert re.fullmatch(f"{worker} has another logemit, or none: .*aggregator.*; install it there", str(error.value))


def test_no_scheduler(log: Path, tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    spec = tmp_path / "cluster.toml"
    spec.write_text(f'scheduler = "{address}"\nwait_seconds = 1\n')
    done = logemit("aggregate", log, "--out", tmp_path / "out", "--engine", "dask", "--cluster-spec", spec)
    assert done.returncode == UnavailableError.exit_code
    assert message(done).startswith(f"logemit: {address}: no Dask scheduler answers: ")
    assert not list((tmp_path / "out").glob("[a-z]*"))


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
    assert found.error is None
    assert told(found.report) == told(wanted)
    assert files(tmp_path / "spread") == files(tmp_path / "local")


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
    assert found.error is None
    assert told(found.report) == told(wanted)
    assert files(tmp_path / "spread") == files(tmp_path / "local")


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
    assert found.error is None
    assert told(found.report) == told(wanted)
    assert files(tmp_path / "spread") == files(tmp_path / "local")


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
    assert found.error is None
    assert told(found.report) == told(wanted)
    assert files(tmp_path / "spread") == files(tmp_path / "local")


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
    told_of = "the worker that read it died, 1 times; workers may need more memory; nothing has changed"
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


# Tasks that fail.


def exhausted() -> None:
    raise MemoryError


def timed_out() -> None:
    raise TimeoutError("the store did not answer")


def no_room() -> None:
    raise OSError(28, "No space left on device")


def greedy() -> int:
    """Takes memory until it is stopped."""
    taken = []
    for _ in range(100):
        taken.append(b"x" * (20 << 20))
        time.sleep(0.05)
    return len(taken)


@pytest.mark.parametrize(
    ("fails", "wanted"),
    [
        (exhausted, f"a slice: {on_dask.SHORT_OF_MEMORY}; nothing has changed"),
        (timed_out, "a slice: a worker failed: TimeoutError: the store did not answer; nothing has changed"),
        (no_room, "a slice: a worker failed: OSError: [Errno 28] No space left on device; nothing has changed"),
    ],
)
def test_a_task_that_fails(fails: Callable[[], None], wanted: str, dask_of_all: Cluster) -> None:
    with on_dask.connected(Spec(dask_of_all.address)) as workers, pytest.raises(UnavailableError) as error:
        workers.result(workers.submit(fails, about="a slice"))
    assert str(error.value) == wanted


def test_workers_whose_memory_is_full(dask_of_all: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask lets them start nothing; what they are at work on may still end."""
    with on_dask.connected(Spec(dask_of_all.address)) as workers:
        assert isinstance(workers, on_dask._Workers)
        found = [*workers._client.scheduler_info()["workers"].values()]
        assert {worker["status"] for worker in found} == {"running"}
        assert all("task_counts" in worker["metrics"] for worker in found)
        assert workers._lack() == ""
        for counts, wanted in [({}, "has only workers whose memory is full; give them more"), ({"executing": 1}, "")]:
            full = {"status": "paused", "metrics": {"task_counts": counts}}
            monkeypatch.setattr(workers._client, "scheduler_info", lambda n_workers, of=full: {"workers": {"a": of}})
            assert workers._lack() == wanted


@pytest.mark.skipif(LEVEL == "quick", reason="takes many seconds; TESTS=usual does it")
def test_a_worker_that_its_nanny_stops(clusters: Clusters) -> None:
    """As it takes more memory than it may."""
    cluster = clusters.of(0, failures=1)
    nanny = cluster.start_worker("--nanny", "--memory-limit", "400MB")
    with on_dask.connected(Spec(cluster.address)) as workers, pytest.raises(UnavailableError) as error:
        workers.result(workers.submit(greedy, about="a slice"))
    nanny.terminate()
    nanny.wait()
    cluster.workers.remove(nanny)
    told_of = "the worker that read it died, 2 times; workers may need more memory"
    assert str(error.value) == f"a slice: {told_of}; nothing has changed"


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


# What says where a cluster is.


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('scheduler = "tcp://h:1"', Spec("tcp://h:1")),
        ('{"type": "Scheduler", "address": "tcp://h:1"}', Spec("tcp://h:1")),
        ('scheduler = "tls://h:1"\nleast_workers = 3', Spec("tls://h:1", least_workers=3)),
        ('scheduler = "tcp://h:1"\nwait_seconds = 5', Spec("tcp://h:1", wait_seconds=5)),
        ("", "names no scheduler"),
        ("scheduler = 1", "scheduler is 1, expected a text"),
        ('scheduler = "tcp://h:1"\nleast_workers = "3"', "least_workers is '3', expected a number"),
        ("password = 'x'", "unknown key 'password'"),
        ("{", "is neither TOML nor a scheduler file"),
        ("a = ", "is neither TOML nor a scheduler file"),
    ],
)
def test_what_a_file_says_of_a_cluster(text: str, wanted: Spec | str, tmp_path: Path) -> None:
    path = tmp_path / "cluster"
    path.write_text(text)
    if isinstance(wanted, Spec):
        assert load(path) == wanted
    else:
        with pytest.raises(UsageError, match=wanted):
            load(path)


@pytest.mark.parametrize(
    "options",
    [
        ["--engine", "spark"],
        ["--scheduler", "tcp://127.0.0.1:1"],
        ["--engine", "dask", "--scheduler", ""],
        ["--engine", "dask", "--scheduler", "tcp://127.0.0.1:1", "--cluster-spec", "x"],
        ["--engine", "dask", "--cluster-spec", "/nowhere"],
        ["--engine", "dask", "--scheduler", "tcp://127.0.0.1:1", "--workers", "2"],
    ],
)
def test_options_that_cannot_be_meant(options: list[str], log: Path, tmp_path: Path) -> None:
    done = logemit("aggregate", log, "--out", tmp_path / "out", *options)
    assert done.returncode == UsageError.exit_code
    assert message(done)


def test_by_the_command(dask_of_all: Cluster, log: Path, tmp_path: Path) -> None:
    spread = logemit(
        "aggregate", log, "--out", tmp_path / "a", "--engine", "dask", "--scheduler", dask_of_all.address, "--json"
    )
    local = logemit("aggregate", log, "--out", tmp_path / "b", "--engine", "local", "--json")
    assert (spread.returncode, spread.stderr) == (local.returncode, local.stderr) == (0, "")
    assert (tmp_path / "a/http_requests").is_dir()
    ours, theirs = (
        {name: data for name, data in files(tmp_path / out).items() if "_logemit" not in name and "prom" not in name}
        for out in "ab"
    )
    assert ours == theirs
