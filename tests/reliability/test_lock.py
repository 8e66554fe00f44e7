"""One run at a time, however many are started, and none that waits for a dead one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aggregator.store.lock import holder
from tests.batch.runs import poll
from tests.scale import scaled

from .forks import ForkServer, Kill
from .processes import command, started

STARTS, AT_ONCE = 50, 10
PROBE = """
import fcntl, os, sys, time
flock, sleep, tried, slept = fcntl.flock, time.sleep, [], []
def without_waiting(fd, how):
    assert how & fcntl.LOCK_NB
    tried.append(time.process_time())
    return flock(fd, how)
def counted(seconds):
    slept.append(seconds)
    sleep(seconds)
fcntl.flock, time.sleep = without_waiting, counted
import cli
try:
    cli.main()
finally:
    os.write(1, str(sum(slept) + time.process_time() - tried[0]).encode())
"""
"""The command, which tells how long it sleeps and computes from its first try of the lock on."""


def patiently(is_so: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


@contextmanager
def at_work(tmp_path: Path) -> Iterator["tuple[subprocess.Popen[str], Path]"]:
    """A run that has the lock, and waits for a source that says nothing; and the output."""
    fifo, out = tmp_path / "fifo", tmp_path / "out"
    os.mkfifo(fifo)
    with started("aggregate", fifo, "--out", out, "--json") as process:
        patiently(lambda: f"pid {process.pid} on" in (holder(out / "_logemit/lock") or ""))
        yield process, out
        if process.poll() is None:
            process.kill()


def test_of_fifty_starts_one_works_and_the_others_say_who(
    tmp_path: Path, forks: ForkServer, figure: Callable[[str], None]
) -> None:
    """The one reads from a pipe, into which nothing is written before the others have ended."""
    fifo, out = tmp_path / "fifo", tmp_path / "out"
    os.mkfifo(fifo)
    began = time.monotonic()
    forks.start_crowd(["aggregate", fifo, "--out", out, "--json"], STARTS, AT_ONCE)
    refused = [forks.end() for _ in range(STARTS - 1)]
    fifo.write_bytes(poll(0) + poll(1))
    winner = forks.end()
    assert winner.error == ""
    assert (winner.report["run"], winner.report["events"]) == (1, 2)
    for ended in refused:
        assert (ended.code, ended.out) == (75, "")
        assert ended.error.startswith(f"logemit: {out}: another run is at work: pid {winner.pid} on ")
        assert ended.error.count("\n") == 1
    figure(f"lock: {STARTS} starts, 1 at work, {len(refused)} refused with 75, in {time.monotonic() - began:.1f} s")


def test_a_refused_start_ends_within_a_second(tmp_path: Path, figure: Callable[[str], None]) -> None:
    with at_work(tmp_path) as (process, out):
        refused = command("aggregate", tmp_path / "fifo", "--out", out)
        arguments = [sys.executable, "-c", PROBE, "aggregate", str(tmp_path / "fifo"), "--out", str(out)]
        probe = subprocess.run(arguments, capture_output=True, check=False, text=True, timeout=120)
    assert (refused.code, probe.returncode) == (75, 75)
    assert f"pid {process.pid} on" in refused.error
    assert float(probe.stdout) < 1
    figure(
        f"lock: a refused start took {refused.seconds:.2f} s from its start, "
        f"{float(probe.stdout):.3f} s of sleep and work from its first try of the lock"
    )


def test_a_killed_holder_never_blocks_the_next_run(
    tmp_path: Path, forks: ForkServer, figure: Callable[[str], None]
) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(poll(0))
    with at_work(tmp_path) as (process, out):
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert f"pid {process.pid} on" in (out / "_logemit/lock").read_text()
        done = command("aggregate", log, "--out", out, "--json")
    assert done.report["events"] == 1
    fifo, count = tmp_path / "fifo", scaled(5, 10, 500)
    for seq in range(1, count + 1):
        seen = tmp_path / f"seen{seq}"
        forks.start(["aggregate", fifo, "--out", out], Kill(0, str(seen)), watched=[seen])
        patiently(lambda: holder(out / "_logemit/lock"))
        seen.touch()
        assert forks.end().code == -signal.SIGKILL
        with log.open("ab") as file:
            file.write(poll(seq))
        assert forks.run(["aggregate", log, "--out", out, "--json"]).report["events"] == 1
    figure(f"lock: {count + 1} holders killed with SIGKILL, each next run went at once")
