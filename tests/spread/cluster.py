"""A Dask scheduler and workers as processes of their own on loopback, stopped by their numbers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from tests.conftest import ROOT, needed
from tests.services import accepts, free_port, running

QUIET = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "false", "DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "1h"}


@dataclass
class Cluster:
    folder: Path
    port: int
    variables: Mapping[str, str]
    scheduler: subprocess.Popen[bytes]
    keys: Sequence[str] = ()
    """Options that name certificates."""
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{'tls' if self.keys else 'tcp'}://127.0.0.1:{self.port}"

    def allow(self, failures: int) -> None:
        """That so many workers die over a task, until Dask gives it up."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.run_on_scheduler(_allow, failures)

    def keep(self, workers: int) -> None:
        """So many, and kill or start the others."""
        for each in self.workers[workers:]:
            self.kill(each)
        for _ in range(workers - len(self.workers)):
            self.start_worker()

    def start_worker(self, *options: str, **variables: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_worker", self.address, "--host", "127.0.0.1"]
        command += ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "60"]
        command += ["--memory-limit", "0", "--local-directory", str(self.folder), *self.keys, *options]
        environ = {**os.environ, **self.variables, **variables}
        with (self.folder / "workers.log").open("ab") as log:
            worker = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
        self.workers.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        self.workers.remove(worker)

    def stop_workers(self) -> None:
        for worker in list(self.workers):
            self.kill(worker)  # gracefully it waits for its task


@contextmanager
def dask_cluster(
    folder: Path, workers: int = 2, variables: Mapping[str, str] | None = None, keys: Sequence[str] = ()
) -> Iterator[Cluster]:
    needed(find_spec("distributed") is not None, "distributed is missing; install the extra `test`")
    port, variables = free_port(), {**QUIET, **(variables or {})}
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--no-dashboard", *keys]
    environ, log = {**os.environ, **variables}, folder / "scheduler.log"
    with ExitStack() as stack:
        scheduler = stack.enter_context(running(command, log, lambda: accepts(port), cwd=ROOT, env=environ))
        cluster = Cluster(folder, port, variables, scheduler, keys)
        stack.callback(cluster.stop_workers)
        for _ in range(workers):
            cluster.start_worker()
        yield cluster


def _allow(failures: int, dask_scheduler: Any = None) -> None:
    dask_scheduler.allowed_failures = failures


class Clusters:
    """Schedulers that stay while workers come and go, one for each set of variables."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self._folder, self._variables = folder, variables
        self._known: dict[str, Cluster] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def of(self, workers: int, failures: int = 3, **variables: str) -> Cluster:
        """With so many workers, which may be killed, as the scheduler may."""
        known = self._known.get(repr(variables))
        if known is None or known.scheduler.poll() is not None:
            started = dask_cluster(self._folder, 0, {**self._variables, **variables})
            known = self._known[repr(variables)] = self._stack.enter_context(started)
        known.keep(workers)
        known.allow(failures)
        return known


def until(is_true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
