"""A folder in which the shop runs, its servers, and what is counted there in the three ways."""

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from aggregator import config
from aggregator.run import aggregate

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0
STOP_SECONDS = 60.0
MOST_ASKED = 200
"""Times that all workers are asked for an answer of each."""
INSERTED = "django_model_inserts_total"
"""The family that both have, of the same name and labels."""


@dataclass(frozen=True, slots=True)
class Answer:
    worker: int
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """Its database tells what was served, its log is what logemit wrote."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the user's own gets in."""
        bare = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        told = {"DJANGO_SETTINGS_MODULE": "benchmarks.in_process.shop.settings", "LOGEMIT_OUTPUT": str(self.log)}
        return {**bare, **told, "SHOP_DATABASE": str(self.database), **self.variables}

    @property
    def log(self) -> Path:
        return self.folder / "events.log"

    @property
    def database(self) -> Path:
        return self.folder / "db.sqlite3"

    def manage(self, *arguments: str) -> None:
        """A management command, from start to end. Raises CalledProcessError."""
        command = [sys.executable, "-m", "django", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def served(self) -> int:
        with closing(sqlite3.connect(self.database)) as database:
            (count,) = database.execute("SELECT count(*) FROM shop_order").fetchone()
        return int(count)

    def aggregated(self) -> str:
        """What logemit makes of the log so far, as Prometheus reads it."""
        aggregate([str(self.log)], self.folder / "metrics", config.load(None))
        return (self.folder / "metrics/metrics.prom").read_text("utf-8")

    def written(self) -> float:
        return orders(self.aggregated())


def place(folder: Path, **variables: str) -> Place:
    """With no orders yet."""
    folder.mkdir()
    found = Place(folder, variables)
    with closing(sqlite3.connect(found.database)) as database:
        database.execute("CREATE TABLE shop_order (id INTEGER PRIMARY KEY)")
    return found


def orders(text: str) -> float:
    """Of a text exposition."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == INSERTED and sample.labels["model"] == "order"
    )


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    workers: int

    def ask(self, path: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status == 200, text
            return Answer(int(answer.headers["X-Worker"]), text)
        finally:
            connection.close()

    def order(self, times: int) -> None:
        for _ in range(times):
            self.ask("/order/")

    def scrape(self) -> float:
        return orders(self.ask("/metrics").text)

    def each(self, path: str, at_least: int = 1) -> dict[int, Answer]:
        """Every worker's last answer, to as many clients at once as there are workers. Raises RuntimeError."""
        found: dict[int, Answer] = {}
        with ThreadPoolExecutor(self.workers) as clients:
            for times in range(MOST_ASKED):
                if len(found) == self.workers and times * self.workers >= at_least:
                    return found
                answers = clients.map(self.ask, [path] * self.workers)
                found |= {answer.worker: answer for answer in answers}
        raise RuntimeError(f"{len(found)} of {self.workers} workers answered")


@contextmanager
def gunicorn(where: Place, *arguments: str, workers: int = 1) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()", f"--workers={workers}"]
    command += [f"--bind=127.0.0.1:{port}", "--no-control-socket", "--log-level=error", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=where.environment)
    try:
        _wait_until_open(port, process)
        yield Server(port, workers)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        finally:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("gunicorn " + ("is not ready" if process.poll() is None else f"ended: {process.returncode}"))
