"""The platform that runs functions: it wakes one for a request, freezes it with the answer, and ends it untold."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from .place import ROOT, Place, free_port

SCRAPE_SECONDS = 0.5
"""A scrape gives up after so long; Prometheus after 10 s."""


class Function:
    """One instance, with django-prometheus's own port."""

    def __init__(self, where: Place, gateway: str, seconds: float) -> None:
        self.port = free_port()
        answers, answer = os.pipe()
        command = [sys.executable, "-m", "benchmarks.in_process.function", str(answer), gateway, str(seconds)]
        env = where.environment | {"SHOP_METRICS_PORT": str(self.port)}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.PIPE, pass_fds=[answer], text=True, start_new_session=True
        )
        os.close(answer)
        self._answers = open(answers)  # noqa: SIM115  closed with the process

    def invoke(self, path: str) -> None:
        assert self._process.stdin is not None
        self._process.send_signal(signal.SIGCONT)
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        status = self._answers.readline()
        assert status.startswith("200"), status
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def scrape(self) -> str | None:
        """None where no answer comes."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SCRAPE_SECONDS)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        except OSError:
            return None
        finally:
            connection.close()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._answers.close()


@contextmanager
def functions(where: Place, count: int, gateway: str, seconds: float) -> Iterator[list[Function]]:
    with ExitStack() as stack:
        made = []
        for _ in range(count):
            made.append(Function(where, gateway, seconds))
            stack.callback(made[-1].end)
        yield made


@contextmanager
def gateway() -> Iterator[tuple[str, list[str]]]:
    """Its address, and the texts that are pushed to it."""
    pushed: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            pushed.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", pushed
        finally:
            server.shutdown()
            thread.join()
