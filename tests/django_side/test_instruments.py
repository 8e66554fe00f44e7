"""Instruments in requests: a line each, also where logemit's own are left out."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.http import HttpResponse
from django.test import AsyncClient, Client

import logemit
from logemit import families, outside
from logemit.testing import assert_event, capture_events
from tests.conftest import Events

from . import urls
from .conftest import Use


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each answer of the views counts three."""
    outside.unit().drain()
    monkeypatch.setattr(families, "_families", {})
    monkeypatch.setattr(families, "_exposed", {})
    answers = logemit.Counter("answers", "help")

    def counting(*args: Any, **kwargs: Any) -> Any:
        for _ in range(3):
            answers.inc()
        return HttpResponse(*args, **kwargs)

    monkeypatch.setattr(urls, "HttpResponse", counting)
    yield
    outside.unit().drain()


def test_a_request_makes_one_line_of_its_counts(events: Events, counted: None) -> None:
    Client().get("/hello/")
    (line,) = [line for line in events("measurement") if line["count"]]
    assert (line["value"], line["count"], line["unit"]) == (3, 3, "request")
    assert line["request_id"] == events("http_request")[0]["request_id"]


def test_a_request_under_asgi_does_the_same(events: Events, counted: None) -> None:
    asyncio.run(AsyncClient().get("/hello-async/"))
    assert [line["value"] for line in events("measurement") if line["unit"] == "request"] == [3]


@pytest.mark.parametrize("setting", [{"EXCLUDE_PATHS": "/hello/"}, {"EXCLUDE_VIEWS": "hello"}])
def test_a_request_that_is_left_out_counts_all_the_same(
    events: Events, use: Use, counted: None, setting: dict[str, str]
) -> None:
    use(**setting)
    Client().get("/hello/")
    logemit.flush()
    assert events("http_request") == []
    assert sum(line["value"] for line in events("measurement")) == 3


def test_captured_events_hold_measurements(counted: None, use: Use) -> None:
    use()
    with capture_events() as captured:
        Client().get("/hello/")
    assert_event(captured, "instrument", name="answers")
    assert_event(captured, "measurement", name="answers", value=3)


def test_a_command_makes_one_line_of_its_counts(events: Events, counted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = logemit.Counter("runs", "help")
    monkeypatch.setattr("logemit.commands.process.owe", lambda: None)

    from .shop.management.commands import work

    handle = work.Command.handle

    def counting(self: Any, *args: Any, **options: Any) -> Any:
        runs.inc(2)
        runs.inc(0.5)
        return handle(self, *args, **options)

    monkeypatch.setattr(work.Command, "handle", counting)
    call_command("work")
    (line,) = [line for line in events("measurement") if line["name"] == "runs"]
    assert (line["value"], line["count"], line["unit"]) == (2.5, 2, "command")
