"""A run on a Dask cluster, whose scheduler and workers are processes of their own: what it leaves is the same."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aggregator.errors import UsageError
from aggregator.run import aggregate
from aggregator.spread import on_dask
from aggregator.spread.spec import Spec
from tests.batch.test_compiled import RECORDED
from tests.scale import LEVEL
from tests.test_recount import CASES
from tests.test_split import lines_of

from .cluster import Cluster
from .same import CONFIG, Both, check_repeats_and_growth


@pytest.fixture
def both(dask_of_all: Cluster, tmp_path: Path) -> Both:
    spec = Spec(dask_of_all.address)
    return Both(tmp_path, lambda: on_dask.connected(spec), size=40_000)


@pytest.mark.parametrize("cases", [CASES] if LEVEL == "quick" else [[case] for case in CASES], ids="+".join)
def test_samples(cases: list[str], both: Both, tmp_path: Path) -> None:
    logs = [tmp_path / f"{case}.log" for case in cases]
    for case, log in zip(cases, logs, strict=True):
        log.write_bytes(b"".join(lines_of(case)))
    assert both.run(logs).sources == len(cases)


def test_processes_of_this_machine(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"".join(RECORDED[:300]))
    assert Both(tmp_path, lambda: on_dask.connected(Spec(), processes=1), size=40_000).run([log]).events


def test_repeats_and_growth(both: Both, tmp_path: Path) -> None:
    check_repeats_and_growth(both, tmp_path)


def test_another_dask_is_refused(dask_of_all: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"".join(RECORDED[:10]))
    monkeypatch.setattr(on_dask, "version", lambda package: "2020.1.0")
    with pytest.raises(UsageError, match=r"^the worker at tcp://\S+ has distributed \d\S+, this process 2020\.1\.0; "):
        aggregate([str(log)], tmp_path / "out", CONFIG, cluster=lambda: on_dask.connected(Spec(dask_of_all.address)))


def test_processes_of_this_machine_leave_an_interrupt_to_the_run() -> None:
    """Which ends them; else each would say that it was interrupted, and where."""
    code = "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    before = signal.getsignal(signal.SIGINT)
    with on_dask._deaf():
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "True\n"
    assert signal.getsignal(signal.SIGINT) is before
