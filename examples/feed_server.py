"""A server of feeds on the loopback interface: good ones, one that seldom changes, one that fails
now and then, and three that always do.

`python examples/feed_server.py 8001` serves them until it is interrupted.
"""

import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

_ITEMS = 10
_RSS_ITEM = "<item><title>News {n}</title><link>https://news.example/{n}</link><guid>news-{n}</guid></item>"
_ATOM_ENTRY = (
    '<entry><title>Essay {n}</title><link href="https://essays.example/{n}"/><id>urn:essay:{n}</id>'
    "<updated>2026-01-01T00:00:00Z</updated></entry>"
)


def _rss(first: int) -> str:
    items = "".join(_RSS_ITEM.format(n=n) for n in range(first, first + _ITEMS))
    return f'<rss version="2.0"><channel><title>News</title>{items}</channel></rss>'


def _atom(first: int) -> str:
    entries = "".join(_ATOM_ENTRY.format(n=n) for n in range(first, first + _ITEMS))
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Essays</title>{entries}</feed>'


class _Handler(BaseHTTPRequestHandler):
    server: "FeedServer"

    def do_GET(self) -> None:
        match self.path:
            case "/rss.xml":
                self._answer(200, _rss(self.server.asked("rss")))
            case "/atom.xml":
                self._answer(200, _atom(2 * self.server.asked("atom")))
            case "/etag.xml":
                self._answer_tagged('"edition-1"', _rss(1))
            case "/error.xml":
                self._answer(500, "out of order")
            case "/broken.xml":
                self._answer(200, _rss(1)[:-20])
            case "/flaky.xml" if self.server.asked("flaky") % 2 == 0:
                self._answer(503, "try again")
            case "/flaky.xml":
                self._answer(200, _rss(1))
            case "/slow.xml":
                time.sleep(self.server.slow_seconds)
                self._answer(200, _rss(1))
            case _:
                self._answer(404, "no such feed")

    def _answer_tagged(self, etag: str, body: str) -> None:
        if self.headers.get("If-None-Match") == etag:
            self._answer(304, "", etag)
        else:
            self._answer(200, body, etag)

    def _answer(self, status: int, body: str, etag: str = "") -> None:
        data = body.encode()
        self.send_response(status)
        if etag:
            self.send_header("ETag", etag)
        if status != 304:
            self.send_header("Content-Type", "application/xml" if status == 200 else "text/plain")
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: object) -> None:
        pass


class FeedServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int = 0, slow_seconds: float = 3.0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.slow_seconds = slow_seconds
        self._asked: Counter[str] = Counter()
        self._lock = Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def asked(self, name: str) -> int:
        """How often a feed was asked for before: it grows with every look."""
        with self._lock:
            self._asked[name] += 1
            return self._asked[name] - 1

    def handle_error(self, *_args: object) -> None:
        """A client that waited no longer is no error here."""


if __name__ == "__main__":
    server = FeedServer(int(sys.argv[1]) if sys.argv[1:] else 8001)
    print(f"feeds at {server.url}", flush=True)
    server.serve_forever()
