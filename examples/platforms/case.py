"""A recorded case, and the helpers that its recorders share."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

EVENT = b'{"logemit":'
_KEY = re.compile(rb'"proc":"(\w+)","seq":(\d+)')
_TIME = re.compile(rb'"timestamp":"([^"]+)Z"')
_START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Case:
    """A log as it was delivered; `unreadable` names the events that did not survive the way, and why."""

    envelope: str
    data: bytes
    how: str
    built: bool = False
    name: str = "stdout.log.gz"
    packed: bool = False
    """Whether the platform itself compressed it: then it is kept byte for byte."""
    unreadable: Mapping[tuple[str, int], str] = field(default_factory=dict)
    duplicates: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the app's stdout, and when it was written: foreign lines at the time of the event before."""

    raw: bytes
    when: datetime
    is_event: bool

    @property
    def text(self) -> str:
        return self.raw.decode(errors="replace")

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw)
        return found


def lines(bare: bytes) -> list[Line]:
    when = datetime(2026, 11, 21, 8, 25, 14, tzinfo=UTC)
    found = []
    for line in bare.split(b"\n")[:-1]:
        if line.startswith(EVENT) and (match := _TIME.search(line)):
            when = datetime.fromisoformat(match[1].decode()).replace(tzinfo=UTC)
        # What a platform notes is when it read the line, a little later.
        found.append(Line(line, when + timedelta(milliseconds=2), line.startswith(EVENT)))
    return found


def key(line: bytes) -> tuple[str, int]:
    """An event's process and number."""
    match = _KEY.search(line)
    assert match, line
    return match[1].decode(), int(match[2])


def without(bare: bytes, lost: Callable[[bytes], str | None]) -> dict[tuple[str, int], str]:
    """The events that a rule says are lost, with its reason."""
    events = [line for line in bare.split(b"\n") if line.startswith(EVENT)]
    return {key(line): why for line in events if (why := lost(line))}


def millis(when: datetime) -> int:
    return round(when.timestamp() * 1000)


def nanos(when: datetime) -> str:
    """As Go writes it: trailing zeros are left out."""
    return f"{when:%Y-%m-%dT%H:%M:%S}.{f'{when:%f}417':0<9}".rstrip("0") + "Z"


def dumps(value: object, *, ascii_only: bool = False) -> str:
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))


def program(name: str, package: str) -> str:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/lib/systemd")
    if path is None:
        raise FileNotFoundError(f"{name} is missing; install Debian's package {package}")
    return path


def version(package: str) -> str:
    """Of a Debian package."""
    command = ["dpkg-query", "--show", "--showformat=${Version}", package]
    return f"{package} {subprocess.run(command, capture_output=True, text=True, check=True).stdout}"


@contextmanager
def running(command: list[str], log: Path, is_ready: Callable[[], bool], **options: Any) -> Iterator[Any]:
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **options)
    try:
        wait_until(is_ready, f"{command[0]} is not ready; see {log}")
        yield process
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def wait_until(is_true: Callable[[], bool], message: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not is_true():
        if time.monotonic() > deadline:
            raise RuntimeError(message)
        time.sleep(0.05)
