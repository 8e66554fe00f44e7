"""A small alerting product: watches data, raises alerts, hands them to channels, and reports.

`python product.py FOLDER` is one run, as cron would start it: it looks at every `*.csv` in FOLDER/data and keeps what
it found in FOLDER. Alerts go to FOLDER/outbox, a file for each channel; reports to FOLDER/reports.
"""

import csv
import json
import statistics
import sys
import time
from contextlib import suppress
from pathlib import Path

import logemit

PRODUCT = "upstream"
BASELINE, SPREAD = 100.0, 10.0
CHANNELS = {"high": ("pager", "email"), "low": ("email",)}


class ChannelDownError(OSError):
    """The channel takes nothing just now."""


def read(path: Path) -> list[float | None]:
    with path.open(newline="") as file:
        return [float(row["value"]) if row["value"] else None for row in csv.DictReader(file)]


def check_quality(dataset: str, values: list[float | None]) -> list[float]:
    """The values that are there."""
    present = [value for value in values if value is not None]
    logemit.data_quality(dataset, checked=len(values), failed=len(values) - len(present))
    return present


def find_drift(values: list[float]) -> tuple[str, str] | None:
    """What drifted, and how bad it is."""
    shift = abs(statistics.fmean(values) - BASELINE) / SPREAD
    if shift > 1:
        return "mean", "high" if shift > 3 else "low"
    return ("spread", "low") if statistics.stdev(values) > 2 * SPREAD else None


def raise_alert(folder: Path, dataset: str, kind: str, severity: str) -> None:
    logemit.emit("drift_detected", product=PRODUCT, kind=kind)
    logemit.emit("alert_created", product=PRODUCT, severity=severity)
    for channel in CHANNELS[severity]:
        with suppress(ChannelDownError):  # the next run sends it again
            deliver(folder, channel, {"dataset": dataset, "kind": kind, "severity": severity})


@logemit.timed("alert_delivered", product=PRODUCT, channel=lambda _folder, channel, _alert: channel)
def deliver(folder: Path, channel: str, alert: dict[str, str]) -> None:
    if (folder / f"{channel}.down").exists():
        raise ChannelDownError(channel)
    with (folder / "outbox" / f"{channel}.jsonl").open("a") as file:
        file.write(json.dumps(alert) + "\n")


def watch(folder: Path, path: Path) -> None:
    """One dataset, as a job; one that cannot be read fails, and the others go on."""
    with suppress(ValueError, KeyError), logemit.job("watch_dataset"):
        drift = find_drift(check_quality(path.stem, read(path)))
        if drift is not None:
            raise_alert(folder, path.stem, *drift)


def report(folder: Path, format_: str) -> None:
    with logemit.report("alerts", format=format_) as made:
        lines = (folder / "outbox" / "email.jsonl").read_text().splitlines()
        text = {"csv": "\n".join, "html": "<br>".join}[format_](lines)
        made.set(size_bytes=(folder / "reports" / f"{time.time_ns()}.{format_}").write_text(text))


@logemit.job("archive")
def archive(folder: Path) -> None:
    """Waits for a machine that is slow today, until it is there or somebody loses patience."""
    (folder / "archiving").touch()
    while (folder / "archive.busy").exists():
        time.sleep(0.02)
    (folder / "archiving").unlink()


def main(folder: Path) -> None:
    for name in ("outbox", "reports"):
        (folder / name).mkdir(exist_ok=True)
    with logemit.job("run"):
        for path in sorted((folder / "data").glob("*.csv")):
            watch(folder, path)
        for format_ in ("csv", "html", "pdf"):
            with suppress(KeyError, FileNotFoundError):
                report(folder, format_)
        archive(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
