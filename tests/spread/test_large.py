"""A log as large as one asks for: the same to the byte, and as many events as its generator wrote."""

from pathlib import Path

from aggregator.spread import on_dask
from aggregator.spread.spec import Spec
from benchmarks.aggregate.generate import Wanted, generate
from tests.scale import scaled

from .cluster import Cluster
from .same import Both

SIZE = scaled(20_000_000, 200_000_000, 3_000_000_000)


def test_a_large_log(dask_of_all: Cluster, tmp_path: Path) -> None:
    log, spec = tmp_path / "app.log", Spec(dask_of_all.address)
    written = generate(Wanted(size=SIZE, rate=1_000.0, start="2026-11-18T00:00:00Z"), log)
    found = Both(tmp_path, lambda: on_dask.connected(spec), size=min(SIZE // 8, 1 << 27)).run([log])
    assert found.by_event == written.events
    assert (found.read, found.foreign, found.duplicates) == (written.lines, written.foreign, 0)
    log.unlink()
