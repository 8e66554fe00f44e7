"""Contenders as processes that live at the same time and take turns, so that noise meets them all alike."""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from .cases import Case, Contender, Output

ROOT = Path(__file__).resolve().parent.parent
TURN_SECONDS = 0.06
"""Of bare Django: short, so that the turns of one round see the same weather."""
ROUNDS_PER_START = 16
"""Then the processes are started afresh: two runs of a program differ in how its memory happens to lie."""
STOP_SECONDS = 10.0


class EndedError(Exception):
    """A contender ended by itself; its own standard error says why."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Per request: seconds, and write system calls where the system counts them."""

    wall: float
    cpu: float
    writes: float | None


@dataclass(slots=True)
class Taken:
    """What one contender took for a case, a turn for each round, and what it wrote per request."""

    turns: list[Turn] = field(default_factory=list)
    requests: int = 0
    bytes: int = 0
    lines: int = 0


class Process:
    """A contender on a case, and where it writes to a pipe, the pipe's reader."""

    def __init__(self, contender: Contender, case: Case, database: Path) -> None:
        bare = {"PATH": os.defpath, "LANG": "C.UTF-8", "DJANGO_SETTINGS_MODULE": contender.settings}
        told = {"BENCHMARK_HANDLER": case.handler, "BENCHMARK_QUERIES": str(case.queries)}
        env = {**bare, **told, "BENCHMARK_DATABASE": str(database), **contender.environment}
        self.requests = 0
        self.written = {"bytes": 0, "lines": 0}
        """What the reader met, once the process has ended."""
        self._name = contender.name
        answers, answer = os.pipe()
        self._reader: subprocess.Popen[bytes] | None = None
        if case.output is Output.PIPE:
            output, self._reader = _reader()
        else:
            output = os.open(os.devnull, os.O_WRONLY)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contender", str(answer)],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=output,
            pass_fds=[answer],
            text=True,
            start_new_session=True,  # Ctrl-C is for the one who started it
        )
        os.close(output)
        os.close(answer)
        self._answers = open(answers)  # noqa: SIM115  closed with the process

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Ends by itself at the end of its input; by force where the measuring was broken off."""
        if kind is not None:
            self._process.kill()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(STOP_SECONDS)
        self._answers.close()
        if self._reader is not None:
            told, _ = self._reader.communicate(timeout=STOP_SECONDS)
            if kind is None:
                self.written = json.loads(told)

    def turn(self, requests: int) -> Turn:
        return Turn(**self._told(str(requests), requests))

    def profile(self, requests: int, path: Path) -> None:
        self._told(f"{requests} {path}", requests)

    def _told(self, command: str, requests: int) -> dict[str, float]:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # then it has no answer, either
            self._process.stdin.write(f"{command}\n")
            self._process.stdin.flush()
        answer = self._answers.readline()
        if not answer:
            raise EndedError(f"the contender {self._name} ended before its time")
        self.requests += requests
        found: dict[str, float] = json.loads(answer)
        return found


def _reader() -> tuple[int, subprocess.Popen[bytes]]:
    """A process that reads a pipe to its end, and the pipe's other end."""
    end, output = os.pipe()
    # By path and without site: it starts in no time.
    program = [sys.executable, "-IS", str(ROOT / "benchmarks/reader.py")]
    process = subprocess.Popen(program, stdin=end, stdout=subprocess.PIPE, start_new_session=True)
    os.close(end)
    return output, process


@contextmanager
def database() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="logemit-benchmarks-") as folder:
        path = Path(folder) / "db.sqlite3"
        connection = sqlite3.connect(path)
        with connection:
            connection.execute("CREATE TABLE bookmark (id INTEGER PRIMARY KEY, title TEXT NOT NULL)")
            rows = [(f"Bookmark number {number}",) for number in range(100)]
            connection.executemany("INSERT INTO bookmark (title) VALUES (?)", rows)
        connection.close()
        yield path


def measure(
    case: Case,
    contenders: Sequence[Contender],
    path: Path,
    rounds: int,
    requests: int | None,
    tell: Callable[[str], None],
) -> dict[str, Taken]:
    """Rounds in which each contender has its turn, in rotating order. The first contender sets the turns' length."""
    taken = {contender.name: Taken() for contender in contenders}
    done = 0
    while done < rounds:
        tell(f"{case}: round {done} of {rounds}")
        count = min(ROUNDS_PER_START, rounds - done)
        with ExitStack() as stack:
            processes = {c.name: stack.enter_context(Process(c, case, path)) for c in contenders}
            each = requests or _calibrated(processes[contenders[0].name])
            for process in processes.values():  # warm up
                process.turn(each)
            for number in range(done, done + count):
                for index in range(len(contenders)):
                    name = contenders[(number + index) % len(contenders)].name
                    taken[name].turns.append(processes[name].turn(each))
        for name, process in processes.items():
            taken[name].requests += process.requests
            taken[name].bytes += process.written["bytes"]
            taken[name].lines += process.written["lines"]
        done += count
    return taken


def _calibrated(process: Process) -> int:
    process.turn(20)
    return max(10, round(TURN_SECONDS / process.turn(20).wall))
