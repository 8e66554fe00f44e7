"""Shared by all tests: what logemit writes, read back."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import pytest
from hypothesis import HealthCheck, settings

from logemit import emitter

from .scale import FULL, scaled

if TYPE_CHECKING:
    from .reliability.forks import ForkServer
    from .remote.store import S3

ROOT = Path(__file__).parent.parent
LOGEMIT = Path(sys.executable).with_name("logemit")

Events = Callable[..., list[dict[str, Any]]]
LONG = {
    *("reliability", "remote", "htmlreport", "fuzz", "packaging", "parity", "spread"),
    *("test_docs", "test_machine_code", "test_migrated", "test_notebooks", "test_servers", "test_split"),
    "test_traffic",
}
"""Folders and modules of tests that take seconds."""

# Neither how quick a machine is nor chance decides, but where chance is asked to search.
settings.register_profile(
    "tests",
    deadline=None,
    derandomize=not FULL,
    max_examples=scaled(40, 100, 100),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("tests")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background, whose processes would ignore it, too
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each worker begins with its share of the long ones, so that none is left alone with them.

    A worker is given a stretch of as many as each other one, and takes from others once it is through.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    modules = list(dict.fromkeys(item.path for item in items if LONG & {*item.path.parts, item.path.stem}))
    long: list[list[pytest.Item]] = [[] for _ in range(workers)]
    short: list[pytest.Item] = []
    for item in items:
        of = long[modules.index(item.path) % workers] if item.path in modules else short
        of.append(item)
    left, items[:] = len(items), []
    for place in range(workers):
        size = (left - len(items)) // (workers - place)
        room = max(0, size - len(long[place]))
        items += [*long[place], *short[:room]]
        short = short[room:]
    items += short


def tool(name: str, package: str, folders: Sequence[str] = ()) -> str:
    """The path of a program, also in `folders`; the test is skipped where it is missing, and fails under CI."""
    path = shutil.which(name) or shutil.which(name, path=os.pathsep.join(folders))
    needed(path is not None, f"{name} is missing; install Debian's package {package}")
    return str(path)


def needed(is_there: bool, message: str) -> None:
    """The test is skipped where something is missing, and fails under CI."""
    if not is_there:
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Tells a figure that is printed at the end of the tests."""
    return lambda text: record_property("figure", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.stats.get("passed", [])
    figures = [value for report in reports for name, value in report.user_properties if name == "figure"]
    if figures:
        terminalreporter.section("figures")
        for text in sorted(figures):
            terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def django_prometheus() -> None:
    """Skips where it is missing: of version 2.5, no release goes with Django 6.1."""
    if find_spec("django_prometheus") is None:
        message = "django-prometheus is missing; install the extra `parity`"
        if os.environ.get("CI") == "true" and django.VERSION < (6, 1):
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture(scope="session", autouse=True)
def quick_command() -> Iterator[None]:
    """What `tests.command.calls` calls; nothing starts before that."""
    from . import quick

    with quick.commands():
        yield


@pytest.fixture(scope="session")
def fork_server_of_all() -> Iterator["ForkServer"]:
    from .reliability.forks import fork_server

    with fork_server() as server:
        yield server


@pytest.fixture
def forks(fork_server_of_all: "ForkServer") -> Iterator["ForkServer"]:
    """Starts `logemit`, without the seconds that a new process needs until it has imported everything."""
    yield fork_server_of_all
    fork_server_of_all.settle()
    fork_server_of_all.variables = {}


@pytest.fixture(scope="session")
def s3_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator["S3"]:
    from .remote.store import s3_server

    with s3_server(tmp_path_factory.mktemp("s3")) as store, pytest.MonkeyPatch.context() as patch:
        from botocore.loaders import JSONFileLoader

        read = cache(JSONFileLoader().load_file)  # a megabyte, which each run here would read again
        patch.setattr(JSONFileLoader, "load_file", lambda _, path: read(path))
        yield store


@pytest.fixture
def s3(s3_of_all: "S3", monkeypatch: pytest.MonkeyPatch) -> "S3":
    """An empty bucket, and the variables that lead there."""
    s3_of_all.clear()
    for name, value in s3_of_all.variables.items():
        monkeypatch.setenv(name, value)
    return s3_of_all


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that this process's events go to."""
    path = tmp_path / "events.log"
    monkeypatch.setenv("LOGEMIT_OUTPUT", str(path))
    monkeypatch.setenv("LOGEMIT_PROCESS_STATS_SECONDS", "")
    emitter.reset()
    yield path
    monkeypatch.undo()
    emitter.reset()


@pytest.fixture
def events(output: Path) -> Events:
    """What was written so far, as dicts; of one event where its name is given."""

    def read(name: str | None = None) -> list[dict[str, Any]]:
        lines = output.read_bytes().splitlines() if output.exists() else []
        parsed = [json.loads(line) for line in lines]
        return [event for event in parsed if name in (None, event["event"])]

    return read
