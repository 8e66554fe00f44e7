"""Views for each way in which a request can go."""

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator

from django.core.cache import caches
from django.core.exceptions import PermissionDenied
from django.db import connection, connections
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path


def failing_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.GET.get("middleware") == "fails":
            raise LookupError("in middleware")
        if request.GET.get("middleware") == "answers":
            return HttpResponse(status=418)
        return get_response(request)

    return middleware


class AnsweringMiddleware:
    """Answers an exception of a view's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return HttpResponse(status=409) if request.GET.get("exception") == "answered" else None


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"hello")


def fails(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


def not_there(request: HttpRequest) -> HttpResponse:
    raise Http404


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def page(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "hello.html", {"name": "you"})


class Broken:
    def fail(self) -> None:
        raise ArithmeticError


def broken_page(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "broken.html", {"value": Broken()})


def queries(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        for _ in range(int(request.GET.get("n", 3))):
            cursor.execute("SELECT %s", ["a secret"])
    return HttpResponse()


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    def chunks() -> Iterator[bytes]:
        for i in range(5):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            if i == 3 and "fails" in request.GET:
                raise BufferError
            yield b"0123456789"

    return StreamingHttpResponse(chunks())


async def streamed_async(request: HttpRequest) -> StreamingHttpResponse:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            await asyncio.sleep(0.001)
            yield b"0123456789"

    return StreamingHttpResponse(chunks())


async def hello_async(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(float(request.GET.get("seconds", 0)))
    return HttpResponse(b"hello")


def file(request: HttpRequest) -> FileResponse:
    content = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
    content.write(b"x" * 1234)
    content.seek(0)
    return FileResponse(content, filename="x.bin")


def in_thread(request: HttpRequest) -> HttpResponse:
    def query() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 2")
        connections.close_all()

    thread = threading.Thread(target=query)
    thread.start()
    thread.join()
    return HttpResponse()


def cached(request: HttpRequest) -> HttpResponse:
    caches["default"].set("a", 0)
    caches["default"].get("a")
    caches["default"].get("a")
    caches["default"].get_many(["a", "b", "c"])
    return HttpResponse()


def charset(request: HttpRequest) -> HttpResponse:
    if "json" in request.GET:
        return JsonResponse({})
    if "header" in request.GET:
        return HttpResponse(content_type=f"text/html; charset={request.GET['header']}")
    return HttpResponse(charset=request.GET.get("own"))


urlpatterns = [
    path("charset/", charset, name="charset"),
    path("cached/", cached, name="cached"),
    path("hello/", hello, name="hello"),
    path("fails/", fails, name="fails"),
    path("not-there/", not_there, name="not_there"),
    path("forbidden/", forbidden, name="forbidden"),
    path("page/", page, name="page"),
    path("broken-page/", broken_page, name="broken_page"),
    path("queries/<slug:kind>/", lambda request, kind: queries(request), name="queries"),
    path("streamed/", streamed, name="streamed"),
    path("streamed-async/", streamed_async, name="streamed_async"),
    path("hello-async/", hello_async, name="hello_async"),
    path("file/", file, name="file"),
    path("in-thread/", in_thread, name="in_thread"),
]
