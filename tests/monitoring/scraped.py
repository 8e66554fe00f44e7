"""What Prometheus holds when it has scraped an output folder for an hour: no scrape, and no hour, but its blocks."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.monitoring.servers import Prometheus, prometheus, promtool

INTERVAL = 300
"""Between runs, in seconds."""

RUNS = 12
SCRAPE = 30
TARGET = 'job="logemit",instance="localhost:9100"'
_SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")


@contextmanager
def scraped(text: str, folder: Path) -> Iterator[tuple[Prometheus, float]]:
    """A Prometheus over runs that each took in what is told in `text`, and the time of its last scrape.

    Counters of the n-th run are n times those of the text; gauges are as they are there.
    """
    end = int(time.time()) // SCRAPE * SCRAPE - SCRAPE
    history = folder / "history.om"
    with history.open("w") as file:
        for piece in _history(text, end):
            file.write(piece)
    promtool("tsdb", "create-blocks-from", "openmetrics", "--quiet", history, folder / "data")
    history.unlink()
    with prometheus(folder, data=folder / "data") as server:
        yield server, float(end)


def _history(text: str, end: int) -> Iterator[str]:
    """Time by time, as blocks are made of it; without types, which blocks do not keep."""
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    samples = [_SAMPLE.fullmatch(line) for line in text.splitlines() if not line.startswith("#")]
    for run in range(1, RUNS + 1):
        lines = []
        for name, labels, value in (sample.groups() for sample in samples if sample):
            family = types.get(name) or types[re.sub(r"_(bucket|sum|count)$", "", name)]
            number = float(value) * (1 if family == "gauge" else run)
            lines.append(f"{name}{{{TARGET}{',' + labels if labels else ''}}} {number!r} ")
        began = end - (RUNS - run + 1) * INTERVAL + SCRAPE
        for at in range(began, began + INTERVAL, SCRAPE):
            yield "".join(f"{line}{at}\n" for line in lines)
    yield "# EOF\n"
