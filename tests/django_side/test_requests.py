"""One http_request for each request, as the client saw it, whatever became of it."""

import asyncio
import gc
import uuid
import weakref
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.test import AsyncClient, Client, RequestFactory, override_settings

from logemit import emitter, unit
from tests.conftest import Events

client = Client(raise_request_exception=False)


def _start_response(*_: Any) -> Any:
    """As a server's, which keeps nothing."""


def only(events: Events) -> dict[str, Any]:
    (event,) = events("http_request")
    return event


def test_a_plain_request(events: Events) -> None:
    client.get("/hello/?token=secret", HTTP_X_REQUESTED_WITH="XMLHttpRequest")
    event = only(events)
    assert event["service"] == "shop"
    assert event["unit"] == "request"
    assert len(event["request_id"]) == 16
    wanted = {
        "outcome": "ok",
        "method": "GET",
        "view": "hello",
        "route": "hello/",
        "status": 200,
        "transport": "http",
        "ajax": True,
        "streaming": False,
        "charset": "utf-8",
        "request_bytes": 0,
        "response_bytes": 5,
        "db_queries": 0,
    }
    assert {name: event[name] for name in wanted} == wanted
    assert 0 < event["duration_seconds"] < 5
    assert "secret" not in str(events())


def test_an_exception_in_a_view_is_one_request(events: Events) -> None:
    assert client.get("/fails/").status_code == 500
    event = only(events)
    assert (event["outcome"], event["status"], event["exception"]) == ("error", 500, "ZeroDivisionError")


@pytest.mark.parametrize(
    ("path", "exception"), [("/hello/?middleware=fails", "LookupError"), ("/broken-page/", "ArithmeticError")]
)
def test_exceptions_in_middleware_and_rendering_are_told(events: Events, path: str, exception: str) -> None:
    assert client.get(path).status_code == 500
    assert only(events)["exception"] == exception


@pytest.mark.parametrize(("path", "status"), [("/not-there/", 404), ("/forbidden/", 403)])
def test_http404_and_permission_denied_are_responses_not_exceptions(events: Events, path: str, status: int) -> None:
    assert client.get(path).status_code == status
    event = only(events)
    assert (event["outcome"], event["status"]) == ("ok", status)
    assert "exception" not in event


def test_an_exception_that_a_middleware_answers_is_a_response(events: Events) -> None:
    assert client.get("/fails/?exception=answered").status_code == 409
    event = only(events)
    assert (event["outcome"], event["status"], event["view"]) == ("ok", 409, "fails")
    assert "exception" not in event


def test_a_request_that_a_middleware_answers_is_counted_without_a_view(events: Events) -> None:
    assert client.get("/hello/?middleware=answers").status_code == 418
    event = only(events)
    assert (event["status"], event["view"]) == (418, "<unnamed view>")


def test_the_slash_redirect_is_a_301(events: Events) -> None:
    client.get("/hello")
    event = only(events)
    assert (event["status"], event["view"]) == (301, "<unnamed view>")


def test_an_unknown_method_is_one_sentinel(events: Events) -> None:
    client.generic("BREW", "/hello/")
    assert only(events)["method"] == "<invalid method>"


def test_an_unresolved_url_is_the_unnamed_view_never_the_path(events: Events) -> None:
    client.get("/no/such/path/")
    event = only(events)
    assert (event["view"], event["route"], event["status"]) == ("<unnamed view>", "", 404)
    assert "such" not in str(event)


@pytest.mark.parametrize("length", ["abc", "-5", "", "9" * 400, "\uff11\uff12"])
def test_a_malformed_content_length_is_no_500(events: Events, length: str) -> None:
    assert client.get("/hello/", CONTENT_LENGTH=length).status_code == 200
    assert only(events)["request_bytes"] == 0


def test_the_request_body_counts_by_its_length(events: Events) -> None:
    client.post("/hello/", data=b"x" * 321, content_type="text/plain")
    assert only(events)["request_bytes"] == 321


def test_a_head_response_has_no_body(events: Events) -> None:
    client.head("/hello/")
    assert only(events)["response_bytes"] == 0


def test_a_template_response_is_known_by_its_template(events: Events) -> None:
    client.get("/page/")
    assert only(events)["template"] == "hello.html"


def test_https_behind_a_proxy(events: Events) -> None:
    client.get("/hello/", secure=True)
    assert only(events)["transport"] == "https"


@pytest.mark.parametrize(
    ("given", "taken"), [("abc-123", True), ("x" * 129, False), ("bad id", False), ('"\n', False), ("ñ", False)]
)
def test_a_request_id_is_taken_from_the_header_where_it_is_harmless(events: Events, given: str, taken: bool) -> None:
    client.get("/hello/", HTTP_X_REQUEST_ID=given)
    assert (only(events)["request_id"] == given) is taken


def test_a_stream_is_one_event_at_its_end_with_its_bytes_and_queries(events: Events) -> None:
    response = client.get("/streamed/")
    assert events("http_request") == []
    assert len(b"".join(response)) == 50
    response.close()
    event = only(events)
    assert (event["outcome"], event["streaming"], event["response_bytes"]) == ("ok", True, 50)
    assert event["db_queries"] == 5
    (fold,) = events("db_query")
    assert (fold["count"], fold["request_id"]) == (5, event["request_id"])


def test_a_stream_that_fails_is_one_event(events: Events) -> None:
    response = client.get("/streamed/?fails")
    with pytest.raises(BufferError):
        b"".join(response)
    response.close()
    event = only(events)
    assert (event["outcome"], event["exception"], event["response_bytes"]) == ("error", "BufferError", 30)


def test_a_stream_whose_client_goes_away_is_one_event(events: Events) -> None:
    response = client.get("/streamed/")
    next(iter(response))
    response.close()
    response.close()
    event = only(events)
    assert (event["outcome"], event["response_bytes"]) == ("aborted", 10)


def test_a_file_is_not_wrapped_again(events: Events) -> None:
    class SendFile:
        def __init__(self, content: Any, _block_size: int) -> None:
            self.content = content

    environ = {**RequestFactory().get("/file/").environ, "wsgi.file_wrapper": SendFile}
    response = get_wsgi_application()(environ, _start_response)
    assert isinstance(response, SendFile)  # the server may send the file itself
    assert len(response.content.read()) == 1234
    response.content.close()
    event = only(events)
    assert (event["outcome"], event["streaming"], event["response_bytes"]) == ("ok", True, 1234)


async def consume(response: Any) -> int:
    return sum([len(chunk) async for chunk in response])


def test_async_views_and_streams(events: Events) -> None:
    async def visit() -> None:
        browser = AsyncClient(raise_request_exception=False)
        await browser.get("/hello-async/")
        await browser.get("/fails/")
        response = await browser.get("/streamed-async/")
        assert await consume(response) == 50
        response.close()

    asyncio.run(visit())
    found = [(event["view"], event["status"], event["outcome"]) for event in events("http_request")]
    assert found == [("hello_async", 200, "ok"), ("fails", 500, "error"), ("streamed_async", 200, "ok")]
    assert [event.get("exception") for event in events("http_request")] == [None, "ZeroDivisionError", None]
    assert events("http_request")[2]["response_bytes"] == 50


def scope(path: str, query: bytes = b"") -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "query_string": query,
        "headers": [(b"host", b"localhost")],
    }


def test_a_request_cancelled_under_asgi_is_one_event(events: Events) -> None:
    async def visit() -> None:
        communicator = ApplicationCommunicator(get_asgi_application(), scope("/hello-async/", b"seconds=300"))
        await communicator.send_input({"type": "http.request", "body": b""})
        await asyncio.sleep(0.05)
        await communicator.send_input({"type": "http.disconnect"})
        await communicator.wait(timeout=60)

    asyncio.run(visit())
    event = only(events)
    assert event["outcome"] == "cancelled"
    assert "status" not in event


def test_many_requests_at_once_keep_their_queries_apart(events: Events) -> None:
    async def visit() -> None:
        browser = AsyncClient()
        await asyncio.gather(*(browser.get("/queries/a/", {"n": n}) for n in range(1, 6)))

    asyncio.run(visit())
    by_request = {event["request_id"]: event["db_queries"] for event in events("http_request")}
    assert sorted(by_request.values()) == [1, 2, 3, 4, 5]
    assert {event["request_id"]: event["count"] for event in events("db_query")} == by_request


def test_no_header_changes(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    with_events = client.get("/queries/a/").headers
    monkeypatch.setenv("LOGEMIT_ENABLED", "0")
    emitter.reset()
    assert dict(client.get("/queries/a/").headers) == dict(with_events)
    assert len(events("http_request")) == 1


@pytest.mark.parametrize(
    "broken", ["logemit.emitter.render", "logemit.exchange.Exchange._fields", "logemit.grid.seconds_le"]
)
def test_no_error_of_ours_reaches_a_response(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(broken, fail)
    assert client.get("/queries/a/").status_code == 200
    assert client.get("/fails/").status_code == 500


def test_no_unit_is_left_behind(events: Events) -> None:
    client.get("/hello/")
    client.get("/fails/")
    assert unit.current.get() is None


def test_a_second_setup_changes_nothing(events: Events) -> None:
    import django

    django.setup()
    client.get("/queries/a/?n=2")
    assert only(events)["db_queries"] == 2
    assert [event["count"] for event in events("db_query")] == [2]


def test_a_request_id_that_is_no_text_is_not_taken(events: Events) -> None:
    client.get("/hello/", HTTP_X_REQUEST_ID=uuid.uuid4())
    assert len(only(events)["request_id"]) == 16


def test_a_stream_leaves_nothing_for_the_garbage_collector(events: Events) -> None:
    requests: list[Any] = []
    environ = RequestFactory().get("/streamed/").environ
    application = get_wsgi_application()
    gc.collect()
    gc.disable()
    try:
        response = application(environ, _start_response)
        requests.append(weakref.ref(response))
        b"".join(response)
        response.close()
        del response
        assert requests[0]() is None
    finally:
        gc.enable()


def test_the_charset_is_the_responses_own_whatever_was_there_before(events: Events) -> None:
    for query in ("", "?header=iso-8859-1", "?own=latin-1", "?json=1", ""):
        client.get(f"/charset/{query}")
    with override_settings(DEFAULT_CHARSET="iso-8859-15"):
        client.get("/charset/?json=1")
    charsets = [event["charset"] for event in events("http_request")]
    assert charsets == ["utf-8", "iso-8859-1", "latin-1", "utf-8", "utf-8", "iso-8859-15"]
