"""Rows that statements changed, by model: what the database says, and not a statement more than without us."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connections

from logemit import emitter, models, outside
from logemit.kinds import QueryKind
from logemit.rows import rows_known
from logemit.sql import written_tables
from logemit.unit import Unit, entered
from tests.conftest import ROOT, Events

from . import scenario
from .databases import added, fresh, sqlite

Changes = Callable[[], Counter[tuple[str, str]]]


@pytest.fixture(params=["sqlite", "postgresql"])
def alias(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the shop's tables, empty."""
    name = request.param
    database = sqlite(tmp_path / "shop.sqlite3")
    if name == "postgresql":
        database = fresh(request.getfixturevalue("postgres"), tmp_path.name)
    with added(name, database):
        scenario.make_tables(name)
        outside.unit().drain()
        yield name


def of_shop(events: Events) -> list[dict[str, Any]]:
    """Without what `migrate` changed for other apps."""
    return [event for event in events("model_change") if not event["model"].startswith(("auth.", "contenttypes."))]


@pytest.fixture
def changes(events: Events) -> Changes:
    def read() -> Counter[tuple[str, str]]:
        counted: Counter[tuple[str, str]] = Counter()
        for event in of_shop(events):
            counted[event["model"], event["operation"]] += event["count"]
        return +counted

    return read


def test_rows_are_counted_for_every_way_to_change_them(alias: str, changes: Changes, events: Events) -> None:
    unit = Unit("request", "r1")
    with entered(unit):
        scenario.run(alias)
    emitter.write_events(unit.close() or [], unit)
    assert changes() == scenario.CHANGES
    assert not any("unknown" in event for event in of_shop(events))
    for model in apps.get_models(include_auto_created=True):
        if model._meta.app_label == "shop" and not model._meta.proxy:
            label = model._meta.label
            with connections[alias].cursor() as cursor:
                cursor.execute(f'SELECT COUNT(*) FROM "{model._meta.db_table}"')
                not_there = 2 if label == "shop.Tag" else 0  # one rolled back, one an upsert
                assert cursor.fetchone()[0] == changes()[label, "insert"] - changes()[label, "delete"] - not_there


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
def test_the_apps_statements_are_exactly_what_they_are_without_us(
    vendor: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    found: list[list[str]] = []
    for more in ({}, {"LOGEMIT_TESTS_WITHOUT": "1"}):
        database = sqlite(":memory:")
        if vendor == "postgresql":
            database = fresh(request.getfixturevalue("postgres"), f"statements{len(found)}")
        environ = {**os.environ, "LOGEMIT_OUTPUT": str(tmp_path / "out.log"), **more}
        environ["LOGEMIT_TESTS_DATABASE"] = json.dumps(database)
        command = [sys.executable, "-m", "tests.django_side.scenario"]
        done = subprocess.run(command, env=environ, cwd=ROOT, check=True, stdout=subprocess.PIPE, timeout=60)
        # A savepoint's name has the number of its thread.
        found.append([re.sub(r'(?<=POINT "s)\d+', "", sql) for sql in json.loads(done.stdout)])
    assert len(found[0]) > 60
    assert found[0] == found[1]
    assert b'"model_change"' in (tmp_path / "out.log").read_bytes()


@pytest.mark.parametrize("alias", ["sqlite"], indirect=True)
def test_rows_of_a_returning_insert_on_sqlite_are_read_at_the_units_end_at_the_latest(
    alias: str, changes: Changes, events: Events
) -> None:
    """The driver counts them only as they are fetched."""
    unit = Unit("request", "r1")
    with entered(unit):
        cursor = connections[alias].cursor()
        cursor.execute("INSERT INTO shop_tag (name) VALUES ('a'), ('b') RETURNING id")
        assert len(cursor.fetchall()) == 2
        emitter.write_events(unit.close() or [], unit)
        assert changes() == {("shop.Tag", "insert"): 2}
        cursor.close()
    assert changes() == {("shop.Tag", "insert"): 2}
    assert {event["unit"] for event in of_shop(events)} == {"request"}


@pytest.mark.parametrize("alias", ["sqlite"], indirect=True)
def test_a_returning_insert_that_the_app_drops_holds_no_lock(alias: str, events: Events) -> None:
    connections[alias].cursor().execute("INSERT INTO shop_tag (name) VALUES ('a') RETURNING id").fetchone()
    other = {**connections.settings[alias], "OPTIONS": {"timeout": 0.1}}
    with added("other", other), connections["other"].cursor() as cursor:
        cursor.execute("INSERT INTO shop_tag (name) VALUES ('b')")


@pytest.mark.parametrize("alias", ["sqlite"], indirect=True)
def test_rows_that_nobody_knows_are_counted_as_unknown(alias: str, events: Events) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("INSERT INTO shop_tag (name) VALUES ('a') RETURNING id")  # never fetched
    outside.flush()
    (event,) = of_shop(events)
    assert (event["model"], event["operation"], event["count"], event["unknown"]) == ("shop.Tag", "insert", 0, 1)


def test_a_setting_chooses_models_and_another_names_them(
    alias: str, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting, labels, expected in (
        ("shop.Tag,auth", "shop.Tag=tag", {("tag", "insert"): 1}),
        ("shop", "", {("shop.Tag", "insert"): 1, ("shop.Author", "insert"): 1}),
        ("", "", {}),
    ):
        monkeypatch.setenv("LOGEMIT_MODELS", setting)
        monkeypatch.setenv("LOGEMIT_MODEL_LABELS", labels)
        emitter.reset()
        models.reset()
        before = changes()
        from .shop.models import Author, Tag

        Tag.objects.using(alias).create(name=f"t{setting}")
        Author.objects.using(alias).create(name="a")
        outside.flush()
        assert changes() - before == expected
    monkeypatch.undo()
    models.reset()


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ('INSERT INTO "shop_tag" ("name") VALUES (%s)', "shop_tag"),
        ("insert or ignore into shop_tag values (1)", "shop_tag"),
        ("INSERT IGNORE INTO `shop_tag` (`name`) VALUES (%s)", "shop_tag"),
        ('UPDATE ONLY "a"."b" SET x = 1', "a.b b"),
        ("UPDATE main.Shop_Tag SET x = 1", "main.Shop_Tag Shop_Tag shop_tag"),
        ("UPDATE [shop_tag] SET x = 1", "shop_tag"),
        ("INSERT /* x */ INTO shop_tag VALUES (1)", "shop_tag"),
        ('/* by */ -- x\n DELETE FROM "shop_tag"', "shop_tag"),
        ("REPLACE INTO shop_tag VALUES (1)", "shop_tag"),
        ("SELECT 1", ""),
        ("WITH x AS (SELECT 1) INSERT INTO shop_tag SELECT * FROM x", ""),
        ("", ""),
    ],
)
def test_the_names_by_which_the_table_of_a_statement_is_looked_for(sql: str, tables: str) -> None:
    assert written_tables(sql) == tuple(tables.split())


class Cursor:
    """A driver's, after a statement."""

    def __init__(self, rowcount: Any) -> None:
        self.rowcount = rowcount


@pytest.mark.parametrize(
    ("vendor", "sql", "many", "reported", "rows"),
    [
        ("mysql", "INSERT INTO t VALUES (1)", False, 1, 1),
        ("mysql", "UPDATE t SET a = 1", False, 3, 3),
        ("mysql", "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1", False, 2, None),
        ("mysql", "REPLACE INTO t VALUES (1)", False, 2, None),
        ("mysql", "INSERT INTO t VALUES (%s)", True, 10, 10),
        ("postgresql", "INSERT INTO t VALUES (1) RETURNING id", False, 1, 1),
        ("postgresql", "INSERT INTO t VALUES (%s)", True, 10, 10),
        ("postgresql", "DELETE FROM t; DELETE FROM u", False, 4, None),
        ("postgresql", "DELETE FROM t;", False, 4, 4),
        ("sqlite", "INSERT INTO t VALUES (1) RETURNING id", False, 0, None),
        ("sqlite", "insert into t values (1) returning id", False, 0, None),
        ("sqlite", "DELETE FROM t", False, -1, None),
        ("sqlite", 'UPDATE t SET "is_returning" = 1', False, 3, 3),
        ("sqlite", "DELETE FROM t WHERE name = 'returning nobody'", False, 2, 2),
        ("sqlite", "UPDATE t SET name = 'a;b'; -- done", False, 2, 2),
        ("oracle", "DELETE FROM t", False, None, None),
    ],
)
def test_a_rowcount_that_lies_or_is_missing_is_not_taken(
    vendor: str, sql: str, many: bool, reported: Any, rows: int | None
) -> None:
    kind = QueryKind("default", vendor, sql.split(maxsplit=1)[0].upper(), many, "")
    assert rows_known(kind, sql, {"cursor": Cursor(reported)}) == rows
