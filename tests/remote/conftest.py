from collections.abc import Iterator

import pytest

from .store import S3, s3_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as store:
        yield store


@pytest.fixture
def s3(server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """An empty bucket, and the variables that lead there."""
    server.clear()
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    return server
