"""`manage.py health_checks` and `manage.py system_stats`."""

import json
import sys
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

import logemit
from logemit import health
from tests.conftest import Events
from tests.django_side.shop import health_checks


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_registered", {})


@pytest.fixture
def checks() -> None:
    @logemit.health_check("database", timeout=30)
    def database() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    @logemit.health_check("far")
    def far() -> None:
        raise ConnectionError("10.0.0.7 refused")


Run = Callable[..., str]


@pytest.fixture
def run() -> Run:
    def called(*arguments: str, failing: str = "") -> str:
        out = StringIO()
        if failing:
            with pytest.raises(CommandError, match=failing):
                call_command("health_checks", *arguments, stdout=out, no_color=True)
        else:
            call_command("health_checks", *arguments, stdout=out, no_color=True)
        return out.getvalue()

    return called


@pytest.mark.usefixtures("checks")
def test_all_checks_run_and_one_that_is_unhealthy_ends_the_command_with_1(run: Run, events: Events) -> None:
    database, far = run(failing="^unhealthy: far$").splitlines()
    assert database.split()[:2] == ["ok", "database"]
    assert (far.split()[:2], far.split()[-1]) == (["UNHEALTHY", "far"], "ConnectionError")
    assert CommandError("").returncode == 1
    told = {event["check"]: (event["healthy"], event["up"]) for event in events("health_check")}
    assert told == {"database": (True, 1), "far": (False, 0)}
    assert "10.0.0.7" not in str(events())
    (command,) = events("command")
    assert (command["name"], command["status"]) == ("health_checks", "error")


@pytest.mark.usefixtures("checks")
def test_a_database_is_asked_in_a_thread_whose_connection_is_closed(run: Run, events: Events) -> None:
    assert run("database").startswith("ok")
    queries = events("db_query")
    assert sum(event["count"] for event in queries if event["operation"] == "SELECT") == 1


@pytest.mark.usefixtures("checks")
def test_json_for_a_program(run: Run) -> None:
    found = json.loads(run("--json", failing="unhealthy: far"))
    assert [(each["check"], each["healthy"], each["message"]) for each in found] == [
        ("database", True, ""),
        ("far", False, "ConnectionError"),
    ]


@pytest.mark.usefixtures("checks")
def test_some_by_their_names(run: Run) -> None:
    assert len(run("database").splitlines()) == 1
    run("databse", failing="no health check 'databse'; registered are database, far")


def test_without_any_it_says_how_to_register_one(run: Run) -> None:
    run(failing="decorate functions with logemit.health_check in a module health_checks")


def test_modules_named_health_checks_are_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, health_checks.__name__)
    assert run().split()[:2] == ["ok", "shop"]


def test_system_stats(events: Events) -> None:
    pytest.importorskip("psutil")
    out = StringIO()
    call_command("system_stats", "--interval=0", stdout=out)
    shown = dict(line.split() for line in out.getvalue().splitlines())
    assert set(shown) == {"cpu_percent", "memory_percent", "disk_percent", "uptime_seconds"}
    (event,) = events("system_stats")
    assert set(shown) <= set(event)


def test_system_stats_says_what_is_wrong(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psutil")
    with pytest.raises(CommandError, match="/no/such/disk"):
        call_command("system_stats", "--interval=0", "--disk=/no/such/disk")
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(CommandError, match="pip install 'logemit"):
        call_command("system_stats")
    assert events("system_stats") == []
