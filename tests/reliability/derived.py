"""What the machine derives from logs, and how a reader finds it in the output folder."""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from aggregator.catalogue import extend
from aggregator.config import Config
from aggregator.definitions import Catalogue
from aggregator.retention import Retention

from .model import Kept, Row, Sum

Samples = dict[tuple[str, str], float]
CATALOGUE = """
[[summary]]
name = "jobs"
event = "errand"
dimensions = ["kind"]
measures = [{ name = "took", unit = "seconds" }]
bins = ["took"]

[[summary]]
name = "hourly"
event = "errand"
partition = "hour"
dimensions = ["kind"]

[[metric]]
name = "jobs_total"
type = "counter"
help = "h"
summary = "jobs"
labels = ["kind"]
value = "events"

[[metric]]
name = "job_seconds"
type = "histogram"
help = "h"
summary = "jobs"
measure = "took"
buckets = [0.5]
"""
CONFIG = Config(extend(Catalogue(), tomllib.loads(CATALOGUE), "machine"))


def config_of(kept: Kept) -> Config:
    return Config(CONFIG.catalogue, retention=Retention(kept.fold, kept.drop, kept.late))


def samples(text: str) -> Samples:
    found = re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.MULTILINE)
    return {(name, labels): float(value) for name, labels, value in found}


@lru_cache(maxsize=4096)
def read(data: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.ParquetFile(pa.BufferReader(data)).read().to_pylist()
    return found


def rows_of(folder: Path) -> dict[Row, Sum]:
    found: dict[Row, Sum] = {}
    for row, each in raw_rows(folder):
        assert row not in found, row
        took = [round(each.get(f"took_{end}", 0) * 1e6) for end in ("sum", "min", "max")]
        found[row] = Sum(each["events"], *took)
    return found


def raw_rows(folder: Path) -> Iterator[tuple[Row, dict[str, Any]]]:
    for path in sorted(folder.glob("date=*/*.parquet")):
        for each in read(path.read_bytes()):
            start = int(each["window_start"].timestamp()) * 1_000_000
            date = path.parent.name.removeprefix("date=")
            yield Row(date, start, each["window_seconds"], each["service"], each["kind"]), each
