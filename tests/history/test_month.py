"""A recorded month, through promtool, in a real Prometheus: every sample is what the Parquet adds up to."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator import config
from aggregator.run import aggregate
from tests.history.logs import DAYS, FIRST, event, export, month
from tests.monitoring import servers

duckdb = pytest.importorskip("duckdb")

STEP = 6 * 3600
LABELS = {"job": "logemit", "instance": "app"}
METRICS = (
    *("django_http_requests_before_middlewares_total", "feed_polls_total", "process_cpu_seconds_total"),
    *("django_http_requests_latency_seconds_by_view_method", "process_resident_memory_bytes"),
)
LATER = """
[[metric]]
name = "polls_by_service_total"
type = "counter"
help = "Defined when the month was over."
summary = "feed_polls"
"""
BEGIN, END = int(FIRST.timestamp()), int((FIRST + timedelta(days=DAYS + 1)).timestamp())
Row = tuple[Any, ...]
History = dict[frozenset[tuple[str, str]], dict[float, float]]
Series = Mapping[frozenset[tuple[str, str]], Mapping[float, float]]
LIFETIME = 15 * 60


@dataclass(frozen=True)
class Month:
    out: Path
    files: Path
    config: Path
    prometheus: servers.Prometheus


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    """The month, its history, and a Prometheus that has no more than that; also of a metric that was defined after."""
    folder = tmp_path_factory.mktemp("month")
    (folder / "app.log").write_bytes(month() + event("the_end", f"{FIRST + timedelta(days=DAYS + 2):%Y-%m-%dT%XZ}", 0))
    (folder / "logemit.toml").write_text(LATER)
    aggregate([str(folder / "app.log")], folder / "out", config.load(None))
    wanted: dict[str, Any] = {"step": STEP, "metrics": METRICS, "split": 0, "end": END, "labels": LABELS}
    assert export(folder / "out", folder / "files", **wanted).samples
    wanted["metrics"] = (*METRICS, "polls_by_service_total")
    defined = config.load(folder / "logemit.toml")
    assert export(folder / "out", folder / "later", defined, **wanted).families == 1
    for each in ("files", "later"):
        file = folder / each / "history.om"
        command = ["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=162h"]  # by itself 2h: slow
        servers.promtool(*command, file, folder / "data")
    options = ["--storage.tsdb.retention.time=10y"]
    with servers.prometheus(folder, data=folder / "data", options=options) as prometheus:
        yield Month(folder / "out", folder, folder / "logemit.toml", prometheus)


def told(month: Month, name: str) -> Series:
    """By labels, what Prometheus has at each step."""
    found = month.prometheus.query_range(name, BEGIN, END, STEP)
    return {frozenset(pair for pair in labels if pair[0] != "__name__"): values for labels, values in found.items()}


def rows(month: Month, query: str) -> list[Row]:
    """Of the Parquet; `start` and `stop` of a window in seconds."""
    window = "epoch(window_start)::BIGINT AS start, epoch(window_start)::BIGINT + window_seconds AS stop"
    sql = re.sub(r"FROM (\w+)", rf"FROM (SELECT *, {window} FROM '{month.out}/\1/date=*/*.parquet')", query)
    found: list[Row] = duckdb.sql(sql).fetchall()
    return found


def cumulative(rows: list[Row], names: tuple[str, ...]) -> History:
    """Of (stop, value, label, label, …): the sum at each step from one before the first window's on."""
    by_labels: dict[frozenset[tuple[str, str]], list[Row]] = defaultdict(list)
    for stop, value, *labels in rows:
        key = frozenset((name, label) for name, label in zip(names, labels, strict=True) if label)
        by_labels[key].append((stop, value))
    wanted: History = {}
    for key, values in by_labels.items():
        first = -(-min(stop for stop, _ in values) // STEP) * STEP - STEP
        times = range(max(first, BEGIN), END + 1, STEP)
        wanted[key] = {float(time): sum(value for stop, value in values if stop <= time) for time in times}
    return wanted


def same(found: Series, wanted: Series) -> None:
    assert found.keys() == wanted.keys()
    assert found
    for labels, values in wanted.items():
        assert found[labels] == pytest.approx(values, rel=1e-12, abs=1e-12), labels


@pytest.mark.parametrize(
    ("metric", "query", "labels"),
    [
        (METRICS[0], "SELECT stop, events, service FROM http_requests", ("service",)),
        (METRICS[1], "SELECT stop, events, service, feed_id, status FROM feed_polls", ("service", "feed_id", "status")),
        (METRICS[2], "SELECT stop, cpu_seconds_sum, service FROM processes", ("service",)),
        ("polls_by_service_total", "SELECT stop, events, service FROM feed_polls", ("service",)),
    ],
)
def test_counters(recorded: Month, metric: str, query: str, labels: tuple[str, ...]) -> None:
    same(told(recorded, metric), cumulative(rows(recorded, query), labels))


def test_histograms(recorded: Month) -> None:
    name = METRICS[3]
    query = """
        SELECT stop, n, service, view, method, le FROM (
            SELECT stop, service, view, method,
                unnest(duration_seconds_le) AS le, unnest(duration_seconds_n) AS n FROM http_requests_bins)
    """
    binned, labels = rows(recorded, query), ("service", "view", "method")
    counts = cumulative([row[:5] for row in binned], labels)
    same(told(recorded, f"{name}_count"), counts)
    query = "SELECT stop, duration_seconds_sum, service, view, method FROM http_requests"
    sums = cumulative(rows(recorded, query), labels)
    same(told(recorded, f"{name}_sum"), {key: values for key, values in sums.items() if key in counts})
    for bound, shown in ((0.01, "0.01"), (0.075, "0.075"), (2.5, "2.5"), (float("inf"), "+Inf")):
        within = [(stop, n if le <= bound else 0, *rest) for stop, n, *rest, le in binned]
        same(
            told(recorded, f'{name}_bucket{{le="{shown}"}}'),
            {key | {("le", shown)}: values for key, values in cumulative(within, labels).items()},
        )


def test_gauges(recorded: Month) -> None:
    """What each process told last, as long as its newest line is no older than the newest of its service by 15 min."""
    times = "epoch_us(last_at), epoch_us(rss_bytes_last_at)"
    lines = rows(recorded, f"SELECT stop, service, proc, version, {times}, rss_bytes_last FROM processes")
    wanted: History = defaultdict(dict)
    for time in range(BEGIN, END + 1, STEP):
        past = [line for line in lines if line[0] <= time]
        for service in {line[1] for line in past}:
            own = [line for line in past if line[1] == service]
            since = max(line[4] for line in own) - LIFETIME * 10**6
            current = sorted((line for line in own if (line[5] or 0) >= since), key=lambda line: line[5:])
            last = {line[2:4]: line[6] for line in current}
            if last:
                wanted[frozenset({("service", service)})][float(time)] = sum(last.values())
    same(told(recorded, METRICS[4]), wanted)
