"""Requests that the app answers."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from django.db import connection
from django.test import AsyncClient

from tests.parity.samples import Samples

from .ledger import METHODS, Answer, Asked
from .scenes import scene

if TYPE_CHECKING:
    from .drive import Drive

VIEWS = "tests.parity.project.views."


@scene()
def methods(drive: "Drive") -> None:
    for method in sorted(METHODS - {"HEAD"}):
        drive.ask("/hello/", "hello", method)
        drive.ask("/methods/", "methods", method)


@scene()
def head(drive: "Drive") -> None:
    drive.ask("/hello/", "hello", "HEAD")
    drive.ask("/file/", "file", "HEAD")


@scene()
def unknown_method(drive: "Drive") -> None:
    for method in ("BREW", "PROPFIND", "get"):
        drive.ask("/hello/", "hello", method)
    drive.ask("/nowhere/", method="BREW")


@scene()
def views(drive: "Drive") -> None:
    drive.ask("/hello/?a=1", "hello")
    drive.ask("/unnamed/", f"{VIEWS}unnamed")
    drive.ask("/unnamed-class/", f"{VIEWS}Methods")
    drive.ask("/shop/7/", "shop:item")
    drive.ask("/shop/8/", "shop:item")
    drive.ask("/shop/all/", "shop:tests.parity.project.urls.inner")
    drive.ask("/methods/", "methods", "POST", body=b"abc")
    drive.ask("/moved/", "moved")
    drive.ask("/moved/?permanent", "moved")
    for status in (200, 201, 204, 302, 304, 400, 404, 418, 500, 503):
        drive.ask(f"/status/{status}/", "with_status")


@scene()
def rest_framework(drive: "Drive") -> None:
    drive.ask("/api/status/", "status")
    drive.ask("/api/status/", "status", "POST")
    drive.ask("/api/status/", "status", "PUT")
    drive.ask("/api/items/", "items-list")
    drive.ask("/api/items/1/", "items-detail")


@scene()
def unresolved(drive: "Drive") -> None:
    drive.ask("/nowhere/")
    drive.ask("/no/where/", method="POST", body=b"abc")


@scene()
def ajax(drive: "Drive") -> None:
    drive.ask("/hello/", "hello", HTTP_X_REQUESTED_WITH="XMLHttpRequest")
    drive.ask("/nowhere/", HTTP_X_REQUESTED_WITH="XMLHttpRequest")
    drive.ask("/hello/", "hello", HTTP_X_REQUESTED_WITH="fetch")


@scene()
def https(drive: "Drive") -> None:
    drive.ask("/hello/", "hello", secure=True)
    drive.ask("/nowhere/", secure=True)


@scene()
def bodies(drive: "Drive") -> None:
    for size in (0, 1, 2, 3, 1023, 1024, 1025, 70_000):
        drive.ask(f"/hello/?size={size}", "hello", "POST", body=b"x" * size)


@scene()
def charsets(drive: "Drive") -> None:
    for charset in ("latin-1", "utf-16", "header"):
        drive.ask(f"/charset/{charset}/", "charset")


@scene()
def templates(drive: "Drive") -> None:
    drive.ask("/page/name/", "page", template="hello.html")
    drive.ask("/page/list/", "page", template="['missing.html', 'hello.html']")
    drive.ask("/template-view/", "template_view", template="['hello.html']")


@scene()
def template_tuple(drive: "Drive") -> None:
    drive.ask("/page/tuple/", "page", template="('missing.html', 'hello.html')")


@scene()
def template_of_a_middleware(drive: "Drive") -> None:
    drive.ask("/page/name/?other", "page", template="other.html")


@scene()
def template_objects(drive: "Drive") -> None:
    drive.ask("/page/object/", "page", template="<template>")
    drive.ask("/page/inline/", "page", template="<template>")


@scene()
def streams(drive: "Drive") -> None:
    drive.ask("/streamed/", "streamed")
    drive.ask("/file/", "file")
    drive.ask("/streamed/", "streamed", read=False)


@scene()
def asynchronous(drive: "Drive") -> None:
    drive.ask("/hello-async/", "hello_async")
    drive.ask_async("/hello-async/", "hello_async", "POST", body=b"abc")
    drive.ask_async("/hello/", "hello", secure=True)
    drive.ask_async("/page/name/", "page", template="hello.html")
    drive.ask_async("/streamed-async/", "streamed_async")
    drive.ask_async("/nowhere/")


@scene()
def request_in_a_request(drive: "Drive") -> None:
    drive.ask("/asks-itself/", "asks_itself")
    inner = Asked("GET", "hello", "http", 0, ajax=False, template="", exception="")
    drive.ledger.asked(inner)
    drive.ledger.answered(inner, Answer(200, 5, "utf-8", streamed=False))


@scene()
def in_parallel(drive: "Drive") -> None:
    def work() -> Samples:
        own = type(drive)(drive.vendor)
        for _ in range(10):
            own.ask("/hello/", "hello")
            own.ask("/page/name/", "page", template="hello.html")
            own.ask("/nowhere/")
        return own.ledger.samples

    with ThreadPoolExecutor(4) as pool:
        for counted in [pool.submit(work) for _ in range(8)]:
            drive.ledger.samples += counted.result()


@scene()
def cancelled(drive: "Drive") -> None:
    from .views import ENTERED

    async def run() -> None:
        task = asyncio.ensure_future(AsyncClient().get("/waits/"))
        await ENTERED.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
    drive.ledger.asked(Asked("GET", "waits", "http", 0, ajax=False, template="", exception=""))


@scene()
def compressed(drive: "Drive") -> None:
    drive.ask("/hello/?size=5000", "hello", HTTP_ACCEPT_ENCODING="gzip")


@scene()
def not_modified(drive: "Drive") -> None:
    tag = drive.ask("/hello/", "hello").headers["ETag"]
    drive.ask("/hello/", "hello", HTTP_IF_NONE_MATCH=tag)


@scene()
def slash_redirect(drive: "Drive") -> None:
    drive.ask("/hello")
    drive.ask("/shop/7")


@scene()
def queries_in_requests(drive: "Drive") -> None:
    for _ in range(2):
        connection.close()
        drive.ask("/queries/", "queries")
    drive.connected(times=2)


@scene()
def queries_in_async_requests(drive: "Drive") -> None:
    """In a thread, which Django keeps for them."""
    for _ in range(3):
        drive.ask_async("/queries-async/", "queries_async")
    drive.ledger.statements("default", drive.vendor, [(1, False)] * 3)
    drive.connected()


@scene("apart")
def malformed_length(drive: "Drive") -> None:
    drive.ask("/hello/", "hello", "POST", CONTENT_LENGTH="abc")
    drive.ask("/hello/", "hello", "POST", CONTENT_LENGTH="1e3")
    drive.ask("/hello/", "hello", "POST", CONTENT_LENGTH="")
