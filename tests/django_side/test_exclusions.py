"""Requests to excluded paths and views write nothing, whatever they do; all others are as they were."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.core.cache import caches
from django.core.handlers.asgi import ASGIRequest
from django.db import connection, connections
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import include, path

from logemit import outside, queries, unit
from tests.conftest import Events

from .conftest import Use
from .databases import added
from .urls import fails, file, hello
from .urls import hello_async as answers_async


def work(_request: HttpRequest) -> HttpResponse:
    """A connection, queries, changed rows, cache calls."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE IF NOT EXISTS shop_tag (name TEXT)")
        for _ in range(3):
            cursor.execute("INSERT INTO shop_tag (name) VALUES ('a')")
    caches["default"].set("a", 1)
    caches["default"].get("a")
    return HttpResponse()


def work_much(_request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        for _ in range(1100):
            cursor.execute("SELECT 1")
    return HttpResponse()


def streams(_request: HttpRequest) -> StreamingHttpResponse:
    def chunks() -> Iterator[bytes]:
        for _ in range(3):
            work(_request)
            yield b"x"

    return StreamingHttpResponse(chunks())


async def streams_async(_request: ASGIRequest) -> StreamingHttpResponse:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            await caches["default"].aget("a")
            yield b"x"

    return StreamingHttpResponse(chunks())


views = [
    path("work/", work, name="work"),
    path("much/", work_much, name="much"),
    path("streams/", streams, name="streams"),
    path("streams-async/", streams_async, name="streams_async"),
    path("fails/", fails, name="fails"),
    path("file/", file, name="file"),
    path("async/", answers_async, name="async"),
]
urlpatterns = [
    path("internal/", include((views, "internal"))),
    path("public/", include((views, "public"))),
    path("healthz", hello, name="health"),
    path("hello/", hello, name="hello"),
]
BY_PATH = {"EXCLUDE_PATHS": "/internal/*,/healthz"}
BY_VIEW = {"EXCLUDE_VIEWS": "internal:*,health"}
EXCLUDED = pytest.mark.parametrize("excluded", [BY_PATH, BY_VIEW], ids=["by_path", "by_view"])


@pytest.fixture(autouse=True)
def urls() -> Iterator[None]:
    cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "exclusions"}
    with override_settings(ROOT_URLCONF=__name__, CACHES={"default": cache}):
        yield


def visit(url: str) -> int:
    response = Client(raise_request_exception=False).get(url)
    if response.streaming:
        assert b"".join(response)
    response.close()
    connection.close()
    return response.status_code


def visit_async(url: str) -> None:
    async def get() -> None:
        response: Any = await AsyncClient(raise_request_exception=False).get(url)
        if response.streaming:
            assert [chunk async for chunk in response]
        response.close()

    asyncio.run(get())


@EXCLUDED
@pytest.mark.parametrize("page", ["work", "streams", "fails", "file"])
def test_nothing_of_an_excluded_request_is_written(
    events: Events, use: Use, excluded: dict[str, str], page: str
) -> None:
    use(**excluded)
    visit(f"/internal/{page}/")
    outside.flush()
    assert events() == []
    assert visit("/healthz") == 200
    assert events() == []
    visit(f"/public/{page}/")
    assert [event["view"] for event in events("http_request")] == [f"public:{page}"]


@EXCLUDED
@pytest.mark.parametrize("page", ["work", "async", "streams-async", "fails"])
def test_nothing_of_an_excluded_request_is_written_under_asgi(
    events: Events, use: Use, excluded: dict[str, str], page: str
) -> None:
    use(**excluded)
    visit_async(f"/internal/{page}/")
    outside.flush()
    assert events() == []
    visit_async(f"/public/{page}/")
    assert [event["view"] for event in events("http_request")] == [f"public:{page.replace('-', '_')}"]


MORE = pytest.mark.parametrize(
    "more",
    [{}, {"QUERIES": "each", "CACHES": "each"}, {"SLOW_QUERY_SECONDS": "0"}],
    ids=["fold", "each", "slow"],
)


@MORE
@pytest.mark.parametrize("page", ["work", "much"])
def test_nothing_of_an_excluded_path_is_written_early(
    events: Events, use: Use, more: dict[str, str], page: str
) -> None:
    use(**BY_PATH, **more)
    visit(f"/internal/{page}/")
    outside.flush()
    assert events() == []


@MORE
def test_nothing_of_an_excluded_view_is_written_early(events: Events, use: Use, more: dict[str, str]) -> None:
    use(**BY_VIEW, **more)
    visit("/internal/much/")
    outside.flush()
    assert events() == []


@EXCLUDED
def test_an_excluded_request_does_not_have_the_process_told(events: Events, use: Use, excluded: dict[str, str]) -> None:
    use(**excluded, PROCESS_STATS_SECONDS=0)
    visit("/healthz")
    assert events() == []
    visit("/hello/")
    assert len(events("process_stats")) == 1


def test_a_failed_connection_of_an_excluded_request_is_not_written(events: Events, use: Use) -> None:
    use(**BY_PATH)
    missing = {"ENGINE": "django.db.backends.sqlite3", "NAME": "/no/such/folder/db"}
    with added("missing", missing), pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.connection", connections["missing"])
        visit("/internal/work/")
    outside.flush()
    assert events() == []


def test_others_keep_what_they_did_beside_an_excluded_one(events: Events, use: Use) -> None:
    use(**BY_PATH)
    pages = ["/public/work/", "/internal/work/", "/healthz", "/public/work/", "/healthz/none"]
    for page in pages:
        visit(page)
    requests = events("http_request")
    assert [(event["view"], event["status"]) for event in requests] == [
        ("public:work", 200),
        ("public:work", 200),
        ("<unnamed view>", 404),
    ]
    assert {event["request_id"] for event in events()} == {event["request_id"] for event in requests}
    assert sum(event["count"] for event in events("db_query")) == sum(event["db_queries"] for event in requests) == 8


def test_work_before_an_excluded_request_is_no_part_of_it(events: Events, use: Use) -> None:
    use(**BY_PATH)
    connection.ensure_connection()
    queries.install(connections["default"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    visit("/internal/work/")
    outside.flush()
    assert [(event["unit"], event["count"]) for event in events("db_query")] == [("none", 1)]


def test_paths_are_matched_whole_and_with_their_case(events: Events, use: Use) -> None:
    use(EXCLUDE_PATHS="/hell,/HELLO/,hello/*,/hello/?x=*")
    visit("/hello/?x=1")
    use(EXCLUDE_PATHS="/h?llo/")
    visit("/hello/?x=1")
    assert len(events("http_request")) == 1


def test_views_are_matched_whole_and_with_their_namespace(events: Events, use: Use) -> None:
    use(EXCLUDE_VIEWS="work,hell,public,Hello")
    for url in ("/public/work/", "/hello/"):
        visit(url)
    assert [event["view"] for event in events("http_request")] == ["public:work", "hello"]


def test_requests_that_no_url_matched_are_one_name(events: Events, use: Use) -> None:
    use(EXCLUDE_VIEWS="<unnamed view>")
    assert visit("/no/such/page/") == 404
    visit("/hello/")
    assert [event["view"] for event in events("http_request")] == ["hello"]


def test_no_unit_is_left_behind_by_an_excluded_request(use: Use) -> None:
    use(**BY_PATH)
    visit("/internal/fails/")
    assert unit.current.get() is None


def test_an_excluded_file_is_still_served_whole(use: Use) -> None:
    use(**BY_PATH)
    response: Any = Client().get("/internal/file/")
    assert isinstance(response, FileResponse)
    assert len(b"".join(response)) == 1234
    response.close()
