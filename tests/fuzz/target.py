"""The whole way of hostile logs: several runs while they grow, by the reference way and by machine code."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import pytest

from aggregator import compression, config, engines, lines
from aggregator.attached import EXEMPLARS_PATH
from aggregator.check import Findings, check
from aggregator.content import Content
from aggregator.report import Report
from aggregator.run import aggregate
from tests.batch.runs import outputs
from tests.batch.scene import PACKERS

from .hostile import events

CONFIG = replace(config.load(None), exemplars_from=0.0)
DAY = 86_400 * 10**9
NEWEST = max(datetime.fromisoformat(json.loads(line)["timestamp"]) for line in events())
NOW = round(NEWEST.timestamp()) * 10**9 + DAY // 24
"""After the samples, in nanoseconds since 1970."""

COUNTS = ("read", "events", "foreign", "rejected", "duplicates", "held", "released", "conflicts", "late", "unchecked")


@contextmanager
def by(way: str, block: int, now: int) -> Iterator[None]:
    """Whichever way is wanted, whatever there is to read; in blocks of about so many bytes."""
    with pytest.MonkeyPatch.context() as patch:
        read_into = Content.read_into
        patch.setattr(Content, "read_into", lambda self, room: read_into(self, room[:block]))
        patch.setattr(lines, "BLOCK_SIZE", block)
        for name in ("READ_SIZE", "GZIP_READ_SIZE", "PIECE_SIZE"):
            patch.setattr(compression, name, min(block, getattr(compression, name)))
        patch.setattr(engines, "PAYS_FROM", 0)
        patch.setattr(engines, "pays_from", lambda: 0 if way == "machine" else inf)
        patch.setattr("aggregator.run.time.time_ns", lambda: now)
        yield


class Log:
    """A file that is there in part, then more of it, then whole."""

    def __init__(self, path: Path, data: bytes, ends: list[int]) -> None:
        self.path, self.data, self._ends = path, data, ends

    def grow(self, run: int) -> None:
        self.path.write_bytes(self.data[: self._ends[run]] if run < len(self._ends) else self.data)


def grown(folder: Path, rng: random.Random, texts: list[bytes], runs: int) -> list[Log]:
    """Logs of these texts, some of them packed, one of which may be damaged."""
    logs = []
    for number, text in enumerate(texts):
        kind = rng.choice(["log", "log", *PACKERS])
        begun = b"Booting %d %d\n" % (number, rng.randrange(10**9)) + text
        data = PACKERS[kind](begun) if kind in PACKERS else begun
        if kind in PACKERS and rng.random() < 0.2:
            at = rng.randrange(len(data))
            data = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        ends = sorted(rng.randrange(len(data) + 1) for _ in range(runs - 1))
        logs.append(Log(folder / f"{'abcdefgh'[number]}.{kind}", data, ends))
    return logs


class Way:
    """All runs over some logs; `told` is what a reader sees after them."""

    def __init__(self, logs: list[Log], out: Path, way: str, block: int, workers: int, runs: int) -> None:
        self.out, self.reports = out, []
        rejects = out.with_suffix(".rejects")
        for run in range(runs + 1):  # in the last one nothing waits for its rest any longer
            for log in logs:
                log.grow(run)
            with by(way, block, NOW + run * 60 * 10**9 + (2 * DAY if run == runs else 0)):
                names = [str(log.path) for log in logs]
                self.reports.append(aggregate(names, out, CONFIG, workers=workers, rejects=rejects))
        self.rejects = [json.loads(line) for line in rejects.read_bytes().splitlines()]

    reports: list[Report]

    def total(self, name: str) -> int:
        return sum(getattr(report, name) for report in self.reports)

    def told(self) -> dict[str, Any]:
        reports = [{name: getattr(report, name) for name in (*COUNTS, "by_event", "fields_invalid", "missing", "lost")}
                   for report in self.reports]  # fmt: skip
        kept = [(each["kind"], each["reason"], each["text"], each["file"]) for each in self.rejects]
        metrics, rows = outputs(self.out)
        attached = self.out / EXEMPLARS_PATH
        exemplars = attached.read_bytes() if attached.exists() else b""
        return {"reports": reports, "rejects": sorted(kept), "metrics": metrics, "rows": rows, "exemplars": exemplars}


def accounted(way: Way, found: Findings) -> tuple[dict[str, int], dict[str, int]]:
    """The sums of all runs, and what `logemit check` says of the same lines: it neither holds nor knows any again."""
    ahead = sum(each["kind"] == "future" for each in way.rejects)
    runs = {name: way.total(name) for name in ("read", "foreign")}
    runs["rejected"] = way.total("rejected") - ahead
    runs["events"] = way.total("events") + way.total("duplicates") + way.total("held") - way.total("released") + ahead
    checked = {name: getattr(found, name) for name in ("read", "foreign", "rejected")}
    return runs, checked | {"events": sum(found.events.values())}


def run_whole_way(folder: Path, rng: random.Random, texts: list[bytes], block: int) -> None:
    """Raises where the two ways differ, where the account does not balance, and where anything else is wrong."""
    (folder / "logs").mkdir()
    runs, workers = rng.choice([1, 2, 3]), rng.choice([1, 2, 3])
    logs = grown(folder / "logs", rng, texts, runs)
    ways = [Way(logs, folder / way, way, block, workers, runs) for way in ("reference", "machine")]
    told = [way.told() for way in ways]
    for wanted, was in pairwise(told):
        for name in wanted:
            assert was[name] == wanted[name], name
    if runs > 1:
        return  # the envelope is looked for in what a run reads first, which is not the same
    with by("reference", block, NOW):
        found = check([str(log.path) for log in logs], CONFIG.catalogue)
    summed, checked = accounted(ways[0], found)
    assert summed == checked
