"""logemit.testing: what an app's own tests use."""

import threading
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

import logemit
from logemit import emitter, outside
from logemit.testing import CapturedEvents, assert_event, assert_no_event, capture_events, matching
from tests.conftest import Events

from .conftest import Use


def test_events_are_captured_as_dicts_and_reach_no_output(events: Events) -> None:
    with capture_events() as captured:
        Client().get("/queries/a/", {"n": 4})
        logemit.emit("own", pages=3)
    assert [event["event"] for event in captured.of("own")] == ["own"]
    assert assert_event(captured, "http_request", view="queries", status=200)["db_queries"] == 4
    assert assert_event(captured, "db_query", operation="SELECT", error=None)["count"] == 4
    assert [event["seq"] for event in captured] == list(range(len(captured)))
    assert events() == []


def test_what_was_done_before_and_after_the_block_reaches_the_output(events: Events) -> None:
    logemit.emit("before")
    with capture_events() as captured:
        logemit.emit("within")
    logemit.emit("after")
    assert [event["event"] for event in captured] == ["within"]
    assert [(event["event"], event["seq"]) for event in events()] == [("before", 0), ("after", 1)]


def query() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_work_outside_any_unit_is_there_at_the_end_of_its_own_block_alone(events: Events) -> None:
    connection.ensure_connection()
    outside.flush()
    query()
    with capture_events() as captured:
        query()
        query()
        assert captured == []
    assert assert_event(captured, "db_query")["count"] == 2
    assert events("db_query")[0]["count"] == 1


def test_a_block_that_raises_leaves_nothing_to_the_output(events: Events) -> None:
    connection.ensure_connection()
    outside.flush()
    before = len(events())
    blocks: list[CapturedEvents] = []

    def work() -> None:
        with capture_events() as captured:
            blocks.append(captured)
            query()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert assert_event(blocks[0], "db_query")["count"] == 1
    outside.flush()
    assert len(events()) == before


def test_events_of_other_threads_are_captured(events: Events) -> None:
    with capture_events() as captured:
        thread = threading.Thread(target=logemit.emit, args=("own",))
        thread.start()
        thread.join()
    assert_event(captured, "own", unit="none")


def test_the_inner_of_two_blocks_takes_its_events(events: Events) -> None:
    with capture_events() as outer:
        logemit.emit("one")
        with capture_events() as inner:
            logemit.emit("two")
        logemit.emit("three")
    assert [event["event"] for event in inner] == ["two"]
    assert [event["event"] for event in outer] == ["one", "three"]
    assert events() == []


def test_what_the_process_uses_comes_into_no_capture_and_is_told_after_it(events: Events, use: Use) -> None:
    use(PROCESS_STATS_SECONDS=0)
    with capture_events() as captured:
        Client().get("/hello/")
    assert [event["event"] for event in captured] == ["http_request"]
    assert events() == []
    Client().get("/hello/")
    assert len(events("process_stats")) == 1


def test_settings_that_are_read_within_the_block_hold(events: Events, use: Use) -> None:
    with capture_events() as captured:
        use(SERVICE="other")
        logemit.emit("own")
    assert_event(captured, "own", service="other")
    logemit.emit("after")
    assert [event["service"] for event in events()] == ["other"]


def test_switched_off_nothing_is_captured(use: Use) -> None:
    use(ENABLED=0)
    with capture_events() as captured:
        logemit.emit("own")
        Client().get("/hello/")
    assert captured == []


def test_an_event_that_cannot_be_rendered_fails_the_block_and_not_the_app(
    use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emitter, "_told", set())
    use(PROCESSORS="builtins.len")
    reached: list[str] = []

    def work() -> None:
        with capture_events() as captured:
            for name in ("one", "two"):
                logemit.emit(name)
                reached.append(name)
            assert captured == []

    with pytest.raises(AssertionError, match="2 events could not be rendered"):
        work()
    assert reached == ["one", "two"]


def test_an_output_that_is_broken_matters_to_no_capture(use: Use, tmp_path: Path) -> None:
    use(OUTPUT=tmp_path / "no" / "folder")
    with capture_events() as captured:
        logemit.emit("own")
    assert len(captured) == 1


EVENTS = CapturedEvents(
    [
        {"event": "command", "name": "work", "status": "ok"},
        {"event": "command", "name": "work", "status": "error", "exception": "CommandError"},
        {"event": "own", "events": 3, "self": "x"},
    ]
)


def test_events_match_by_their_fields_of_any_name() -> None:
    assert len(matching(EVENTS, "command", name="work")) == 2
    assert assert_event(EVENTS, "command", name="work", exception=None) is EVENTS[0]
    assert assert_event(EVENTS, "own", events=3, self="x") is EVENTS[2]
    assert_no_event(EVENTS, "command", name="play")
    assert_no_event(EVENTS, "task")


def test_a_failed_assertion_shows_what_there_is() -> None:
    with pytest.raises(AssertionError) as none:
        assert_event(EVENTS, "command", status="aborted")
    assert str(none.value).splitlines() == [
        "expected one command(status='aborted'), found 0",
        '  {"event": "command", "name": "work", "status": "ok"}',
        '  {"event": "command", "name": "work", "status": "error", "exception": "CommandError"}',
        "  other events: own",
    ]
    with pytest.raises(AssertionError, match=r"expected one command\(name='work'\), found 2"):
        assert_event(EVENTS, "command", name="work")
    with pytest.raises(AssertionError, match="expected no own, found 1"):
        assert_no_event(EVENTS, "own")
    with pytest.raises(AssertionError, match="other events: none"):
        assert_event([], "own")
