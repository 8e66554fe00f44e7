"""view_seconds, and views that are classes."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import path
from django.utils.decorators import sync_and_async_middleware
from django.views import View
from django.views.generic import TemplateView

from logemit.middleware import ViewMiddleware
from logemit.unit import Unit, entered
from tests.conftest import Events

from .urls import fails, hello, hello_async, queries, streamed

SLEEP = 0.03


class Slow:
    """Takes its time when a template asks."""

    def __str__(self) -> str:
        time.sleep(SLEEP)
        return "slow"


def renders(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "hello.html", {"name": Slow()})


class Page(TemplateView):
    template_name = "hello.html"


class Both(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return queries(request)

    def post(self, _request: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError


class AsyncClass(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return await hello_async(request)


urlpatterns = [
    path("hello/", hello, name="hello"),
    path("fails/", fails, name="fails"),
    path("hello-async/", hello_async, name="hello_async"),
    path("renders/", renders, name="renders"),
    path("streamed/", streamed, name="streamed"),
    path("page/", Page.as_view(), name="page"),
    path("both/", Both.as_view(), name="both"),
    path("unnamed/", Both.as_view()),
    path("async-class/", AsyncClass.as_view(), name="async_class"),
]


@sync_and_async_middleware
def slow_middleware(get_response: Any) -> Any:
    if asyncio.iscoroutinefunction(get_response):

        async def handle(request: HttpRequest) -> HttpResponseBase:
            await asyncio.sleep(SLEEP)
            response: HttpResponseBase = await get_response(request)
            return response

        return handle

    def handle_sync(request: HttpRequest) -> HttpResponseBase:
        time.sleep(SLEEP)
        response: HttpResponseBase = get_response(request)
        return response

    return handle_sync


WITH_VIEW = [
    "logemit.middleware.EventMiddleware",
    f"{__name__}.slow_middleware",
    "logemit.middleware.ViewMiddleware",
]


@pytest.fixture(autouse=True)
def urls() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield


def only(events: Events) -> dict[str, Any]:
    (event,) = events("http_request")
    return event


def get_async(url: str) -> None:
    async def get() -> None:
        await AsyncClient(raise_request_exception=False).get(url)

    asyncio.run(get())


@pytest.mark.parametrize("page", ["hello", "fails", "hello-async", "renders", "async-class"])
@pytest.mark.parametrize("is_async", [False, True], ids=["wsgi", "asgi"])
def test_the_views_seconds_are_those_of_the_request_without_its_middleware(
    events: Events, page: str, is_async: bool
) -> None:
    with override_settings(MIDDLEWARE=WITH_VIEW):
        get_async(f"/{page}/") if is_async else Client(raise_request_exception=False).get(f"/{page}/")
    event = only(events)
    assert 0 < event["view_seconds"] <= event["duration_seconds"] - SLEEP


@pytest.mark.parametrize("is_async", [False, True], ids=["wsgi", "asgi"])
def test_rendering_the_template_is_part_of_the_view(events: Events, is_async: bool) -> None:
    with override_settings(MIDDLEWARE=WITH_VIEW):
        get_async("/renders/") if is_async else Client().get("/renders/")
    assert only(events)["view_seconds"] >= SLEEP


def test_a_streams_view_ends_before_its_stream(events: Events) -> None:
    with override_settings(MIDDLEWARE=WITH_VIEW):
        response: Any = Client().get("/streamed/")
        b"".join(response)
        response.close()
    assert 0 < only(events)["view_seconds"] < only(events)["duration_seconds"]


def test_a_request_that_never_reached_its_view_tells_no_seconds_of_it(events: Events) -> None:
    middleware = [WITH_VIEW[0], "tests.django_side.urls.failing_middleware", WITH_VIEW[-1]]
    with override_settings(MIDDLEWARE=middleware):
        Client(raise_request_exception=False).get("/hello/?middleware=fails")
    assert "view_seconds" not in only(events)


def test_without_the_second_middleware_there_are_no_seconds_of_the_view(events: Events) -> None:
    Client().get("/hello/")
    assert "view_seconds" not in only(events)


def test_the_second_middleware_alone_changes_nothing(events: Events) -> None:
    with override_settings(MIDDLEWARE=[WITH_VIEW[-1]]):
        assert Client().get("/hello/").content == b"hello"
        get_async("/hello-async/")
    assert events() == []


def test_an_exception_passes_through_it() -> None:
    def broken(_request: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError

    unit = Unit("request", "r1")
    with entered(unit), pytest.raises(ZeroDivisionError):
        ViewMiddleware(broken)(RequestFactory().get("/"))
    assert unit.view_microseconds is not None


def test_class_based_views(events: Events) -> None:
    client = Client(raise_request_exception=False)
    client.get("/page/")
    client.get("/both/", {"n": 2})
    client.post("/both/")
    client.put("/both/")
    client.get("/unnamed/", {"n": 0})
    found = [(e["view"], e["status"], e["db_queries"], e.get("exception")) for e in events("http_request")]
    assert found == [
        ("page", 200, 0, None),
        ("both", 200, 2, None),
        ("both", 500, 0, "ZeroDivisionError"),
        ("both", 405, 0, None),
        (f"{__name__}.Both", 200, 0, None),
    ]
    assert events("http_request")[0]["template"] == "['hello.html']"
