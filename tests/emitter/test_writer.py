"""The writer under what can happen to a file descriptor. Each process is a real one."""

import json
import logging
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import logemit
from logemit import emitter
from logemit.channel import FOLLOW_SECONDS
from logemit.conf import load
from logemit.vocabulary import LINE_LIMIT
from logemit.writer import Line, Writer
from tests.conftest import ROOT, Events


def run(code: str, **kwargs: Any) -> subprocess.CompletedProcess[bytes]:
    environ = {**os.environ, "PYTHONUNBUFFERED": "1", "LOGEMIT_PROCESS_STATS_SECONDS": "", **kwargs.pop("env", {})}
    return subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=environ, **kwargs)


def by_proc(data: bytes) -> dict[str, list[int]]:
    """The numbers of each process, in the order of the lines. Fails on any line that is not whole."""
    numbers = defaultdict(list)
    for line in data.splitlines():
        event = json.loads(line)
        numbers[event["proc"]].append(event["seq"])
    return numbers


def test_processes_that_share_a_pipe_neither_lose_nor_interleave_lines() -> None:
    code = "import logemit\nfor i in range(400): logemit.emit('tick', i=i, pad='x' * (i * 9 % 3900))"
    reader, writer = os.pipe()
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=writer) for _ in range(4)]
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    assert [process.wait() for process in processes] == [0] * 4
    assert sorted(map(len, data.splitlines(keepends=True)))[-1] <= LINE_LIMIT
    assert list(by_proc(data).values()) == [list(range(400))] * 4


def test_a_forked_child_takes_a_new_proc_and_counts_from_zero() -> None:
    code = (
        "import logemit, os\nlogemit.emit('parent')\n"
        "pids = []\n"
        "for _ in range(3):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        logemit.emit('child'); logemit.emit('child'); os._exit(0)\n"
        "    pids.append(pid)\n"
        "for pid in pids: os.waitpid(pid, 0)\n"
        "logemit.emit('parent')"
    )
    numbers = by_proc(run(code, stdout=subprocess.PIPE).stdout)
    assert sorted(numbers.values()) == [[0, 1]] * 4


def test_a_fork_while_another_thread_writes_does_not_hang() -> None:
    code = (
        "import logemit, os, threading\n"
        "stop = threading.Event()\n"
        "def busy():\n"
        "    while not stop.is_set(): logemit.emit('busy')\n"
        "thread = threading.Thread(target=busy); thread.start()\n"
        "for _ in range(30):\n"
        "    pid = os.fork()\n"
        "    if pid == 0: logemit.emit('child'); os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
        "stop.set(); thread.join()"
    )
    data = run(f"import warnings; warnings.simplefilter('ignore')\n{code}", stdout=subprocess.PIPE).stdout
    assert sum(b'"event":"child"' in line for line in data.splitlines()) == 30


def test_threads_draw_each_number_once(events: Events) -> None:
    def tick() -> None:
        for _ in range(200):
            logemit.emit("tick")

    threads = [threading.Thread(target=tick) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event["seq"] for event in events()] == list(range(1600))


def test_an_event_from_a_signal_handler_in_the_middle_of_a_write() -> None:
    code = (
        "import logemit, signal\n"
        "signal.signal(signal.SIGALRM, lambda *_: logemit.emit('alarm'))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\n"
        "for _ in range(3000): logemit.emit('tick', pad='x' * 500)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)"
    )
    numbers = by_proc(run(code, stdout=subprocess.PIPE).stdout)
    (seen,) = numbers.values()
    assert sorted(seen) == list(range(len(seen)))
    assert len(seen) > 3000


def test_a_reader_that_stalls_does_not_stall_the_app_and_learns_what_was_dropped() -> None:
    code = (
        "import logemit, logging, sys\n"
        "from logemit import channel\n"
        "ready, waits = channel._ready, []\n"
        "channel._ready = lambda fd, seconds: waits.append(seconds) or ready(fd, seconds)\n"
        "logging.disable()\n"
        "for _ in range(200): logemit.emit('tick', pad='x' * 3000)\n"
        "sys.stderr.write(f'{sum(max(0, seconds) for seconds in waits):.3f}'); sys.stderr.flush()\n"
        "sys.stdin.readline(); logemit.emit('after')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        seconds = float(process.stderr.read(5))
        first = os.read(process.stdout.fileno(), 1 << 20)
        process.stdin.write(b"\n")
        process.stdin.flush()
        data = first + process.stdout.read()
    assert seconds < 5  # that it was ready to wait, however long it took
    lines = [json.loads(line) for line in data.splitlines()]
    assert lines[-1]["event"] == "after"
    assert lines[-1]["dropped"] == 200 - (len(lines) - 1) > 0
    assert lines[-1]["seq"] == 200


@pytest.mark.parametrize("redirect", ["exec 1>/dev/full", "exec 1> >(true); wait $!"])
def test_a_full_or_broken_output_is_counted_and_never_raised(redirect: str, tmp_path: Path) -> None:
    log = tmp_path / "after.log"
    code = (
        "import logemit, os\n"
        "for _ in range(5): logemit.emit('lost')\n"
        f"fd = os.open({str(log)!r}, os.O_WRONLY | os.O_CREAT); os.dup2(fd, 1)\n"
        "logemit.emit('kept'); logemit.emit('kept')"
    )
    subprocess.run(["bash", "-c", f'{redirect}; exec "$0" -c "$1"', sys.executable, code], check=True, timeout=30)
    first, second = [json.loads(line) for line in log.read_text().splitlines()]
    assert (first["seq"], first["dropped"]) == (5, 5)
    assert (second["seq"], "dropped" in second) == (6, False)


def test_a_stdout_that_someone_made_non_blocking() -> None:
    code = "import logemit, os; os.set_blocking(1, False)\nfor _ in range(100): logemit.emit('tick', pad='x' * 2000)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout
        (seen,) = by_proc(process.stdout.read()).values()
    assert seen == list(range(100))


def test_a_terminal_that_takes_a_line_in_parts_gets_it_whole() -> None:
    master, slave = pty.openpty()
    code = "import logemit, tty; tty.setraw(1)\nfor _ in range(20): logemit.emit('tick', pad='x' * 3800)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=slave)
    os.close(slave)
    data = b""
    while True:
        try:
            chunk = os.read(master, 1 << 16)
        except OSError:
            break
        if not chunk:
            break
        data += chunk
        time.sleep(0.001)
    assert process.wait() == 0
    os.close(master)
    (seen,) = by_proc(data).values()
    assert seen == list(range(20))


def test_a_socket_as_stdout() -> None:
    import socket

    ours, theirs = socket.socketpair()
    code = "import logemit\nfor _ in range(50): logemit.emit('tick', pad='x' * 1000)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=theirs.fileno())
    theirs.close()
    with ours, ours.makefile("rb") as stream:
        data = stream.read()
    assert process.wait() == 0
    (seen,) = by_proc(data).values()
    assert seen == list(range(50))


def test_a_default_timeout_of_sockets_changes_nothing_of_a_socket_as_stdout() -> None:
    import socket

    ours, theirs = socket.socketpair()
    code = (
        "import logemit, os, socket, sys\n"
        "socket.setdefaulttimeout(3600)\n"
        "for _ in range(600): logemit.emit('tick', pad='x' * 3000)\n"
        "print(os.get_blocking(1), file=sys.stderr)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=theirs.fileno(), stderr=subprocess.PIPE, text=True)
    theirs.close()
    _, told = process.communicate(timeout=120)  # nobody reads, and nothing waits for an hour
    ours.close()
    assert told.split()[-1] == "True"


def test_what_a_forked_child_could_not_render_is_told_by_it() -> None:
    code = (
        "import logemit, os\n"
        "logemit.emit('parent')\n"
        "if os.fork() == 0:\n"
        "    logemit.emit('bad'); logemit.emit('after')\n"
        "    os._exit(0)\n"
        "os.wait()"
    )
    env = {"LOGEMIT_PROCESSORS": "tests.emitter.processors.fails_for_bad", "LOGEMIT_OUTPUT": "stdout"}
    env["PYTHONPATH"] = str(ROOT)
    done = run(code, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
    after = json.loads(done.stdout.splitlines()[-1])
    assert (after["event"], after["dropped"]) == ("after", 1)


def test_a_logging_handler_that_fails_reaches_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Down(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("handler is down")

    handler = Down()
    monkeypatch.setenv("LOGEMIT_OUTPUT", str(tmp_path / "no" / "such" / "folder"))
    monkeypatch.setattr(emitter, "_told", set())
    emitter.reset()
    emitter.logger.addHandler(handler)
    try:
        logemit.emit("lost")
    finally:
        emitter.logger.removeHandler(handler)


def test_a_file_that_is_rotated_away_is_opened_again(output: Path) -> None:
    logemit.emit("before")
    output.rename(output.with_suffix(".1"))
    time.sleep(FOLLOW_SECONDS)
    logemit.emit("after")
    assert json.loads(output.read_text())["event"] == "after"


def test_an_output_that_cannot_be_written_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LOGEMIT_OUTPUT", str(tmp_path / "missing" / "events.log"))
    monkeypatch.setattr(emitter, "_told", set())
    emitter.reset()
    for _ in range(3):
        logemit.emit("lost")
    assert len(caplog.records) == 1
    assert "No such file or directory" in caplog.text


def test_lines_of_one_unit_share_writes_of_at_most_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    writer = Writer(load(None, {"LOGEMIT_OUTPUT": str(tmp_path / "log")}))
    send = writer._channel.send

    def measured(data: bytes) -> bool:
        sizes.append(len(data))
        return send(data)

    monkeypatch.setattr(writer._channel, "send", measured)
    writer.write([Line(b'{"a":1', b',"pad":"' + b"x" * size + b'"}\n') for size in (1000, 1000, 1000, 3000, 2000)])
    writer.close()
    assert len(sizes) == 3
    assert max(sizes) <= LINE_LIMIT


def test_stdout_under_manage_py_is_left_to_the_command(tmp_path: Path) -> None:
    script = tmp_path / "manage.py"
    script.write_text("import logemit; logemit.emit('tick')")
    for arguments, expected in ((["dumpdata"], "stderr"), (["runserver"], "stdout")):
        done = subprocess.run([sys.executable, script, *arguments], capture_output=True, check=True)
        assert bool(done.stdout) is (expected == "stdout")
        assert bool(done.stderr) is (expected == "stderr")


def test_what_a_parent_has_not_written_yet_is_not_written_again_by_its_children() -> None:
    """A server that preloads the app runs queries before it forks its workers."""
    code = (
        "import os, sys\n"
        "from logemit.kinds import QueryKind\n"
        "from logemit import outside\n"
        "from logemit.unit import Unit, current, entered\n"
        "kind = QueryKind('default', 'sqlite', 'SELECT', False, '')\n"
        "for _ in range(3): outside.fold(kind, 10, 0)\n"
        "unit = Unit('request', 'r1')\n"
        "with entered(unit):\n"
        "    unit.fold(kind, 10, 0)\n"
        "    for _ in range(2):\n"
        "        pid = os.fork()\n"
        "        if pid == 0:\n"
        "            assert unit.close() is None\n"
        "            assert current.get() is None\n"
        "            outside.fold(kind, 10, 0); outside.flush(); sys.exit()\n"
        "        os.waitpid(pid, 0)\n"
        "outside.flush()"
    )
    lines = [json.loads(line) for line in run(code, stdout=subprocess.PIPE).stdout.splitlines()]
    assert sorted(line["count"] for line in lines) == [1, 1, 3]


def test_a_request_id_or_bins_of_any_length_never_break_the_limit(output: Path) -> None:
    import structlog

    with structlog.contextvars.bound_contextvars(request_id="r" * 9000):
        logemit.emit("db_query", bins="0.1:1," * 2000, alias="a" * 5000)
    assert len(output.read_bytes()) <= LINE_LIMIT
    assert json.loads(output.read_bytes())["cut"] == 3


def test_a_stdout_that_was_closed_is_not_the_file_that_took_its_number(tmp_path: Path) -> None:
    victim = tmp_path / "victim.db"
    code = f"import logemit; file = open({str(victim)!r}, 'wb'); assert file.fileno() == 1; logemit.emit('lost')"
    subprocess.run(["bash", "-c", 'exec "$0" -c "$1" 1>&-', sys.executable, code], check=True, timeout=30)
    assert victim.read_bytes() == b""


def test_a_process_forked_by_a_server_in_c_takes_a_new_proc() -> None:
    """Without Python's fork hooks, as uWSGI does it."""
    code = (
        "import ctypes, os, logemit; logemit.emit('boot'); pid = ctypes.PyDLL(None).fork()\n"
        "for _ in range(50): logemit.emit('tick')\n"
        "if pid: os.waitpid(pid, 0)\n"
        "else: os._exit(0)"
    )
    numbers = by_proc(run(code, stdout=subprocess.PIPE).stdout)
    assert sorted(numbers.values()) == [list(range(50)), list(range(51))]


class SoftLimitError(Exception):
    """As Celery's SoftTimeLimitExceeded: raised by a signal, an ordinary exception."""


def raise_timeout(*_args: object) -> None:
    raise SoftLimitError


def test_an_exception_that_a_signal_raises_in_the_middle_of_ours_reaches_the_app(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.signal(signal.SIGUSR1, raise_timeout)
    try:
        monkeypatch.setattr("logemit.line.time_ns", lambda: os.kill(os.getpid(), signal.SIGUSR1))
        with pytest.raises(SoftLimitError):
            logemit.emit("tick")
    finally:
        signal.signal(signal.SIGUSR1, before)
    monkeypatch.undo()
    logemit.emit("after")
    assert "after" in output.read_text()
