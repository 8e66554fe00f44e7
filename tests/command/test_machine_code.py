"""Machine code as its user meets it: made ahead, made nowhere, missing."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aggregator.compiled import kept
from aggregator.engines import MAKING_PAYS_FROM, PAYS_FROM
from tests.command.calls import logemit, message
from tests.conftest import LOGEMIT, ROOT
from tests.scale import LEVEL, scaled

PATIENCE = 180
"""Seconds: compiling takes ten on a machine that does nothing else."""

SLOW = (
    "read the slow way: numba cannot be used here: ImportError: Numba needs NumPy 2.4 or less; "
    "LOGEMIT_DEBUG=1 shows where"
)


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded log as often as it takes to be compiled for, each time of other processes.

    Or a part of that, and other lines, which are read the plain way sooner, for code that is there.
    """
    recorded = (ROOT / "sample_logs/gunicorn/stdout.log").read_bytes()
    procs = set(re.findall(rb'"proc":"([0-9a-f]{16})"', recorded))
    path = tmp_path_factory.mktemp("long") / "app.log"
    with open(path, "wb") as log:
        for number in range(scaled(2 << 20, MAKING_PAYS_FROM, MAKING_PAYS_FROM) // len(recorded) + 2):
            copy = recorded
            for proc in procs:
                copy = copy.replace(proc, b"%02x%b" % (number, proc[2:]))
            log.write(copy)
        log.write(b"%s\n" % (b"another " * 1000) * max(0, (PAYS_FROM - log.tell()) // 8001 + 2))
    return path


@pytest.fixture
def without_numba(tmp_path: Path) -> dict[str, object]:
    """The environment where numba is there and refuses."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/numba.py").write_text('raise ImportError("Numba needs NumPy 2.4 or less")\n')
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(tmp_path / "broken"), os.getenv("PYTHONPATH")]))}


def taken(log: Path, out: Path, **kwargs: Any) -> tuple[dict[str, Any], list[str]]:
    """The report, and the metrics without what the clock decides."""
    done = logemit("aggregate", log, "--out", out, "--json", timeout=PATIENCE, **kwargs)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert done.stderr.splitlines() == [f"logemit: {warning}" for warning in report["warnings"]]
    metrics = (out / "metrics.prom").read_text().splitlines()
    return report, [line for line in metrics if not line.startswith(("logemit_last_run_", "logemit_lag_"))]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Where machine code was made by the command, and what that said.

    It makes what is missing: all of it, or two functions, with the others as they were made before all tests.
    """
    code = tmp_path_factory.mktemp("made") / "code"
    if LEVEL == "quick" and kept.is_made() and (there := kept.folder()):
        copy = Path(shutil.copytree(there, code / "logemit" / there.name))
        for path in [copy / "made", *copy.glob("*/scan.count_newlines*"), *copy.glob("*/cells.gather_bins*")]:
            path.unlink()
    done = logemit("compile", variables={"NUMBA_CACHE_DIR": code}, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")
    return code, done.stdout


def test_compile_makes_machine_code_once_and_says_where(made: tuple[Path, str]) -> None:
    code, told = made
    (folder,) = (code / "logemit").iterdir()
    assert told == f"{folder}\n"
    before = times(folder)
    functions = {path.name.partition("-")[0] for path in before}
    assert {"scan.scan", "scan.count_newlines", "cells.gather_bins"} < functions
    assert (folder / "made").exists()
    again = logemit("compile", variables={"NUMBA_CACHE_DIR": code})
    assert (again.returncode, again.stdout) == (0, told)
    assert times(folder) == before


def test_machine_code_that_can_only_be_read_is_used(made: tuple[Path, str], long_log: Path, tmp_path: Path) -> None:
    """As it is in an image, for a user that did not make it."""
    code, temporary = made[0], tmp_path / "tmp"
    temporary.mkdir()
    before = times(code)
    folders = [path for path in (code, *code.rglob("*")) if path.is_dir()]
    powerless = ["setpriv", "--bounding-set=-all"] if os.geteuid() == 0 else []  # root may write anywhere
    command = list(map(str, [*powerless, LOGEMIT, "aggregate", long_log, "--out", tmp_path / "out"]))
    variables = {"NUMBA_CACHE_DIR": str(code), "TMPDIR": str(temporary), "NUMBA_DEBUG_CACHE": "1"}
    for path in folders:
        path.chmod(0o555)
    try:
        done = subprocess.run(
            command, env=os.environ | variables, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    finally:
        for path in folders:
            path.chmod(0o755)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"[cache] data loaded from '{temporary}/logemit-" in done.stdout
    assert "[cache] data saved" not in done.stdout
    assert times(code) == before
    assert list(temporary.iterdir()) == []


def times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")}


def test_compile_refuses_a_folder_that_cannot_be_written() -> None:
    done = logemit("compile", variables={"NUMBA_CACHE_DIR": "/dev/null/x"})
    assert (done.returncode, done.stdout) == (2, "")
    told = message(done)
    assert told.startswith("logemit: /dev/null/x/logemit/")
    assert told.endswith(": cannot be written; set NUMBA_CACHE_DIR to a folder that can")


def test_a_long_log_is_read_without_numba_too(
    made: tuple[Path, str], long_log: Path, tmp_path: Path, without_numba: dict[str, object]
) -> None:
    code = {"NUMBA_CACHE_DIR": made[0]}
    compiled, its_metrics = taken(long_log, tmp_path / "compiled", variables=code)
    assert compiled["loading"] > 0
    plain, plain_metrics = taken(long_log, tmp_path / "plain", variables=without_numba | code)
    assert compiled.pop("warnings") == []
    assert plain.pop("warnings") == [SLOW]
    for report in (compiled, plain):
        del report["out"], report["seconds"], report["loading"]
    assert compiled == plain
    assert compiled["events"] > scaled(4000, 10_000, 10_000)
    assert compiled["duplicates"] == 0
    assert its_metrics == plain_metrics


def test_a_short_log_does_not_ask_for_numba(tmp_path: Path, without_numba: dict[str, object]) -> None:
    report, _ = taken(ROOT / "sample_logs/asgi/stdout.log", tmp_path / "out", variables=without_numba)
    assert report["warnings"] == []


@pytest.mark.parametrize("workers", ["0", "-1", "some"])
def test_a_number_of_workers_that_is_none_is_refused(tmp_path: Path, workers: str) -> None:
    log = ROOT / "sample_logs/asgi/stdout.log"
    done = logemit("aggregate", log, "--out", tmp_path / "out", "--workers", workers)
    assert done.returncode == 2
    assert "--workers" in done.stderr
    assert not (tmp_path / "out").exists()
