"""Where bytes leave the process: what follows an output that moves, and what costs nothing where nothing blocks."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from logemit import channel
from logemit.channel import FOLLOW_SECONDS, Channel


class Clock:
    """time.monotonic, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(channel, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.log"


@pytest.fixture
def opened(path: Path) -> Iterator[Channel]:
    opened = Channel(str(path), 0.1)
    yield opened
    opened.close()


def test_a_file_that_was_renamed_is_followed_within_the_bound(clock: Clock, path: Path, opened: Channel) -> None:
    assert opened.send(b"1\n")
    old = path.rename(path.with_suffix(".1"))
    clock.now += FOLLOW_SECONDS * 0.9
    assert opened.send(b"2\n")
    assert (old.read_bytes(), path.exists()) == (b"1\n2\n", False)
    clock.now += FOLLOW_SECONDS * 0.2
    assert opened.send(b"3\n")
    assert (old.read_bytes(), path.read_bytes()) == (b"1\n2\n", b"3\n")


def test_a_file_that_another_took_the_place_of_is_left(clock: Clock, path: Path, opened: Channel) -> None:
    assert opened.send(b"1\n")
    old = path.rename(path.with_suffix(".1"))
    path.write_bytes(b"made by logrotate\n")
    clock.now += FOLLOW_SECONDS
    assert opened.send(b"2\n")
    assert (old.read_bytes(), path.read_bytes()) == (b"1\n", b"made by logrotate\n2\n")


def test_a_file_that_was_truncated_is_appended_to_from_its_start(path: Path, opened: Channel) -> None:
    assert opened.send(b"1\n")
    os.truncate(path, 0)
    assert opened.send(b"2\n")
    assert path.read_bytes() == b"2\n"


def test_an_output_that_failed_is_looked_for_at_the_very_next_write(clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "events.log"
    opened = Channel(str(path), 0.1)
    assert not opened.send(b"1\n")
    assert isinstance(opened.last_error, FileNotFoundError)
    path.parent.mkdir()
    assert opened.send(b"2\n")
    assert path.read_bytes() == b"2\n"
    opened.close()


def test_a_stat_is_made_no_more_often_than_an_output_is_followed(
    clock: Clock, opened: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[float] = []
    follow = opened._follow

    def counted() -> None:
        looked.append(clock.now)
        follow()

    monkeypatch.setattr(opened, "_follow", counted)
    for _ in range(100):
        opened.send(b"1\n")
        clock.now += FOLLOW_SECONDS / 10
    assert len(looked) == 10


def send_without_poll(standard: str, expected: bool) -> str:
    """Code of a process that sends a line to its `standard` output where polling is an error."""
    return (
        "import select\n"
        "def poll(): raise AssertionError('polled')\n"
        "select.poll = poll\n"
        "from logemit.channel import Channel\n"
        f"assert Channel('{standard}', 0.1).send(b'line\\n') is {expected}\n"
    )


@pytest.mark.parametrize("standard", ["stdout", "stderr"])
def test_a_file_and_the_null_device_are_written_without_a_poll(standard: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", send_without_poll(standard, True)]
    log = tmp_path / "log"
    for path in (log, Path(os.devnull)):
        with path.open("ab") as file:
            redirected = {"stdout": file} if standard == "stdout" else {"stderr": file}
            subprocess.run(command, check=True, timeout=60, **redirected)  # type: ignore[call-overload]
    assert log.read_bytes() == b"line\n"


def test_an_output_of_its_own_is_written_without_a_poll(
    path: Path, opened: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(select, "poll", lambda: pytest.fail("polled"))
    for _ in range(3):
        assert opened.send(b"x" * 4096)
    assert path.stat().st_size == 3 * 4096


def test_a_standard_output_that_was_pointed_elsewhere_is_followed(tmp_path: Path) -> None:
    """As daemons do, and servers that take a new log at a signal."""
    first, second = tmp_path / "first", tmp_path / "second"
    code = (
        "import os, sys, time\n"
        "from logemit.channel import FOLLOW_SECONDS, Channel\n"
        "channel = Channel('stdout', 0.1)\n"
        "assert channel.send(b'1\\n')\n"
        "os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), 1)\n"
        "time.sleep(FOLLOW_SECONDS)\n"
        "assert channel.send(b'2\\n')\n"
    )
    with first.open("ab") as file:
        subprocess.run([sys.executable, "-c", code, str(second)], check=True, timeout=60, stdout=file)
    assert (first.read_bytes(), second.read_bytes()) == (b"1\n", b"2\n")


def test_a_pipe_that_was_replaced_keeps_nothing_open(clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    opened = Channel(str(path), 0.1)
    assert opened.send(b"1\n")
    assert os.read(reader, 10) == b"1\n"
    path.unlink()
    clock.now += FOLLOW_SECONDS
    assert opened.send(b"2\n")
    assert os.read(reader, 10) == b""  # its only writer is gone
    assert path.read_bytes() == b"2\n"
    os.close(reader)
    opened.close()


def test_a_pipe_without_a_reader_is_an_error_at_once(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    opened = Channel(str(path), 60)
    assert not opened.send(b"1\n")
    assert isinstance(opened.last_error, OSError)
