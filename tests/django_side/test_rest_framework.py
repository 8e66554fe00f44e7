"""Views of Django REST framework: known by their URLs' names, and counted once, however they answer."""

# mypy: disable-error-code="import-untyped, misc"

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import AsyncClient, Client, override_settings
from django.urls import include, path
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from tests.conftest import Events

from .urls import queries


class Api(APIView):
    def get(self, request: Request) -> Response:
        queries(request._request)
        return Response({"path": request.path})

    def post(self, request: Request) -> Response:
        return Response(request.data, status=201)

    def put(self, _request: Request) -> Response:
        raise NotFound

    def delete(self, _request: Request) -> Response:
        raise ZeroDivisionError


class Books(ViewSet):
    def list(self, _request: Request) -> Response:
        return Response([])

    def retrieve(self, _request: Request, pk: str) -> Response:
        return Response({"pk": pk})


router = SimpleRouter()
router.register("books", Books, basename="book")
urlpatterns = [path("api/", Api.as_view(), name="api"), path("v1/", include((router.urls, "v1")))]
MIDDLEWARE = ["logemit.middleware.EventMiddleware", "logemit.middleware.ViewMiddleware"]


@pytest.fixture(autouse=True)
def urls() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=MIDDLEWARE):
        yield


def test_every_answer_is_one_request(events: Events) -> None:
    client = Client(raise_request_exception=False)
    answered: list[Any] = [
        client.get("/api/", {"n": 2}),
        client.post("/api/", {"a": 1}, content_type="application/json"),
        client.post("/api/", "{", content_type="application/json"),
        client.put("/api/"),
        client.delete("/api/"),
        client.patch("/api/"),
    ]
    statuses = [200, 201, 400, 404, 500, 405]
    assert [response.status_code for response in answered] == statuses
    found = events("http_request")
    assert [event["status"] for event in found] == statuses
    assert {event["view"] for event in found} == {"api"}
    assert [event["outcome"] for event in found] == [*["ok"] * 4, "error", "ok"]
    assert [event.get("exception") for event in found] == [*[None] * 4, "ZeroDivisionError", None]
    assert [event["response_bytes"] for event in found] == [len(response.content) for response in answered]
    assert [event["db_queries"] for event in found] == [2, 0, 0, 0, 0, 0]
    assert all(0 < event["view_seconds"] <= event["duration_seconds"] for event in found)
    assert not any("template" in event for event in found)


def test_the_views_of_a_set_are_told_apart(events: Events) -> None:
    for url in ("/v1/books/", "/v1/books/7/", "/v1/books/8/"):
        assert Client().get(url).status_code == 200
    assert [event["view"] for event in events()] == ["v1:book-list", "v1:book-detail", "v1:book-detail"]
    assert len({event["route"] for event in events()}) == 2


def test_under_asgi(events: Events) -> None:
    async def visit() -> None:
        await AsyncClient().get("/api/", {"n": 2})

    asyncio.run(visit())
    (event,) = events("http_request")
    assert (event["view"], event["status"], event["db_queries"]) == ("api", 200, 2)
    assert 0 < event["view_seconds"] <= event["duration_seconds"]
