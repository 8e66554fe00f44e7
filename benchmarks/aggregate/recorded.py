"""What the recorded sample logs are made of: units of work, what processes tell of themselves, foreign lines."""

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

LOGS = Path(__file__).parents[2] / "sample_logs"
NAMES = ("gunicorn/stdout.log", "asgi/stdout.log", "celery/stdout.log", "cron/jobs.log.gz")
MARK = b'{"logemit":'

Event = dict[str, Any]
Write = list[Event]
"""Lines that one process wrote at once."""
Unit = list[Write]


@dataclass(slots=True)
class Recorded:
    """`units` by kind: request, task, command. `told` and `last`: what a process of that kind tells of itself."""

    units: dict[str, list[Unit]] = field(default_factory=dict)
    told: dict[str, list[Write]] = field(default_factory=dict)
    last: dict[str, list[Write]] = field(default_factory=dict)
    tracebacks: list[list[bytes]] = field(default_factory=list)


@cache
def recorded() -> Recorded:
    found = Recorded()
    for name in NAMES:
        lines = _lines(LOGS / name)
        events = [orjson.loads(line) for line in lines if line.startswith(MARK)]
        kinds = {e["proc"]: e["unit"] for e in events if e["unit"] != "none"}
        for kind, unit in _units(e for e in events if e["unit"] != "none"):
            found.units.setdefault(kind, []).append(unit)
        for write in _told(e for e in events if e["unit"] == "none"):
            chosen = found.told if write[0]["alive"] else found.last
            chosen.setdefault(kinds[write[0]["proc"]], []).append(write)
        found.tracebacks.extend(_tracebacks(lines))
    return found


def _lines(path: Path) -> list[bytes]:
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    return text.splitlines()


def _units(events: Iterable[Event]) -> Iterator[tuple[str, Unit]]:
    """Lines of one request, task or command; each try of a task is a unit of its own."""
    open_units: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        key = event["proc"], event.get("request_id") or event["task_id"]
        open_units.setdefault(key, []).append(event)
        if event["event"] in {"http_request", "task", "command"}:
            lines = open_units.pop(key)
            yield event["unit"], [list(write) for _, write in groupby(lines, key=lambda e: str(e["timestamp"]))]


def _told(events: Iterable[Event]) -> Iterator[Write]:
    """A line about the process, and those about its garbage collector."""
    open_writes: dict[str, Write] = {}
    for event in events:
        if event["event"] == "process_stats":
            open_writes[event["proc"]] = []
        write = open_writes[event["proc"]]
        write.append(event)
        if len(write) == 4:
            yield write


def _tracebacks(lines: list[bytes]) -> Iterator[list[bytes]]:
    for is_trace, block in groupby(lines, key=lambda line: line[:1] in {b" ", b"T"} and not line.startswith(b"T/")):
        found = list(block)
        if is_trace and any(line.startswith(b"Traceback") for line in found):
            yield found
