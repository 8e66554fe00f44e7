"""Database queries: folded or each, and the same totals either way."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from logemit import conf, emitter, outside, queries
from logemit.kinds import QueryKind
from logemit.unit import Unit, entered
from logemit.vocabulary import LINE_LIMIT
from tests.conftest import Events

from .conftest import Use

client = Client()


@pytest.fixture
def work() -> Iterator[Unit]:
    """A request's unit of work, open, with the connection open before."""
    connection.ensure_connection()
    outside.unit().drain()
    unit = Unit("request", "r1")
    with entered(unit):
        yield unit


def finish(unit: Unit) -> None:
    emitter.write_events(unit.close() or [], unit)


@pytest.fixture
def table() -> str:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS things (name TEXT)")
        cursor.execute("DELETE FROM things")
    return "things"


def test_queries_of_a_request_are_one_line_per_kind(events: Events) -> None:
    client.get("/queries/a/", {"n": 300})
    (fold,) = events("db_query")
    assert (fold["alias"], fold["vendor"], fold["operation"], fold["many"]) == ("default", "sqlite", "SELECT", False)
    assert fold["count"] == fold["statements"] == 300
    held = [pair.split(":") for pair in fold["bins"].split(",")]
    assert sum(int(n) for _, n in held) == 300
    assert fold["duration_min_seconds"] <= fold["duration_seconds"] / 300 <= fold["duration_max_seconds"]
    (request,) = events("http_request")
    assert request["db_queries"] == 300
    assert round(request["db_seconds"] * 1e6) == round(fold["duration_seconds"] * 1e6)


def test_parameters_are_never_written(events: Events, use: Use) -> None:
    use(SLOW_QUERY_SECONDS=0)
    client.get("/queries/a/")
    assert "secret" not in str(events())
    assert {event["sql"] for event in events("db_query")} == {"SELECT %s"}


def test_each_writes_a_line_for_every_query(events: Events, use: Use) -> None:
    use(QUERIES="each")
    client.get("/queries/a/", {"n": 7})
    assert [event["count"] for event in events("db_query")] == [1] * 7
    assert {event["request_id"] for event in events("db_query")} == {events("http_request")[0]["request_id"]}


def test_off_writes_none(events: Events, use: Use) -> None:
    use(QUERIES="off")
    client.get("/queries/a/", {"n": 7})
    assert events("db_query") == []
    assert "db_queries" not in events("http_request")[0]


def test_executemany_of_ten_rows_is_one_operation_and_ten_statements(events: Events, table: str, work: Unit) -> None:
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO things VALUES (%s)", [(str(i),) for i in range(10)])
    finish(work)
    (event,) = [event for event in events("db_query") if event["many"]]
    assert (event["count"], event["statements"], event["rows_affected"]) == (1, 10, 10)


def test_a_generator_of_parameters_still_works_and_is_counted(events: Events, table: str, work: Unit) -> None:
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO things VALUES (%s)", ((str(i),) for i in range(4)))  # type: ignore[arg-type]
        cursor.execute("SELECT COUNT(*) FROM things")
        assert cursor.fetchone()[0] == 4
    finish(work)
    (event,) = [event for event in events("db_query") if event["many"]]
    assert event["statements"] == 4


def test_rows_affected_by_dml(events: Events, table: str, work: Unit) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO things VALUES ('a'), ('b'), ('c')")
        cursor.execute("UPDATE things SET name = 'x' WHERE name <> 'a'")
        cursor.execute("DELETE FROM things")
        cursor.execute("INSERT INTO things VALUES ('a') RETURNING name")
        cursor.fetchall()
    finish(work)
    found = {event["operation"]: event.get("rows_affected") for event in events("db_query")}
    assert {name: found[name] for name in ("INSERT", "UPDATE", "DELETE")} == {"INSERT": 3, "UPDATE": 2, "DELETE": 3}


def test_errors_are_told_by_the_type_of_the_drivers_exception(events: Events, work: Unit) -> None:
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM nowhere")
    finish(work)
    (event,) = events("db_query")
    assert (event["error"], event["count"]) == ("OperationalError", 1)


def test_a_users_own_wrapper_block_does_not_pop_ours(events: Events, work: Unit) -> None:
    seen: list[str] = []

    def own(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        seen.append(sql)
        return execute(sql, *rest)

    connection.close()
    with connection.execute_wrapper(own), connection.cursor() as cursor:  # connects inside the block
        cursor.execute("SELECT 1")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 2")
    finish(work)
    assert "SELECT 1" in seen
    assert "SELECT 2" not in seen
    assert sum(event["count"] for event in events("db_query") if event["operation"] == "SELECT") == 2


def test_a_connection_is_fitted_once(events: Events) -> None:
    with connection.cursor():
        queries.install(connection)
        queries.install(connection)
    assert sum(isinstance(wrapper, queries.QueryWrapper) for wrapper in connection.execute_wrappers) == 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the time of queries on, by seconds; else it stands still."""
    now = 0

    def move(seconds: float) -> None:
        nonlocal now
        now += round(seconds * 1e9)

    monkeypatch.setattr(queries, "perf_counter_ns", lambda: now)
    return move


def test_a_slow_query_is_written_singly_and_scrubbed(events: Events, use: Use, clock: Callable[[float], None]) -> None:
    use(SLOW_QUERY_SECONDS=0.02)
    unit = Unit("request", "r1")
    with entered(unit), connection.cursor() as cursor:
        cursor.execute("SELECT 'quick'")
        connection.connection.create_function("sleep", 1, clock)
        cursor.execute("SELECT sleep(0.03), 'O''Brien', 42 -- by bob")
    finish(unit)
    (slow,) = [event for event in events("db_query") if "sql" in event]
    assert slow["sql"] == "SELECT sleep(?), ?, ?"
    assert slow["count"] == 1
    assert slow["duration_seconds"] == 0.03
    assert sum(event["count"] for event in events("db_query") if event["operation"] == "SELECT") == 2


def test_work_in_a_thread_of_the_apps_own_has_no_unit(events: Events) -> None:
    client.get("/in-thread/")
    (event,) = events("db_query")
    assert event["unit"] == "none"
    assert "request_id" not in event
    assert events("http_request")[0]["db_queries"] == 0


def test_work_before_the_first_request_is_written_with_it(events: Events) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert events() == []
    client.get("/hello/")
    assert [(event["event"], event["unit"]) for event in events()] == [
        ("http_request", "request"),
        ("db_connection", "none"),
        ("db_query", "none"),
    ]


def test_work_on_a_closed_unit_is_not_lost(events: Events) -> None:
    unit = Unit("request", "r1")
    with entered(unit):
        unit.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    outside.flush()
    assert sum(event["count"] for event in events("db_query")) >= 1
    assert {event["unit"] for event in events("db_query")} == {"none"}


def test_a_long_unit_flushes_after_a_thousand_operations(events: Events, work: Unit) -> None:
    with connection.cursor() as cursor:
        for _ in range(2500):
            cursor.execute("SELECT 1")
    assert sum(event["count"] for event in events("db_query")) == 2000
    finish(work)
    assert sum(event["count"] for event in events("db_query")) == 2500


def test_a_long_unit_flushes_after_five_seconds(events: Events, work: Unit, clock: Callable[[float], None]) -> None:
    with connection.cursor() as cursor:
        for pause, expected in ((0, 0), (4.9, 0), (0.1, 3), (0, 3)):
            clock(pause)
            cursor.execute("SELECT 1")
            assert sum(event["count"] for event in events("db_query")) == expected


def test_a_fold_with_too_many_bins_becomes_several_lines_that_add_up(events: Events, output: Any, work: Unit) -> None:
    kind = QueryKind("default", "sqlite", "SELECT", False, "")
    durations = [int(1.02**i) for i in range(900)]
    for microseconds in durations:
        work.fold(kind, (microseconds, 1, 2), 0)
    finish(work)
    found = events("db_query")
    assert len(found) > 1
    assert all(len(line) < LINE_LIMIT for line in output.read_bytes().splitlines())
    assert sum(event["count"] for event in found) == 900
    assert sum(event["statements"] for event in found) == 900
    assert sum(round(event["duration_seconds"] * 1e6) for event in found) == sum(durations)
    for event in found:
        assert sum(int(pair.split(":")[1]) for pair in event["bins"].split(",")) == event["count"]
    assert max(event["duration_max_seconds"] for event in found) == max(durations) / 1e6


def test_disabled_means_no_work(events: Events, use: Use) -> None:
    use(ENABLED="false")
    client.get("/queries/a/")
    assert conf.current().enabled is False
    assert events() == []
