"""Runs the bot between a messenger of its own and a client, and counts what either of them sees."""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Lock, Thread
from typing import Any

import servers

BOT = Path(__file__).parent
REQUESTS = 160
_KINDS = ("message", "message", "message", "join", "poll")


class Messenger(ThreadingHTTPServer):
    """Answers the bot's calls, and counts them; every fifth sticker is one too many, and now and then it is down."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: Counter[tuple[str, int]] = Counter()
        self.is_down = False
        self.lock = Lock()

    def answer(self, method: str) -> int:
        with self.lock:
            number = sum(count for (name, _), count in self.calls.items() if name == method)
            status = 429 if method == "sendSticker" and number % 5 == 4 else 503 if self.is_down else 200
            self.calls[method, status] += 1
        return status


class _Handler(BaseHTTPRequestHandler):
    server: Messenger

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.answer(self.path.strip("/")))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Nothing."""


@contextmanager
def messenger() -> Iterator[Messenger]:
    with Messenger() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def record(log: Path, scratch: Path) -> dict[str, Any]:
    """Append the bot's output to a log; what was counted."""
    database = scratch / "bot.sqlite3"
    with messenger() as api:
        url = f"http://127.0.0.1:{api.server_port}"
        env = servers.environment(
            database, BOT_DB=str(database), BOT_API=url, BOT_TELLS_SECONDS="0.2", LOGEMIT_SERVICE="bot"
        )
        with servers.uvicorn(env, workers=1, stdout=log, app="bot:app", project=BOT) as server:
            counted = visit(server.url, api)
    for (method, status), number in api.calls.items():
        if method == "getMe":
            counted["health", "messenger", str(status == 200).lower()] = number
            counted["health", "database", "true"] += number  # asked beside it
        else:
            counted["calls", method, str(status)] = number
    return {**as_json(counted), **rows(database)}


def visit(url: str, api: Messenger) -> Counter[tuple[str, ...]]:
    random, counted = Random(7), Counter[tuple[str, ...]]()

    def send(method: str, path: str, content: Any = None) -> None:
        body = json.dumps(content).encode() if content is not None else b""
        with closing(HTTPConnection(url.removeprefix("http://"), timeout=30)) as connection:
            connection.request(method, path, body)
            response = connection.getresponse()
            response.read()
        counted["api_requests", method, "none" if response.status == 404 else path, str(response.status)] += 1
        if path == "/publish":
            counted["jobs", "publish_posts", "started"] += 1
            counted["jobs", "publish_posts", "success" if response.status == 200 else "failure"] += 1

    send("POST", "/publish")  # nothing is there yet
    for number in range(REQUESTS):
        api.is_down = 60 <= number < 90
        time.sleep(0.03)
        match random.randrange(10):
            case 0:
                send("GET", random.choice(["/broken", "/favicon.ico", "/channels"]))
            case 1 | 2:
                send("POST", "/posts", {"text": f"post {number}"})
            case 3 if number > 100:
                send("POST", "/publish")
            case _:
                kind = random.choice(_KINDS)
                counted["updates", kind, "success" if kind != "poll" else "error"] += 1
                update = {"kind": kind, "sender": f"user{number % 7}", "text": "hello", "channel": f"c{number}"}
                send("POST", "/webhook", update)
    send("POST", "/webhook", None)  # no JSON
    return counted


def rows(path: Path) -> dict[str, int]:
    """What the database holds in the end."""
    questions = {
        "inserted": "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM channels) + count(*) FROM posts",
        "published": "SELECT count(*) FROM posts WHERE published",
        "channels": "SELECT count(*) FROM channels",
        "users": "SELECT count(DISTINCT sender) FROM messages",
        "scheduled_posts": "SELECT count(*) FROM posts WHERE NOT published",
    }
    with closing(sqlite3.connect(path)) as connection:
        return {name: connection.execute(question).fetchone()[0] for name, question in questions.items()}


COLUMNS = {
    "api_requests": ("method", "endpoint", "status"),
    "calls": ("method", "status"),
    "updates": ("kind", "status"),
    "jobs": ("name", "state"),
    "health": ("check", "healthy"),
}


def as_json(counted: Counter[tuple[str, ...]]) -> dict[str, Any]:
    tables: dict[str, Any] = {table: [] for table in COLUMNS}
    for (table, *key), number in sorted(counted.items()):
        tables[table].append({**dict(zip(COLUMNS[table], key, strict=True)), "count": number})
    return tables
