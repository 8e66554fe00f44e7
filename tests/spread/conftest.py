from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batch.test_compiled import RECORDED
from tests.remote.store import S3

from .cluster import Cluster, Clusters, dask_cluster


@pytest.fixture(scope="session")
def dask_of_all(s3_of_all: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers, which find the object store of the tests."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), variables=s3_of_all.variables) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def clusters(s3_of_all: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    """Of which workers are killed."""
    with Clusters(tmp_path_factory.mktemp("clusters"), s3_of_all.variables) as found:
        yield found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_bytes(b"".join(RECORDED[:600]))
    return path
