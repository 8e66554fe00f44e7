"""A small folder and its logs, how they change, and what must come out: one run over all lines, and a recount."""

import gzip
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aggregator import memory, run
from aggregator.catalogue import extend
from aggregator.config import Config
from aggregator.definitions import Catalogue
from aggregator.report import Report
from aggregator.store import opened
from tests.scale import FULL

_CATALOGUE = {
    "summary": [
        {
            "name": "jobs",
            "event": "errand",
            "dimensions": ["kind"],
            "measures": [{"name": "took", "unit": "seconds"}],
            "bins": ["took"],
        }
    ],
    "metric": [
        {
            "name": "jobs_total",
            "type": "counter",
            "help": "h",
            "summary": "jobs",
            "labels": ["kind"],
            "value": "events",
        },
        {"name": "job_seconds", "type": "histogram", "help": "h", "summary": "jobs", "measure": "took", "buckets": [1]},
    ],
}
CONFIG = Config(extend(Catalogue(), _CATALOGUE, "cases"))
NOON = 1_795_176_000
"""2026-11-20T12:00:00Z, when every run here takes place."""

ACCOUNTS = (
    "events_total records_read_total records_foreign_total records_rejected_total events_duplicate_total "
    "events_conflicting_total events_lost_total events_recovered_total events_missing events_held"
).split()


def job(proc: str, seq: int, at: str, kind: str = "a", took: float = 0.25) -> bytes:
    head = {"logemit": 1, "event": "errand", "timestamp": f"2026-11-{at}:00Z", "service": "s"}
    event = {**head, "proc": proc, "seq": seq, "kind": kind, "took": took}
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


def jobs(proc: str, numbers: Sequence[int], at: str) -> bytes:
    return b"".join(job(proc, seq, at, "ab"[seq % 2], 0.25 * (1 + seq)) for seq in numbers)


FOREIGN, BROKEN = b"Booting worker\n", b'{"logemit":1,"broken\n'
RUNS = (
    jobs("old", [0, 1, 3], "18T08:00") + FOREIGN + jobs("p", [0, 1, 2, 3], "19T13:00"),  # old 2 is lost
    jobs("p", [5, 6, 7], "19T14:00") + BROKEN + jobs("p", [1], "19T13:00"),
    job("held", 0, "20T13:00") + jobs("p", [8], "19T15:00"),
)
"""What comes before each of the first runs."""

GROWTH = jobs("p", [4], "19T13:30") + jobs("p", [9, 10, 11, 12], "20T09:00") + FOREIGN + jobs("p", [8], "19T15:00")
MORE = jobs("p", [13, 15], "20T10:00") + jobs("p", [14], "19T16:00") + jobs("p", [9], "20T09:00") + FOREIGN


@dataclass(frozen=True, slots=True)
class View:
    """All that a folder tells but for the runs."""

    families: str
    accounts: tuple[str, ...]
    rows: dict[str, Any]


class Place:
    """A folder with logs and an output folder, put back as often as needed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.logs, self.out = folder, folder / "logs", folder / "out"
        self.log = self.logs / "app.log"
        self.saved: dict[str, dict[Path, bytes | None]] = {}
        self.logs.mkdir()
        (self.logs / "other.log").write_bytes(FOREIGN)

    def run(self) -> Report:
        for path in self.logs.iterdir():
            os.utime(path, (NOON, NOON))  # is in the state
        return run.aggregate([str(self.logs)], self.out, CONFIG)

    def recover(self) -> None:
        with opened(self.out):
            pass

    def append(self, lines: bytes) -> None:
        with self.log.open("ab") as file:
            file.write(lines)

    def save(self, name: str) -> None:
        """In memory: this is what campaigns do most."""
        paths = sorted(path for top in (self.logs, self.out) for path in top.rglob("*"))
        tops = {top: None for top in (self.logs, self.out) if top.exists()}
        self.saved[name] = {**tops, **{path: path.read_bytes() if path.is_file() else None for path in paths}}

    def load(self, name: str) -> None:
        for top in (self.logs, self.out):
            shutil.rmtree(top, ignore_errors=True)
        for path, content in self.saved[name].items():
            if content is None:
                os.mkdir(path)
            else:
                path.write_bytes(content)

    @property
    def has_committed(self) -> bool:
        """Whether the run after the template's has come to its commit point."""
        numbers = [int(path.stem) for path in (self.out / "_logemit/commit").glob("*.json")]
        return max(numbers, default=0) > (len(RUNS) if self.out in self.saved["before"] else 0)

    def oracle(self, lines: bytes) -> View:
        """One run over all lines in one file."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        (folder / "all.log").write_bytes(lines)
        run.aggregate([str(folder / "all.log")], folder / "out", CONFIG)
        found = view(folder / "out")
        assert (counters(found), partition_events(found)) == recounted(lines)
        return found


@contextmanager
def place() -> Iterator[Place]:
    """In memory where that is to be had, at a time that stands still; what was seen is known for two dates."""
    memory_folder = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(prefix="logemit-", dir=memory_folder if memory_folder.is_dir() else None) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(run, "time", SimpleNamespace(time_ns=lambda: NOON * 10**9, monotonic=lambda: 0.0))
        patch.setattr(memory, "RETAINED_DATES", 2)
        yield Place(Path(folder))


def prepare(place: Place, is_first: bool = False) -> None:
    """Saves as "before" the state of before the run that shall be killed: the first of all, or the fourth."""
    if is_first:
        place.append(b"".join(RUNS))
    else:
        for lines in RUNS:
            place.append(lines)
            place.run()
    place.append(GROWTH)
    place.save("before")


def all_lines(more: bytes = b"") -> bytes:
    return FOREIGN + b"".join(RUNS) + GROWTH + more


# How logs change.


def static(place: Place) -> bytes:
    return b""


def grown(place: Place) -> bytes:
    place.append(MORE)
    return MORE


def rotated(place: Place) -> bytes:
    place.log.rename(place.logs / "app.log.1")
    return grown(place)


def gzipped(place: Place) -> bytes:
    (place.logs / "app.log.1.gz").write_bytes(gzip.compress(place.log.read_bytes(), mtime=0))
    place.log.unlink()
    return grown(place)


def deleted(place: Place) -> bytes:
    """Where it may be: what it held is in the commit. Otherwise only rotated."""
    if not place.has_committed:
        return rotated(place)
    place.log.unlink()
    return grown(place)


CHANGES = {change.__name__: change for change in (static, grown, rotated, gzipped, deleted)}


# What came out.


def view(out: Path, without: Collection[str] = ()) -> View:
    """Partitions that are known to be damaged are left out."""
    lines = (out / "metrics.prom").read_text().splitlines()
    families = [line for line in lines if not re.match(r"(# (HELP|TYPE) )?logemit_", line)]
    accounts = tuple(line for line in lines if re.split(r"[{ ]", line)[0].removeprefix("logemit_") in ACCOUNTS)
    paths = sorted(path for path in out.rglob("*.parquet") if "_logemit" not in path.parts)
    partitions = {str(path.relative_to(out)): path for path in paths}
    tables = {name: rows(path.read_bytes()) for name, path in partitions.items() if name not in without}
    return View("\n".join(families), accounts, tables)


@lru_cache(maxsize=256)
def rows(data: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False).to_pylist()
    return found


def tree(folder: Path) -> dict[str, bytes]:
    """Every file but for the lock, which tells the time."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


class Judge:
    """Holds a next run against the oracle. What a run makes of a folder that it has judged is known."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._oracles: dict[bytes, View] = {}
        self._known: set[bytes] = set()

    def check(self, more: bytes, what: object) -> None:
        place = self._place
        if more not in self._oracles:
            self._oracles[more] = place.oracle(all_lines(more))
        if not FULL:
            place.recover()
            key = hashlib.sha256(repr((tree(place.out), tree(place.logs))).encode()).digest()
            if key in self._known:
                return
            self._known.add(key)
        place.run()
        assert view(place.out) == self._oracles[more], what
        assert not list((place.out / "_logemit").glob("staging/*")), what


# The recount, which shares no code with what it checks.


def counters(found: View) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in found.families.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in lines if "_bucket" not in name}


def partition_events(found: View) -> dict[str, int]:
    partitions = {name: table for name, table in found.rows.items() if not name.startswith("jobs_bins/")}
    return {name: sum(row["events"] for row in table) for name, table in partitions.items()}


def recounted(lines: bytes) -> tuple[dict[str, float], dict[str, int]]:
    read = [json.loads(line) for line in lines.splitlines() if line.endswith(b"}")]
    events = {(event["proc"], event["seq"]): event for event in read if event["timestamp"] < "2026-11-20T12:05"}
    kinds = Counter(event["kind"] for event in events.values())
    values: dict[str, float] = {f'jobs_total{{kind="{kind}",service="s"}}': n for kind, n in kinds.items()}
    values['job_seconds_count{service="s"}'] = len(events)
    values['job_seconds_sum{service="s"}'] = sum(event["took"] for event in events.values())
    dates = Counter(event["timestamp"][:10] for event in events.values())
    return values, {f"jobs/date={date}/part.parquet": n for date, n in dates.items()}
