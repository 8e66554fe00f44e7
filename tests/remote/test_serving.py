"""`logemit serve` on an output in a bucket."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import pytest

from aggregator import remote
from aggregator.errors import ReadWriteError
from aggregator.serving.output import Output
from tests.monitoring.serving import serving

from .store import S3

OPENMETRICS = "application/openmetrics-text"
TEXT = b'# HELP h H.\n# TYPE h histogram\nh_bucket{le="1.0"} 1.0\nh_bucket{le="+Inf"} 1.0\nh_count 1.0\nh_sum 1.0\n'
EXEMPLARS = {'h_bucket{le="1.0"}': {"request_id": "r", "value": 1.0, "timestamp": 1}}


def test_a_bucket_is_served_as_a_folder_is(s3: S3, tmp_path: Path) -> None:
    with serving(s3.url("metrics"), tmp_path / "log") as server:
        assert server.ask().status == 503
        assert "there is no metrics.prom yet" in server.ask().text
        s3.put("metrics/metrics.prom", TEXT)
        s3.put("metrics/_logemit/exemplars.json", json.dumps(EXEMPLARS).encode())
        with ThreadPoolExecutor(4) as pool:
            answers = [*pool.map(lambda _: server.ask(), range(8))]
        assert {(answer.status, answer.body) for answer in answers} == {(200, TEXT)}
        assert 'h_bucket{le="1.0"} 1.0 # {request_id="r"} 1.0 1.000\n' in server.ask(Accept=OPENMETRICS).text
        s3.put("metrics/metrics.prom", TEXT * 2)
        assert server.ask().body == TEXT * 2
        assert f"serving {s3.url('metrics')}/metrics.prom at {server.url}\n" == server.log.read_text()


@pytest.mark.parametrize("times", [1, 2])
def test_an_object_that_is_replaced_while_it_is_read_is_whole(
    s3: S3, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Or refused, where that goes on."""
    old, new = b"a" * (1 << 20), b"b" * (1 << 20)
    s3.put("metrics/metrics.prom", old)
    copied, replaced = shutil.copyfileobj, list[bytes]()

    def copy(source: IO[bytes], target: IO[bytes], size: int) -> None:
        target.write(source.read(1000))
        if len(replaced) < times:
            replaced.append(new)
            s3.put("metrics/metrics.prom", new + b"%d" % len(replaced))
        copied(source, target, size)

    monkeypatch.setattr(remote, "BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr(shutil, "copyfileobj", copy)
    output: Any = Output(s3.url("metrics"))
    if times == 1:
        with output.metrics() as file:
            assert file.read() == new + b"1"
    else:
        with pytest.raises(ReadWriteError):
            output.metrics()


def test_a_store_that_denies_access(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "stranger")
    output = Output(s3.url("metrics"))
    with pytest.raises(ReadWriteError):
        output.metrics()
    assert output.exemplars() == {}
