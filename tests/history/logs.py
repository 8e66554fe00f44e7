"""Logs with a past, and what a backfill makes of them."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from aggregator import config
from aggregator.history.export import Backfilled, backfill
from aggregator.history.timeline import Wanted
from tests.conftest import ROOT

CONFIG = config.load(None)
Sample = tuple[str, frozenset[tuple[str, str]]]
History = dict[Sample, dict[int, float]]
"""Values by time."""

FIRST = datetime(2026, 10, 20, tzinfo=UTC)
DAYS = 30
RECORDED = ("gunicorn", "shop")
EVENTS = ("http_request", "feed_poll", "process_stats")


def export(out: Path, folder: Path, settings: config.Config = CONFIG, **options: Any) -> Backfilled:
    """A backfill into an own folder."""
    folder.mkdir(exist_ok=True)
    flags = {name: options.pop(name) for name in ("force", "anew", "dry_run") if name in options}
    return backfill(out, folder / "history.om", settings, Wanted(**{"sealed_after": 0, **options}), **flags)


def exported(folder: Path) -> History:
    """The samples of all files of a folder. A series twice, or not in the order of time, raises."""
    found: History = defaultdict(dict)
    for path in sorted(folder.glob("*.om")):
        for sample, time, value in samples(path.read_text()):
            assert time > max(found[sample], default=0), (path, sample, time)
            found[sample][time] = value
    return found


def samples(text: str) -> Iterator[tuple[Sample, int, float]]:
    for line in text.split("\n"):
        if line and not line.startswith("#"):
            series, value, time = line.rsplit(" ", 2)
            name, _, labels = series.partition("{")
            pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)
            told = {key: str(float(each)) if key == "le" else unescaped(each) for key, each in pairs}
            yield (name, frozenset(told.items())), int(time), float(value)


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text)


def at(history: Mapping[Sample, Mapping[int, float]], time: int) -> dict[Sample, float]:
    return {sample: values[time] for sample, values in history.items() if time in values}


def shifted(line: bytes, by: timedelta, proc: str, seq: int) -> bytes:
    event = json.loads(line)
    moment = datetime.fromisoformat(event["timestamp"]) + by
    event |= {"timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z", "proc": proc, "seq": seq}
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


def month(seed: int = 8) -> bytes:
    """Recorded lines, moved in time: some each day, each batch of them by processes of its own."""
    random, written = Random(seed), []
    recorded = [(ROOT / f"sample_logs/{case}/stdout.log").read_bytes() for case in RECORDED]
    pattern = rb'\{"logemit":1,"event":"(%s)"' % "|".join(EVENTS).encode()
    lines = [line for log in recorded for line in log.splitlines() if re.match(pattern, line)]
    for day in range(DAYS):
        for batch in range(random.choice([1, 1, 2])):
            moment = FIRST + timedelta(days=day, seconds=random.randrange(86_000))
            for seq, line in enumerate(random.sample(lines, 12)):
                before = datetime.fromisoformat(json.loads(line)["timestamp"])
                by = moment - before + timedelta(seconds=random.randrange(300))
                written.append(shifted(line, by, f"{day}-{batch}", seq))
    return b"".join(written)


def event(name: str, moment: str, seq: int, **fields: Any) -> bytes:
    head = {"logemit": 1, "event": name, "timestamp": moment, "service": "s", "proc": "p", "seq": seq}
    return json.dumps({**head, **fields}).encode() + b"\n"


def cut(lines: Iterable[bytes], time: int) -> bytes:
    """Those of before a time."""
    kept = []
    for line in lines:
        found = re.search(rb'"timestamp": ?"([^"]+)"', line)
        if found and datetime.fromisoformat(found[1].decode()).timestamp() < time:
            kept.append(line)
    return b"".join(kept)
