from collections.abc import Iterator

import pytest

from tests.remote.store import S3

from .cluster import Cluster, Clusters, dask_cluster


@pytest.fixture(scope="session")
def dask_of_all(s3_of_all: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers, which find the object store of the tests."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), variables=s3_of_all.variables) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def clusters(s3_of_all: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    """Of which workers are killed."""
    with Clusters(tmp_path_factory.mktemp("clusters"), s3_of_all.variables) as found:
        yield found
