"""Instruments of one test are none of another's."""

import time
from collections.abc import Iterator
from itertools import count

import pytest
from prometheus_client import context_managers

from logemit import families, outside, timing

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process that has declared nothing yet."""
    outside.unit().drain()
    monkeypatch.setattr(families, "_families", {})
    monkeypatch.setattr(families, "_exposed", {})
    yield
    outside.unit().drain()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at it is a quarter of a second after the last, for either; and today is a certain day."""
    for module, name in ((timing, "perf_counter"), (context_managers, "default_timer")):
        ticks = count()
        monkeypatch.setattr(module, name, lambda ticks=ticks: next(ticks) / 4)
    monkeypatch.setattr(time, "time", lambda: 1_795_176_000.25)
