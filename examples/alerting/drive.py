"""Runs the product again and again on data made for it, and counts by what it leaves behind.

`python examples/alerting/drive.py` prints the product's events, then on standard error what was counted.
"""

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

PRODUCT = Path(__file__).with_name("product.py")
ROUNDS = 14
DATASETS = ("orders", "prices", "visits", "returns")
ENVIRONMENT = {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "LOGEMIT_SERVICE": "upstream"}
DRIFTS = {"none": (100, 8), "little": (118, 8), "much": (150, 8), "spread": (100, 40)}


def record(log: Path, scratch: Path) -> dict[str, Any]:
    """Append the output of all runs to a log; what was counted."""
    random, counted = Random(7), Counter[tuple[str, ...]]()
    (scratch / "data").mkdir()
    for number in range(ROUNDS):
        for dataset in DATASETS:
            counted += write(scratch / "data" / f"{dataset}.csv", dataset, random)
        down = scratch / "pager.down"
        down.touch() if number % 5 == 3 else down.unlink(missing_ok=True)
        killed = number % 6 == 4
        outbox = delivered(scratch)
        counted += run(log, scratch, is_killed=killed)
        sent = delivered(scratch) - outbox
        counted += sent
        high = counted_alerts(scratch / "data")["high"]
        if missed := high - sent["deliveries", "pager", "success"]:
            counted["deliveries", "pager", "error"] += missed
    for path in (scratch / "reports").iterdir():
        counted["reports", path.suffix[1:], "success"] += 1
    counted["reports", "pdf", "error"] = ROUNDS  # it knows no such format
    return as_json(counted)


def write(path: Path, dataset: str, random: Random) -> Counter[tuple[str, ...]]:
    """A file of data, and what the product has to find in it."""
    counted = Counter[tuple[str, ...]]()
    counted["jobs", "watch_dataset", "started"] += 1
    if random.random() < 0.12:
        path.write_text("value\nno number\n")
        counted["jobs", "watch_dataset", "failure"] += 1
        return counted
    mean, spread = DRIFTS[random.choice([*DRIFTS, "none"])]
    values: list[float | str] = [mean + spread * (-1) ** n for n in range(200)]
    for place in random.sample(range(0, 200, 2), random.choice([0, 0, 1, 5])):
        values[place] = values[place + 1] = ""  # in pairs: neither mean nor spread change
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("value",), *((value,) for value in values)])
    counted["jobs", "watch_dataset", "success"] += 1
    counted["checked", dataset] += len(values)
    counted["failed", dataset] += values.count("")
    for kind, severity in alerts(path):
        counted["drifts", kind] += 1
        counted["alerts", severity] += 1
    return counted


def alerts(path: Path) -> list[tuple[str, str]]:
    """By the first pair that is there: the data is so regular that two values say everything."""
    values = [float(line) for line in path.read_text().split()[1:] if line and line[0] not in '"n']
    if not values:
        return []
    mean, spread = (values[0] + values[1]) / 2, abs(values[0] - values[1]) / 2
    found = {(118, 8): ("mean", "low"), (150, 8): ("mean", "high"), (100, 40): ("spread", "low")}.get((mean, spread))
    return [found] if found else []


def counted_alerts(folder: Path) -> Counter[str]:
    return Counter(severity for path in folder.iterdir() for _, severity in alerts(path))


def run(log: Path, folder: Path, *, is_killed: bool) -> Counter[tuple[str, ...]]:
    """One process; one that is to be killed is so in the middle of its last job."""
    busy, archiving = folder / "archive.busy", folder / "archiving"
    busy.touch() if is_killed else busy.unlink(missing_ok=True)
    archiving.unlink(missing_ok=True)
    environment = {**ENVIRONMENT, "PYTHONPATH": str(PRODUCT.parents[2])}
    with log.open("ab") as output:
        command = [sys.executable, str(PRODUCT), str(folder)]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    if is_killed:
        while not archiving.exists():
            time.sleep(0.01)
        process.kill()
    ended = process.wait(timeout=60)
    counted = Counter[tuple[str, ...]]()
    for job in ("run", "archive"):
        counted["jobs", job, "started"] += 1
        counted["jobs", job, "success"] += ended == 0
    assert (ended == 0) != is_killed, f"the product ended with {ended}; see {log}"
    return counted


def delivered(folder: Path) -> Counter[tuple[str, ...]]:
    files = (folder / "outbox").glob("*.jsonl") if (folder / "outbox").is_dir() else ()
    return Counter({("deliveries", path.stem, "success"): len(path.read_text().splitlines()) for path in files})


COLUMNS = {
    "jobs": ("name", "state"),
    "alerts": ("severity",),
    "deliveries": ("channel", "status"),
    "drifts": ("kind",),
    "reports": ("format", "status"),
    "checked": ("dataset",),
    "failed": ("dataset",),
}


def as_json(counted: Counter[tuple[str, ...]]) -> dict[str, Any]:
    tables: dict[str, Any] = {"runs": ROUNDS, **{table: [] for table in COLUMNS}}
    for (table, *key), number in sorted(counted.items()):
        if number:
            tables[table].append({**dict(zip(COLUMNS[table], key, strict=True)), "count": number})
    return tables


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        own = Path(made) / "output.log"
        figures = record(own, Path(made))
        print(own.read_text(), end="")
        print(json.dumps(figures, indent=1), file=sys.stderr)
