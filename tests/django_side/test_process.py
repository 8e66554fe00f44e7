"""What a process uses: told at its rate, as what was added since, and the sum is what the process itself says."""

import gc
import json
import os
import platform
import resource
import subprocess
import sys
import threading
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from logemit import outside, process
from tests.conftest import ROOT, Events

from .conftest import Use

EACH = ("collected", "uncollectable", "collections")


def test_the_first_unit_that_ends_tells_and_the_next_does_not(events: Events, use: Use) -> None:
    use(PROCESS_STATS_SECONDS=3600)
    assert events() == []
    for _ in range(3):
        Client().get("/hello/")
    assert [event["event"] for event in events()] == [
        "http_request",
        "process_stats",
        *["gc_stats"] * 3,
        "http_request",
        "http_request",
    ]
    assert {event["unit"] for event in events() if event["event"] != "http_request"} == {"none"}
    assert [event["generation"] for event in events("gc_stats")] == [0, 1, 2]


def test_it_is_told_again_once_the_seconds_of_the_setting_have_passed(
    events: Events, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(
        process, "time", SimpleNamespace(monotonic=lambda: clock.now, process_time_ns=time.process_time_ns)
    )
    use(PROCESS_STATS_SECONDS=15)
    lines = []
    for now in (1000.0, 1010.0, 1014.9, 1015.0, 1015.1, 1100.0):
        clock.now = now
        Client().get("/hello/")
        lines.append(len(events("process_stats")))
    assert lines == [1, 1, 1, 2, 2, 3]


def test_processor_time_adds_up_to_what_the_process_says(events: Events, use: Use) -> None:
    use(PROCESS_STATS_SECONDS=0)
    for _ in range(4):
        sum(range(200_000))
        before = time.process_time()
        outside.flush()
        after = time.process_time()
        told = sum(event["cpu_seconds"] for event in events("process_stats"))
        assert before - 1e-5 <= told <= after + 1e-5
    assert all(event["cpu_seconds"] > 0 for event in events("process_stats"))


def test_the_collectors_figures_add_up_by_generation(events: Events, use: Use) -> None:
    use(PROCESS_STATS_SECONDS=0)
    begun = process._told.gc
    for generation in (0, 1, 2, 2):
        for _ in range(10):
            cycle: list[Any] = []
            cycle.append(cycle)
        del cycle
        gc.collect(generation)
        outside.flush()
    gc.disable()
    try:
        outside.flush()
        now = gc.get_stats()
    finally:
        gc.enable()
    told: Counter[tuple[int, str]] = Counter()
    for event in events("gc_stats"):
        told.update({(event["generation"], name): event[name] for name in EACH})
    assert told == {(i, name): now[i][name] - begun[i][name] for i in range(3) for name in EACH}
    assert told[2, "collected"] > 0
    for name in EACH:
        whole = sum(event[f"gc_{name}"] for event in events("process_stats"))
        assert whole == sum(told[i, name] for i in range(3))


def test_the_fields_are_what_the_system_says(events: Events, use: Use) -> None:
    use(PROCESS_STATS_SECONDS=0)
    outside.flush()
    (event,) = events("process_stats")
    with open("/proc/self/status") as file:
        status = dict(line.split(":", 1) for line in file)
    with open("/proc/uptime") as file:
        uptime = float(file.read().split()[0])
    with open("/proc/self/stat") as file:
        started = int(file.read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    assert event["rss_bytes"] == pytest.approx(int(status["VmRSS"].split()[0]) * 1024, rel=0.2)
    assert event["vms_bytes"] == pytest.approx(int(status["VmSize"].split()[0]) * 1024, rel=0.2)
    assert event["threads"] == int(status["Threads"])
    assert event["open_fds"] == len(os.listdir("/proc/self/fd")) - 1 - 1  # the output was opened after it
    assert event["max_fds"] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert event["start_time_seconds"] == pytest.approx(time.time() - uptime + started, abs=5)
    assert event["version"] == platform.python_version()
    assert ".".join(event[part] for part in ("major", "minor", "patchlevel")) == event["version"]


def test_without_proc_there_is_the_rest(events: Events, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_args: Any) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(process, "open", missing, raising=False)
    use(PROCESS_STATS_SECONDS=0)
    outside.flush()
    (event,) = events("process_stats")
    assert not {"rss_bytes", "vms_bytes", "open_fds", "start_time_seconds"} & set(event)
    assert event["threads"] == threading.active_count()


def test_without_a_limit_of_descriptors_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert process._limits() == {}


def test_threads_that_end_their_units_at_once_tell_once(events: Events, use: Use) -> None:
    use(PROCESS_STATS_SECONDS=3600)
    barrier = threading.Barrier(8)

    def end_a_unit() -> None:
        barrier.wait()
        outside.flush()

    threads = [threading.Thread(target=end_a_unit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(events("process_stats")) == 1
    assert len(events("gc_stats")) == 3


def test_what_interrupts_the_telling_does_not_tell_again(
    events: Events, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal handler, or another thread."""
    use(PROCESS_STATS_SECONDS=0)
    used = process._used
    within: list[Any] = []

    def interrupted() -> dict[str, Any]:
        within.append(process.due())
        return used()

    monkeypatch.setattr(process, "_used", interrupted)
    outside.flush()
    assert within == [[]]
    assert len(events("process_stats")) == 1


def test_an_empty_setting_tells_nothing_also_at_the_end(events: Events, use: Use) -> None:
    use(PROCESS_STATS_SECONDS="")
    Client().get("/hello/")
    outside.flush(last=True)
    outside.at_exit()
    assert [event["event"] for event in events()] == ["http_request"]
    assert not process.is_owed()


def test_disabled_tells_nothing(events: Events, use: Use) -> None:
    use(PROCESS_STATS_SECONDS=0, ENABLED=0)
    Client().get("/hello/")
    outside.flush(last=True)
    assert events() == []


def lines_of(code: str) -> list[dict[str, Any]]:
    """What a process of its own writes, of a project that is set up."""
    start = "import django, logemit, gc, os, sys, time; django.setup(); from logemit import outside, process\n"
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.django_side.settings", "LOGEMIT_OUTPUT": "stdout"}
    env["LOGEMIT_PROCESS_STATS_SECONDS"] = "3600"
    command = [sys.executable, "-c", start + code]
    done = subprocess.run(command, check=True, cwd=ROOT, env=env, stdout=subprocess.PIPE, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_process_that_told_before_tells_the_rest_at_its_exit() -> None:
    found = lines_of(
        "outside.flush()\n"
        "while time.process_time() < 0.6: pass\n"
        "gc.collect()\n"
        "logemit.emit('own', cpu=time.process_time())\n"
    )
    told = [line for line in found if line["event"] == "process_stats"]
    (own,) = [line for line in found if line["event"] == "own"]
    assert len(told) == 2
    assert sum(line["cpu_seconds"] for line in told) >= own["cpu"] - 1e-5 > 0.5
    assert found[-4]["event"] == "process_stats"
    assert [line["seq"] for line in found] == list(range(len(found)))


def test_a_process_that_ends_says_that_it_uses_nothing_any_more() -> None:
    """Or its memory would haunt the sums until its line is old."""
    found = lines_of("outside.flush()")
    first, last = [line for line in found if line["event"] == "process_stats"]
    assert first["alive"] == 1
    assert last["alive"] == 0
    assert {last[name] for name in ("rss_bytes", "vms_bytes", "open_fds", "max_fds", "threads")} == {0}
    assert last["timestamp"] > first["timestamp"]
    assert "start_time_seconds" not in last


def test_a_process_that_told_nothing_says_nothing_at_its_exit() -> None:
    assert lines_of("logemit.__name__") == []


@pytest.mark.parametrize("fork", ["os.fork()", "process.reset() or ctypes.PyDLL(None).fork()"])
def test_a_forked_child_starts_at_its_own_zero(fork: str) -> None:
    """Also one that a server forks in C."""
    found = lines_of(
        "import ctypes\n"
        "while time.process_time() < 0.8: pass\n"
        "for _ in range(50): gc.collect()\n"
        "outside.flush(); sys.stdout.flush()\n"
        f"pid = {fork}\n"
        "if pid == 0:\n"
        "    assert not process.is_owed()\n"
        "    sum(range(10000)); outside.flush(); gc.collect(); process.reset(); outside.flush()\n"
        "    logemit.emit('child', cpu=time.process_time()); os._exit(0)\n"
        "os.waitpid(pid, 0); os._exit(0)"
    )
    procs = list(dict.fromkeys(line["proc"] for line in found))
    assert len(procs) == 2
    parent, child = ([line for line in found if line["proc"] == proc] for proc in procs)
    assert parent[0]["cpu_seconds"] >= 0.8
    assert parent[0]["gc_collections"] >= 50
    told = [line for line in child if line["event"] == "process_stats"]
    assert len(told) == 2
    (own,) = [line for line in child if line["event"] == "child"]
    assert sum(line["cpu_seconds"] for line in told) <= own["cpu"] + 1e-5
    assert 1 <= sum(line["gc_collections"] for line in told) < 50
    assert child[0]["start_time_seconds"] >= parent[0]["start_time_seconds"]
    assert [line["seq"] for line in child] == list(range(len(child)))
