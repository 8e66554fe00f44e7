"""Objects of a store as slices: what a run leaves is the same, and no secret travels."""

import gzip
import pickle
from concurrent.futures import Future
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aggregator import remote
from aggregator.errors import ReadWriteError
from aggregator.run import aggregate
from aggregator.spread import on_dask
from aggregator.spread.spec import Spec
from aggregator.spread.task import read
from aggregator.spread.workers import Here
from tests.batch.runs import CONFIG
from tests.batch.test_compiled import RECORDED
from tests.batch.test_opened import WRAPS, wrapped
from tests.remote.server import KEY
from tests.remote.store import S3, SECRET
from tests.scale import scaled

from .cluster import Cluster
from .same import Both, files, slices_of


def joined(lines: list[bytes]) -> bytes:
    return b"".join(lines)


SMALL = scaled(8, 30, 30)
ENDS = [b'{"logemit":1,"event":"no_end"', b"", RECORDED[901].rstrip(b"\n")]


def put_some(s3: S3) -> None:
    """Many small ones, packed ones, one that is torn, and one whose last line has no end."""
    for number in range(SMALL):
        s3.put(f"app/small/{number:02d}.log", joined(RECORDED[10 * number : 10 * number + 15]))
    s3.put("app/packed.log.gz", gzip.compress(joined(RECORDED[300:600])))
    s3.put("app/torn.log.gz", gzip.compress(joined(RECORDED[600:900]))[:-200])
    s3.put("app/no_end.log", joined(RECORDED[900:950]).rstrip(b"\n"))
    s3.put("app/no_gzip.gz", b"\x1f\x8bno")
    s3.put("app/docker.log", joined(wrapped(RECORDED[950:1100], WRAPS["docker"], Random(1), 0.5)[:-1]))


def test_objects_of_all_kinds(s3: S3, tmp_path: Path) -> None:
    both, urls = Both(tmp_path, size=10_000), [s3.url("app/")]
    put_some(s3)
    assert both.run(urls).sources == SMALL + 5
    assert both.run(urls).sources == 0
    s3.put("app/no_end.log", joined(RECORDED[900:1000]))  # written again, and longer
    s3.put("app/small/00.log", joined(RECORDED[5:20]))
    assert both.run(urls).duplicates


@pytest.mark.parametrize("end", ENDS[: scaled(1, 3, 3)])
def test_large_objects_are_cut(s3: S3, tmp_path: Path, end: bytes) -> None:
    """And read on where they are written again, and longer."""
    both, urls = Both(tmp_path, size=20_000), [s3.url("app/")]
    docker = wrapped(RECORDED[1000:1400], WRAPS["docker"], Random(1), 0.3)
    s3.put("app/bare.log", joined(RECORDED[:900]) + end)
    s3.put("app/docker.log", joined(docker[:500]) + end)
    assert both.run(urls).events
    s3.put("app/bare.log", joined(RECORDED[:1000]))
    s3.put("app/docker.log", joined(docker))
    assert both.run(urls).events


def test_objects_that_are_copies_of_files(s3: S3, tmp_path: Path) -> None:
    """Which are read first, and some of them in the same run."""
    both, log = Both(tmp_path, size=10_000), tmp_path / "app.log"
    log.write_bytes(joined(RECORDED[:300]))
    s3.put("app/copy.log", joined(RECORDED[:400]))
    assert both.run([log, s3.url("app/")]).read == 400
    s3.put("app/packed.log.gz", gzip.compress(joined(RECORDED[:350])))
    assert both.run([log, s3.url("app/")]).read == 50


def test_an_object_that_vanishes(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_some(s3)
    found = remote.find

    def find(*args: Any) -> list[remote.Object]:
        listed = found(*args)
        for key in ("app/packed.log.gz", "app/small/03.log"):
            s3.client.delete_object(Bucket=s3.bucket, Key=key)
        return listed

    both = Both(tmp_path, size=10_000)
    with monkeypatch.context() as patch:
        patch.setattr(remote, "find", find)
        s3_before = s3.objects("app/")
        first = aggregate([s3.url("app/")], both.local, CONFIG)
        for key, data in s3_before.items():
            s3.put(key, data)
        second = aggregate([s3.url("app/")], both.spread, CONFIG, cluster=Entered)
    assert first.vanished == second.vanished == 2
    assert first.warnings == second.warnings
    assert first.events == second.events


def test_a_large_object_that_vanishes(s3: S3, tmp_path: Path) -> None:
    """Between its parts."""

    class Deleting(Here):
        reads = 0

        def submit(self, task: Any, *args: Any, **how: Any) -> Any:
            if task is read:
                self.reads += 1
                if self.reads == 3:
                    s3.client.delete_object(Bucket=s3.bucket, Key="app/bare.log")
            return super().submit(task, *args, **how)

    class Opened(Entered):
        def __enter__(self) -> Here:
            return Deleting()

    s3.put("app/bare.log", joined(RECORDED[:300]))
    with slices_of(20_000), pytest.raises(ReadWriteError, match=r"vanished while it was read; run it again$"):
        aggregate([s3.url("app/")], tmp_path / "out", CONFIG, cluster=Opened)
    assert not list((tmp_path / "out").glob("[a-z]*"))


class Entered:
    def __enter__(self) -> Here:
        return Here()

    def __exit__(self, *_: object) -> None:
        return None


def test_on_a_cluster(s3: S3, dask_of_all: Cluster, tmp_path: Path) -> None:
    put_some(s3)
    spec = Spec(dask_of_all.address)
    assert Both(tmp_path, lambda: on_dask.connected(spec), size=10_000).run([s3.url("app/")]).sources == SMALL + 5


def test_an_output_in_the_bucket(s3: S3, dask_of_all: Cluster, tmp_path: Path) -> None:
    s3.put("app/0.log", joined(RECORDED[:50]))
    s3.put("app/1.log", joined(RECORDED[30:80]))
    spec = Spec(dask_of_all.address)
    aggregate([s3.url("app/")], s3.url("spread"), CONFIG, cluster=lambda: on_dask.connected(spec))
    aggregate([s3.url("app/")], tmp_path / "local", CONFIG)
    ours = {name.removeprefix("spread/"): data for name, data in s3.objects("spread/").items()}
    theirs = files(tmp_path / "local")
    assert {name for name in ours if "/date=" in name} == {name for name in theirs if "/date=" in name}
    assert all(ours[name] == theirs[name] for name in ours if "/date=" in name)


def test_no_secret_is_in_what_is_sent(s3: S3, tmp_path: Path) -> None:
    class Watched(Here):
        sent = b""

        def submit(self, task: Any, *args: Any, **how: Any) -> Any:
            Watched.sent += pickle.dumps([arg for arg in args if not isinstance(arg, Future)])
            return super().submit(task, *args, **how)

    class Opened(Entered):
        def __enter__(self) -> Here:
            return Watched()

    put_some(s3)
    assert aggregate([s3.url("app/")], tmp_path / "out", CONFIG, cluster=Opened).events
    assert b"app/no_end.log" in Watched.sent
    for secret in (SECRET, KEY):
        assert secret.encode() not in Watched.sent
        assert not [name for name, data in files(tmp_path / "out").items() if secret.encode() in data]
