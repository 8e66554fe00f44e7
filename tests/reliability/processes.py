"""The command as its user starts it, and what a run is to be judged by."""

import os
import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow.parquet as pq
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import LOGEMIT

from .forks import ENVIRON, Ended

Samples: TypeAlias = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Value by name and labels."""


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
    rows = {str(path.relative_to(out)): pq.ParquetFile(path).read(use_threads=False).to_pylist() for path in files}
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
