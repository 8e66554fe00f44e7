"""Real processes: the command as its user starts it, and a server that forks one for each of very many runs.

The server has imported what a run needs, and computed nothing: a fork of it is as a new process that is through with
its imports.
"""

import gc
import io
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeAlias

import pyarrow.parquet as pq
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import LOGEMIT, ROOT

Samples: TypeAlias = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Value by name and labels."""

GLANCE_SECONDS = 0.0003
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

    @property
    def report(self) -> dict[str, Any]:
        assert self.code == 0, self
        report: dict[str, Any] = json.loads(self.out)
        return report


# In the server.


def serve() -> None:
    """Answer requests from standard input until it closes."""
    answers = os.fdopen(os.dup(1), "w")
    _import_everything()
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        kill = Kill(**request["kill"]) if request["kill"] else None
        ended = _run(request["arguments"], kill, request["now"], request["watched"])
        print(json.dumps(asdict(ended)), file=answers, flush=True)


def _import_everything() -> None:
    import pyarrow.dataset  # noqa: F401

    import cli.app

    with redirect_stderr(io.StringIO()), suppress(SystemExit):
        cli.app.app(["aggregate", "/no/such.log", "--out", "/no/such"])
    gc.freeze()


def _run(arguments: Sequence[str], kill: Kill | None, now: int | None, watched: Sequence[str]) -> Ended:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        began = time.monotonic()
        pid = os.fork()
        if not pid:
            _become_run(arguments, (out, error), now)
        status, seen_at = _watch(pid, kill, began, watched)
        seconds = time.monotonic() - began
        told, complained = (os.pread(file.fileno(), 1 << 20, 0).decode() for file in (out, error))
        return Ended(os.waitstatus_to_exitcode(status), seconds, told, complained, seen_at)


def _become_run(arguments: Sequence[str], files: Sequence[BinaryIO], now: int | None) -> NoReturn:
    code = 1
    try:
        for target, file in zip((1, 2), files, strict=True):
            os.dup2(file.fileno(), target)
        if now is not None:
            time.time_ns = lambda: now
        sys.argv = ["logemit", *arguments]
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
    while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
        now = time.monotonic()
        for path in watched:
            if path not in seen_at and os.path.exists(path):
                seen_at[path] = now - began
                if kill and kill.after == path:
                    kill_at = now + kill.seconds
        is_left_alone = bool(select.select([sys.stdin], [], [], 0)[0])  # who asked has gone
        if is_left_alone or (kill_at is not None and now >= kill_at):
            os.kill(pid, signal.SIGKILL)
            return os.waitpid(pid, 0)[1], seen_at
        time.sleep(GLANCE_SECONDS if kill_at is None else min(GLANCE_SECONDS, kill_at - now))
    return ended[1], seen_at


# Outside of it.


class ForkServer:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.answer_is_there(60)
        assert self._answer() == "ready"

    def start(
        self,
        arguments: Sequence[object],
        kill: Kill | None = None,
        now: int | None = None,
        watched: Sequence[Path] = (),
    ) -> None:
        """Fork a run. `now` sets its clock still, in nanoseconds."""
        request = {
            "arguments": list(map(str, arguments)),
            "kill": asdict(kill) if kill else None,
            "now": now,
            "watched": list(map(str, watched)),
        }
        assert self._process.stdin
        print(json.dumps(request), file=self._process.stdin, flush=True)

    def answer_is_there(self, seconds: float) -> bool:
        assert self._process.stdout
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def end(self) -> Ended:
        return Ended(**self._answer())

    def run(self, arguments: Sequence[object], kill: Kill | None = None, now: int | None = None) -> Ended:
        self.start(arguments, kill, now)
        return self.end()

    def _answer(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.reliability.processes"]
    environ = {**os.environ, **ENVIRON}
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as process:
        yield ForkServer(process)


def started(*arguments: object) -> "subprocess.Popen[str]":
    """The command itself, not waited for."""
    return subprocess.Popen(
        [LOGEMIT, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **ENVIRON},
    )


def command(*arguments: object, under: Sequence[str] = (), file_size: int | None = None) -> Ended:
    """The command itself, to its end; `under` another that starts it, with files of `file_size` bytes at most."""

    def limit() -> None:
        if file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

    began = time.monotonic()
    done = subprocess.run(
        [*under, LOGEMIT, *map(str, arguments)],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
        env={**os.environ, **ENVIRON},
        preexec_fn=limit,
    )
    return Ended(done.returncode, time.monotonic() - began, done.stdout, done.stderr)


# What a run is to be judged by.

_OF_THE_RUNS = ("runs_total", "last_run_timestamp_seconds", "last_run_duration_seconds", "lag_seconds")
_OF_THEIR_ORDER = ("records_released_total", "events_lost_total", "events_recovered_total", "events_missing")


@dataclass(frozen=True, slots=True)
class Outcome:
    rows: dict[str, list[dict[str, Any]]]
    """Of every Parquet file, by its path."""
    samples: Samples
    """Of metrics.prom, but for what depends on when the runs were."""


def outcome(out: Path) -> Outcome:
    files = sorted(path for path in out.rglob("*.parquet") if "_logemit" not in path.relative_to(out).parts)
    rows = {str(path.relative_to(out)): pq.ParquetFile(path).read().to_pylist() for path in files}
    every = samples(out)
    untold = {f"logemit_{name}" for name in (*_OF_THE_RUNS, *_OF_THEIR_ORDER)}
    kept = {key: value for key, value in every.items() if key[0] not in untold}
    lost, recovered, missing = (
        every[f"logemit_events_{name}", frozenset()] for name in ("lost_total", "recovered_total", "missing")
    )
    return Outcome(rows, {**kept, ("not arrived", frozenset()): lost - recovered + missing})


def samples(out: Path) -> Samples:
    return samples_of((out / "metrics.prom").read_text())


def samples_of(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


if __name__ == "__main__":
    serve()
