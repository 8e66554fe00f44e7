"""What is held against what: `logemit aggregate` and its peers, each as a command."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from .equal import check, check_bins, check_counts

LOGEMIT = Path(sys.executable).with_name("logemit")
OURS, ONE_WORKER, DUCKDB, DUCKDB_BINS = "logemit", "logemit, 1 worker", "DuckDB", "DuckDB, with bins"
EXTRA = "install the extra `bench`"
PEERS = "benchmarks.aggregate.peers"

Command = list[str | Path]


@dataclass(frozen=True, slots=True)
class Program:
    """`rounds` is how often a slow one has its turn at most; `how` says how to get it where it is not there."""

    name: str
    command: Callable[[Path, Path, Path], Command]
    does: str
    check: Callable[[Path, Path], int] | None
    is_there: bool
    how: str
    rounds: int = 1000


def aggregate(logs: Sequence[str | Path], out: Path, *options: str) -> Command:
    return [LOGEMIT, "aggregate", *logs, "--out", out, "--json", *options]


@cache
def has_workers() -> bool:
    """Whether this logemit can be told how many processes to use."""
    told = subprocess.run([LOGEMIT, "aggregate", "--help"], capture_output=True, text=True, check=True)
    return "--workers" in told.stdout


def one_worker() -> tuple[str, ...]:
    return ("--workers", "1") if has_workers() else ()


def _peer(name: str) -> Callable[[Path, Path, Path], Command]:
    return lambda log, out, wanted: [sys.executable, "-m", f"{PEERS}.{name}", log, out, wanted]


_ALL = "cells of all summaries with sums and extremes | yes | yes | yes | yes"
_CELLS = "cells of all summaries but gauges, with sums and extremes | no | no | no | no"
_BINS = "cells of all summaries but gauges, with sums and extremes | yes | no | no | no"
_COUNTS = "counts of two summaries by three labels each, no windows | no | no | no | no"


def programs() -> list[Program]:
    """All, whether they are there or not."""
    ours = Program(OURS, lambda log, out, _: aggregate([log], out), _ALL, None, is_there=True, how="")
    alone = Program(
        ONE_WORKER,
        lambda log, out, _: aggregate([log], out, *one_worker()),
        _ALL,
        None,
        is_there=has_workers(),
        how="this logemit has no --workers",
    )
    return [
        ours,
        alone,
        Program(DUCKDB, _peer("duckdb"), _CELLS, check, _is_module("duckdb"), EXTRA),
        Program(DUCKDB_BINS, _peer("duckdb_bins"), _BINS, check_bins, _is_module("duckdb"), EXTRA),
        Program("Polars", _peer("polars"), _CELLS, check, _is_module("polars"), EXTRA),
        Program("Python loop", _peer("loop"), _CELLS, check, is_there=True, how="", rounds=2),
        Program(
            "mtail",
            _peer("mtail"),
            _COUNTS,
            check_counts,
            shutil.which("mtail") is not None,
            "Debian's package mtail",
            1,
        ),
    ]


def _is_module(name: str) -> bool:
    return find_spec(name) is not None
