"""What the tests of runs share: events as lines, runs over them, and what a reader sees afterwards."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from aggregator import config
from aggregator.report import Report
from aggregator.run import aggregate

CONFIG = config.load(None)
NOON = 1_795_176_000_000_000_000
"""2026-11-20T12:00:00Z, in nanoseconds since 1970."""

DAY = 86_400 * 10**9


def poll(seq: int | None, timestamp: str = "2026-11-20T12:00:00Z", **fields: Any) -> bytes:
    """A line; without a process where `seq` is None."""
    event = {"logemit": 1, "event": "feed_poll", "timestamp": timestamp, "service": "s"}
    if seq is not None:
        event |= {"proc": "p", "seq": seq}
    return json.dumps({**event, "feed_id": "1", "status": "success", **fields}, separators=(",", ":")).encode() + b"\n"


def take_in(log: Path, out: Path, settings: config.Config = CONFIG) -> Report:
    return aggregate([str(log)], out, settings)


def families(out: Path) -> str:
    """metrics.prom without the figures about the runs themselves."""
    lines = (out / "metrics.prom").read_text().splitlines()
    return "\n".join(line for line in lines if not re.match(r"(# (HELP|TYPE) )?logemit_", line))


def sample(out: Path, name: str) -> float:
    """The only sample of a family without labels."""
    (value,) = re.findall(rf"^{name} (\S+)$", (out / "metrics.prom").read_text(), re.MULTILINE)
    return float(value)


def rows(out: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row, by file, as a reader sees it."""
    files = {str(p.relative_to(out)): p for p in out.rglob("*.parquet") if "_logemit" not in p.parts}
    return {name: pq.ParquetFile(path).read(use_threads=False).to_pylist() for name, path in sorted(files.items())}


def outputs(out: Path) -> tuple[str, dict[str, list[dict[str, Any]]]]:
    return families(out), rows(out)
