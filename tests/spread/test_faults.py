"""What goes wrong with files, versions and tasks: the run ends as if nothing had been, or with one line."""

import gzip
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from math import inf
from pathlib import Path
from random import Random
from typing import Any
from weakref import WeakSet

import pytest

from aggregator.errors import ReadWriteError, UnavailableError, UsageError
from aggregator.run import aggregate
from aggregator.spread import on_dask, patience, slicing, task, tree, versions
from aggregator.spread.driver import given
from aggregator.spread.spec import Spec
from aggregator.spread.task import account_of, read
from aggregator.spread.workers import Here
from aggregator.store import opened
from tests.batch.runs import CONFIG, poll
from tests.batch.test_compiled import RECORDED
from tests.command.calls import logemit, message
from tests.remote.store import S3
from tests.services import free_port

from .cluster import Clusters
from .same import Both, files, slices_of, stopped_clock, told

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
        f"{log}: is not there any more, or not for the process that reads it; "
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


def test_a_file_that_begins_as_the_one_that_was_rotated(log: Path, tmp_path: Path) -> None:
    """And is as long: with what a program says whenever it starts. Each line is read once."""
    said = b"a program says the same whenever it starts\n" * 50

    def written(first: int) -> None:
        log.write_bytes(said + b"".join(poll(number) for number in range(first, first + 80)))

    def happens() -> None:
        if not log.with_name("app.log.1").exists():
            log.rename(log.with_name("app.log.1"))
            written(200)

    written(100)
    with slices_of(3_000):
        assert aggregate([str(log)], tmp_path / "out", CONFIG, cluster=lambda: Entered(Meddling(happens))).events == 160
    assert not aggregate([str(log)], tmp_path / "out", CONFIG).read


class Lost(Here):
    """What a task found is lost before it is merged, or its moments are asked for: it is read again."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens = happens
        self._found: dict[Any, tuple[Any, ...]] = {}

    def submit(self, task: Callable[..., Any], *args: Any, **how: Any) -> Any:
        if task not in (given, read, account_of):
            self._happens()
            args = tuple(super(Lost, self).submit(read, *self._of(arg)) if self._of(arg) else arg for arg in args)
        handle = super().submit(task, *args, **how)
        if task is read:
            self._found[handle] = args
        return handle

    def _of(self, arg: Any) -> tuple[Any, ...]:
        return self._found.get(arg, ()) if isinstance(arg, Future) else ()


@pytest.mark.parametrize("is_known", [False, True])
def test_an_object_that_is_gone_when_it_is_read_again(s3: S3, is_known: bool, tmp_path: Path) -> None:
    """Its events were counted; they must not be missing in the sums."""
    out, data = tmp_path / "out", b"".join(RECORDED[:50])
    if is_known:
        (tmp_path / "app.log").write_bytes(b"another first line\n" + data)
        aggregate([str(tmp_path / "app.log")], out, CONFIG)
    s3.put("app/a.log", data)
    before = files(out)
    with pytest.raises(ReadWriteError) as told_of:
        aggregate([s3.url("app/")], out, CONFIG, cluster=lambda: Entered(Lost(s3.clear)))
    assert str(told_of.value) == f"{s3.url('app/a.log')}: {task.CHANGED}"
    assert files(out) == before


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


def test_what_stands_still_is_sent_three_times_at_most(log: Path) -> None:
    asked: list[int] = []

    class Still(Here):
        def first(self, handles: Sequence[Any], seconds: float = inf) -> Any:
            asked.append(len(handles))
            return handles[-1] if seconds == inf else None

    copies = iter("bcd")
    last = patience.Patience(Still()).wait("a", lambda each: each, lambda: next(copies), 1.0)
    assert (last, asked) == ("c", [1, 2, 3])


# How far a run is, and of how much.


def progress_of(logs: list[Path], out: Path) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    names = [str(log) for log in logs]
    with slices_of(20_000):
        aggregate(names, out, CONFIG, lambda *told_of: found.append(told_of), cluster=lambda: Entered(Here()))
    return found


def test_progress_ends_where_all_is(log: Path, out: Path) -> None:
    """Also where most of a log was read before."""
    packed = log.with_name("again.log.gz")
    packed.write_bytes(gzip.compress(b"".join(RECORDED[:100])))
    found = progress_of([log, packed], out)
    assert [done for done, _ in found] == sorted(done for done, _ in found)
    assert found[-1] == (sum(path.stat().st_size for path in (log, packed)),) * 2
    assert not progress_of([log, packed], out)


def test_slices_are_of_what_is_new(log: Path, out: Path) -> None:
    """Not of all that the log has."""
    grown = sum(map(len, RECORDED[600:900]))
    with opened(out) as store:
        assert slicing.new_bytes([str(log)], store.state.checkpoints) == grown


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
    with pytest.raises(UsageError, match=r"^a worker on \S+ has logemit 0\.0\.1, this process"):
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
