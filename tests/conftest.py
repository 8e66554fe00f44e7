"""Shared by all tests: what logemit writes, read back."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django
import pytest

from logemit import emitter

ROOT = Path(__file__).parent.parent
LOGEMIT = Path(sys.executable).with_name("logemit")

Events = Callable[..., list[dict[str, Any]]]


def tool(name: str, package: str, folders: Sequence[str] = ()) -> str:
    """The path of a program, also in `folders`; the test is skipped where it is missing, and fails under CI."""
    path = shutil.which(name) or shutil.which(name, path=os.pathsep.join(folders))
    if path is None:
        message = f"{name} is missing; install Debian's package {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


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
