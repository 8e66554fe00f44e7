"""A client that counts what it sends and what comes back."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from itertools import count
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from import_files import TAGGED

CACHED_VIEWS = ("tag_detail", "api_stats", "product_list")
_TIMEOUT_SECONDS = 60


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Tally:
    """What the client saw; views go by the names that the URLconf gives them."""

    totals: Counter[str] = field(default_factory=Counter)
    requests: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    polls: Counter[tuple[int, str]] = field(default_factory=Counter)
    poll_items: Counter[str] = field(default_factory=Counter)
    imports: Counter[tuple[str, str]] = field(default_factory=Counter)
    import_items: Counter[str] = field(default_factory=Counter)
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    cache: Counter[str] = field(default_factory=Counter)
    tasks: Counter[tuple[str, str]] = field(default_factory=Counter)

    def poll(self, feed: int, answer: Mapping[str, Any]) -> None:
        self.polls[feed, answer["status"]] += 1
        if answer["status"] == "success":
            self.rows["links.Feed", "update"] += 1
            self.rows["links.FeedItem", "insert"] += answer["items_new"]
        self.poll_items["discovered"] += answer.get("items_discovered", 0)
        self.poll_items["new"] += answer.get("items_new", 0)

    def imported(self, format_: str, answer: Mapping[str, Any]) -> None:
        self.imports[format_, answer["status"]] += 1
        for name in ("total", "processed", "failed"):
            self.import_items[name] += answer.get(f"items_{name}", 0)
        if taken := answer.get("items_processed", 0):
            self.changes["created", "import"] += taken
            self.rows["links.Bookmark", "insert"] += taken
            self.rows["links.Bookmark_tags", "insert"] += TAGGED[format_]
            if format_ == "netscape":
                self.rows["links.Tag", "insert"] = 1  # all files have the same new one

    def task(self, name: str, answer: Mapping[str, Any]) -> None:
        self.tasks[name, "retry"] += answer["retries"]
        self.tasks[name, answer["state"].lower()] += 1

    def as_json(self) -> dict[str, Any]:
        return {
            "requests": self.requests.total(),
            **_sorted(self.totals),
            "by_method_view_status": _rows(("method", "view", "status"), self.requests),
            "polls": _rows(("feed_id", "status"), self.polls),
            "poll_items": _sorted(self.poll_items),
            "imports": _rows(("format", "status"), self.imports),
            "import_items": _sorted(self.import_items),
            "changes": _rows(("operation", "source"), self.changes),
            "rows": _rows(("model", "operation"), +self.rows),
            "cache": _sorted(self.cache),
            "tasks": _rows(("name", "state"), +self.tasks),
        }


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items()))


def _rows(names: tuple[str, ...], counter: Counter[Any]) -> list[dict[str, Any]]:
    return [dict(zip((*names, "count"), (*key, number), strict=True)) for key, number in sorted(counter.items())]


class Client:
    """Sends each request over a connection of its own. Threads may share it; take `lock` to touch the tally."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._ids = count()
        self.lock = Lock()
        self.tally = Tally()

    def send(
        self,
        method: str,
        path: str,
        view: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        streamed: bool = False,
    ) -> Reply:
        with self.lock:
            number = next(self._ids)
        sent = {"User-Agent": "traffic", "Connection": "close", "X-Request-ID": f"req-{number:06}", **(headers or {})}
        connection = HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body or None, sent)
            response = connection.getresponse()
            content, whole = _read(response)
        finally:
            connection.close()
        with self.lock:
            self.tally.requests[method, view, response.status] += 1
            if view in CACHED_VIEWS:
                self.tally.cache[response.headers.get("X-Cache", "miss")] += 1  # an error was not there before, either
            self.tally.totals["ajax_requests"] += "X-Requested-With" in sent
            self.tally.totals["streamed_responses"] += streamed
            self.tally.totals["broken_off_responses"] += not whole
            self.tally.totals["request_bytes"] += len(body)
            self.tally.totals["whole_response_bytes"] += len(content) if whole else 0
        return Reply(response.status, response.headers, content)


def _read(response: HTTPResponse) -> tuple[bytes, bool]:
    """The body, and whether it came whole."""
    try:
        return response.read(), True
    except IncompleteRead as exc:
        return exc.partial, False
