"""A cluster that speaks TLS, and shows who it is."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.errors import UnavailableError, UsageError
from aggregator.spread import on_dask
from aggregator.spread.spec import Spec
from tests.batch.test_compiled import RECORDED
from tests.command.calls import logemit, message
from tests.monitoring.serving import certificate

from .cluster import Cluster, dask_cluster

SPEC = """scheduler = "{address}"
tls_ca = "{ca}"
tls_cert = "{folder}/server.crt"
tls_key = "{folder}/server.key"
wait_seconds = 10
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("tls")
    made = certificate(folder)
    keys = ["--tls-ca-file", str(made.cert), "--tls-cert", str(made.cert), "--tls-key", str(made.key)]
    with dask_cluster(folder, 1, keys=keys) as found:
        yield found


def spec(cluster: Cluster, folder: Path, ca: Path) -> Path:
    path = folder / "cluster.toml"
    path.write_text(SPEC.format(address=cluster.address, ca=ca, folder=cluster.folder))
    return path


def test_a_run(cluster: Cluster, tmp_path: Path) -> None:
    log, found = tmp_path / "app.log", spec(cluster, tmp_path, cluster.folder / "server.crt")
    log.write_bytes(b"".join(RECORDED[:100]))
    done = logemit("aggregate", log, "--out", tmp_path / "out", "--engine", "dask", "--cluster-spec", found)
    assert (done.returncode, done.stderr) == (0, "")
    assert "lines read    100 " in done.stdout


def test_another_authority(cluster: Cluster, tmp_path: Path) -> None:
    log, found = tmp_path / "app.log", spec(cluster, tmp_path, certificate(tmp_path, "other").cert)
    log.write_bytes(b"".join(RECORDED[:100]))
    done = logemit("aggregate", log, "--out", tmp_path / "out", "--engine", "dask", "--cluster-spec", found)
    assert done.returncode == UnavailableError.exit_code
    assert "TLS certificate does not match" in message(done)
    assert not list((tmp_path / "out").glob("[a-z]*"))


@pytest.mark.parametrize("name", ["tls_ca", "tls_cert", "tls_key"])
def test_a_certificate_that_is_not_there(name: str, cluster: Cluster, tmp_path: Path) -> None:
    found = spec(cluster, tmp_path, cluster.folder / "server.crt")
    lines = found.read_text().splitlines(keepends=True)
    found.write_text("".join(f'{name} = "/nowhere"\n' if line.startswith(name) else line for line in lines))
    (tmp_path / "app.log").write_bytes(RECORDED[0])
    done = logemit(
        "aggregate", tmp_path / "app.log", "--out", tmp_path / "out", "--engine", "dask", "--cluster-spec", found
    )
    assert done.returncode == UsageError.exit_code
    assert message(done) == f"logemit: {found}: {name} /nowhere cannot be read: No such file or directory"


def test_a_key_of_another_certificate(cluster: Cluster, tmp_path: Path) -> None:
    own, other = cluster.folder / "server.crt", certificate(tmp_path, "other")
    with pytest.raises(UsageError, match=r"^tls://h:1: what TLS needs cannot be read: SSLError: .*MISMATCH"):
        on_dask.connected(Spec("tls://h:1", str(own), str(own), str(other.key))).__enter__()


def test_as_dask_itself_is_configured(cluster: Cluster, tmp_path: Path) -> None:
    """With the file that a scheduler writes, in which there is no place for certificates."""
    (tmp_path / "app.log").write_bytes(b"".join(RECORDED[:10]))
    (tmp_path / "scheduler.json").write_text(json.dumps({"address": cluster.address}))
    arguments = [tmp_path / "app.log", "--out", tmp_path / "out", "--cluster-spec", tmp_path / "scheduler.json"]
    tls = {"CA_FILE": "crt", "CLIENT__CERT": "crt", "CLIENT__KEY": "key"}
    named = {f"DASK_DISTRIBUTED__COMM__TLS__{name}": f"{cluster.folder}/server.{kind}" for name, kind in tls.items()}
    without = logemit("aggregate", *arguments, "--engine", "dask")
    assert without.returncode == UsageError.exit_code
    assert message(without).startswith(f"logemit: {cluster.address} needs tls_ca, tls_cert and tls_key")
    done = logemit("aggregate", *arguments, "--engine", "dask", variables=named)
    assert (done.returncode, done.stderr) == (0, "")
