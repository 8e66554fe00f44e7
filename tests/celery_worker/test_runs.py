"""One run of a task, without a worker: eagerly, or through the tracer that a worker uses."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery, signals
from celery.app.trace import build_tracer
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from django.db import connection
from kombu.entity import Exchange, Queue
from structlog.contextvars import bound_contextvars, get_contextvars

import logemit
import logemit.celery
from logemit import emitter, unit
from tests.conftest import Events

app = Celery("runs", broker="memory://", backend="cache+memory://", set_as_current=False, fixups=set())
app.conf.task_queues = [
    Queue("celery", routing_key="celery"),
    Queue("bulk", Exchange("media", type="topic"), routing_key="media.#"),
    Queue("mail", Exchange("letters", type="direct"), routing_key="out"),
    Queue("post", Exchange("letters", type="direct"), routing_key="in"),
]
RAISED = {
    "failure": ValueError("no"),
    "ignored": Ignore(),
    "rejected": Reject("no", requeue=False),
}


@app.task(name="runs.do")
def do(action: Callable[[], Any] | None = None) -> Any:
    return action() if action else None


@app.task(name="runs.again", bind=True, max_retries=2, default_retry_delay=0)
def again(self: Any, failures: int = 9) -> None:
    if self.request.retries < failures:
        self.retry(exc=ConnectionError("no"))


def failing(exception: BaseException) -> Callable[[], Any]:
    def action() -> Any:
        raise exception

    return action


def query() -> Any:
    connection.cursor().execute("SELECT 1")


def run(task: Any, *args: Any, **request: Any) -> Any:
    """As a worker runs it, which has received this request."""
    request = {"id": "t1", "delivery_info": {"exchange": "", "routing_key": "celery"}, **request}
    return build_tracer(task.name, task, app=app)(request["id"], args, {}, request)


def only(events: Events, name: str = "task") -> dict[str, Any]:
    [event] = events(name)
    return event


def test_a_run_is_one_event_and_what_happens_in_it_is_its_own(events: Events) -> None:
    def work() -> None:
        query()
        query()
        logemit.emit("seen")

    run(do, work)
    assert [line["event"] for line in events() if line["event"] != "db_connection"] == ["seen", "db_query", "task"]
    assert {(line["unit"], line["task_id"]) for line in events()} == {("task", "t1")}
    task = only(events)
    assert (task["name"], task["queue"], task["state"], task["retries"]) == ("runs.do", "celery", "success", 0)
    assert task["db_queries"] == only(events, "db_query")["count"] == 2
    assert task["db_seconds"] == only(events, "db_query")["duration_seconds"]
    assert task["duration_seconds"] > 0


@pytest.mark.parametrize("state", RAISED)
def test_states_of_runs_that_raise(events: Events, state: str) -> None:
    run(do, failing(RAISED[state]))
    assert only(events)["state"] == state
    assert only(events).get("exception") == ("ValueError" if state == "failure" else None)


@pytest.mark.parametrize("state", RAISED)
def test_states_of_eager_runs_that_raise(events: Events, state: str) -> None:
    do.apply((failing(RAISED[state]),))
    assert only(events)["state"] == state
    assert only(events)["queue"] == ""


def test_a_retry_is_no_failure_and_has_the_exception_that_caused_it(events: Events) -> None:
    again.apply((2,))
    found = [(task["state"], task["retries"], task.get("exception")) for task in events("task")]
    assert sorted(found) == [("retry", 0, "ConnectionError"), ("retry", 1, "ConnectionError"), ("success", 2, None)]


def test_the_last_of_too_many_retries_is_a_failure(events: Events) -> None:
    again.apply()
    assert sorted(task["state"] for task in events("task")) == ["failure", "retry", "retry"]


@pytest.mark.parametrize(
    ("exception", "state"), [(ValueError(), "failure"), (SystemExit(), "failure"), (KeyboardInterrupt(), "failure")]
)
def test_an_exception_that_passes_through_an_eager_run_is_seen(
    events: Events, exception: BaseException, state: str
) -> None:
    with suppress(type(exception)):
        do.apply((failing(exception),), throw=True)
    assert (only(events)["state"], only(events)["exception"]) == (state, type(exception).__name__)
    assert unit.current.get() is None


def test_a_retry_that_passes_through_an_eager_run_is_a_retry(events: Events) -> None:
    with suppress(Exception):
        again.apply(throw=True)
    assert {task["state"] for task in events("task")} == {"retry"}


def test_a_run_inside_an_except_block_did_not_fail_for_that(events: Events) -> None:
    try:
        raise ValueError
    except ValueError:
        do.apply()
    assert only(events)["state"] == "success"


def test_a_run_whose_callback_cannot_be_sent_has_failed_though_it_returned(events: Events) -> None:
    """Celery says SUCCESS at postrun and FAILURE to everybody else."""
    with pytest.warns(RuntimeWarning, match="outside body"):
        run(do, callbacks=[object()])
    assert only(events)["state"] == "failure"


def test_a_child_process_that_ends_leaves_the_event_to_its_parent_but_not_the_queries(events: Events) -> None:
    def leave() -> None:
        query()
        raise SystemExit

    with suppress(SystemExit):
        run(do, leave)
    assert events("task") == []
    assert only(events, "db_query")["task_id"] == "t1"


def test_a_soft_time_limit_is_an_exception_like_others(events: Events) -> None:
    run(do, failing(SoftTimeLimitExceeded(1)))
    assert only(events)["exception"] == "SoftTimeLimitExceeded"


@pytest.mark.parametrize("throw", [True, False])
@pytest.mark.parametrize("raises", [True, False])
def test_an_eager_run_in_a_unit_gives_it_back_exactly(events: Events, raises: bool, throw: bool) -> None:
    outer = unit.Unit("request", "r1")
    with unit.entered(outer), bound_contextvars(request_id="r1"):
        before = get_contextvars()
        with suppress(ValueError):
            do.apply((failing(ValueError()) if raises else query,), throw=throw)
        assert unit.current.get() is outer
        assert get_contextvars() == before
        query()
        outer.close()
    assert (outer.queries, only(events)["db_queries"]) == (1, 0 if raises else 1)
    assert unit.current.get() is None


def test_tasks_in_tasks_are_units_of_their_own(events: Events) -> None:
    def outer() -> None:
        query()
        do.apply((query,), task_id="t2")
        query()
        assert get_contextvars()["task_id"] == "t1"

    run(do, outer)
    assert {task["task_id"]: task["db_queries"] for task in events("task")} == {"t1": 2, "t2": 1}
    assert {line["task_id"]: line["count"] for line in events("db_query")} == {"t1": 2, "t2": 1}
    assert "task_id" not in get_contextvars()


def test_a_task_called_as_a_function_is_no_run(events: Events) -> None:
    do()
    assert events() == []


def test_a_task_id_that_was_bound_before_is_bound_again(events: Events) -> None:
    with bound_contextvars(task_id="outer"):
        run(do)
        assert get_contextvars()["task_id"] == "outer"
    assert only(events)["task_id"] == "t1"


@pytest.mark.parametrize(
    ("exchange", "key", "queue"),
    [
        ("", "celery", "celery"),
        ("", "made.when.sent", "made.when.sent"),
        ("media", "media.user.42", "bulk"),  # a key may hold anything
        ("letters", "in", "post"),
        ("letters", "elsewhere", ""),
        ("of somebody else", "celery", ""),
        (None, None, ""),
    ],
)
def test_the_queue_is_the_one_that_the_message_came_through(
    events: Events, exchange: Any, key: Any, queue: str
) -> None:
    run(do, delivery_info={"exchange": exchange, "routing_key": key})
    assert only(events)["queue"] == queue


def now(**later: float) -> datetime:
    return datetime.now(UTC) + timedelta(**later)


@pytest.mark.parametrize(
    ("sent", "eta", "at_least", "less_than"),
    [
        (now(hours=-2), None, 7200, 9000),
        (now(hours=-2), now(hours=-1), 3600, 5400),  # it was not due before
        (now(hours=-1), now(hours=-2), 3600, 5400),  # it was due when it was sent
        (now(hours=-2), now(hours=-1).replace(tzinfo=None), 3600, 5400),  # which Celery takes for UTC
    ],
)
def test_queue_time_counts_from_when_the_task_was_due(
    events: Events, sent: datetime, eta: datetime | None, at_least: float, less_than: float
) -> None:
    run(do, logemit_sent=sent.timestamp(), eta=eta and eta.isoformat())
    assert at_least <= only(events)["queue_seconds"] < less_than


@pytest.mark.parametrize("sent", [None, "yesterday", float("nan"), float("-inf"), 4e9, [1]])
def test_a_queue_time_that_cannot_be_is_left_out_and_the_run_still_counts(events: Events, sent: Any) -> None:
    run(do, logemit_sent=sent)
    assert "queue_seconds" not in only(events)


@pytest.mark.parametrize("setting", ["LOGEMIT_CELERY", "LOGEMIT_ENABLED"])
def test_switched_off_there_are_neither_events_nor_units(
    events: Events, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv(setting, "0")
    emitter.reset()
    run(do, lambda: unit.current.get() and pytest.fail("a unit"))
    assert events("task") == []


def test_what_was_done_between_runs_is_written_after_the_next_and_is_not_its_own(events: Events) -> None:
    query()
    run(do)
    assert only(events, "db_query")["unit"] == "none"
    assert "task_id" not in only(events, "db_query")


def test_a_child_process_writes_what_it_did_outside_tasks_before_it_ends(events: Events) -> None:
    query()
    assert events("db_query") == []
    signals.worker_process_shutdown.send(sender=None, pid=1, exitcode=0)
    assert only(events, "db_query")["unit"] == "none"


def test_an_error_of_ours_reaches_no_task(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logemit.celery._fields", failing(RuntimeError()))
    assert run(do, lambda: query() or 7).retval == 7
    assert unit.current.get() is None
    assert "task_id" not in get_contextvars()
    assert [only(events, "db_query")["task_id"], *events("task")] == ["t1"]
