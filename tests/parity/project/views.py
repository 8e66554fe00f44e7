"""Views for each way in which a request can go."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import connection
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template import engines
from django.template.response import TemplateResponse
from django.test import Client
from django.views import View
from django.views.generic import TemplateView
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from .models import Tag

RAISED: dict[str, Exception] = {
    "http404": Http404(),
    "denied": PermissionDenied(),
    "bad": BadRequest(),
    "suspicious": SuspiciousOperation(),
    "zero": ZeroDivisionError(),
    "key": KeyError("of the view"),
    "timeout": TimeoutError(),
}


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"x" * int(request.GET.get("size", 5)))


def unnamed(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def fails(request: HttpRequest, kind: str) -> HttpResponse:
    raise RAISED[kind]


async def fails_async(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


async def hello_async(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse(b"hello")


ENTERED = asyncio.Event()


async def waits(request: HttpRequest) -> HttpResponse:
    ENTERED.set()
    await asyncio.sleep(60)
    return HttpResponse()


def page(request: HttpRequest, kind: str) -> TemplateResponse:
    engine = engines["django"]
    templates: dict[str, Any] = {
        "name": "hello.html",
        "list": ["missing.html", "hello.html"],
        "tuple": ("missing.html", "hello.html"),
        "object": engine.get_template("hello.html"),
        "inline": engine.from_string("hello"),
        "broken": "broken.html",
    }
    return TemplateResponse(request, templates[kind], {"name": "you", "value": Broken()})


class Broken:
    def fail(self) -> None:
        raise ArithmeticError


class Page(TemplateView):
    template_name = "hello.html"


class Methods(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(b"got")

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.body, status=201)


class Status(APIView):
    def get(self, request: Request) -> Response:
        return Response({"status": "fine"})

    def post(self, request: Request) -> Response:
        raise ValidationError("no")

    def delete(self, request: Request) -> Response:
        raise ZeroDivisionError


class Items(ViewSet):
    def list(self, request: Request) -> Response:
        return Response([1, 2, 3])

    def retrieve(self, request: Request, pk: str) -> Response:
        raise Http404


def moved(request: HttpRequest) -> HttpResponse:
    return redirect("hello", permanent="permanent" in request.GET)


def with_status(request: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse(status=status)


def with_charset(request: HttpRequest, charset: str) -> HttpResponse:
    if charset == "header":
        return HttpResponse("ä", content_type="text/plain; charset=iso-8859-15")
    return HttpResponse("ä", charset=charset)


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    def chunks() -> Iterator[bytes]:
        yield b"0123456789"
        if "fails" in request.GET:
            raise BufferError
        yield b"0123456789"

    return StreamingHttpResponse(chunks())


async def streamed_async(request: HttpRequest) -> StreamingHttpResponse:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(0)
            yield b"0123456789"

    return StreamingHttpResponse(chunks())


def file(request: HttpRequest) -> FileResponse:
    content = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
    content.write(b"x" * 1234)
    content.seek(0)
    return FileResponse(content, filename="x.bin")


def asks_itself(request: HttpRequest) -> HttpResponse:
    return HttpResponse(Client().get("/hello/").content)


async def queries_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(await Tag.objects.acount()))


def queries(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        for number in range(4):
            cursor.execute("SELECT %s", [number])
        cursor.executemany("UPDATE project_tag SET name = name WHERE id = %s", [[-1], [-2]])
    return HttpResponse()
