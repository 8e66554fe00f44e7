"""`logemit push`, to a real Pushgateway, and to servers that refuse, stall and lie."""

import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner, Result

from aggregator.serving import push
from cli.app import app
from tests.conftest import ROOT
from tests.monitoring import servers
from tests.monitoring.serving import auth_file
from tests.services import free_port

OLD = '# HELP old_total O.\n# TYPE old_total counter\nold_total{service="a"} 1\n'
NEW = '# HELP new_total N.\n# TYPE new_total counter\nnew_total{service="a"} 2\n'


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.pushgateway(tmp_path_factory.mktemp("gateway") / "log") as url:
        yield url


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "FIRST_WAIT_SECONDS", 0.01)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/metrics.prom").write_text(NEW)
    return tmp_path / "out"


def pushed(out: Path, url: str, *options: str, job: str = "shop") -> Result:
    return CliRunner().invoke(app, ["push", str(out), url, "--job", job, *options])


def refused(done: Result, code: int, words: str) -> None:
    *warnings, line = done.stderr.splitlines()
    assert all(warning.endswith("; trying again") for warning in warnings)
    assert (done.exit_code, done.stdout) == (code, "")
    assert re.fullmatch(rf"logemit: .*{re.escape(words)}.*", line), line


def there(gateway: str, **group: str) -> dict[str, float]:
    """What a gateway shows of a group, by name."""
    families = text_string_to_metric_families(servers.fetch(f"{gateway}/metrics"))
    samples = [sample for family in families for sample in family.samples]
    return {each.name: each.value for each in samples if group.items() <= each.labels.items()}


def test_a_push_replaces_its_group_and_no_other(out: Path, gateway: str) -> None:
    for text, job in ((OLD, "shop"), (OLD, "other"), (NEW, "shop")):
        (out / "metrics.prom").write_text(text)
        done = pushed(out, gateway + "/", job=job)
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout == f"pushed {len(text)} bytes to {gateway}/metrics/job/{job}\n"
    shop = there(gateway, job="shop")
    assert (shop["new_total"], "old_total" in shop, shop["push_time_seconds"] > 0) == (2, False, True)
    assert there(gateway, job="other")["old_total"] == 1


def test_all_families_of_a_sample_log_are_taken(out: Path, gateway: str) -> None:
    text = (ROOT / "sample_logs/gunicorn/expected.prom").read_text()
    (out / "metrics.prom").write_text(text)
    assert pushed(out, gateway, "--grouping", "stage=live", job="sample").exit_code == 0
    found = samples(servers.fetch(f"{gateway}/metrics"), job="sample", stage="live", instance="")
    assert {key: value for key, value in found.items() if not key[0].startswith("push_")} == samples(text)


def samples(text: str, **group: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Those of a group, without its labels; `le` in one spelling: the gateway has its own."""
    found = {}
    for sample in (each for family in text_string_to_metric_families(text) for each in family.samples):
        if group.items() <= sample.labels.items():
            le = {"le": str(float(sample.labels["le"]))} if "le" in sample.labels else {}
            found[sample.name, frozenset({**sample.labels, **le}.items() - group.items())] = sample.value
    return found


HOSTILE = ["a/b", "/", ".", "..", "a b", "a+b", "50%", "%2F", "?x#y", "日本/", '"\\', "@base64", "a\nb", "=", "~"]


@pytest.mark.parametrize("value", ["plain", "", "Προμηθεύς", *HOSTILE])
def test_every_value_of_a_group_arrives(out: Path, gateway: str, value: str) -> None:
    assert pushed(out, gateway, "--grouping", f"of={value}", "--grouping", "n=1", job=f"j{value}").exit_code == 0
    found = there(gateway, job=f"j{value}", n="1", **({"of": value} if value else {}))
    assert found["new_total"] == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no text at all\n", "answers 400: text format parsing error"),
        ("a 1\na 2\n", "answers 400: pushed metrics are invalid or inconsistent"),
    ],
)
def test_what_the_gateway_does_not_take_is_told_in_its_words(out: Path, gateway: str, text: str, words: str) -> None:
    (out / "metrics.prom").write_text(text)
    refused(pushed(out, gateway, job="refused"), 69, words)


def test_a_group_would_hide_a_label(out: Path, gateway: str) -> None:
    """The gateway writes its labels over those of the series, and two would become one."""
    refused(pushed(out, gateway, "--grouping", "service=b"), 2, "metrics.prom has the label service, which the group's")
    (out / "metrics.prom").write_text('# HELP a_total job="x"\n# TYPE a_total counter\na_total{b="{job=",job="x"} 1\n')
    refused(pushed(out, gateway), 2, "call that label something else")
    (out / "metrics.prom").write_text('# HELP a_total ,job="x"\na_total{b=",job=\\"x\\""} 1\n')
    assert pushed(out, gateway, job="escaped").exit_code == 0


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("gateway:9091", [], "expected http://host:9091"),
        ("ftp://gateway", [], "expected http://host:9091"),
        ("file:///etc/passwd", [], "expected http://host:9091"),
        ("http://", [], "expected http://host:9091"),
        ("http://[::1", [], "expected http://host:9091"),
        ("http://gateway:99999", [], "expected http://host:9091"),
        ("http://gateway?a=b", [], "expected http://host:9091"),
        ("http://me:secret@gateway", [], "http://…@gateway: holds a user"),
        ("http://gateway", ["--job", ""], "--job is empty"),
        ("http://gateway", ["--grouping", "a"], "expected NAME=VALUE"),
        ("http://gateway", ["--grouping", "a=1", "--grouping", "a=2"], "each name once"),
        ("http://gateway", ["--grouping", "a-b=1"], "no name for a label"),
        ("http://gateway", ["--grouping", "__a=1"], "no name for a label"),
        ("http://gateway", ["--grouping", "job=1"], "no name for a label"),
        ("http://gateway", ["--timeout", "0s"], "--timeout is '0s'"),
        ("http://gateway", ["--timeout", "soon"], "--timeout is 'soon'"),
        ("http://gateway", ["--auth-file", "missing"], "missing: cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_one_line(out: Path, url: str, options: list[str], words: str) -> None:
    done = pushed(out, url, *options)
    refused(done, 2, words)
    assert "secret" not in done.stderr


def test_a_folder_without_a_text(tmp_path: Path) -> None:
    refused(pushed(tmp_path, "http://127.0.0.1:1"), 66, "no metrics.prom; logemit aggregate writes it")


# A server that does what it is told.


class Told(BaseHTTPRequestHandler):
    """Answers with what stands at the head of `answers`, and notes what it was given."""

    answers: list[tuple[int, dict[str, str], bytes]]
    given: list[tuple[str, str, bytes]]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.given.append((self.path, self.headers.get("Authorization", ""), body))
        status, headers, text = self.answers.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def told() -> Iterator[tuple[str, type[Told]]]:
    handler = type("Handler", (Told,), {"answers": [], "given": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


def test_what_may_pass_is_tried_again(out: Path, told: tuple[str, type[Told]]) -> None:
    url, server = told
    server.answers += [(503, {}, b"starting"), (429, {}, b""), (202, {}, b"")]
    done = pushed(out, url)
    assert done.exit_code == 0
    assert [line.partition(": ")[2].rpartition(": ")[2] for line in done.stderr.splitlines()] == [
        "starting; trying again",
        "Too Many Requests; trying again",
    ]
    assert [body for _, _, body in server.given] == [NEW.encode()] * 3  # whole each time


def test_trying_again_has_an_end(out: Path, told: tuple[str, type[Told]]) -> None:
    url, server = told
    server.answers += [(500, {}, b"")] * 9
    refused(pushed(out, url), 69, "answers 500: Internal Server Error; nothing was pushed")
    assert len(server.given) == push.ATTEMPTS


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_what_does_not_pass_is_not_tried_again(out: Path, told: tuple[str, type[Told]], status: int) -> None:
    url, server = told
    server.answers += [(status, {}, b"a \x1b[31m\n long answer " + b"x" * 100_000)]
    done = pushed(out, url)
    refused(done, 69, f"answers {status}: a [31m long answer xxx")
    assert len(done.stderr) < 500
    assert len(server.given) == 1


def test_a_body_is_not_sent_elsewhere(out: Path, told: tuple[str, type[Told]]) -> None:
    url, server = told
    server.answers += [(307, {"Location": f"{url}/elsewhere"}, b"")]
    refused(pushed(out, url), 69, f"answers 307, which leads to {url}/elsewhere; name that address")
    assert len(server.given) == 1


def test_a_user_and_a_password(out: Path, tmp_path: Path, told: tuple[str, type[Told]]) -> None:
    url, server = told
    server.answers += [(200, {}, b"")]
    assert pushed(out, url, "--auth-file", str(auth_file(tmp_path))).exit_code == 0
    assert server.given[0][1] == "Basic cHJvbWV0aGV1czphOmIgYw=="
    two = auth_file(tmp_path, "a:b\nc:d\n")
    refused(pushed(out, url, "--auth-file", str(two)), 2, "holds 2 users, expected the one to push as")


def test_nobody_is_there(out: Path) -> None:
    refused(pushed(out, f"http://127.0.0.1:{free_port()}"), 69, "cannot be reached: Connection refused")


def test_a_gateway_that_does_not_answer(out: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        refused(pushed(out, url, "--timeout", "0.2s"), 69, "no answer in time; nothing was pushed")


def test_a_server_that_speaks_something_else(out: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            for _ in range(push.ATTEMPTS):
                connection, _ = server.accept()
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        done = pushed(out, f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert done.exit_code == 69
    assert "nothing was pushed" in done.stderr.splitlines()[-1]
