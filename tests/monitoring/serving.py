"""`logemit serve` as a process of its own, and what it is asked."""

import http.client
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import LOGEMIT, ROOT, tool
from tests.services import free_port, running

OPENMETRICS = "application/openmetrics-text;version=1.0.0"


def output(folder: Path, last_run: float | None = None) -> Path:
    """As a run has left it, with files beside the text."""
    out = folder / "out"
    (out / "_logemit").mkdir(parents=True)
    (out / "_logemit/exemplars.json").write_text("{")
    (out / "http_requests").mkdir()
    (out / "http_requests/part.parquet").write_text("secret")
    text = (ROOT / "sample_logs/gunicorn/expected.prom").read_text()
    if last_run is not None:
        text += "# HELP logemit_last_run_timestamp_seconds L.\n# TYPE logemit_last_run_timestamp_seconds gauge\n"
        text += f"logemit_last_run_timestamp_seconds {last_run}\n"
    (out / "metrics.prom").write_text(text)
    return out


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True, slots=True)
class Served:
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/metrics"

    def ask(self, path: str = "/metrics", method: str = "GET", **headers: str) -> Answer:
        """`headers` have `_` for `-`."""
        made = (
            http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.tls)
            if self.tls
            else http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        )
        try:
            made.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = made.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            made.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)


@contextmanager
def serving(out: Path | str, log: Path, *options: object, tls: ssl.SSLContext | None = None) -> Iterator[Served]:
    port = free_port()
    command = [str(LOGEMIT), "serve", str(out), "--port", str(port), *map(str, options)]
    told = re.compile(rf"^serving .*:{port}/.*\n", re.MULTILINE)  # once it listens
    with running(command, log, lambda: told.search(log.read_text()) is not None) as process:
        yield Served(port, process, log, tls)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Of 127.0.0.1, signed by itself."""

    cert: Path
    key: Path

    def client(self, shown: "Certificate | None" = None) -> ssl.SSLContext:
        """Of one who trusts this certificate, and shows another."""
        context = ssl.create_default_context(cafile=str(self.cert))
        if shown is not None:
            context.load_cert_chain(shown.cert, shown.key)
        return context


def certificate(folder: Path, name: str = "server") -> Certificate:
    made = Certificate(folder / f"{name}.crt", folder / f"{name}.key")
    command = [tool("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", made.key, "-out", made.cert], check=True, capture_output=True)
    return made


def auth_file(folder: Path, text: str = "prometheus:a:b c\n") -> Path:
    path = folder / "users"
    path.write_text(text)
    path.chmod(0o600)
    return path
