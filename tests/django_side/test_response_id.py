"""RESPONSE_ID_HEADER: a response's header holds the id that its lines have."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from structlog.contextvars import bind_contextvars, unbind_contextvars

import logemit
from tests.conftest import Events

from .conftest import Use
from .urls import fails, file, hello, hello_async, queries, streamed


def binds(request: HttpRequest) -> HttpResponse:
    bind_contextvars(request_id=request.GET.get("id", "mine"))
    return queries(request)


def binds_and_emits(request: HttpRequest) -> HttpResponse:
    bind_contextvars(request_id="mine")
    logemit.emit("report")
    unbind_contextvars("request_id")
    return HttpResponse()


def binds_and_streams(request: HttpRequest) -> HttpResponseBase:
    bind_contextvars(request_id="mine")
    return streamed(request)


def binds_and_fails(request: HttpRequest) -> HttpResponse:
    bind_contextvars(request_id="mine")
    raise ZeroDivisionError


async def binds_async(request: HttpRequest) -> HttpResponse:
    bind_contextvars(request_id="mine")
    return await hello_async(request)


PLAIN = {
    "hello": hello,
    "hello_async": hello_async,
    "queries": queries,
    "fails": fails,
    "streamed": streamed,
    "file": file,
}
BINDING = {
    "binds": binds,
    "binds_and_emits": binds_and_emits,
    "binds_and_fails": binds_and_fails,
    "binds_async": binds_async,
}
VIEWS: dict[str, Any] = {**PLAIN, **BINDING, "binds_and_streams": binds_and_streams}
urlpatterns = [path(f"{name}/", view, name=name) for name, view in VIEWS.items()]


@pytest.fixture(autouse=True)
def returned(use: Use) -> Iterator[None]:
    use(RESPONSE_ID_HEADER="X-Request-ID")
    with override_settings(ROOT_URLCONF=__name__):
        yield


def visit(name: str, **headers: str) -> str:
    """The id in the response."""
    response: Any = Client(raise_request_exception=False).get(f"/{name}/", headers=headers)
    if response.streaming:
        assert b"".join(response)
    response.close()
    return str(response.headers["X-Request-ID"])


def visit_async(name: str, **headers: str) -> str:
    async def get() -> str:
        response = await AsyncClient(raise_request_exception=False).get(f"/{name}/", headers=headers)
        return str(response.headers["X-Request-ID"])

    return asyncio.run(get())


def ids(events: Events) -> set[str]:
    assert len(events("http_request")) == 1
    return {event["request_id"] for event in events()}


@pytest.mark.parametrize("name", [*PLAIN, "not_there"])
def test_the_header_holds_the_id_of_the_lines(events: Events, name: str) -> None:
    found = visit(name)
    assert ids(events) == {found}
    assert len(found) == 16


def test_an_id_that_came_with_the_request_is_returned(events: Events) -> None:
    assert visit("hello", **{"X-Request-ID": "given-1"}) == "given-1"
    assert ids(events) == {"given-1"}


def test_an_id_that_is_not_harmless_is_not_returned(events: Events) -> None:
    found = visit("hello", **{"X-Request-ID": "<script>"})
    assert len(found) == 16
    assert ids(events) == {found}


@pytest.mark.parametrize("name", BINDING)
def test_an_id_of_the_apps_own_binding_wins(events: Events, name: str) -> None:
    assert visit(name) == "mine"
    assert ids(events) == {"mine"}


@pytest.mark.parametrize("name", BINDING)
def test_an_id_of_the_apps_own_binding_wins_under_asgi(events: Events, name: str) -> None:
    assert visit_async(name) == "mine"
    assert ids(events) == {"mine"}


def test_an_id_that_the_app_binds_is_in_the_lines_of_its_stream(events: Events) -> None:
    assert visit("binds_and_streams") == "mine"
    assert ids(events) == {"mine"}


def test_an_id_that_cannot_be_a_header_is_written_all_the_same(events: Events) -> None:
    assert Client().get("/binds/", {"id": "a\nb"}).status_code == 200
    assert ids(events) == {"a\nb"}


@pytest.mark.parametrize("header", ["X-Id", "X Id:\n"])
def test_any_name_of_the_header_leaves_the_events_alone(events: Events, use: Use, header: str) -> None:
    use(RESPONSE_ID_HEADER=header)
    assert Client().get("/hello/").status_code == 200
    assert len(events("http_request")) == 1


def test_without_the_setting_no_header_is_added(events: Events, use: Use) -> None:
    use(RESPONSE_ID_HEADER="")
    assert set(Client().get("/hello/").headers) == {"Content-Type", "Content-Length"}
