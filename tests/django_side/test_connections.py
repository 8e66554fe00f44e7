"""Attempts to open a database connection, one event each, and the state of PostgreSQL's pools."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client, RequestFactory

from logemit import connections as ours
from logemit import outside, process, queries
from logemit.channel import Channel
from tests.conftest import Events
from tests.services import free_port

from .conftest import Use
from .databases import added, fresh, sqlite

Opened = Callable[[], list[tuple[str, str, str]]]


@pytest.fixture
def opened(events: Events) -> Opened:
    """(alias, vendor, error) of each attempt that was written."""

    def read() -> list[tuple[str, str, str]]:
        outside.flush()
        return [(event["alias"], event["vendor"], event.get("error", "")) for event in events("db_connection")]

    return read


def test_a_connection_counts_once_each_time_that_it_is_opened(opened: Opened) -> None:
    for _ in range(2):
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        connection.ensure_connection()
        connection.close()
    assert opened() == [("default", "sqlite", "")] * 2


def test_a_failed_attempt_is_told_by_the_type_of_sqlites_exception(opened: Opened, tmp_path: Path) -> None:
    with added("missing", sqlite(tmp_path / "no" / "such" / "folder.sqlite3")):
        for _ in range(2):
            with pytest.raises(OperationalError, match="unable to open"):
                connections["missing"].ensure_connection()
    assert opened() == [("missing", "sqlite", "OperationalError")] * 2


def test_a_failed_attempt_is_told_by_the_type_of_postgresqls_exception(opened: Opened) -> None:
    nowhere = {"ENGINE": "django.db.backends.postgresql", "NAME": "x", "HOST": "127.0.0.1", "PORT": str(free_port())}
    with added("nowhere", nowhere), pytest.raises(OperationalError, match="refused"):
        connections["nowhere"].ensure_connection()
    assert opened() == [("nowhere", "postgresql", "OperationalError")]


def test_an_attempt_that_the_server_turns_down_is_one_event(opened: Opened, postgres: dict[str, Any]) -> None:
    with added("unknown", {**postgres, "NAME": "no_such_database"}), pytest.raises(OperationalError):
        connections["unknown"].ensure_connection()
    assert opened() == [("unknown", "postgresql", "OperationalError")]


class BusyError(sqlite3.OperationalError):
    """A driver's."""


@pytest.mark.parametrize("step", ["get_new_connection", "init_connection_state"])
def test_the_type_is_the_drivers_whatever_it_came_from_and_whatever_django_made_of_it(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_args: Any) -> None:
        if step == "get_new_connection":
            raise BusyError from ConnectionRefusedError()
        raise OperationalError from BusyError()  # as Django does it for a statement

    monkeypatch.setattr(type(connections["default"]), step, fail)
    with pytest.raises(OperationalError):
        connection.ensure_connection()
    monkeypatch.undo()
    connection.close()
    assert opened() == [("default", "sqlite", "BusyError")]


def test_where_django_allows_no_connection_there_was_no_attempt(opened: Opened) -> None:
    async def connect() -> None:
        with pytest.raises(SynchronousOnlyOperation):
            connection.connect()

    asyncio.run(connect())
    assert opened() == []


def test_connections_that_are_open_before_logemit_is_ready_are_fitted(events: Events) -> None:
    connection.ensure_connection()
    connection.execute_wrappers.clear()
    ours.install()
    outside.unit().drain()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    outside.flush()
    assert [event["count"] for event in events("db_query")] == [1]
    assert [type(wrapper) for wrapper in connection.execute_wrappers] == [queries.QueryWrapper]


def test_a_second_setup_patches_nothing_again(opened: Opened) -> None:
    before = BaseDatabaseWrapper.connect
    django.setup()
    assert BaseDatabaseWrapper.connect is before
    connection.ensure_connection()
    assert opened() == [("default", "sqlite", "")]


def test_a_requests_connection_belongs_to_it_and_shares_its_write(
    events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []
    send = Channel.send

    def counted(self: Channel, data: bytes) -> bool:
        sent.append(data)
        return send(self, data)

    monkeypatch.setattr(Channel, "send", counted)
    Client().get("/queries/a/")
    assert len(sent) == 1
    assert sorted(event["event"] for event in events()) == ["db_connection", "db_query", "http_request"]
    assert len({event["request_id"] for event in events()}) == 1
    assert {event["unit"] for event in events()} == {"request"}


def visit(application: WSGIHandler) -> None:
    response = application(RequestFactory().get("/queries/a/").environ, lambda *_: lambda _: None)
    b"".join(response)
    response.close()


@pytest.mark.parametrize(("age", "attempts"), [(0, 4), (None, 1)])
def test_a_connection_that_is_kept_is_opened_once(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, age: int | None, attempts: int
) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", age)
    application = get_wsgi_application()
    for _ in range(4):
        visit(application)
    assert opened() == [("default", "sqlite", "")] * attempts


def test_disabled_means_that_connections_open_and_nothing_is_written(opened: Opened, use: Use) -> None:
    use(ENABLED=0)
    connection.ensure_connection()
    assert connection.is_usable()
    assert opened() == []


def test_no_error_of_ours_reaches_who_connects(opened: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_args: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(ours, "connection_kind", fail)
    connection.ensure_connection()
    with added("missing", sqlite(tmp_path / "no" / "folder.sqlite3")), pytest.raises(OperationalError):
        connections["missing"].ensure_connection()


def pooled(database: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {**database, "OPTIONS": {"pool": options}}


def test_the_state_of_a_pool_is_told_with_what_the_process_uses(
    events: Events, use: Use, postgres: dict[str, Any], tmp_path: Path
) -> None:
    use(PROCESS_STATS_SECONDS=0)
    database = fresh(postgres, tmp_path.name)

    def told() -> dict[str, Any]:
        outside.flush()
        return events("db_pool")[-1]

    with added("pooled", pooled(database, min_size=2, max_size=2, timeout=60)) as alias:
        pool: Any = connections[alias].pool  # type: ignore[attr-defined]
        told()
        assert pool.closed  # telling opens none
        pool.open()
        pool.wait()
        connections[alias].ensure_connection()
        state = told()
        assert (state["alias"], state["vendor"], state["unit"]) == ("pooled", "postgresql", "none")
        assert (state["max_size"], state["size"], state["available"], state["waiting"]) == (2, 2, 1, 0)
        connections[alias].close()
        deadline = time.monotonic() + 60
        while told()["available"] < 2 and time.monotonic() < deadline:
            time.sleep(0.01)  # a thread of the pool takes it back
        assert told()["available"] == 2
    outside.flush()
    assert events("db_connection")[0]["alias"] == "pooled"


def test_a_pool_that_has_none_to_give_is_a_failed_attempt(opened: Opened, caplog: pytest.LogCaptureFixture) -> None:
    nowhere = {"ENGINE": "django.db.backends.postgresql", "NAME": "x", "HOST": "127.0.0.1", "PORT": str(free_port())}
    with added("exhausted", pooled(nowhere, min_size=1, timeout=0.05)), pytest.raises(OperationalError):
        connections["exhausted"].ensure_connection()
    assert opened() == [("exhausted", "postgresql", "PoolTimeout")]


def test_a_pool_that_cannot_tell_keeps_nothing_else_from_being_told(
    events: Events, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db.backends.postgresql.base import DatabaseWrapper

    monkeypatch.setitem(DatabaseWrapper._connection_pools, "bent", object())  # type: ignore[attr-defined]
    use(PROCESS_STATS_SECONDS=0)
    outside.flush()
    assert len(events("process_stats")) == 1
    assert events("db_pool") == []
    assert process.is_owed()
