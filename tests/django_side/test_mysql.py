"""MySQL by what its backend hands to a wrapper: its name, its quotes, and rowcounts of its own."""

from typing import Any

import pytest
from django.db import DatabaseError

from logemit import emitter, queries
from logemit.unit import Unit, entered
from tests.conftest import Events


class MySqlError(Exception):
    """As the driver raises it, beneath Django's own."""


class Connection:
    alias = "orders"
    vendor = "mysql"

    def __init__(self) -> None:
        self.execute_wrappers: list[Any] = []


class Cursor:
    rowcount = -1


class Database:
    """Runs statements as Django would, in a request, on a driver that reports so many rows."""

    def __init__(self) -> None:
        self._connection = Connection()
        queries.install(self._connection)
        (self._wrapper,) = self._connection.execute_wrappers
        self._unit = Unit("request", "r1")

    def execute(
        self, sql: str, rows: int, params: Any = None, *, many: bool = False, error: Exception | None = None
    ) -> None:
        cursor = Cursor()

        def driver(*_: Any) -> None:
            if error is not None:
                raise error
            cursor.rowcount = rows

        with entered(self._unit):
            self._wrapper(driver, sql, params, many, {"connection": self._connection, "cursor": cursor})

    def finish(self) -> None:
        emitter.write_events(self._unit.close() or (), self._unit)


@pytest.fixture
def database() -> Database:
    return Database()


def test_statements_and_rows_of_mysql(database: Database, events: Events) -> None:
    database.execute("SELECT `a` FROM `shop_tag`", 3)
    database.execute("INSERT INTO `shop_tag` (`name`) VALUES (%s)", 1, ["a"])
    database.execute("INSERT INTO `shop_tag` (`name`) VALUES (%s)", 4, [["a"]] * 4, many=True)
    database.execute("INSERT IGNORE INTO `shop_tag` (`name`) VALUES (%s), (%s)", 1, ["a", "b"])
    database.execute("INSERT INTO `shop_tag` (`name`) VALUES (%s) ON DUPLICATE KEY UPDATE `name` = `name`", 2, ["a"])
    database.execute("UPDATE `shop_tag` SET `name` = %s", 5, ["x"])
    database.execute("DELETE FROM `shop_tag` WHERE `shop_tag`.`id` IN (%s)", 2, [1])
    database.finish()
    written = {
        (event["operation"], event["many"]): (event["count"], event["statements"], event.get("rows_affected"))
        for event in events("db_query")
    }
    assert written == {
        ("SELECT", False): (1, 1, None),
        ("INSERT", False): (3, 3, 2),
        ("INSERT", True): (1, 4, 4),
        ("UPDATE", False): (1, 1, 5),
        ("DELETE", False): (1, 1, 2),
    }
    assert {(event["alias"], event["vendor"]) for event in events("db_query")} == {("orders", "mysql")}
    changed = {event["operation"]: (event["count"], event.get("unknown")) for event in events("model_change")}
    assert changed == {"insert": (6, 1), "update": (5, None), "delete": (2, None)}
    assert {event["model"] for event in events("model_change")} == {"shop.Tag"}


def test_an_error_of_mysql_is_told_by_its_driver(database: Database, events: Events) -> None:
    error = DatabaseError("1064")
    error.__cause__ = MySqlError()
    with pytest.raises(DatabaseError):
        database.execute("SELECT nothing", 0, error=error)
    database.finish()
    (event,) = events("db_query")
    assert (event["error"], event["count"]) == ("MySqlError", 1)
