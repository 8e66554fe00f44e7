"""What the command and a file say of a cluster."""

from pathlib import Path

import pytest

from aggregator.errors import UsageError
from aggregator.spread.spec import Spec, load
from tests.command.calls import logemit, message

from .cluster import Cluster
from .same import files

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
