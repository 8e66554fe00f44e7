"""One contender: a process that serves requests to itself when told to.

Reads commands from standard input, a line each, and answers on the file descriptor given as its argument;
standard output belongs to what is measured.
"""

import asyncio
import cProfile
import io
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import django
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

Requests = Callable[[int], None]

PATH = "/bookmarks/7/"
HEADERS = {
    "host": "bookmarks.example",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept-encoding": "gzip, deflate, br",
    "cookie": "sessionid=kd0bphn8ygjulc9r1zqx5m3v7wtf2e6a; csrftoken=Zr4uT7cQk1",
}
ENVIRON: dict[str, Any] = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": PATH,
    "SCRIPT_NAME": "",
    "QUERY_STRING": "page=2",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8000",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": False,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in HEADERS.items()},
}
SCOPE: dict[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": PATH,
    "raw_path": PATH.encode(),
    "query_string": b"page=2",
    "root_path": "",
    "headers": [(name.encode(), value.encode()) for name, value in HEADERS.items()],
    "client": ("127.0.0.1", 50000),
    "server": ("127.0.0.1", 8000),
}


def _checked(status: int) -> None:
    if status != 200:
        raise RuntimeError(f"the view answered {status}")


def _sync_requests() -> Requests:
    handler: Any = WSGIHandler()

    def start_response(status: str, _headers: Any, _exc_info: Any = None) -> None:
        _checked(int(status[:3]))

    def run(count: int) -> None:
        for _ in range(count):
            response = handler({**ENVIRON, "wsgi.input": io.BytesIO()}, start_response)
            for _chunk in response:
                pass
            response.close()

    return run


async def _send(message: Any) -> None:
    if message["type"] == "http.response.start":
        _checked(message["status"])


async def _serve(handler: Any, count: int) -> None:
    for _ in range(count):
        messages = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive(messages: list[dict[str, Any]] = messages) -> dict[str, Any]:
            return messages.pop() if messages else await asyncio.Future()  # a client that waits for its answer

        await asyncio.create_task(handler(dict(SCOPE), receive, _send))


def _async_requests() -> Requests:
    handler = ASGIHandler()
    runner = asyncio.Runner()
    return lambda count: runner.run(_serve(handler, count))


def _writes() -> int | None:
    """The write system calls of this process so far, where the system counts them."""
    try:
        with open("/proc/self/io", "rb") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(b"syscw"))
    except OSError:
        return None


def _measured(requests: Requests, count: int) -> dict[str, Any]:
    writes = _writes()
    cpu = time.process_time()
    wall = time.perf_counter()
    requests(count)
    wall = time.perf_counter() - wall
    cpu = time.process_time() - cpu
    after = _writes()
    written = after - writes if after is not None and writes is not None else None
    return {"wall": wall / count, "cpu": cpu / count, "writes": written / count if written is not None else None}


def _profiled(requests: Requests, count: int, path: str) -> dict[str, Any]:
    profile = cProfile.Profile()
    profile.runcall(requests, count)
    profile.dump_stats(path)
    return {}


class _Complaints(logging.Handler):
    """What a library that never raises has to say: figures of one that fails in silence are worth nothing."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = self.format(record)


def main() -> None:
    django.setup()
    complaints = _Complaints()
    logging.getLogger().addHandler(complaints)
    requests = _sync_requests() if os.environ["BENCHMARK_HANDLER"] == "sync" else _async_requests()
    with open(int(sys.argv[1]), "w") as answers:
        for command in sys.stdin:
            count, _, path = command.rstrip("\n").partition(" ")
            answer = _profiled(requests, int(count), path) if path else _measured(requests, int(count))
            if complaints.last:
                sys.exit(complaints.last)
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
