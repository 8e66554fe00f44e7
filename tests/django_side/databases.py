"""Databases that a test adds to the project for a while."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from django.db import connections


def fresh(postgres: dict[str, Any], name: str) -> dict[str, Any]:
    """A new database of a PostgreSQL."""
    import psycopg

    name = "".join(letter for letter in name.lower() if letter.isalnum())
    with psycopg.connect(
        host=postgres["HOST"], port=postgres["PORT"], user=postgres["USER"], dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return {**postgres, "NAME": name}


def sqlite(path: object) -> dict[str, Any]:
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}


@contextmanager
def added(alias: str, database: Mapping[str, Any]) -> Iterator[str]:
    """Under this alias, in this thread closed at the end."""
    connections.settings[alias] = connections.configure_settings({"default": {}, alias: {**database}})[alias]
    try:
        yield alias
    finally:
        connections[alias].close()
        if hasattr(connections[alias], "close_pool"):
            cast("Any", connections[alias]).close_pool()
        del connections[alias], connections.settings[alias]
