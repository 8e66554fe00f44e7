"""Feed polls and bookmark imports: context managers and decorators that time themselves."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

import logemit
from tests.conftest import Events


def test_results_make_a_poll_a_success(events: Events) -> None:
    with logemit.feed_poll(feed_id=7) as poll:
        poll.set(items_discovered=20, items_new=3)
    (event,) = events()
    assert (event["event"], event["feed_id"], event["status"]) == ("feed_poll", "7", "success")
    assert (event["items_discovered"], event["items_new"]) == (20, 3)
    assert 0 <= event["duration_seconds"] < 1


def test_a_poll_that_returned_without_results_is_no_success(events: Events) -> None:
    with logemit.feed_poll(feed_id=7):
        pass
    assert events()[0]["status"] == "unknown"


def test_a_status_that_was_set_wins(events: Events) -> None:
    with logemit.feed_poll(feed_id=7) as poll:
        poll.set(items_new=0).set(status="not_modified")
    assert events()[0]["status"] == "not_modified"


def test_an_exception_makes_it_an_error_and_passes(events: Events) -> None:
    def take_in() -> None:
        with logemit.bookmark_import(user_id=1, format="opml") as job:
            job.set(items_processed=2, status="success")
            raise KeyError

    with pytest.raises(KeyError):
        take_in()
    (event,) = events()
    assert (event["status"], event["items_processed"], event["user_id"]) == ("error", 2, "1")
    assert len(event["import_id"]) == 16


def test_an_import_keeps_the_id_that_it_was_given(events: Events) -> None:
    with logemit.bookmark_import(user_id=1, format="opml", import_id="mine"):
        pass
    assert events()[0]["import_id"] == "mine"


def test_a_decorator_times_each_call_and_takes_fields_from_its_arguments(events: Events) -> None:
    @logemit.feed_poll(feed_id=lambda feed: feed["id"])
    def poll(feed: dict[str, int]) -> dict[str, int]:
        return {"items_new": feed["id"] * 2, "unrelated": 1}

    assert poll({"id": 3})["unrelated"] == 1
    poll({"id": 4})
    assert [(e["feed_id"], e["items_new"], e["status"]) for e in events()] == [("3", 6, "success"), ("4", 8, "success")]
    assert "unrelated" not in events()[0]


def test_asynchronous_use(events: Events) -> None:
    @logemit.bookmark_import(user_id=lambda user: user, format="json")
    async def take_in(user: int) -> None:
        await asyncio.sleep(0)

    async def main() -> None:
        await take_in(5)
        await take_in(6)
        async with logemit.feed_poll(feed_id=1) as poll:
            poll.set(items_new=1)

    asyncio.run(main())
    first, second, third = events()
    assert (first["user_id"], second["user_id"], third["status"]) == ("5", "6", "success")
    assert first["import_id"] != second["import_id"]


def test_a_decorator_whose_fields_cannot_be_found_does_not_stop_the_call(events: Events) -> None:
    @logemit.feed_poll(feed_id=lambda feed: feed.pk)
    def poll(feed: object) -> dict[str, int]:
        return {"items_new": 1}

    assert poll(None) == {"items_new": 1}
    assert "feed_id" not in events()[0]


def test_a_decorated_generator_is_timed_to_its_end(events: Events) -> None:
    @logemit.feed_poll(feed_id=1)
    def poll() -> Iterator[int]:
        yield 1
        time.sleep(0.02)
        yield 2

    assert list(poll()) == [1, 2]
    assert events()[0]["duration_seconds"] > 0.02


def test_an_asynchronous_generator_cannot_be_decorated() -> None:
    async def poll() -> AsyncIterator[int]:
        yield 1

    with pytest.raises(TypeError, match="async with"):
        logemit.feed_poll(feed_id=1)(poll)
