"""Management commands as units of work: one event each, and their stdout stays theirs."""

import json
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import django
import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from structlog.contextvars import bound_contextvars, get_contextvars

from logemit import commands, outside
from logemit.unit import current
from tests.conftest import ROOT, Events

from .conftest import Use
from .shop.management.commands.work import ENDS


def run_work(**options: Any) -> None:
    connection.ensure_connection()
    outside.unit().drain()
    call_command("work", stdout=StringIO(), **options)


def only(events: Events) -> dict[str, Any]:
    (event,) = events("command")
    return event


def test_a_command_is_one_event_with_its_queries_folded_in_its_unit(events: Events) -> None:
    run_work()
    event = only(events)
    assert (event["name"], event["status"], event["unit"], event["db_queries"]) == ("work", "ok", "command", 3)
    assert "exception" not in event
    assert event["duration_seconds"] >= event["db_seconds"] > 0
    (fold,) = events("db_query")
    assert (fold["count"], fold["unit"], fold["request_id"]) == (3, "command", event["request_id"])


@pytest.mark.parametrize(
    ("end", "status", "exception"),
    [
        ("error", "error", "CommandError"),
        ("exit0", "ok", None),
        ("exit_none", "ok", None),
        ("exit3", "error", "SystemExit"),
        ("exit_text", "error", "SystemExit"),
        ("exit_list", "error", "SystemExit"),
        ("interrupt", "aborted", "KeyboardInterrupt"),
        ("exception", "error", "ZeroDivisionError"),
    ],
)
def test_how_a_command_ends_is_told_and_passes_on(events: Events, end: str, status: str, exception: str | None) -> None:
    with pytest.raises(type(ENDS[end])) as caught:
        run_work(end=end)
    assert caught.value is ENDS[end]
    event = only(events)
    assert (event["status"], event.get("exception")) == (status, exception)
    assert event["db_queries"] == 3
    assert current.get() is None


def test_a_command_that_calls_another_is_one_event_with_the_queries_of_both(events: Events) -> None:
    run_work(nested=True)
    assert (only(events)["db_queries"], [event["count"] for event in events("db_query")]) == (6, [6])


def calls_a_command(_request: HttpRequest) -> HttpResponse:
    run_work()
    return HttpResponse()


urlpatterns = [path("calls/", calls_a_command, name="calls")]


@override_settings(ROOT_URLCONF=__name__)
def test_a_command_called_in_a_request_belongs_to_the_request(events: Events) -> None:
    Client().get("/calls/")
    assert events("command") == []
    (request,) = events("http_request")
    assert (request["db_queries"], events("db_query")[0]["request_id"]) == (3, request["request_id"])


@pytest.mark.parametrize("name", sorted(commands.SERVERS))
def test_a_command_that_is_a_place_to_work_in_is_no_unit(events: Events, name: str) -> None:
    def handle(self: BaseCommand, **_options: Any) -> None:
        assert current.get() is None
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    module = f"somebody.management.commands.{name}"
    call_command(type("Command", (BaseCommand,), {"handle": handle, "__module__": module})())
    outside.flush()
    assert events("command") == []
    assert [event["unit"] for event in events("db_query")] == ["none"]


def test_the_shell_of_django_is_no_command(events: Events) -> None:
    call_command("shell", command="from django.conf import settings", verbosity=0)
    assert events("command") == []


@pytest.mark.parametrize("setting", ["COMMANDS", "ENABLED"])
def test_switched_off_a_command_is_no_unit(events: Events, use: Use, setting: str) -> None:
    use(**{setting: "false"})
    run_work()
    outside.flush()
    assert events("command") == []
    assert [event["unit"] for event in events("db_query")] == ([] if setting == "ENABLED" else ["none"])


def test_without_queries_a_command_tells_none(events: Events, use: Use) -> None:
    use(QUERIES="off")
    run_work()
    assert not {"db_queries", "db_seconds"} & set(only(events))


def test_what_was_bound_before_a_command_is_bound_after_it(events: Events) -> None:
    with bound_contextvars(request_id="outer"):
        run_work()
        assert get_contextvars() == {"request_id": "outer"}
    assert only(events)["request_id"] != "outer"


def test_no_error_of_ours_reaches_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(commands, "_finish", fail)
    run_work()
    with pytest.raises(CommandError, match="told to fail"):
        run_work(end="error")


def test_a_second_setup_counts_a_command_once(events: Events) -> None:
    before = BaseCommand.execute
    django.setup()
    assert BaseCommand.execute is before
    run_work()
    assert len(events("command")) == 1


def test_a_process_that_ran_commands_tells_what_it_used_at_its_exit(events: Events, use: Use) -> None:
    use(PROCESS_STATS_SECONDS=3600)
    for _ in range(3):
        run_work()
    assert events("process_stats") == []
    outside.at_exit()
    assert [event["alive"] for event in events("process_stats")] == [1, 0]


def test_a_command_that_lasts_tells_it_while_it_works(
    events: Events, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logemit.unit.FLUSH_OPERATIONS", 2)
    use(PROCESS_STATS_SECONDS=3600)
    run_work()
    assert [event["alive"] for event in events("process_stats")] == [1]


Manage = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def manage(tmp_path: Path) -> Manage:
    """A project's real manage.py, in a folder of its own."""
    (tmp_path / "site_settings.py").write_text(
        "from tests.django_side.settings import *\n"
        f"DATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': {str(tmp_path / 'db')!r}}}}}\n"
    )
    (tmp_path / "manage.py").write_text(
        "import os, sys\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'site_settings'\n"
        "from django.core.management import execute_from_command_line\n"
        "execute_from_command_line(sys.argv)\n"
    )

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        env = {"PYTHONPATH": str(ROOT), "LOGEMIT_PROCESS_STATS_SECONDS": "", **environ}
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, check=False, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)

    return run


def told(done: subprocess.CompletedProcess[str], name: str = "command") -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith('{"logemit":1,')]
    return [line for line in lines if line["event"] == name]


def test_what_a_command_prints_is_its_own_and_events_go_to_stderr(manage: Manage) -> None:
    migrated = manage("migrate", "--run-syncdb", "--verbosity=0")
    assert (migrated.returncode, migrated.stdout) == (0, "")
    assert [event["status"] for event in told(migrated)] == ["ok"]
    (state,) = told(migrated, "migration_state")
    assert (state["connection"], state["unapplied"]) == ("default", 0)
    plain = manage("dumpdata", LOGEMIT_ENABLED="0")
    dumped = manage("dumpdata")
    assert (dumped.returncode, dumped.stdout) == (0, plain.stdout)
    assert len(json.loads(dumped.stdout)) > 5
    assert [event["name"] for event in told(dumped)] == ["dumpdata"]
    assert plain.stderr == ""


def test_exit_codes_are_the_commands_own_and_a_fork_ends_no_command_twice(manage: Manage) -> None:
    for end, code, status in (("exit3", 3, "error"), ("error", 1, "error"), ("fork", 0, "ok")):
        done = manage("work", f"--end={end}")
        assert (done.returncode, [event["status"] for event in told(done)]) == (code, [status])
        assert done.stdout == ("worked\n" if status == "ok" else "")
    assert "CommandError: told to fail" in manage("work", "--end=error").stderr
