"""Lambda: AWS's own runtime for Python, called by a stand-in for Lambda's runtime API."""

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version as release
from pathlib import Path
from threading import Event, Thread
from typing import IO

from .case import Case, dumps, wait_until

_HANDLER = """
import logging

def handler(event, context):
    for line in open(event["path"], errors="replace", newline="\\n"):
        if event["how"] == "print":
            print(line[:-1], flush=True)
        else:
            logging.getLogger().info("%s", line[:-1])
"""
_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:web"


class _Runtime(BaseHTTPRequestHandler):
    """Lambda's runtime API: hands out the calls, and writes before and after each what the platform writes."""

    protocol_version = "HTTP/1.1"
    calls: list[tuple[str, str]]
    output: IO[bytes]
    is_json: bool
    done: Event
    number = 0

    def do_GET(self) -> None:
        if self.number == len(self.calls):
            self.done.wait()
            return
        path, how = self.calls[self.number]
        self._say("start", version="$LATEST")
        body = json.dumps({"path": path, "how": how}).encode()
        self.send_response(200)
        headers = {"Request-Id": self._request(), "Invoked-Function-Arn": _ARN, "Deadline-Ms": 4102444800000}
        for name, value in headers.items():
            self.send_header(f"Lambda-Runtime-{'Aws-' * (name == 'Request-Id')}{name}", str(value))
        self._end(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(202)
        self._say("runtimeDone" if self.is_json else "end")
        self._say("report")
        type(self).number += 1
        self._end(b"{}")
        if self.number == len(self.calls):
            self.done.set()

    def _end(self, body: bytes) -> None:
        self.send_header("Content-Type", "application/json")  # without one the runtime crashes
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _request(self) -> str:
        return f"8f5ba1e5-6d4f-4d6f-9d5e-{self.number:012d}"

    def _say(self, what: str, **more: str) -> None:
        """As "Working with Lambda function logs" of the AWS Lambda Developer Guide has them."""
        metrics = {"durationMs": 101.51, "billedDurationMs": 300, "memorySizeMB": 512, "maxMemoryUsedMB": 33}
        if self.is_json:
            record = {"requestId": self._request(), **more} | ({"metrics": metrics} if what == "report" else {})
            line = dumps({"time": "2026-11-21T08:25:14.000Z", "type": f"platform.{what}", "record": record})
        elif what == "report":
            line = f"REPORT RequestId: {self._request()}\tDuration: 101.51 ms\tBilled Duration: 300 ms\t"
        else:
            line = f"{what.upper()} RequestId: {self._request()}" + " Version: $LATEST" * (what == "start")
        self.output.write(line.encode() + b"\n")
        self.output.flush()

    def log_message(self, *_arguments: object) -> None:
        """Nothing on stderr."""


def _lambda(log_format: str, bare: bytes, scratch: Path) -> Case:
    (scratch / "app.py").write_text(_HANDLER)
    found, calls = bare.split(b"\n")[:-1], []
    for number, part in enumerate(found[at : at + 500] for at in range(0, len(found), 500)):
        path = scratch / f"part{number}"
        path.write_bytes(b"".join(line + b"\n" for line in part))
        calls.append((str(path), "print" if number % 2 else "log"))
    log, done = scratch / "output.log", Event()
    with log.open("ab") as output, ThreadingHTTPServer(("127.0.0.1", 0), _Runtime) as server:
        handed = {"calls": calls, "output": output, "is_json": log_format == "JSON", "done": done}
        server.RequestHandlerClass = type("Runtime", (_Runtime,), handed)
        Thread(target=server.serve_forever, daemon=True).start()
        variables = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}", "AWS_LAMBDA_LOG_FORMAT": log_format}
        env = {**os.environ, **variables, "AWS_LAMBDA_LOG_LEVEL": "INFO", "PYTHONPATH": str(scratch)}
        command = [sys.executable, "-m", "awslambdaric", "app.handler"]
        process = subprocess.Popen(command, cwd=scratch, env=env, stdout=output, stderr=output)
        try:
            wait_until(done.is_set, f"not all calls were answered; see {log}")
        finally:
            process.kill()  # it would ask for calls for ever
            process.wait()
            server.shutdown()
    how = f"""\
Recorded with AWS's runtime for Python (awslambdaric {release("awslambdaric")}), log format {log_format}: a function
wrote the lines in several calls, by turns to `logging` and with `print`. What the platform writes before and after a
call is built from the documented format: "Working with Lambda function logs" of the AWS Lambda Developer Guide."""
    return Case("lambda", log.read_bytes(), how)


RECORDERS = {
    "lambda-text": lambda bare, scratch: _lambda("Text", bare, scratch),
    "lambda-json": lambda bare, scratch: _lambda("JSON", bare, scratch),
}
