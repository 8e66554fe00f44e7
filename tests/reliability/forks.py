"""A server that forks a process for each of very many runs.

It has imported what a run needs, and computed nothing: a fork of it is as a new process that is through with its
imports.
"""

import gc
import io
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn

from tests.conftest import ROOT

GLANCE_SECONDS, LOOK_SECONDS = 0.0003, 0.005
"""Between looks at a run that is to be killed or has files to watch, and at any other."""

ENVIRON = {"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL `seconds` after the start of a run, or after a file is there."""

    seconds: float
    after: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    """Negative for a signal."""
    seconds: float
    out: str
    error: str
    seen_at: Mapping[str, float] = field(default_factory=dict)
    """Seconds after the start at which the files asked for were there."""
    pid: int = 0

    @property
    def report(self) -> dict[str, Any]:
        assert self.code == 0, self
        report: dict[str, Any] = json.loads(self.out)
        return report

    @property
    def message(self) -> str:
        """The one line that tells of an error."""
        (line,) = self.error.splitlines()
        assert "Traceback" not in line
        return line


# In the server.


def serve() -> None:
    """Answer requests from standard input until it closes."""
    answers = os.fdopen(os.dup(1), "w")

    def answer(ended: Ended) -> None:
        print(json.dumps(asdict(ended)), file=answers, flush=True)

    import_everything()
    print(json.dumps("ready"), file=answers, flush=True)
    for line in filter(str.strip, sys.stdin):
        request = json.loads(line)
        run = Run(request["arguments"], request["now"], request["variables"])
        if request["count"]:
            _crowd(run, request["count"], request["at_once"], answer)
        else:
            kill = Kill(**request["kill"]) if request["kill"] else None
            answer(_run(run, kill, request["watched"]))


@dataclass(frozen=True, slots=True)
class Run:
    arguments: Sequence[str]
    now: int | None
    """Where its clock stands still, in nanoseconds."""
    variables: Mapping[str, str]


def import_everything() -> None:
    import pyarrow.dataset  # noqa: F401

    import cli.app

    with suppress(ImportError):
        import s3fs  # noqa: F401

    with redirect_stderr(io.StringIO()), suppress(SystemExit):
        cli.app.app(["aggregate", "/no/such.log", "--out", "/no/such"])
    gc.freeze()


class _Forked:
    """A run, and where its output goes."""

    def __init__(self, run: Run) -> None:
        self.began = time.monotonic()
        self._files = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        self.pid = os.fork()
        if not self.pid:
            _become(run, self._files)

    def ended(self, status: int, seen_at: Mapping[str, float]) -> Ended:
        seconds = time.monotonic() - self.began
        out, error = (os.pread(file.fileno(), 1 << 20, 0).decode() for file in self._files)
        for file in self._files:
            file.close()
        return Ended(os.waitstatus_to_exitcode(status), seconds, out, error, seen_at, self.pid)


def _run(run: Run, kill: Kill | None, watched: Sequence[str]) -> Ended:
    forked = _Forked(run)
    return forked.ended(*_watch(forked.pid, kill, forked.began, watched))


def _crowd(run: Run, count: int, at_once: int, answer: Callable[[Ended], None]) -> None:
    """The same run again and again, always so many at once; each is told as it ends."""
    running: dict[int, _Forked] = {}
    while count or running:
        while count and len(running) < at_once:
            forked = _Forked(run)
            running[forked.pid] = forked
            count -= 1
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            answer(running.pop(pid).ended(status, {}))
        elif _is_left_alone():
            count = 0
            for pid in running:
                os.kill(pid, signal.SIGKILL)
        else:
            time.sleep(LOOK_SECONDS)


def _is_left_alone() -> bool:
    """Who asked has gone, or does not wait for an answer any more."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _become(run: Run, files: Sequence[IO[bytes]]) -> NoReturn:
    code = 1
    try:
        for target, file in zip((1, 2), files, strict=True):
            os.dup2(file.fileno(), target)
        os.environ.update(run.variables)
        take_on_the_environment()
        if (now := run.now) is not None:
            time.time_ns = lambda: now
        sys.argv = ["logemit", *run.arguments]
        import cli

        cli.main()
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _watch(pid: int, kill: Kill | None, began: float, watched: Sequence[str]) -> tuple[int, dict[str, float]]:
    """The status of a child that is killed in time, and when the watched files were there."""
    seen_at: dict[str, float] = {}
    kill_at = began + kill.seconds if kill and not kill.after else None
    glance = GLANCE_SECONDS if kill or watched else LOOK_SECONDS
    while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
        now = time.monotonic()
        for path in watched:
            if path not in seen_at and os.path.exists(path):
                seen_at[path] = now - began
                if kill and kill.after == path:
                    kill_at = now + kill.seconds
        if _is_left_alone() or (kill_at is not None and now >= kill_at):
            os.kill(pid, signal.SIGKILL)
            return os.waitpid(pid, 0)[1], seen_at
        time.sleep(glance if kill_at is None else min(glance, kill_at - now))
    return ended[1], seen_at


def take_on_the_environment() -> None:
    """What was read of the server's when it started."""
    sys.modules["__main__"].__package__ = ""  # as of a script, by which the usage names it
    tempfile.tempdir = None
    time.tzset()
    if "fsspec" in sys.modules:
        from fsspec.config import conf, set_conf_env

        set_conf_env(conf)


# Outside of it.


class ForkServer:
    """One run, or crowd of them, at a time. `variables` are added to the environment of each."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._owed = 0
        self.variables: Mapping[str, str] = {}
        assert self.answer_is_there(60)
        assert self._answer() == "ready"

    def start(
        self,
        arguments: Sequence[object],
        kill: Kill | None = None,
        now: int | None = None,
        watched: Sequence[Path] = (),
    ) -> None:
        """Fork a run. `now` sets its clock still, in nanoseconds."""
        self._ask(arguments, 1, kill=asdict(kill) if kill else None, now=now, watched=list(map(str, watched)))

    def start_crowd(self, arguments: Sequence[object], count: int, at_once: int) -> None:
        """Fork the same run so often; each is to be asked for its `end`, in which order they come."""
        self._ask(arguments, count, count=count, at_once=at_once)

    def _ask(self, arguments: Sequence[object], answers: int, **more: object) -> None:
        assert not self._owed
        request = {"arguments": list(map(str, arguments)), "variables": dict(self.variables)}
        self._tell(json.dumps({"now": None, "count": 0, **request, **more}))
        self._owed = answers

    def _tell(self, line: str) -> None:
        assert self._process.stdin
        print(line, file=self._process.stdin, flush=True)

    def settle(self) -> None:
        """End what a test that has failed left at work."""
        if self._owed:
            self._tell("")
        while self._owed:
            self.end()

    def answer_is_there(self, seconds: float) -> bool:
        assert self._process.stdout
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def end(self) -> Ended:
        self._owed -= 1
        return Ended(**self._answer())

    def run(self, arguments: Sequence[object], kill: Kill | None = None, now: int | None = None) -> Ended:
        self.start(arguments, kill, now)
        return self.end()

    def _answer(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.reliability.forks"]
    environ = {**os.environ, **ENVIRON}
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as process:
        yield ForkServer(process)


if __name__ == "__main__":
    serve()
