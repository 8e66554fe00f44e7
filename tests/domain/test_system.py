"""What the machine uses, with psutil and without."""

import logging
import sys

import pytest

import logemit
from logemit import emitter
from logemit.system import measured
from tests.conftest import Events

psutil = pytest.importorskip("psutil")


def watched(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """The intervals that psutil is asked for; it always says 12.5."""
    asked: list[float | None] = []

    def cpu_percent(interval: float | None) -> float:
        asked.append(interval)
        return 12.5

    monkeypatch.setattr(psutil, "cpu_percent", cpu_percent)
    return asked


def test_the_event_holds_what_psutil_says(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = watched(monkeypatch)
    monkeypatch.setattr(psutil, "boot_time", lambda: 1000.0)
    monkeypatch.setattr("time.time", lambda: 61000.25)
    found = logemit.system_stats(interval=0.2)
    assert asked == [0.2]
    (event,) = events("system_stats")
    assert {name: event[name] for name in found} == found
    assert (found["cpu_percent"], found["uptime_seconds"]) == (12.5, 60000.25)
    assert 0 < found["memory_percent"] < 100
    assert 0 <= found["disk_percent"] <= 100


def test_without_an_interval_it_is_the_time_since_the_last_call(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = watched(monkeypatch)
    measured("/", 0)
    assert asked == [None]


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emitter, "_told", set())


@pytest.mark.usefixtures("untold")
def test_without_psutil_it_says_what_to_install(
    events: Events, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    with caplog.at_level(logging.WARNING, "logemit"):
        assert logemit.system_stats() == {}
    assert "pip install 'logemit[system]'" in caplog.text
    assert events() == []


@pytest.mark.usefixtures("untold")
def test_a_disk_that_is_not_there_raises_nothing(events: Events, caplog: pytest.LogCaptureFixture) -> None:
    assert logemit.system_stats(disk="/no/such/disk", interval=0) == {}
    assert "/no/such/disk" in caplog.text
    assert events() == []
