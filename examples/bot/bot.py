"""A bot with a web API and no framework: `BOT_API=http://127.0.0.1:8081 uvicorn bot:app`.

A messenger posts its updates to /webhook; workers answer them through the messenger's API; posts wait in a database
until somebody has them published.
"""

import asyncio
import json
import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import logemit

API = os.environ.get("BOT_API", "http://127.0.0.1:8081")
DATABASE = os.environ.get("BOT_DB", "bot.sqlite3")
WORKERS, POOL_SIZE = 3, 4
TOLD_EVERY_SECONDS = float(os.environ.get("BOT_TELLS_SECONDS", "15"))
SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, sender TEXT, text TEXT);
CREATE TABLE IF NOT EXISTS channels (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE IF NOT EXISTS posts (id INTEGER PRIMARY KEY, text TEXT, published INTEGER DEFAULT 0);
"""
_opener = build_opener(ProxyHandler({}))


# What it talks to.


class Pool:
    """A few connections to SQLite; a query takes one, in a thread."""

    def __init__(self) -> None:
        self.free: asyncio.Queue[sqlite3.Connection] = asyncio.Queue()
        for _ in range(POOL_SIZE):
            self.free.put_nowait(sqlite3.connect(DATABASE, timeout=30, isolation_level=None, check_same_thread=False))

    @logemit.timed("bot_database_query", operation=lambda _pool, sql, *_values: sql.split()[0])
    async def query(self, sql: str, *values: Any) -> list[Any]:
        connection = await self.free.get()
        try:
            return await asyncio.to_thread(lambda: connection.execute(sql, values).fetchall())
        finally:
            self.free.put_nowait(connection)

    async def number(self, sql: str) -> int:
        return int((await self.query(sql))[0][0])


async def call(method: str, **fields: Any) -> int:
    """Ask the messenger's API; what it answers, also where that is no success."""
    with logemit.timed("external_api_call", method=method) as span:
        status = await asyncio.to_thread(_posted, f"{API}/{method}", json.dumps(fields).encode())
        span.set(status=status)
        return status


def _posted(url: str, body: bytes) -> int:
    try:
        with _opener.open(Request(url, body), timeout=5) as response:
            return int(response.status)
    except HTTPError as error:
        with error:
            return error.code


# What it does.


class Bot:
    def __init__(self) -> None:
        sqlite3.connect(DATABASE).executescript(f"PRAGMA journal_mode=WAL; {SCHEMA}")
        self.pool = Pool()
        self.updates: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.tasks = [asyncio.create_task(self.work()) for _ in range(WORKERS)]
        self.ending = asyncio.Event()
        self.watching = asyncio.create_task(self.watch())

    async def work(self) -> None:
        while True:
            update = await self.updates.get()
            with suppress(KeyError):
                await self.process(update)
            self.updates.task_done()

    @logemit.timed("bot_update", kind=lambda _bot, update: update.get("kind", "none"))
    async def process(self, update: dict[str, Any]) -> None:
        """An update of a kind that it does not know raises KeyError."""
        handle = {"message": self.answer, "join": self.join}[update["kind"]]
        await handle(update)

    async def answer(self, update: dict[str, Any]) -> None:
        await self.pool.query("INSERT INTO messages (sender, text) VALUES (?, ?)", update["sender"], update["text"])
        await call("sendMessage", chat=update["sender"], text=update["text"][::-1])

    async def join(self, update: dict[str, Any]) -> None:
        await self.pool.query("INSERT INTO channels (name) VALUES (?)", update["channel"])
        await call("sendSticker", chat=update["channel"])

    @logemit.job("publish_posts")
    async def publish(self) -> int:
        """Publish what waits. Raises RuntimeError where there is nothing."""
        waiting = await self.pool.query("SELECT id, text FROM posts WHERE NOT published")
        if not waiting:
            raise RuntimeError("nothing to publish")
        for number, text in waiting:
            if await call("sendPost", text=text) == 200:
                await self.pool.query("UPDATE posts SET published = 1 WHERE id = ?", number)
        return len(waiting)

    async def watch(self) -> None:
        while not self.ending.is_set():
            await self.tell()
            await asyncio.to_thread(logemit.system_stats, interval=0.1)
            await asyncio.to_thread(logemit.run_health_checks)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ending.wait(), TOLD_EVERY_SECONDS)

    async def tell(self) -> None:
        channels = await self.pool.number("SELECT count(*) FROM channels")
        users = await self.pool.number("SELECT count(DISTINCT sender) FROM messages")
        posts = await self.pool.number("SELECT count(*) FROM posts WHERE NOT published")
        logemit.emit("bot_state", workers=WORKERS, channels=channels, users=users, scheduled_posts=posts)
        active = POOL_SIZE - self.pool.free.qsize()
        logemit.emit("bot_database_pool", active_connections=active, pool_size=POOL_SIZE)

    async def close(self) -> None:
        await self.updates.join()
        for task in self.tasks:
            task.cancel()
        self.ending.set()  # its checks come to their end: a thread cannot be cancelled
        await asyncio.gather(self.watching, *self.tasks, return_exceptions=True)
        await self.tell()


@logemit.health_check("database", timeout=5)
def database() -> None:
    with sqlite3.connect(DATABASE, timeout=4) as connection:
        connection.execute("SELECT 1").fetchall()


@logemit.health_check("messenger", timeout=5)
def messenger() -> None:
    try:
        if _posted(f"{API}/getMe", b"{}") != 200:
            raise logemit.Unhealthy("answers with an error")
    except URLError as exc:
        raise logemit.Unhealthy("does not answer") from exc


# The web API.

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
_bots: list[Bot] = []


async def webhook(bot: Bot, body: bytes) -> tuple[int, Any]:
    await bot.updates.put(json.loads(body))
    return 202, {}


async def channels(bot: Bot, _body: bytes) -> tuple[int, Any]:
    return 200, [name for (name,) in await bot.pool.query("SELECT name FROM channels")]


async def schedule(bot: Bot, body: bytes) -> tuple[int, Any]:
    await bot.pool.query("INSERT INTO posts (text) VALUES (?)", json.loads(body)["text"])
    return 201, {}


async def publish(bot: Bot, _body: bytes) -> tuple[int, Any]:
    try:
        return 200, {"published": await bot.publish()}
    except RuntimeError as exc:
        return 409, {"detail": str(exc)}


async def broken(bot: Bot, _body: bytes) -> tuple[int, Any]:
    return 200, await bot.pool.query("SELECT nothing FROM nowhere")


ROUTES = {
    ("POST", "/webhook"): webhook,
    ("GET", "/channels"): channels,
    ("POST", "/posts"): schedule,
    ("POST", "/publish"): publish,
    ("GET", "/broken"): broken,
}


async def answered(method: str, path: str, receive: Receive) -> tuple[int, Any]:
    """A path that is none is not an endpoint: there are as many as a client likes."""
    route = ROUTES.get((method, path))
    with logemit.timed("bot_http_request", method=method, endpoint=path if route else "none") as request:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        try:
            status, content = await route(_bots[0], body) if route else (404, {"detail": "no such endpoint"})
        except (sqlite3.Error, ValueError) as exc:
            status, content = 500, {"detail": type(exc).__name__}
        request.set(status=status)
        return status, content


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http":
        status, content = await answered(scope["method"], scope["path"], receive)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(content).encode()})


async def _lifespan(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        _bots.append(Bot())
        await send({"type": message["type"] + ".complete"})
    await _bots.pop().close()
    await send({"type": "lifespan.shutdown.complete"})
