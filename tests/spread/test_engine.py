"""What the command and a file say of a cluster."""

import re
from pathlib import Path

import pytest

from aggregator.errors import UnavailableError, UsageError
from aggregator.spread import on_dask
from aggregator.spread.spec import Spec, load
from tests.command.calls import logemit, message

from .cluster import Cluster
from .same import files

WRONG = ["http://h:1", "tcp://h", "tcp://h:", "tcp://h:x", "h", "tcp://h:1/", "tcp://h:1 "]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('scheduler = "tcp://h:1"', Spec("tcp://h:1")),
        ('{"type": "Scheduler", "address": "tcp://h:1"}', Spec("tcp://h:1")),
        ('scheduler = "tcp://h:1"\nleast_workers = 3', Spec("tcp://h:1", least_workers=3)),
        ('scheduler = "tcp://h:1"\nwait_seconds = 5', Spec("tcp://h:1", wait_seconds=5)),
        ("", "names no scheduler"),
        ("scheduler = 1", "scheduler is 1, expected a text"),
        ('scheduler = "tcp://h:1"\nleast_workers = "3"', "least_workers is '3', expected a whole number above 0"),
        ('scheduler = "tcp://h:1"\nleast_workers = 1.5', "least_workers is 1.5, expected a whole number above 0"),
        ('scheduler = "tcp://h:1"\nwait_seconds = inf', "wait_seconds is inf, expected a number above 0"),
        ('scheduler = "tcp://h:1"\nwait_seconds = true', "wait_seconds is True, expected a number above 0"),
        ('{"address": "tls://h:1"}', Spec("tls://h:1")),
        ('scheduler = "[::1]:8786"', Spec("[::1]:8786")),
        *((f'scheduler = "{wrong}"', re.escape(f"the scheduler is '{wrong}'; expected tcp://")) for wrong in WRONG),
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


@pytest.mark.parametrize("scheduler", ["", "tcp://h:1", "tls://h:1"])
@pytest.mark.parametrize("files", [(ca, cert, key) for ca in ("", "a") for cert in ("", "c") for key in ("", "k")])
def test_half_of_tls_is_refused(scheduler: str, files: tuple[str, str, str]) -> None:
    if not any(files) or (all(files) and scheduler.startswith("tls:")):
        Spec(scheduler, *files)
    else:
        with pytest.raises(UsageError, match="tls_ca, tls_cert and tls_key"):
            Spec(scheduler, *files)


def test_no_processes_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **options: object) -> None:
        raise RuntimeError("Cluster failed to start: no room\nand more")

    monkeypatch.setattr("distributed.LocalCluster", fails)
    with pytest.raises(UnavailableError) as error, on_dask.connected(Spec()):
        pass
    assert str(error.value) == (
        "no cluster can be started here: RuntimeError: Cluster failed to start: no room; leave --engine out"
    )


@pytest.mark.parametrize(
    "options",
    [
        ["--engine", "spark"],
        ["--scheduler", "tcp://127.0.0.1:1"],
        ["--engine", "dask", "--scheduler", ""],
        ["--engine", "dask", "--scheduler", "tls://127.0.0.1:1"],
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
