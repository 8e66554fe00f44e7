"""What the emitter writes through: one that fails keeps neither the others nor the app."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import prometheus_client
import pytest
from prometheus_client import CollectorRegistry

import logemit
from logemit import checks, conf, emitter, process
from logemit.backends import Backend, InMemory, LineWriter, Operation, PrometheusClient, Several
from logemit.testing import capture_events
from logemit.writer import Line
from tests.conftest import Events

from .conftest import Samples
from .table import ROWS
from .test_table import differing, raised_by, theirs

pytestmark = pytest.mark.usefixtures("clock")

MEMORY = InMemory()


class Failing:
    """Raises at each call."""

    last_error: Exception | None = None

    def __init__(self, _settings: object = None) -> None:
        self.calls: list[str] = []

    def write(self, lines: Sequence[Line]) -> bool:
        self.calls.append("write")
        raise OSError("no")

    def lose(self, lines: int) -> None:
        self.calls.append("lose")
        raise OSError("no")

    def close(self) -> None:
        self.calls.append("close")
        raise OSError("no")

    def measure(self, operation: Operation) -> None:
        self.calls.append(operation.method)
        raise OSError("no")


class CannotBeMade:
    def __init__(self, _settings: object) -> None:
        raise ImportError("something is missing")


@pytest.fixture(autouse=True)
def told_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emitter, "_told", set())


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, output: Any) -> Iterator[Any]:
    def use(*backends: str) -> None:
        monkeypatch.setenv("LOGEMIT_BACKENDS", ",".join(backends))
        emitter.reset()

    yield use
    MEMORY.events.clear()


HERE = "tests.instruments.test_backends"


def test_lines_go_to_the_line_writer_alone_unless_the_settings_say_otherwise() -> None:
    assert conf.load(None, {}).backends == (LineWriter,)
    assert type(emitter._get().backend) is LineWriter


def test_every_backend_of_the_settings_takes_all_lines(use: Any, events: Events) -> None:
    use("logemit.backends.LineWriter", f"{HERE}.MEMORY")
    logemit.emit("own", pages=3)
    logemit.Counter("c", "help").inc()
    logemit.flush()
    unnumbered = [{key: value for key, value in line.items() if key not in {"proc", "seq"}} for line in events()]
    assert [line["event"] for line in unnumbered] == ["own", "instrument", "measurement"]
    assert [{k: v for k, v in line.items() if k not in {"proc", "seq"}} for line in MEMORY.events] == unnumbered


def test_one_that_fails_is_told_once_and_keeps_nobody(
    use: Any, events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    use(f"{HERE}.Failing", f"{HERE}.MEMORY", "logemit.backends.LineWriter")
    for _ in range(3):
        logemit.emit("own")
        logemit.Counter("c", "help").inc()
    logemit.flush()
    assert len(events("own")) == len([line for line in MEMORY.events if line["event"] == "own"]) == 3
    assert [line["value"] for line in events("measurement")] == [3]
    failing = [record for record in caplog.records if "Failing failed" in record.getMessage()]
    assert [(record.name, record.levelno) for record in failing] == [("logemit", logging.WARNING)]
    emitter.reset()


def test_one_that_cannot_be_made_is_told_and_the_others_are_used(
    use: Any, events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    use(f"{HERE}.CannotBeMade", "logemit.backends.LineWriter")
    logemit.emit("own")
    assert len(events("own")) == 1
    assert "something is missing" in caplog.text


def test_several_call_each_for_everything() -> None:
    failing, memory = Failing(), InMemory()
    both: Backend = Several([failing, memory])
    assert both.write([Line(b'{"logemit":1', b"}\n")])
    both.lose(2)
    both.close()
    assert failing.calls == ["write", "lose", "close"]
    assert (len(memory.events), memory.lost) == (1, 2)


def test_several_say_when_one_dropped_lines() -> None:
    class Full(InMemory):
        last_error = OSError("full")

        def write(self, _lines: Sequence[Line]) -> bool:
            return False

    both = Several([Full(), InMemory()])
    assert not both.write([])
    assert str(both.last_error) == "full"


@pytest.mark.parametrize("value", ["no.such.backend", "logemit.backends.NoSuchOne", "", [], [5]])
def test_what_is_no_backend_is_a_problem_and_lines_are_written(value: Any) -> None:
    from types import SimpleNamespace

    settings = conf.load(SimpleNamespace(LOGEMIT={"BACKENDS": value}), {})
    (problem,) = settings.problems
    assert 'LOGEMIT["BACKENDS"]' in problem
    assert settings.backends == (LineWriter,)


def test_the_checks_report_a_path_that_cannot_be_imported(use: Any) -> None:
    use("no.such.backend")
    (error,) = checks.check_settings()
    assert error.id == "logemit.E001"
    assert "LOGEMIT_BACKENDS is 'no.such.backend': No module named 'no'" in error.msg


def test_a_backend_sees_each_operation_before_it_is_folded() -> None:
    class Operations(InMemory):
        def __init__(self) -> None:
            super().__init__()
            self.operations: list[Operation] = []

        def measure(self, operation: Operation) -> None:
            self.operations.append(operation)

    seen = Operations()
    with emitter.diverted(Several([seen])), process.quiet():  # else it may tell its gauges again
        c = logemit.Counter("c", "help", ["l"])
        c.labels("x" * 5000).inc(exemplar={"trace": "1"})
        c.labels("x" * 5000).inc(2)
        c.remove("x" * 5000)
        logemit.Gauge("g", "help").dec(3)
        logemit.flush()
    assert [(o.instrument.name, len("".join(o.labels)), o.method, o.value, o.exemplar) for o in seen.operations] == [
        ("c", 5000, "labels", None, None),
        ("c", 5000, "inc", 1, {"trace": "1"}),
        ("c", 5000, "inc", 2, None),
        ("c", 5000, "remove", None, None),
        ("g", 0, "labels", None, None),
        ("g", 0, "inc", -3, None),
    ]
    assert len([line for line in seen.events if line["event"] == "measurement"]) == 2


# Instruments of prometheus_client beside ours.


@contextmanager
def beside(registry: CollectorRegistry) -> Iterator[InMemory]:
    memory = InMemory()
    with emitter.diverted(Several([memory, PrometheusClient(registry=registry)])):
        yield memory


def shown(registry: CollectorRegistry) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


OTHERWISE = {
    "a_counter_of_exceptions_in_a_coroutine": "counted to its end",
    "a_histogram_of_times_of_a_coroutine": "timed to its end",
    "a_summary_of_text": "what cannot be added is refused before anything counts",
    "two_of_one_name": "both are one",
    "a_child_that_is_made_directly": "it is made through its parent",
}
"""Where the registry beside shows something else, and why."""


@pytest.mark.parametrize("name", ROWS)
def test_a_registry_beside_shows_what_prometheus_client_itself_would(name: str, output: Any) -> None:
    registry = CollectorRegistry()
    with beside(registry):
        raised_by(lambda: ROWS[name](logemit, {"registry": None}))
        found = shown(registry)
    differences = differing(theirs(ROWS[name]).samples, found)
    assert bool(differences) == (name in OTHERWISE), differences


def test_an_exemplar_reaches_the_registry(output: Any) -> None:
    registry = CollectorRegistry()
    with beside(registry):
        logemit.Counter("c", "help").inc(2, {"trace": "abc"})
    (family,) = registry.collect()
    exemplar = family.samples[0].exemplar
    assert exemplar is not None
    assert (exemplar.labels, exemplar.value) == ({"trace": "abc"}, 2)


def test_help_unit_and_mode_reach_the_registry(output: Any) -> None:
    registry = CollectorRegistry()
    with beside(registry):
        logemit.Gauge("g", "Of a size.", unit="bytes", multiprocess_mode="livesum").inc()
    text = prometheus_client.generate_latest(registry).decode()
    assert text == "# HELP g_bytes Of a size.\n# TYPE g_bytes gauge\ng_bytes 1.0\n"
    assert registry._names_to_collectors["g_bytes"]._multiprocess_mode == "livesum"  # type: ignore[attr-defined]


def test_instruments_that_were_there_before_the_backend_are_shown(output: Any) -> None:
    logemit.Counter("c", "help")
    logemit.Gauge("g", "help", ["l"]).labels("a")
    registry = CollectorRegistry()
    with beside(registry):
        assert shown(registry) == {("c_total", frozenset()): 0, ("g", frozenset({("l", "a")})): 0}


def test_one_that_the_registry_has_is_used(output: Any) -> None:
    """Part of an app uses prometheus_client still; or the settings were read again."""
    registry = CollectorRegistry()
    known = prometheus_client.Counter("c", "help", ["l"], registry=registry)
    known.labels("a").inc()
    for _ in range(2):
        with beside(registry):
            logemit.Counter("c", "help", ["l"]).labels("a").inc()
    assert shown(registry) == {("c_total", frozenset({("l", "a")})): 3}


def test_a_name_that_is_something_else_there_is_told_once_and_lines_go_on(
    output: Any, caplog: pytest.LogCaptureFixture
) -> None:
    registry = CollectorRegistry()
    prometheus_client.Gauge("c", "help", registry=registry).set(5)
    with beside(registry) as memory:
        c = logemit.Counter("c", "help")
        c.inc()
        c.inc()
        logemit.flush()
    assert [line["value"] for line in memory.events if line["event"] == "measurement"] == [2]
    assert shown(registry) == {("c", frozenset()): 5}
    assert len([record for record in caplog.records if "PrometheusClient failed" in record.getMessage()]) == 1


def test_without_prometheus_client_lines_go_on(
    use: Any, events: Events, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    use("logemit.backends.LineWriter", "logemit.backends.PrometheusClient")
    logemit.Counter("c", "help").inc()
    logemit.flush()
    assert [line["value"] for line in events("measurement")] == [1]
    assert "PrometheusClient failed" in caplog.text


def test_captured_events_reach_no_registry(output: Any, use: Any) -> None:
    registry = CollectorRegistry()
    with beside(registry), capture_events() as captured:
        logemit.Counter("c", "help").inc()
    assert [event["event"] for event in captured] == ["instrument", "measurement"]
    assert shown(registry) == {}
