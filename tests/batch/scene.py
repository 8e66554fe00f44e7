"""Logs that are written, rotated and aggregated, and an account of what was written."""

import bz2
import gzip
import json
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import zstandard

from aggregator import config
from aggregator.report import Report
from aggregator.run import aggregate

CONFIG = config.load(None)
OLD = 1_700_000_000
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "zst": zstandard.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
}


class Scene:
    """A folder of logs and the runs over it. Three kinds of lines are written, each never twice."""

    def __init__(self, folder: Path, bulk: int = 1) -> None:
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.out = folder / "out"
        self.reports: list[Report] = []
        self.written = 0
        """Of each kind: events with a number, events without one, lines that are no events."""
        self._bulk = bulk

    def lines(self, count: int = 2) -> bytes:
        """New ones, `count` of each kind."""
        written = b""
        for _ in range(count * self._bulk):
            event = {
                "logemit": 1, "event": "feed_poll", "timestamp": "2026-11-20T12:00:00Z", "service": "s",
                "feed_id": "1", "status": "success", "url": f"number {self.written}",
            }  # fmt: skip
            for each in ({**event, "proc": "p", "seq": self.written}, event):
                written += json.dumps(each, separators=(",", ":")).encode() + b"\n"
            written += b"[INFO] %d: booting\n" % self.written
            self.written += 1
        return written

    def write(self, name: str, count: int = 2) -> bytes:
        data = self.lines(count)
        with (self.logs / name).open("ab") as file:
            file.write(data)
        return data

    def move(self, old: str, new: str) -> None:
        (self.logs / old).rename(self.logs / new)

    def copy(self, old: str, new: str) -> None:
        """With a new time, as cp and copytruncate do."""
        (self.logs / new).write_bytes((self.logs / old).read_bytes())

    def pack(self, old: str, new: str, *, keep: bool = False) -> None:
        """With the old time, as gzip and logrotate do."""
        source, packed = self.logs / old, self.logs / new
        packed.write_bytes(PACKERS[new.rpartition(".")[2]](source.read_bytes()))
        status = source.stat()
        os.utime(packed, ns=(status.st_atime_ns, status.st_mtime_ns))
        if not keep:
            source.unlink()

    def truncate(self, name: str) -> None:
        os.truncate(self.logs / name, 0)

    def remove(self, name: str) -> None:
        (self.logs / name).unlink()

    def age(self, name: str, seconds: int = OLD) -> None:
        os.utime(self.logs / name, (seconds, seconds))

    def run(self, *patterns: str) -> Report:
        report = aggregate([str(self.logs / each) for each in patterns or ("app.log*",)], self.out, CONFIG)
        self.reports.append(report)
        return report

    def check(self, lost: int = 0, gaps: int = 0, gap_bytes: int = 0) -> None:
        """Every line written counted once, but for `lost` of each kind."""
        counted = [(r.events, r.foreign, r.duplicates, r.rejected) for r in self.reports]
        kept = self.written - lost
        assert tuple(map(sum, zip(*counted, strict=True))) == (2 * kept, kept, 0, 0), counted
        warned = [warning for report in self.reports for warning in report.warnings]
        assert len([warning for warning in warned if "went away" in warning]) == gaps, warned
        assert len(warned) == gaps, warned
        families = (self.out / "metrics.prom").read_text().splitlines()
        assert f"logemit_source_gaps_total {gaps:.1f}" in families
        assert f"logemit_source_gap_bytes_total {gap_bytes:.1f}" in families
