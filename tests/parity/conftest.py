"""What both libraries counted of the same scenes, and what the driver knows of them; on SQLite and on PostgreSQL."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from aggregator import config
from aggregator.run import aggregate
from tests.conftest import ROOT
from tests.django_side.databases import fresh, sqlite
from tests.parity.samples import Samples, Shape, by_service, shapes, unlisted
from tests.services import postgres_server, redis_server


@pytest.fixture(scope="session", autouse=True)
def both_libraries(django_prometheus: None) -> None:
    """Nothing here runs with one alone."""


@dataclass(frozen=True, slots=True)
class Played:
    """Each scene's samples. The truth is what the driver knows, by neither library."""

    theirs: dict[str, Samples]
    ours: dict[str, Samples]
    truth: dict[str, Samples]
    shapes: tuple[dict[str, Shape], dict[str, Shape]]
    """Of the families, theirs and ours."""


Play = Callable[[str, str], Played]
Databases = Callable[[str, Path], dict[str, Any]]


@pytest.fixture(scope="session")
def postgres() -> Iterator[dict[str, Any]]:
    with postgres_server() as settings:
        yield settings


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> Databases:
    """A new one of a vendor."""

    def make(vendor: str, folder: Path) -> dict[str, Any]:
        if vendor == "postgresql":
            return fresh(request.getfixturevalue("postgres"), folder.name)
        return sqlite(folder / "db.sqlite3")

    return make


@pytest.fixture(scope="session")
def play(database: Databases, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Of a run and a vendor, played once: "together" has both libraries in one process, "apart" each in its own."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def play_all(run: str, vendor: str) -> dict[str, Any]:
        folders = {name: tmp_path_factory.mktemp(name) for name in ("theirs", "ours")}
        if run == "together":
            theirs = ours = drive(run, "theirs,ours", folders["ours"], database(vendor, folders["ours"]))
        else:
            with redis_server(folders["ours"]) as redis:
                theirs, ours = (
                    drive(run, name, folder, database(vendor, folder), PARITY_REDIS=redis)
                    for name, folder in folders.items()
                )
        return {"theirs": theirs, "ours": ours, "exposition": aggregated(folders["ours"])}

    @cache
    def played(run: str, vendor: str) -> Played:
        kept = shared / f"parity-{run}-{vendor}.json"
        with open(kept.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another worker of pytest may play it just now
            if not kept.exists():
                kept.write_text(json.dumps(play_all(run, vendor)))
        return read(json.loads(kept.read_text()))

    return played


def read(kept: dict[str, Any]) -> Played:
    theirs, ours, exposition = kept["theirs"], kept["ours"]["scenes"], kept["exposition"]
    counted = by_service(exposition)
    return Played(
        theirs={scene: unlisted(found["theirs"]) for scene, found in theirs["scenes"].items()},
        ours={scene: counted.get(scene, Samples()) for scene in ours},
        truth={scene: unlisted(found["truth"]) for scene, found in ours.items()},
        shapes=(shapes(theirs["exposition"]), shapes(exposition)),
    )


def drive(run: str, libraries: str, folder: Path, database: dict[str, Any], **more: str) -> dict[str, Any]:
    done = run_python(folder, libraries, database, "-m", "tests.parity.project.drive", run, **more)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run_python(
    folder: Path, libraries: str, database: dict[str, Any], *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """In the project, with these libraries in it; its lines go to events.log in the folder."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LOGEMIT_", "PARITY_"))}
    env |= {"PARITY_WITH": libraries, "PARITY_DATABASE": json.dumps(database), "PARITY_FOLDER": str(folder)}
    env |= {"LOGEMIT_OUTPUT": str(folder / "events.log"), "DJANGO_SETTINGS_MODULE": "tests.parity.project.settings"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=env | more, capture_output=True, text=True, timeout=120, check=False
    )


def aggregated(folder: Path) -> str:
    """What the aggregator makes of the lines in the folder's events.log."""
    report = aggregate([str(folder / "events.log")], folder / "out", config.load(None))
    assert (report.missing, report.rejected, report.duplicates, report.fields_invalid) == (0, 0, 0, 0)
    return (folder / "out/metrics.prom").read_text()
