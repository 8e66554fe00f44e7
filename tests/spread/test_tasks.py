"""Tasks that fail on a cluster: one line, whatever they raise, and however little memory there is."""

import time
from collections.abc import Callable

import pytest

from aggregator.errors import UnavailableError
from aggregator.spread import on_dask
from aggregator.spread.spec import Spec
from tests.scale import LEVEL

from .cluster import Cluster, Clusters


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
