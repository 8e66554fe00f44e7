import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.db import connections
from structlog.contextvars import clear_contextvars

from logemit import emitter, models, outside, process
from tests.services import postgres_server

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.django_side.settings")
django.setup()

Use = Callable[..., None]


@pytest.fixture(autouse=True)
def events_go_to_a_file(output: Path) -> Iterator[None]:
    outside.unit().drain()  # what another test did outside any unit
    yield
    clear_contextvars()
    connections.close_all()
    process._begin()  # or the tests' own process would tell something at its exit


@pytest.fixture
def use(output: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Use]:
    """Take on settings of logemit, from the environment."""

    def read_again() -> None:
        emitter.reset()
        models.reset()
        process._begin()  # one that told nothing

    def with_settings(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"LOGEMIT_{name}", str(value))
        read_again()

    yield with_settings
    monkeypatch.undo()
    read_again()


@pytest.fixture(scope="session")
def postgres() -> Iterator[dict[str, Any]]:
    """Django's settings of a database in a server that all tests share."""
    with postgres_server() as settings:
        yield settings
