"""An S3-speaking server on loopback: moto's, which notes every request, and fails, loses or holds one as it is told.

`POST /-/plan` says what shall happen; `GET /-/requests` and `DELETE /-/requests` show and forget what was asked.
"""

import json
import socket
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

Environ = dict[str, Any]
Start = Callable[..., Any]
KEY = "tests"
CHANGES = ("PUT", "COPY", "POST", "DELETE")
PATIENCE = 300
"""Seconds that a request is held for at most."""


class Watched:
    """One request at a time, so that a conditional PUT is decided at once; those that are held apart."""

    def __init__(self) -> None:
        self._store = DomainDispatcherApplication(create_backend_app)
        self._lock = RLock()
        self._requests: list[dict[str, str]] = []
        self._plan: dict[str, Any] = {}

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/-/"):
            return self._told(environ, start)
        asked = {
            "method": "COPY" if "HTTP_X_AMZ_COPY_SOURCE" in environ else environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "query": environ.get("QUERY_STRING", ""),
            "range": environ.get("HTTP_RANGE", ""),
        }
        plan, does = self._plan, self._does(asked)
        if does == "hold":
            Path(plan["reached"]).touch()
            end = time.monotonic() + PATIENCE
            while not Path(plan["until"]).exists() and time.monotonic() < end:
                time.sleep(0.01)
        if f"Credential={KEY}/" not in environ.get("HTTP_AUTHORIZATION", ""):
            return _error(start, "403 Forbidden", "InvalidAccessKeyId")
        if plan.get("unconditional"):
            environ.pop("HTTP_IF_NONE_MATCH", None)
        if does == "fail":
            return _error(start, "503 Slow Down", "SlowDown")
        answer: Iterable[bytes] = ()
        if does != "kill before":
            with self._lock:
                answer = list(self._store(environ, start))
        if does.startswith("kill"):
            Path(plan["reached"]).touch()  # who watches it kills the client
            _wait_for_the_end_of(environ["werkzeug.socket"])
        if does in ("lose", "kill before"):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError
        return answer

    def _told(self, environ: Environ, start: Start) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "application/json")])
        method, body = environ["REQUEST_METHOD"], environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if method == "POST":
            self._plan = json.loads(body)
        elif method == "DELETE":
            self._requests.clear()
        return [json.dumps(self._requests).encode()]

    def _does(self, asked: dict[str, str]) -> str:
        """What is planned for this request; "" for nothing."""
        with self._lock:
            self._requests.append(asked)
            plan = self._plan
            method = plan.get("method")
            if "do" not in plan or plan.get("part", "") not in asked["path"]:
                return ""
            if asked["method"] not in CHANGES if method == "changes" else method not in (None, asked["method"]):
                return ""
            plan["skip"] = plan.get("skip", 0) - 1
            plan["times"] = plan.get("times", 1) - (plan["skip"] < 0)
            return str(plan["do"]) if plan["skip"] < 0 <= plan["times"] else ""


def _wait_for_the_end_of(client: socket.socket) -> None:
    client.settimeout(PATIENCE)
    with suppress(OSError):
        while client.recv(1 << 16):
            pass


def _error(start: Start, status: str, code: str) -> Iterable[bytes]:
    start(status, [("Content-Type", "application/xml")])
    return [f"<Error><Code>{code}</Code><Message>{code} was planned</Message></Error>".encode()]


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), Watched(), threaded=True).serve_forever()
