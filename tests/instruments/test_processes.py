"""Instruments of processes that come and go: what is told at an exit, after a fork, and again while they live."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import logemit
from logemit import emitter, process
from logemit.unit import Unit, entered
from tests.conftest import ROOT, Events

from .adder import added

START = "import logemit, os, sys, ctypes, multiprocessing, threading\nfrom logemit import *\n"


def lines_of(code: str, **variables: str) -> list[dict[str, Any]]:
    """What a process without Django writes, and its children."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LOGEMIT_", "DJANGO_"))}
    env |= {"LOGEMIT_PROCESS_STATS_SECONDS": "", "PYTHONPATH": str(ROOT)} | variables
    command = [sys.executable, "-W", "ignore", "-c", START + code]
    done = subprocess.run(command, check=True, cwd=ROOT, env=env, capture_output=True, timeout=60)
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


def measured(lines: list[dict[str, Any]]) -> dict[str, float]:
    """Samples, of which no labels matter here."""
    return {name: value for (name, _), value in added(lines).items()}


def test_what_waits_is_written_at_the_exit_without_django() -> None:
    lines = lines_of("c = Counter('c', 'help'); c.inc(2); c.inc(); Histogram('h', 'help')")
    assert [line["event"] for line in lines] == ["instrument", "measurement", "instrument"]
    assert measured(lines)["c_total"] == 3
    assert [line["seq"] for line in lines] == [0, 1, 2]


def test_what_a_thread_did_is_written_at_its_end() -> None:
    lines = lines_of(
        "c = Counter('c', 'help'); logemit.flush()\n"
        "thread = threading.Thread(target=lambda: c.inc(4)); thread.start(); thread.join(); del thread\n"
        "logemit.emit('after')"
    )
    assert [line["event"] for line in lines] == ["instrument", "measurement", "after"]


def test_an_exit_by_an_exception_writes_what_waits() -> None:
    code = "c = Counter('c', 'help'); c.inc(); sys.stderr = open(os.devnull, 'w'); raise SystemExit(0)"
    assert measured(lines_of(code))["c_total"] == 1


@pytest.mark.parametrize("fork", ["os.fork()", "ctypes.PyDLL(None).fork()"])
def test_a_forked_child_writes_its_own_alone_and_declares_again(fork: str) -> None:
    lines = lines_of(
        "c = Counter('c', 'help'); g = Gauge('g', 'help', multiprocess_mode='sum')\n"
        "c.inc(); g.set(5)\n"
        "with_current = logemit.unit.Unit('request', 'r'); logemit.unit.current.set(with_current)\n"
        "c.inc(10)\n"
        f"pid = {fork}\n"
        "if pid == 0:\n"
        "    logemit.unit.current.set(None)\n"
        "    c.inc(100); g.inc(); logemit.flush(); os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
        "logemit.emitter.write_events(with_current.close(), with_current)"
    )
    assert measured(lines) == {"c_total": 111, "g": 6}
    told = [(line["proc"], line["name"]) for line in lines if line["event"] == "instrument"]
    assert len(told) == len(set(told)) == 4


def test_what_waits_is_written_before_a_fork() -> None:
    """A server loads the app and forks: its gauges and zeros must not wait for the server's end."""
    lines = lines_of(
        "Gauge('g', 'help').set(5)\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    logemit.emit('child'); os._exit(0)\n"
        "os.waitpid(pid, 0)"
    )
    assert [line["event"] for line in lines] == ["instrument", "measurement", "child"]


def test_children_of_multiprocessing_write_at_their_exit() -> None:
    lines = lines_of(
        "c = Counter('c', 'help', ['who'])\n"
        "def work(n): c.labels(str(n)).inc(n)\n"
        "children = [multiprocessing.get_context('fork').Process(target=work, args=(n,)) for n in range(1, 4)]\n"
        "[child.start() for child in children]; [child.join() for child in children]"
    )
    assert sum(line["value"] for line in lines if line["event"] == "measurement") == 6


GAUGES = """
modes = ['sum', 'livesum', 'livemax', 'livemin', 'max', 'min', 'mostrecent', 'livemostrecent', 'all', 'liveall']
gauges = {mode: Gauge('g_' + mode, 'help', multiprocess_mode=mode) for mode in modes}
moving = Gauge('g_moving', 'help')
logemit.flush()
for n in (1, 2, 3):
    pid = os.fork()
    if pid == 0:
        for gauge in gauges.values(): gauge.set(n * 10)
        moving.inc(n * 10); moving.dec(1)
        logemit.flush(); os._exit(0)
    os.waitpid(pid, 0)
"""


def test_gauges_of_several_processes_combine_by_their_mode() -> None:
    lines = lines_of(GAUGES)
    modes = {line["name"]: line["mode"] for line in lines if line["event"] == "measurement"}
    assert modes == {
        "g_sum": "sum",
        "g_livesum": "livesum",
        "g_livemax": "livemax",
        "g_livemin": "livemin",
        "g_max": "livemax",
        "g_min": "livemin",
        "g_mostrecent": "mostrecent",
        "g_livemostrecent": "livemostrecent",
        "g_all": "mostrecent",
        "g_liveall": "mostrecent",
        "g_moving": "livesum",
    }
    assert measured(lines) == {
        "g_sum": 60,
        "g_livesum": 60,
        "g_livemax": 30,
        "g_livemin": 10,
        "g_max": 30,
        "g_min": 10,
        "g_mostrecent": 30,
        "g_livemostrecent": 30,
        "g_all": 30,
        "g_liveall": 30,
        "g_moving": 57,
    }


def test_a_process_that_ends_leaves_no_part_in_a_sum_of_the_living() -> None:
    lines = lines_of(
        "Gauge('living', 'help', multiprocess_mode='livesum').inc(5)\n"
        "Gauge('all_of_them', 'help', multiprocess_mode='sum').inc(5)\n"
        "Gauge('moved', 'help').inc(5); Gauge('was_set', 'help').set(5)\n"
        "Gauge('again_nothing', 'help', multiprocess_mode='livesum').inc(0)"
    )
    assert measured(lines) == {"living": 0, "all_of_them": 5, "moved": 0, "was_set": 5, "again_nothing": 0}
    living = [line for line in lines if line["event"] == "measurement" and line["name"] == "living"]
    assert [(line["value"], line["step"]) for line in living] == [(5, 5), (0, -5)]


def test_a_gauge_of_a_function_is_asked_at_the_exit() -> None:
    assert measured(lines_of("Gauge('g', 'help').set_function(lambda: 7)")) == {"g": 7}


@pytest.fixture
def ticks(output: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process tells what it uses at each occasion."""
    monkeypatch.setenv("LOGEMIT_PROCESS_STATS_SECONDS", "0")
    monkeypatch.setattr(process, "_told", process._Told())
    emitter.reset()


def of(events: Events, name: str) -> list[dict[str, Any]]:
    return [event for event in events("measurement") if event["name"] == name]


def test_live_gauges_are_told_again_with_what_the_process_uses(events: Events, ticks: None) -> None:
    logemit.Gauge("living", "help", ["l"], multiprocess_mode="livemax").labels("a").set(4)
    logemit.Gauge("recent", "help", multiprocess_mode="mostrecent").set(4)
    logemit.Gauge("unused", "help", multiprocess_mode="livesum")
    for _ in range(3):
        logemit.flush()
    assert [(line["value"], line["step"]) for line in of(events, "living")] == [(4, 4), (4, 0), (4, 0), (4, 0)]
    assert [line["value"] for line in of(events, "recent")] == [4]
    assert of(events, "unused") == []


def test_functions_are_asked_when_the_process_tells_what_it_uses(events: Events, ticks: None) -> None:
    values = iter([1, 2.5, 2])
    logemit.Gauge("g", "help").set_function(lambda: next(values))
    for _ in range(3):
        logemit.flush()
    assert [(line["value"], line["step"]) for line in of(events, "g")] == [(1, 1), (2.5, 1.5), (2, -0.5)]


def test_a_function_that_fails_keeps_nothing_else_from_being_told(
    events: Events, ticks: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(emitter, "_told", set())
    logemit.Gauge("bad", "help").set_function(lambda: 1 / 0)
    logemit.Gauge("odd", "help").set_function(lambda: "many")  # type: ignore[arg-type,return-value]
    logemit.Gauge("good", "help").set_function(lambda: 3)
    logemit.flush()
    logemit.flush()
    assert [line["value"] for line in of(events, "good")] == [3, 3]
    assert of(events, "bad") == of(events, "odd") == []
    assert len(events("process_stats")) == 2
    assert len(caplog.records) == 1


def test_a_gauge_that_moved_and_is_then_set_leaves_nothing_in_the_sum(events: Events) -> None:
    g = logemit.Gauge("g", "help")
    g.inc(3)
    logemit.flush()
    g.set(10)
    logemit.flush()
    assert [(line["mode"], line["value"], line["step"]) for line in of(events, "g")] == [
        ("livesum", 3, 3),
        ("livesum", 0, -3),
        ("mostrecent", 10, 10),
    ]


def test_the_line_written_last_has_the_last_value_whichever_unit_it_is_of(events: Events) -> None:
    g = logemit.Gauge("g", "help")
    early, late = Unit("request", "early"), Unit("request", "late")
    with entered(early):
        g.set(1)
    with entered(late):
        g.set(2)
    for unit in (late, early):
        emitter.write_events(unit.close() or (), unit)
    assert [(line["request_id"], line["value"], line["step"]) for line in of(events, "g")] == [
        ("late", 2, 2),
        ("early", 2, 0),
    ]


# Coroutines and generators.


def test_coroutines_are_timed_each_for_itself_and_to_its_end(events: Events) -> None:
    h = logemit.Histogram("h", "help", buckets=[1])
    running = logemit.Gauge("running", "help", multiprocess_mode="sum")
    most = []

    @h.time()
    @running.track_inprogress()
    async def work(gate: asyncio.Event) -> int:
        most.append(running._child._value)
        await gate.wait()
        return 5

    async def main() -> list[int]:
        gate = asyncio.Event()
        tasks = [asyncio.create_task(work(gate)) for _ in range(3)]
        await asyncio.sleep(0)
        logemit.flush()
        assert of(events, "h") == []
        gate.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [5, 5, 5]
    assert most == [1, 2, 3]
    logemit.flush()
    (line,) = of(events, "h")
    assert line["count"] == 3
    assert [line["value"] for line in of(events, "running")] == [3, 0]


def test_a_coroutine_that_is_cancelled_is_timed_and_no_exception_of_the_app(events: Events) -> None:
    s = logemit.Summary("s", "help")
    failed = logemit.Counter("failed", "help")

    @s.time()
    @failed.count_exceptions()
    async def work() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    logemit.flush()
    assert [line["count"] for line in of(events, "s")] == [1]
    assert of(events, "failed") == []


def test_a_generator_is_at_work_until_it_ends(events: Events) -> None:
    running = logemit.Gauge("running", "help")

    @running.track_inprogress()
    def numbers() -> Iterator[int]:
        yield from (1, 2, 3)

    for n in numbers():
        logemit.flush()
        assert (n, of(events, "running")[-1]["value"]) == (n, 1)
    logemit.flush()
    assert of(events, "running")[-1]["value"] == 0
