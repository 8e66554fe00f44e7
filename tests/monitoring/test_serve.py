"""`logemit serve` as its clients meet it, friendly and other."""

import gzip
import json
import math
import shutil
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from email.message import Message
from http import HTTPStatus
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from aggregator import aggregate
from aggregator.config import load
from aggregator.serving.output import Output
from aggregator.serving.server import HEAD_BYTES, MOST_CONNECTIONS, Server
from aggregator.serving.site import Site
from tests.batch.runs import poll
from tests.monitoring.serving import OPENMETRICS, Served, output, serving
from tests.services import wait_until


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return output(tmp_path_factory.mktemp("served"), time.time())


@pytest.fixture(scope="module")
def served(out: Path) -> Iterator[Served]:
    with serving(out, out.parent / "serve.log", "--stale-after", "2d") as server:
        yield server


def test_the_text_is_served_byte_for_byte(served: Served, out: Path) -> None:
    answer = served.ask()
    assert (answer.status, answer.body) == (200, (out / "metrics.prom").read_bytes())
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert served.ask("/metrics?name[]=x").body == answer.body


def test_openmetrics_for_those_who_ask(served: Served) -> None:
    answer = served.ask(Accept=OPENMETRICS)
    assert answer.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.text.endswith("\n# EOF\n")
    assert [*openmetrics_families(answer.text)]  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("accept", ["text/plain", OPENMETRICS])
def test_gzip_for_those_who_take_it(served: Served, accept: str) -> None:
    packed = served.ask(Accept=accept, Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == served.ask(Accept=accept).body


@pytest.mark.parametrize("path", ["/metrics", "/healthz"])
@pytest.mark.parametrize("accept", ["text/plain", OPENMETRICS])
def test_head_says_what_get_would(served: Served, path: str, accept: str) -> None:
    def told(method: str) -> tuple[int, set[tuple[str, str]]]:
        answer = served.ask(path, method, Accept=accept)
        assert bool(answer.body) == (method == "GET")
        varying = {"Date", "Content-Length"} if path == "/healthz" else {"Date"}
        return answer.status, {pair for pair in answer.headers.items() if pair[0] not in varying}

    assert told("HEAD") == told("GET")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get"])
@pytest.mark.parametrize("path", ["/metrics", "/healthz"])
def test_other_methods_are_not_allowed(served: Served, method: str, path: str) -> None:
    answer = served.ask(path, method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/metrics/",
        "/metrics.prom",
        "/_logemit/exemplars.json",
        "/http_requests/part.parquet",
        "/../out/http_requests/part.parquet",
        "/metrics/../http_requests/part.parquet",
        "/%2e%2e/out/metrics.prom",
        "//etc/passwd",
        "/etc/passwd",
        "/metrics%00",
        "/METRICS",
    ],
)
def test_no_other_file_can_be_reached(served: Served, path: str) -> None:
    answer = served.ask(path)
    assert (answer.status, answer.text) == (404, "404 Not Found: there are /metrics and /healthz\n")


def test_health_of_a_job_that_runs(served: Served) -> None:
    answer = served.ask("/healthz")
    told = json.loads(answer.text)
    assert (answer.status, told["status"]) == (200, "ok")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert told["age_seconds"] >= 0
    assert set(told) == {"status", "last_run", "age_seconds"}


# Clients that are slow, half open or hostile.


def test_the_half_open_and_the_slow_block_nobody(served: Served) -> None:
    """Twice as many of them as there may be connections at all."""
    opened = [served.connect() for _ in range(2 * MOST_CONNECTIONS)]
    try:
        for number, connection in enumerate(opened):
            _send(connection, [b"", b"GET", b"GET /metrics HTTP/1.1\r\nHost: x\r\n"][number % 3])
        assert served.ask().status == 200
    finally:
        for connection in opened:
            connection.close()


def _send(connection: socket.socket, data: bytes) -> None:
    with suppress(OSError):  # cut, to make room
        connection.sendall(data)


@pytest.mark.parametrize(
    ("start", "filling", "status"),
    [
        (b"", b"a" * 4096, 414),
        (b"GET /metrics HTTP/1.1\r\nX: ", b"a" * 4096, 431),
        (b"GET /metrics HTTP/1.1\r\n", b"X: " + b"a" * 1019 + b"\r\n", 431),
    ],
)
def test_a_head_without_end_is_refused(served: Served, start: bytes, filling: bytes, status: int) -> None:
    with served.connect() as connection:
        connection.sendall(start)
        for _ in range(HEAD_BYTES // len(filling) + 1):
            _send(connection, filling)
        assert connection.recv(64).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize(
    ("request_bytes", "start"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"HTTP/1.1 400 "),  # TLS, to a port that speaks none
        (b"\r\n\r\n", b""),
        (b"GET\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET /metrics HTTP/9.9\r\n\r\n", b"HTTP/1.1 505 "),
        (b"GET /metrics SPDY\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET /metrics\r\n\r\n", b"HTTP/1.1 200 "),
        (b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"HTTP/1.1 431 "),
        (b"GET http://[::1/metrics HTTP/1.1\r\n\r\n", b"HTTP/1.1 404 "),
        (b"GET /metrics HTTP/1.0\r\nAccept: application/openmetrics-text\r\n\r\n", b"HTTP/1.1 200 "),
    ],
)
def test_requests_that_are_none(served: Served, request_bytes: bytes, start: bytes) -> None:
    with served.connect() as connection:
        connection.sendall(request_bytes)
        found = b""
        while piece := connection.recv(1 << 16):
            found += piece
    assert found.startswith(start)
    assert (b"# EOF\n" in found) == (b"HTTP/1.0" in request_bytes)
    assert b"Traceback" not in served.log.read_bytes()
    assert b"defect" not in served.log.read_bytes()


def test_a_connection_has_an_end(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one that says nothing, and of one that always says a little more."""
    monkeypatch.setattr("aggregator.serving.server.IDLE_SECONDS", 0.2)
    for total, says in ((1e9, b""), (0.2, b"x")):
        monkeypatch.setattr("aggregator.serving.server.CONNECTION_SECONDS", total)
        with Server("127.0.0.1", 0, Site(Output(out), "/metrics", pytest.fail)) as server:
            thread = threading.Thread(target=server.serve_forever, args=[0.05])
            thread.start()
            with socket.create_connection(("127.0.0.1", server.port), timeout=0.05) as connection:
                end = time.monotonic() + 60
                while not _is_closed(connection, says):
                    assert time.monotonic() < end
            server.shutdown()
            thread.join()


def _is_closed(connection: socket.socket, says: bytes) -> bool:
    """By its other side, after a moment."""
    try:
        connection.sendall(says)
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


# One run or the other.


def test_every_scrape_is_whole_and_of_one_run(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    texts: list[bytes] = []

    def run(number: int) -> None:
        with log.open("ab") as file:
            file.writelines(poll(seq) for seq in range(50 * number, 50 * number + 50))
        aggregate([str(log)], out, load(None))
        texts.append((out / "metrics.prom").read_bytes())

    run(0)
    found: dict[str, list[bytes]] = {"text": [], "gzip": [], "openmetrics": []}
    is_over = threading.Event()

    def scrape() -> None:
        while not is_over.is_set():
            found["text"].append(server.ask().body)
            found["gzip"].append(gzip.decompress(server.ask(Accept_Encoding="gzip").body))
            found["openmetrics"].append(server.ask(Accept=OPENMETRICS).body)
            is_over.wait(0.05)

    with serving(out, tmp_path / "log") as server:
        threads = [threading.Thread(target=scrape) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(1, 6):
            run(number)
            wait_until(lambda: texts[-1] in found["text"], server.process, server.log, 60)
        is_over.set()
        for thread in threads:
            thread.join()
    assert {*found["text"], *found["gzip"]} <= {*texts}
    wanted = [values(text_string_to_metric_families(text.decode())) for text in texts]
    scraped = {body.decode() for body in found["openmetrics"]}
    assert all(values(openmetrics_families(text)) in wanted for text in scraped)  # type: ignore[no-untyped-call]


def values(families: Iterable[Metric]) -> dict[str, float]:
    return {f"{each.name} {sorted(each.labels.items())}": each.value for family in families for each in family.samples}


def test_a_text_that_is_not_there_yet_and_comes_and_goes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with serving(out, tmp_path / "log") as server:
        assert f"logemit: {out}: no such folder yet; the first run of logemit" in server.log.read_text()
        for path in ("/metrics", "/healthz"):
            answer = server.ask(path)
            assert answer.status == 503
            assert "there is no metrics.prom yet; the first run of logemit aggregate writes it" in answer.text
            assert len(answer.text.splitlines()) == 1
        output(tmp_path, time.time())
        assert [server.ask(path).status for path in ("/metrics", "/healthz")] == [200, 200]
        shutil.rmtree(out)
        out.write_text("a file")
        assert server.ask().status == 503
        out.unlink()
        (out / "metrics.prom").mkdir(parents=True)
        assert "cannot be read" in server.ask().text
        assert str(out) not in server.ask().text
        assert server.log.read_text().count(f"logemit: {out}/metrics.prom: cannot be read: Is a directory") == 1


@pytest.mark.parametrize(
    ("last_run", "stale_after", "reason"),
    [
        (1000, None, ""),
        (1000, 1e12, ""),
        (1000, 900.0, "over 900 s; see logemit status"),
        (None, None, "metrics.prom does not say when it was written"),
        (math.nan, None, "metrics.prom does not say when it was written"),
        (1e300, None, "metrics.prom does not say when it was written"),
    ],
)
def test_health(tmp_path: Path, last_run: float | None, stale_after: float | None, reason: str) -> None:
    site = Site(Output(output(tmp_path, last_run)), "/metrics", pytest.fail, stale_after)
    with site.answer("GET", "/healthz", Message()) as answer:
        told = json.loads(b"".join(answer.body))
    assert answer.status == (HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK)
    assert told["status"] == ("failing" if reason else "ok")
    assert told.get("reason", "").endswith(reason)
    assert told.get("last_run", "1970-01-01T00:16:40+00:00") == "1970-01-01T00:16:40+00:00"


def test_it_stays_small(served: Served) -> None:
    """What reads Parquet is not for serving a text."""
    assert "libarrow" not in Path(f"/proc/{served.process.pid}/maps").read_text()
