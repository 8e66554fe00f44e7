"""What the tests of exemplars share: lines, runs over them, and what is kept."""

import json
import random
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aggregator import config
from aggregator.report import Report
from aggregator.run import aggregate
from tests.recount_exemplars import Sample, parsed
from tests.recount_measures import CATALOGUE

Line = dict[str, Any]
PATH = "_logemit/exemplars.json"
BY_VIEW = "django_http_requests_latency_seconds_by_view_method_bucket"
OF_ALL = "django_http_requests_latency_including_middlewares_seconds_bucket"

OWN = """
[[summary]]
name = "alerts"
event = "alert_created"
dimensions = ["product", "severity"]
measures = [{ name = "delay", unit = "seconds" }, { name = "size", unit = "bytes" }]
bins = ["delay", "size"]
unless = { severity = "none" }

[[summary]]
name = "named"
event = "named"
dimensions = ["request_id"]
measures = [{ name = "delay", unit = "seconds" }]
bins = ["delay"]

[[metric]]
name = "alert_delay_seconds"
type = "histogram"
help = "Delay."
summary = "alerts"
measure = "delay"
buckets = [0.5, 2]
labels = { of = { dimension = "product", values = { "a*" = "A" }, default = "other" } }
where = { severity = ["high", ""] }

[[metric]]
name = "alert_size_bytes"
type = "histogram"
help = "Size."
summary = "alerts"
measure = "size"
buckets = [1, 2]

[[metric]]
name = "named_delay_seconds"
type = "histogram"
help = "Delay."
summary = "named"
measure = "delay"
buckets = [0.5, 2]
"""


class Folder:
    """A log that grows, and what is kept of it."""

    def __init__(self, path: Path, text: str = "") -> None:
        self.log, self.out, self.toml = path / "app.log", path / "out", path / "logemit.toml"
        self.log.write_bytes(b"")
        self.configure(text)

    def configure(self, text: str) -> None:
        self.toml.write_text(text)

    @property
    def config(self) -> config.Config:
        return config.load(self.toml)

    def run(self, *lines: Line | bytes, workers: int = 1) -> Report:
        with self.log.open("ab") as log:
            log.writelines(line if isinstance(line, bytes) else encoded(line) for line in lines)
        return aggregate([str(self.log)], self.out, self.config, workers=workers)

    @property
    def texts(self) -> dict[str, dict[str, Any]]:
        """By sample as it is written."""
        found: dict[str, dict[str, Any]] = json.loads((self.out / PATH).read_text())
        return found

    @property
    def kept(self) -> dict[Sample, dict[str, Any]]:
        """The same; each sample stands in the exposition."""
        shown = {line.rpartition(" ")[0] for line in (self.out / "metrics.prom").read_text().split("\n")}
        assert self.texts.keys() <= shown
        return {parsed(sample): found for sample, found in self.texts.items()}

    def ids(self, name: str = BY_VIEW, *labels: str) -> dict[Any, str]:
        """By these labels, those of one family."""
        found = {}
        for (sample, pairs), entry in self.kept.items():
            if sample == name:
                key = tuple(dict(pairs)[label] for label in labels or ("view", "le"))
                found[key[0] if len(key) == 1 else key] = entry.get("request_id") or entry["task_id"]
        return found


SEQ = iter(range(10**9))


def request(duration: float, id_: Any = "r", at: str = "12:00:00.000000", **fields: Any) -> Line:
    return {
        "logemit": 1, "event": "http_request", "timestamp": f"2026-11-20T{at}Z", "service": "web", "proc": "p",
        "seq": next(SEQ), "unit": "request", "request_id": id_, "method": "GET", "view": "v", "status": 200,
        "duration_seconds": duration, **fields,
    }  # fmt: skip


def encoded(line: Mapping[str, Any], *, ascii_only: bool = False) -> bytes:
    return json.dumps(line, separators=(",", ":"), ensure_ascii=ascii_only).encode() + b"\n"


IDS = ["a", "b", "", None, 7, True, 'quo"te', "new\nline", "日本", "\\", "\0"]
IDS += [character * number for character in "xé😀" for number in (100, 101)]
EVENTS = ["http_request", "http_request", "db_query", "task", "job", "feed_poll", "alert_created", "named"]
DURATIONS = [0, 0.25, 0.5, 0.500001, 0.999999, 1, 1.0, 1.000001, 2, 2.5, 2.500001, 7.5, 10, 10.000001, 3600.5]


def drawn(rng: random.Random, seq: int) -> Line:
    at = f"2026-11-{rng.choice([19, 20])}T1{rng.randrange(2)}:00:{rng.randrange(4):02}.{rng.choice([0, 1, 999999]):06}Z"
    event = rng.choice(EVENTS)
    duration: Any = rng.choice(DURATIONS)
    line: Line = {"logemit": 1, "event": event, "timestamp": at, "service": rng.choice("st"), "proc": "p", "seq": seq}
    for name in ("request_id", "task_id"):
        if rng.random() < 0.6 and (id_ := rng.choice(IDS)) is not None:
            line[name] = id_
    name = "delay" if event in ("alert_created", "named") else "duration_seconds"
    if rng.random() < 0.95:
        line[name] = duration
    more: dict[str, Line] = {
        "http_request": {"view": rng.choice("vwx"), "method": rng.choice(["GET", 'P"\\\n'])},
        "db_query": {"alias": "default", "vendor": "sqlite", "count": rng.choice([1, 1, 2])},
        "task": {"name": rng.choice("vw"), "state": "success"},
        "job": {"name": rng.choice("vw"), "state": "success"},
        "alert_created": {"product": rng.choice(["ab", "b"]), "severity": rng.choice(["high", "low", "none", ""])},
    }
    line |= more.get(event, {})
    if event == "http_request" and rng.random() < 0.8:
        line["status"] = 200
    if line.get("count", 1) == 2:
        line |= {"bins": "10:2", "duration_min_seconds": duration, "duration_max_seconds": duration}
    elif event == "db_query" and rng.random() < 0.5:
        del line["count"]
    return line


def log_of(rng: random.Random, number: int) -> list[bytes]:
    """Some lines stand in it twice."""
    lines = [encoded(drawn(rng, seq), ascii_only=rng.random() < 0.3) for seq in range(number)]
    for _ in range(number // 10):
        lines.insert(rng.randrange(len(lines)), rng.choice(lines))
    return lines


def catalogue() -> dict[str, Any]:
    own = tomllib.loads(OWN)
    return {**CATALOGUE, **{name: CATALOGUE[name] + own[name] for name in ("summary", "metric")}}
