"""How many migrations are applied: what Django's own records say, once for each migrate, never at start-up."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from logemit import outside
from tests.conftest import ROOT, Events

from .conftest import Use
from .databases import added, fresh, sqlite

States = Callable[[], list[tuple[str, int, int]]]


@pytest.fixture
def states(events: Events) -> States:
    def read() -> list[tuple[str, int, int]]:
        return [(event["connection"], event["applied"], event["unapplied"]) for event in events("migration_state")]

    return read


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without a table."""
    database = sqlite(tmp_path / "empty.sqlite3")
    if request.param == "postgresql":
        database = fresh(request.getfixturevalue("postgres"), tmp_path.name)
    with added("empty", database) as alias:
        yield alias


def recorded(alias: str) -> int:
    return len(MigrationRecorder(connections[alias]).applied_migrations())


def on_disk(alias: str) -> int:
    return len(MigrationExecutor(connections[alias]).loader.disk_migrations)


def migrate(alias: str, *arguments: str) -> None:
    call_command("migrate", *arguments, database=alias, verbosity=0)


def test_migrate_tells_once_what_the_recorder_says(empty: str, states: States) -> None:
    migrate(empty, "contenttypes")
    migrate(empty, "auth", "0005")
    migrate(empty)
    applied = recorded(empty)
    assert applied == on_disk(empty) > 10
    assert states() == [("empty", 2, applied - 2), ("empty", 7, applied - 7), ("empty", applied, 0)]


def test_migrations_that_are_undone_are_not_applied(empty: str, states: States) -> None:
    migrate(empty)
    migrate(empty, "auth", "zero")
    applied = recorded(empty)
    assert 0 < applied < on_disk(empty)
    assert states()[-1] == ("empty", applied, on_disk(empty) - applied)


def test_the_state_belongs_to_the_unit_of_the_command(tmp_path: Path, events: Events) -> None:
    with added("empty", sqlite(tmp_path / "empty.sqlite3")) as alias:
        migrate(alias)
    (event,), (command,) = events("migration_state"), events("command")
    assert (event["unit"], event["request_id"]) == ("command", command["request_id"])
    assert command["name"] == "migrate"


@pytest.mark.parametrize("argument", ["--plan", "--check"])
def test_a_migrate_that_applies_nothing_tells_nothing(tmp_path: Path, states: States, argument: str) -> None:
    ending = pytest.raises(SystemExit) if argument == "--check" else nullcontext()
    with added("empty", sqlite(tmp_path / "empty.sqlite3")) as alias, ending:
        call_command("migrate", argument, database=alias, stdout=StringIO(), verbosity=0)
    assert states() == []


def test_a_flush_as_after_each_transaction_test_case_asks_nothing(tmp_path: Path, states: States) -> None:
    with added("flushed", sqlite(tmp_path / "flushed.sqlite3")):
        migrate("flushed")
        before = len(states())
        call_command("flush", database="flushed", interactive=False, verbosity=0)
        outside.flush()
        assert len(states()) == before
        connections["flushed"].close()


def test_disabled_migrate_runs_no_query_of_ours(
    tmp_path: Path, states: States, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logemit.migrations.tell", pytest.fail)
    use(ENABLED=0)
    with added("empty", sqlite(tmp_path / "empty.sqlite3")) as alias:
        migrate(alias)
    assert states() == []


def test_no_error_of_ours_stops_migrate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_alias: str) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("logemit.migrations.tell", fail)
    with added("empty", sqlite(tmp_path / "empty.sqlite3")) as alias:
        migrate(alias)
        assert recorded(alias) == on_disk(alias)


def test_the_command_tells_the_state_of_each_database(tmp_path: Path, states: States) -> None:
    out = StringIO()
    with added("one", sqlite(tmp_path / "one")), added("two", sqlite(tmp_path / "two")):
        migrate("two")
        applied, all_of_them = recorded("two"), on_disk("two")
        before = len(states())
        call_command("logemit_migrations", stdout=out)
        found = {alias: rest for alias, *rest in states()[before:]}
        assert (found["one"], found["two"]) == ([0, all_of_them], [applied, 0])
        assert sorted(found) == ["default", "one", "two"]
        assert f"two: {applied} applied, 0 not applied" in out.getvalue()
        before = len(states())
        call_command("logemit_migrations", "--database", "two", "--database", "one", stdout=out)
        assert [alias for alias, *_ in states()[before:]] == ["two", "one"]


def test_the_command_says_which_database_is_not_there(tmp_path: Path, states: States, events: Events) -> None:
    with added("gone", sqlite(tmp_path / "no" / "folder")), pytest.raises(CommandError, match="gone: unable to open"):
        call_command("logemit_migrations", "--database", "gone", stdout=StringIO())
    assert states() == []
    assert events("command")[0]["status"] == "error"


STARTS_UP = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.django_side.settings"
from django.db.backends.base.base import BaseDatabaseWrapper
def connect(self):
    sys.exit("a connection was opened at start-up")
BaseDatabaseWrapper.connect = connect
import django
django.setup()
import logemit.migrations, logemit.management.commands.logemit_migrations
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
get_wsgi_application(), get_asgi_application()
from django.core.checks import run_checks
run_checks(include_deployment_checks=True)
"""


def test_no_connection_is_opened_at_start_up() -> None:
    done = subprocess.run([sys.executable, "-c", STARTS_UP], check=False, cwd=ROOT, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr


def test_only_a_process_that_migrates_tells_the_state(events: Events) -> None:
    from django.test import Client

    Client().get("/queries/a/")
    outside.flush(last=True)
    assert events("migration_state") == []
