"""Nothing that a visitor sends or an app keeps gets into a line, with every setting on; and nobody is looked up."""

import asyncio
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.cache import caches
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection, connections
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from structlog.contextvars import bind_contextvars

import logemit
from logemit import emitter, outside
from logemit.vocabulary import EVENTS
from tests.conftest import Events

from . import scenario
from .conftest import Use
from .databases import added, sqlite

CANARY = "Kanarienvogel7"
ADDRESS = "203.0.113.77"
MIDDLEWARE = [
    "logemit.middleware.EventMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "logemit.middleware.ViewMiddleware",
]
EVERYTHING = {
    "QUERIES": "each",
    "SLOW_QUERY_SECONDS": "0",
    "CACHES": "each",
    "MODELS": "all",
    "PROCESS_STATS_SECONDS": "0",
    "RESPONSE_ID_HEADER": "X-Request-ID",
}


def hostile(request: HttpRequest, word: str) -> HttpResponseBase:
    from .shop.models import Tag

    bind_contextvars(email=f"{CANARY}@example.org", ip=ADDRESS)
    request.session["word"] = CANARY
    cache = caches["default"]
    cache.set(CANARY, CANARY)
    cache.get_many([CANARY, f"{CANARY}2"])
    Tag.objects.using("canary").create(name=CANARY)
    Tag.objects.using("canary").filter(name__contains=CANARY).update(name=f"{CANARY}!")
    with connections["canary"].cursor() as cursor:
        cursor.execute("SELECT %s", [word])
        cursor.execute(f"SELECT '{CANARY}' /* {CANARY} */ -- {CANARY}")
        cursor.executemany("INSERT INTO shop_tag (name) VALUES (%s)", [[f"{CANARY}{i}"] for i in range(2)])
        for broken in (f"SELECT * FROM shop_tag WHERE name = '{CANARY}' AND x", f"'{CANARY}"):
            with pytest.raises(DatabaseError):
                cursor.execute(broken)
    with pytest.raises(DatabaseError):
        connections["gone"].ensure_connection()
    match word.partition("-")[2]:
        case "fails":
            raise ValueError(CANARY)
        case "streams":
            return StreamingHttpResponse(iter([CANARY, CANARY]))
        case "file":
            return FileResponse(io.BytesIO(CANARY.encode()), filename=f"{CANARY}.txt", as_attachment=True)
        case "template":
            return TemplateResponse(request, "hello.html", {"name": CANARY})
    response = HttpResponse(CANARY)
    response.set_cookie(CANARY, CANARY)
    response["X-Secret"] = CANARY
    return response


def anonymous(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("anonymous/", anonymous), path("<str:word>/", hostile, name="hostile")]


class Fails(BaseCommand):
    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(CANARY)
        raise CommandError(CANARY)


@pytest.fixture(autouse=True)
def full_stack(tmp_path: Path, output: Path) -> Iterator[None]:
    cache = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path / CANARY)}
    with (
        override_settings(
            ROOT_URLCONF=__name__,
            MIDDLEWARE=MIDDLEWARE,
            SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
            CACHES={"default": cache},
        ),
        added("canary", sqlite(tmp_path / f"{CANARY}.sqlite3")),
        added("gone", sqlite(tmp_path / CANARY / CANARY / "x")),
    ):
        scenario.make_tables("canary")
        outside.flush()
        emitter.reset()
        output.unlink()
        yield


REQUEST: dict[str, Any] = {
    "query_params": {"q": CANARY, CANARY: "1"},
    "headers": {
        "user-agent": CANARY,
        "referer": f"https://{CANARY}.example/{CANARY}",
        "cookie": f"sessionid={CANARY}; {CANARY}={CANARY}",
        "authorization": f"Bearer {CANARY}",
        "x-forwarded-for": ADDRESS,
        "x-requested-with": CANARY,
        "x-request-id": f"{CANARY} {CANARY}",
        "host": f"{CANARY}.example",
    },
}


@pytest.mark.parametrize("end", ["", "-fails", "-streams", "-file", "-template"])
@pytest.mark.parametrize("queries", ["each", "fold"])
def test_no_value_of_a_request_or_of_the_app_is_in_any_line(
    events: Events, use: Use, output: Path, end: str, queries: str
) -> None:
    use(**{**EVERYTHING, "QUERIES": queries, "CACHES": queries})
    upload = SimpleUploadedFile(f"{CANARY}.html", CANARY.encode(), content_type=f"text/{CANARY}")
    client = Client(raise_request_exception=False, REMOTE_ADDR=ADDRESS)
    response: Any = client.post(f"/{CANARY}{end}/", {"body": CANARY, "file": upload}, **REQUEST)
    if response.streaming:
        assert CANARY.encode() in b"".join(response)
    response.close()
    client.generic(CANARY.upper(), f"/{CANARY}/", CANARY.encode(), content_type=CANARY, **REQUEST)
    outside.flush()
    clean(output)
    written = {event["event"] for event in events()}
    assert {"http_request", "db_query", "db_connection", "cache_operation", "model_change", "process_stats"} <= written
    assert written <= {event.name for event in EVENTS}
    assert any("sql" in event for event in events("db_query"))


def clean(output: Path) -> None:
    text = output.read_text().lower()
    assert CANARY.lower() not in text
    assert ADDRESS not in text


def test_no_value_is_in_any_line_under_asgi(events: Events, use: Use, output: Path) -> None:
    use(**EVERYTHING)

    async def visit() -> None:
        client = AsyncClient(raise_request_exception=False)
        for end in ("", "-fails", "-template"):
            await client.post(f"/{CANARY}{end}/", {"body": CANARY}, **REQUEST)

    asyncio.run(visit())
    assert len(events("http_request")) == 3
    clean(output)


def test_what_a_command_or_a_span_fails_with_is_told_by_its_type_alone(events: Events, output: Path) -> None:
    with pytest.raises(CommandError, match=CANARY):
        call_command(Fails(), stdout=io.StringIO())
    with pytest.raises(ValueError, match=CANARY), logemit.feed_poll(feed_id=7):
        raise ValueError(CANARY)
    assert [event["event"] for event in events()] == ["command", "feed_poll"]
    clean(output)


def test_every_field_that_is_written_is_in_the_vocabulary(events: Events, use: Use) -> None:
    """So whatever else may be written one day passes by the eyes of who keeps that page."""
    use(**EVERYTHING)
    Client().post(f"/{CANARY}/", **REQUEST)
    known = json.loads(Path("tests/vocabulary.lock.json").read_text())
    assert known
    fields = {event.name: {field.name for field in event.fields} for event in EVENTS}
    for event in events():
        common = {"logemit", "event", "timestamp", "service", "proc", "seq", "unit", "request_id"}
        assert set(event) - common <= fields[event["event"]]


def logged_in() -> Client:
    """Somebody with a session, whose look-up would be a query."""
    session = SessionStore()
    session.update({"_auth_user_id": "1", "_auth_user_backend": "django.contrib.auth.backends.ModelBackend"})
    session.save()
    client = Client()
    client.cookies["sessionid"] = session.session_key or ""
    return client


def test_the_user_is_not_touched(events: Events, use: Use) -> None:
    use(**EVERYTHING)
    response: Any = logged_in().get("/anonymous/")
    request = response.wsgi_request
    assert "Vary" not in response.headers
    assert not request.session.accessed
    assert not hasattr(request, "_cached_user")
    assert (events("http_request")[0]["db_queries"], events("db_query")) == (0, [])
    assert connection.connection is None


def test_the_user_is_not_touched_under_asgi(events: Events, use: Use) -> None:
    use(**EVERYTHING)

    async def visit() -> Any:
        client = AsyncClient()
        client.cookies = logged_in().cookies
        return await client.get("/anonymous/")

    response = asyncio.run(visit())
    assert "Vary" not in response.headers
    assert not response.asgi_request.session.accessed
    assert events("http_request")[0]["db_queries"] == 0
