"""Bookmarks, feeds, imports, jobs, reports, data quality, and timers of an app's own events."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

import logemit
from logemit import domain
from tests.conftest import ROOT, Events


def test_a_change_of_bookmarks_is_one_event(events: Events) -> None:
    logemit.bookmark_change("created", source="import", user_id=7, count=12)
    logemit.bookmark_change("archived", user_id=7)
    first, second = events("bookmark_change")
    assert (first["operation"], first["source"], first["user_id"], first["count"]) == ("created", "import", "7", 12)
    assert (second["operation"], second["count"], "source" in second) == ("archived", 1, False)


def test_the_state_of_feeds(events: Events) -> None:
    logemit.feed_state(active=3)
    logemit.feed_state(active=3, total=5)
    assert [(e["active"], e.get("total")) for e in events("feed_state")] == [(3, None), (3, 5)]


def test_a_short_import_tells_no_progress_but_its_last_figures(events: Events) -> None:
    with logemit.bookmark_import(user_id=1, format="opml") as job:
        for number in range(50):
            job.progress(items_processed=number + 1, items_total=50)
        job.set(status="success", items_failed=0)
    (event,) = events()
    assert (event["event"], event["status"]) == ("bookmark_import", "success")
    assert (event["items_processed"], event["items_total"], event["items_failed"]) == (50, 50, 0)


def test_progress_is_told_every_few_seconds_and_at_the_end(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 10**12
    monkeypatch.setattr("time.perf_counter_ns", lambda: now)
    with logemit.bookmark_import(user_id=1, format="opml", import_id="mine") as job:
        for number in range(1, 121):  # ten a second
            now += 100_000_000
            job.progress(items_processed=number, items_total=120)
        job.set(items_processed=119, items_failed=1, status="partial")
    told = events("bookmark_import_progress")
    assert [event["items_processed"] for event in told] == [50, 100, 119]
    assert {(e["import_id"], e["user_id"], e["format"], e["items_total"]) for e in told} == {("mine", "1", "opml", 120)}
    (event,) = events("bookmark_import")
    assert (event["items_processed"], event["duration_seconds"], event["import_id"]) == (119, 12, "mine")


def test_progress_alone_makes_no_success(events: Events) -> None:
    with logemit.bookmark_import(user_id=1, format="opml") as job:
        job.progress(items_processed=1)
    assert events()[0]["status"] == "unknown"


def test_an_import_that_told_its_progress_tells_it_once_more_at_its_end(
    events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "PROGRESS_SECONDS", 0)
    with logemit.bookmark_import(user_id=1, format="opml") as job:
        job.progress(items_processed=1)
    assert [event["event"] for event in events()] == ["bookmark_import_progress"] * 2 + ["bookmark_import"]


def test_a_job_has_a_line_when_it_starts_and_one_when_it_ends(events: Events) -> None:
    with logemit.job("rebuild_index", queue="slow"):
        assert [event["state"] for event in events()] == ["started"]
    first, last = events("job")
    assert (first["name"], first["state"], "duration_seconds" in first) == ("rebuild_index", "started", False)
    assert (last["name"], last["state"], last["job_id"]) == ("rebuild_index", "success", first["job_id"])
    assert last["duration_seconds"] >= 0
    assert first["queue"] == last["queue"] == "slow"


@pytest.mark.parametrize(
    ("exception", "state", "kind"),
    [
        (KeyError("secret"), "failure", "KeyError"),
        (KeyboardInterrupt(), "aborted", "KeyboardInterrupt"),
        (asyncio.CancelledError(), "aborted", "CancelledError"),
        (SystemExit(3), "failure", "SystemExit"),
        (SystemExit(0), "success", None),
    ],
)
def test_a_job_that_an_exception_ends(events: Events, exception: BaseException, state: str, kind: str | None) -> None:
    with pytest.raises(type(exception)), logemit.job("nightly"):
        raise exception
    last = events()[-1]
    assert (last["state"], last.get("exception")) == (state, kind)
    assert "secret" not in str(last)


def test_a_job_that_caught_its_failure_can_say_so(events: Events) -> None:
    with logemit.job("nightly") as job:
        job.set(state="failure", rows=3)
    assert (events()[-1]["state"], events()[-1]["rows"]) == ("failure", 3)


def test_jobs_as_decorators_sync_and_async(events: Events) -> None:
    @logemit.job("sync")
    def work() -> int:
        return 3

    @logemit.job("async", shard=lambda shard: shard)
    async def work_async(shard: int) -> None:
        await asyncio.sleep(0)
        raise LookupError

    assert work() == 3
    work()
    with pytest.raises(LookupError):
        asyncio.run(work_async(4))
    told = [(event["name"], event["state"]) for event in events()]
    assert told == [("sync", "started"), ("sync", "success")] * 2 + [("async", "started"), ("async", "failure")]
    assert len({event["job_id"] for event in events()}) == 3
    assert events()[-1]["shard"] == 4


def test_a_job_whose_process_dies_has_started() -> None:
    code = "import logemit, os\nwith logemit.job('doomed'): os._exit(9)"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "LOGEMIT_OUTPUT": "stdout"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    (line,) = done.stdout.splitlines()
    assert '"name":"doomed"' in line
    assert '"state":"started"' in line


def test_a_report_is_a_success_unless_something_else_happens(events: Events) -> None:
    with logemit.report("sales", format="pdf") as report:
        report.set(size_bytes=1024)
    with pytest.raises(ZeroDivisionError), logemit.report("sales", format="csv"):
        _ = 1 // 0
    first, second = events("report")
    assert (first["name"], first["format"], first["status"], first["size_bytes"]) == ("sales", "pdf", "success", 1024)
    assert (second["format"], second["status"]) == ("csv", "error")


def test_data_quality_is_the_share_that_passed_where_no_score_is_given(events: Events) -> None:
    logemit.data_quality("orders", checked=200, failed=3)
    logemit.data_quality("orders", score=0.5, checked=200, failed=3)
    logemit.data_quality("orders", checked=0, failed=0)
    logemit.data_quality("orders", checked="many", failed=None)  # type: ignore[arg-type]
    assert [event.get("score") for event in events("data_quality")] == [0.985, 0.5, None, None]


def test_a_timer_of_an_event_of_the_apps_own(events: Events) -> None:
    with logemit.timed("external_api_call", method="sendMessage"):
        pass
    with logemit.timed("external_api_call", method="sendMessage") as call:
        call.set(status=429)
    with pytest.raises(OSError, match="secret"), logemit.timed("external_api_call", method="getMe"):
        raise OSError("secret")
    told = [(event["method"], event["status"]) for event in events("external_api_call")]
    assert told == [("sendMessage", "success"), ("sendMessage", 429), ("getMe", "error")]
    assert all(event["duration_seconds"] >= 0 for event in events())
    assert "secret" not in str(events())


def test_a_timer_as_a_decorator_takes_nothing_of_what_the_apps_function_returns(events: Events) -> None:
    @logemit.timed("external_api_call", method=lambda method: method)
    def call(method: str) -> dict[str, str]:
        return {"token": "secret", "status": "leaked"}

    @logemit.timed("external_api_call", method=lambda method: method)
    async def call_async(method: str) -> str:
        await asyncio.sleep(0)
        return method

    assert call("getMe")["token"] == "secret"
    assert asyncio.run(call_async("getUpdates")) == "getUpdates"
    assert [(event["method"], event["status"]) for event in events()] == [
        ("getMe", "success"),
        ("getUpdates", "success"),
    ]
    assert "token" not in events()[0]


def test_a_timer_that_is_cancelled_was_aborted(events: Events) -> None:
    async def main() -> None:
        async with asyncio.timeout(0.01), logemit.timed("external_api_call", method="getUpdates"):
            await asyncio.sleep(5)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert events()[0]["status"] == "aborted"


def test_a_timer_of_an_event_whose_status_is_a_number_leaves_it_to_the_app(events: Events) -> None:
    with logemit.timed("http_request", method="GET"):
        pass
    with logemit.timed("http_request", method="GET") as request:
        request.set(status=204)
    assert [event.get("status") for event in events()] == [None, 204]


def test_an_asynchronous_generator_cannot_be_timed() -> None:
    async def updates() -> AsyncIterator[int]:
        yield 1

    with pytest.raises(TypeError, match="async with"):
        logemit.timed("updates")(updates)


class Broken:
    def __str__(self) -> str:
        raise RuntimeError


def test_nothing_of_it_raises_into_the_app(events: Events) -> None:
    broken = Broken()
    logemit.bookmark_change(broken, source=broken)  # type: ignore[arg-type]
    logemit.feed_state(active=broken)  # type: ignore[arg-type]
    logemit.data_quality(broken, checked=broken, failed=broken)  # type: ignore[arg-type]
    with logemit.job(broken), logemit.report(broken), logemit.timed("own", field=broken) as timed:
        timed.set(more=broken)
    logemit.feed_state(active=1)
    assert events("feed_state")[-1]["active"] == 1
