"""`logemit serve` secured, as a command, and what it refuses."""

import base64
import re
import signal
import socket
import ssl
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aggregator.serving.server import Server
from cli.app import app
from tests.monitoring.serving import OPENMETRICS, Served, auth_file, certificate, output, serving


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return output(tmp_path_factory.mktemp("served"), time.time())


# Secured.


def basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def test_basic_auth(tmp_path: Path) -> None:
    out, users = output(tmp_path, time.time()), auth_file(tmp_path, "# who\nother:x\n\nprometheus:a:b c\n")
    with serving(out, tmp_path / "log", "--auth-file", users) as server:
        for right in ("prometheus:a:b c", "other:x"):
            assert server.ask(Authorization=basic(right)).status == 200
        wrong = ["prometheus:a:b", "prometheus:a:b c ", "prometheus:", ":", "", "nobody:x", "# who", "prometheus:é"]
        headers = [*map(basic, wrong), "Basic", "Basic é", "Basic =", "Bearer x", "prometheus:a:b c"]
        for header in headers:
            answer = server.ask(Authorization=header.encode().decode("latin-1"))
            assert (answer.status, header) == (401, header)
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert server.ask("/anything").status == 401
        assert server.ask(method="POST").status == 401
        assert server.ask("/healthz").status == 200
        auth_file(tmp_path, "prometheus:new\n")  # while it runs
        assert server.ask(Authorization=basic("prometheus:a:b c")).status == 401
        assert server.ask(Authorization=basic("prometheus:new")).status == 200
        users.chmod(0o644)
        assert server.ask(Authorization=basic("prometheus:new")).status == 200
        assert "others may read or write it" in server.log.read_text()


def test_tls_and_a_certificate_that_is_renewed(tmp_path: Path) -> None:
    out, old = output(tmp_path, time.time()), certificate(tmp_path)
    with serving(out, tmp_path / "log", "--tls-cert", old.cert, "--tls-key", old.key, tls=old.client()) as server:
        assert f"serving {out}/metrics.prom at {server.url}\n" in server.log.read_text()
        assert server.ask().body == server.ask().body
        assert server.ask(Accept=OPENMETRICS, Accept_Encoding="gzip").status == 200
        with server.connect(), server.connect() as half, server.connect() as plain:
            half.sendall(b"\x16\x03\x01")
            plain.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            assert server.ask().status == 200  # whoever does not shake hands blocks nobody
        new = certificate(tmp_path)
        with pytest.raises(ssl.SSLError):
            server.ask()
        assert Served(server.port, server.process, server.log, new.client()).ask().status == 200


def test_only_clients_whose_certificate_is_known(tmp_path: Path) -> None:
    out, own, client, stranger = (
        output(tmp_path, time.time()),
        *(certificate(tmp_path, name) for name in ("server", "client", "stranger")),
    )
    options = ("--tls-cert", own.cert, "--tls-key", own.key, "--client-ca", client.cert)
    with serving(out, tmp_path / "log", *options, tls=own.client(client)) as server:
        assert server.ask().status == 200
        for context in (own.client(), own.client(stranger)):
            with pytest.raises(OSError):  # noqa: PT011 (refused, or cut off first)
                Served(server.port, server.process, server.log, context).ask("/healthz")
        assert server.ask().status == 200


# The command.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0(out: Path, tmp_path: Path, number: signal.Signals) -> None:
    with serving(out, tmp_path / "log") as server, ExitStack() as stack:
        if number == signal.SIGTERM:
            stack.enter_context(server.connect())  # half open
        assert server.ask().status == 200
        server.process.send_signal(number)
        assert server.process.wait(60) == 0
    assert server.log.read_text() == f"serving {out}/metrics.prom at {server.url}\n"


def test_a_port_that_is_taken(out: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = CliRunner().invoke(app, ["serve", str(out), "--port", str(port)])
    assert done.exit_code == 69
    told = f"127.0.0.1:{port}: cannot be listened on: Address already in use; choose --host, --port"
    assert done.stderr == f"logemit: {told}\n"


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--host", "192.0.2.1"], 69, "192.0.2.1:9464: cannot be listened on"),
        (["--path", "metrics"], 2, "--path is 'metrics'"),
        (["--path", "/healthz"], 2, "not /healthz"),
        (["--path", "/a?b"], 2, "--path is '/a?b'"),
        (["--stale-after", "soon"], 2, "--stale-after is 'soon'"),
        (["--tls-key", "k"], 2, "need --tls-cert"),
        (["--client-ca", "c"], 2, "need --tls-cert"),
        (["--tls-cert", "missing"], 2, "missing: cannot be read: No such file"),
        (["--tls-cert", "text"], 2, "text: cannot be used"),
        (["--tls-cert", "server.crt", "--tls-key", "other.key"], 2, "server.crt and other.key: cannot be used"),
        (["--tls-cert", "server.crt", "--tls-key", "locked.key"], 2, "without a password"),
        (["--tls-cert", "server.crt", "--tls-key", "server.key", "--client-ca", "text"], 2, "text: cannot be used"),
        (["--auth-file", "missing"], 2, "missing: cannot be read"),
        (["--auth-file", "open"], 2, "chmod o= open"),
        (["--auth-file", "empty"], 2, "empty: holds no user"),
        (["--auth-file", "text"], 2, "text: line 1 has no user:password"),
        (["--auth-file", "twice"], 2, "twice: line 2 has a user that was there before"),
        (["--auth-file", "binary"], 2, "binary: is not UTF-8"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    files: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], code: int, words: str
) -> None:
    monkeypatch.chdir(files)
    done = CliRunner().invoke(app, ["serve", str(files), *options])
    assert (done.exit_code, done.stdout) == (code, "")
    assert re.fullmatch(rf"logemit: [^\n]*{re.escape(words)}[^\n]*\n", done.stderr)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for name in ("server", "other"):
        certificate(folder, name)
    locked = ["openssl", "ec", "-aes256", "-passout", "pass:x", "-in", "server.key", "-out", "locked.key"]
    subprocess.run(locked, cwd=folder, check=True, capture_output=True)
    auth_file(folder)
    texts = {"open": b"a:b", "empty": b"# none\n", "text": b"text\n", "twice": b"a:b\na:c\n", "binary": b"a:\xff\n"}
    for name, text in texts.items():
        (folder / name).write_bytes(text)
        (folder / name).chmod(0o644 if name == "open" else 0o600)
    return folder


@pytest.mark.parametrize(
    ("secured", "warning"),
    [
        ([], "whoever reaches 0.0.0.0 can read the metrics"),
        (["--tls-cert", "server.crt", "--tls-key", "server.key"], "whoever reaches 0.0.0.0 can read the metrics"),
        (["--auth-file", "users"], "passwords go to 0.0.0.0 in the clear"),
        (["--auth-file", "users", "--tls-cert", "server.crt", "--tls-key", "server.key"], ""),
    ],
)
def test_everywhere_is_allowed_with_a_warning(
    files: Path, monkeypatch: pytest.MonkeyPatch, secured: list[str], warning: str
) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setattr(Server, "run", lambda _: None)
    done = CliRunner().invoke(app, ["serve", ".", "--host", "0.0.0.0", "--port", "0", *secured])
    assert done.exit_code == 0
    assert (warning in done.stderr, len(done.stderr.splitlines())) == (True, bool(warning))
