"""A run in slices against the run that reads by itself: the whole output folder, byte by byte, and the report."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aggregator import config, run
from aggregator.config import Config
from aggregator.report import Report
from aggregator.spread import slicing
from aggregator.spread.workers import Here, Workers
from tests.batch.test_compiled import RECORDED

CONFIG = config.load(None)
Cluster = Callable[[], AbstractContextManager[Workers]]


@contextmanager
def here() -> Iterator[Workers]:
    yield Here()


@contextmanager
def stopped_clock() -> Iterator[None]:
    """For the run itself: what is told of its time is the same for all runs. Nothing is synced."""
    with pytest.MonkeyPatch.context() as patch:
        now = time.time_ns()
        patch.setattr(os, "fsync", lambda file: None)  # what a power cut leaves is tried elsewhere
        patch.setattr(run, "time", SimpleNamespace(monotonic=lambda: 0.0, time_ns=lambda: now))
        yield


@contextmanager
def slices_of(size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slicing, "SLICE_BYTES", size)
        patch.setattr(slicing, "LEAST_BYTES", size)
        yield


def files(out: Path) -> Mapping[str, bytes]:
    """By their paths; the lock holds the number of a process."""
    found = {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    return {
        name: of_commit(data) if name.startswith("_logemit/commit/") and name.endswith((".json", ".copy")) else data
        for name, data in found.items()
        if not name.endswith("/lock")
    }


def of_commit(record: bytes) -> bytes:
    """Threads stage large files in the order in which they are done, which is no part of what a commit says."""
    body = json.loads(record)
    del body["checksum"]
    targets = {file["target"]: file["sha256"] for file in body.pop("files")}
    return json.dumps({**body, "targets": targets}, sort_keys=True).encode()


def told(report: Report) -> dict[str, Any]:
    return {name: value for name, value in asdict(report).items() if name not in ("out", "seconds", "loading")}


class Both:
    """The same runs over the same logs, one after the other, into two folders."""

    def __init__(self, folder: Path, cluster: Cluster = here, size: int = 1 << 12, settings: Config = CONFIG) -> None:
        self.local, self.spread = folder / "local", folder / "spread"
        self._cluster, self._size, self._settings = cluster, size, settings

    def run(self, logs: Sequence[Path | str], *, keeps_rejects: bool = False) -> Report:
        """What the run in slices told, which is all that the other told, too."""
        names = [str(log) for log in logs]
        with stopped_clock(), slices_of(self._size):
            wanted, found = (
                run.aggregate(
                    names,
                    out,
                    self._settings,
                    rejects=out.with_suffix(".jsonl") if keeps_rejects else None,
                    cluster=cluster,
                )
                for out, cluster in ((self.local, None), (self.spread, self._cluster))
            )
        assert told(found) == told(wanted)
        were, are = files(self.local), files(self.spread)
        assert list(are) == list(were)
        for name, data in were.items():
            assert are[name] == data, name
        return found


def check_repeats_and_growth(both: Both, folder: Path) -> None:
    log, again = folder / "app.log", folder / "again.log"
    log.write_bytes(b"".join(RECORDED[:900]))
    again.write_bytes(b"another first line\n" + b"".join(RECORDED[300:600]))
    assert both.run([log, again]).duplicates
    with log.open("ab") as file:
        file.writelines(RECORDED[900:1200])
    assert both.run([log, again]).events
