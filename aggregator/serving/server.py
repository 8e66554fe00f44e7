"""HTTP for one small site: a thread for each connection, one request in each, and a limit to everything.

Who is slow, half open or hostile holds a thread until the time of a connection is over, or until others need its place.
"""

import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.client import LineTooLong
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from types import FrameType
from typing import IO, Any, cast

from ..errors import UnavailableError
from .site import Site

MOST_CONNECTIONS = 64
HEAD_BYTES = 1 << 15
IDLE_SECONDS = 10.0
CONNECTION_SECONDS = 120.0
FINISH_SECONDS = 3.0
"""What answers under way may take when the server ends."""


class Server(ThreadingMixIn, TCPServer):
    """Listens from when it is made. Raises UnavailableError where it cannot, as the port is taken, for example."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, site: Site, tls: Callable[[], ssl.SSLContext] | None = None) -> None:
        self.site, self.tls = site, tls
        self._began: dict[socket.socket, float] = {}
        """When each open connection was, the oldest first."""
        self._at_work: set[socket.socket] = set()
        """Those whose threads live, also after they were cut."""
        self._lock = threading.Lock()
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            self.address_family, address = found[0][0], found[0][4]
            super().__init__(cast("tuple[str, int]", address[:2]), Handler)
        except (OSError, UnicodeError) as exc:
            reason = getattr(exc, "strerror", None) or exc
            raise UnavailableError(f"{host}:{port}: cannot be listened on: {reason}; choose --host, --port") from None

    @property
    def address(self) -> str:
        """Of the interface, in digits."""
        return str(self.server_address[0])

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; answers under way are finished, as long as they are quick."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self.serve_forever()
        self.server_close()
        end = time.monotonic() + FINISH_SECONDS
        while self._began and time.monotonic() < end:
            time.sleep(0.01)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=self.shutdown, daemon=True).start()  # waits for the loop, which this thread is in

    # Connections.

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.settimeout(IDLE_SECONDS)
        if self.tls is not None:
            try:
                # The handshake waits for the client, so it belongs to the connection's own thread.
                connection = self.tls().wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            except OSError:
                connection.close()
                raise
        return connection, address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        with self._lock:
            while len(self._began) >= MOST_CONNECTIONS:
                self._cut(next(iter(self._began)))
            if len(self._at_work) >= 2 * MOST_CONNECTIONS:
                return False
            self._began[request] = time.monotonic()
            self._at_work.add(request)
        return True

    def finish_request(self, request: Any, client_address: Any) -> None:
        if isinstance(request, ssl.SSLSocket):
            request.do_handshake()
        super().finish_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._began.pop(request, None)
            self._at_work.discard(request)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Called at least twice a second."""
        late = time.monotonic() - CONNECTION_SECONDS
        with self._lock:
            for connection in [each for each, began in self._began.items() if began < late]:
                self._cut(connection)

    def _cut(self, connection: socket.socket) -> None:
        """Its thread finds it at its end."""
        del self._began[connection]
        with suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)  # TLS has one of its own, not made for two threads

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Of a connection: what clients can cause is not worth a line."""
        exc = sys.exception()
        if not isinstance(exc, OSError):
            self.site.warn(f"a defect of logemit's own: {exc!r}")


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # an answer without a status is of no use to anyone
    server_version = "logemit"
    sys_version = ""
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = "text/plain; charset=utf-8"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.rfile = cast("Any", _Head(cast("IO[bytes]", self.rfile)))

    def handle(self) -> None:
        self.requestline = self.request_version = self.command = ""
        try:
            self.raw_requestline = self.rfile.readline(HEAD_BYTES)
        except LineTooLong:
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            return
        if self.raw_requestline and self.parse_request():
            self._answer()

    def _answer(self) -> None:
        with self.server.site.answer(self.command, self.path, self.headers) as answer:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            is_chunked = "Content-Length" not in answer.headers and self.request_version == "HTTP/1.1"
            if is_chunked:
                self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command == "HEAD":
                return
            for piece in answer.body:
                if piece:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
            if is_chunked:
                self.wfile.write(b"0\r\n\r\n")

    def version_string(self) -> str:
        return self.server_version

    def log_message(self, *args: Any) -> None:
        """Scrapes are no news."""


class _Head:
    """The lines of a request up to its body, which is never read; all together are limited."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._left = file, HEAD_BYTES

    def readline(self, limit: int = -1) -> bytes:
        line = self._file.readline(self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise LineTooLong("the head")
        return line

    def close(self) -> None:
        self._file.close()
