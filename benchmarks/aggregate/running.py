"""One program from start to end: how long it took, what it used, and what it said of itself."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from threading import Event, Thread
from typing import Any

ROOT = Path(__file__).parents[2]
_LAUNCH = Path(__file__).with_name("launch.py")
_SAMPLE_SECONDS = 0.05


class FailedError(Exception):
    """A program that did not end well is not measured."""


@dataclass(frozen=True, slots=True)
class Turn:
    """`cpu` and `peak` are of the program and what it started; `seconds` are its own, without what it loads first."""

    wall: float
    cpu: float
    peak: int
    seconds: float | None
    said: dict[str, Any]


def run(command: Sequence[str | Path]) -> Turn:
    with TemporaryFile() as output, TemporaryFile() as errors, NamedTemporaryFile() as result:
        launch = [sys.executable, "-I", "-S", _LAUNCH, result.name, *command]
        process = subprocess.Popen([*map(str, launch)], cwd=ROOT, stdout=output, stderr=errors)
        with _Peak(process.pid) as peak:
            process.wait()
        used = json.loads(result.read() or b'{"status": "nothing"}')
        if used["status"] != 0:
            errors.seek(0)
            told = errors.read().decode(errors="replace")[-2000:]
            raise FailedError(f"{' '.join(map(str, command))} ended with {used['status']}:\n{told}")
        output.seek(0)
        said = _last_object(output.read())
    return Turn(used["wall"], used["cpu"], max(used["peak"], peak.bytes), _seconds(said), said)


def _seconds(said: dict[str, Any]) -> float | None:
    """Without `loading`, where a program says it: that of a peer is over before it looks at the clock."""
    return said["seconds"] - said.get("loading", 0.0) if "seconds" in said else None


def _last_object(output: bytes) -> dict[str, Any]:
    lines = output.splitlines() or [b""]
    try:
        said = json.loads(lines[-1])
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


class _Peak:
    """The most that several processes hold together, sampled: of one, the system knows better."""

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._pid = pid
        self._is_over = Event()
        self._thread = Thread(target=self._watch)

    def __enter__(self) -> "_Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(_SAMPLE_SECONDS):
            pids = _started_by(self._pid)
            if len(pids) > 1:
                self.bytes = max(self.bytes, sum(map(_proportional, pids)))


def _started_by(pid: int) -> list[int]:
    """All processes below one, where the system tells (Linux)."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found.extend(map(int, children.read_text().split()))
            except OSError:  # gone meanwhile
                continue
    return found[1:]


def _proportional(pid: int) -> int:
    """Bytes in memory, a page shared by two processes as half a page."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
