"""The view, in its sync and its async form."""

import os

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

QUERIES = int(os.environ["BENCHMARK_QUERIES"])
BODY = b"<p>" + b"bookmark " * 30 + b"</p>"


def _query() -> None:
    for key in range(QUERIES):
        with connection.cursor() as cursor:
            cursor.execute("SELECT title FROM bookmark WHERE id = %s", [key % 100 + 1])
            cursor.fetchone()


def page(_request: HttpRequest, number: int) -> HttpResponse:
    _query()
    return HttpResponse(BODY)


async def async_page(_request: HttpRequest, number: int) -> HttpResponse:
    if QUERIES:
        await sync_to_async(_query)()
    return HttpResponse(BODY)


view = page if os.environ["BENCHMARK_HANDLER"] == "sync" else async_page
urlpatterns = [path("bookmarks/<int:number>/", view, name="bookmark_detail")]
