"""From calls to metrics.prom: what the batch side makes of lines is what prometheus_client would show."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

import logemit
from aggregator import aggregate
from aggregator.config import load
from tests.conftest import Events

from .adder import added
from .conftest import Samples
from .table import ROWS
from .test_table import differing, raised_by
from .test_third_party import NUMBERS, module


def aggregated(output: Path, tmp_path: Path) -> Samples:
    """The families of instruments, without the service."""
    log = tmp_path / "app.log"
    log.write_bytes(output.read_bytes() if output.exists() else b"")
    names = {metric.name for metric in load(None).catalogue.metrics}
    report = aggregate([str(log)], tmp_path / "out", load(None))
    assert (report.rejected, report.foreign, report.missing) == (0, 0, 0)
    text = (tmp_path / "out" / "metrics.prom").read_text()
    return {
        (sample.name, frozenset(pair for pair in sample.labels.items() if pair[0] != "service")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not family.name.startswith("logemit_") and {family.name, f"{family.name}_total"}.isdisjoint(names)
    }


def spelled(samples: Samples) -> Samples:
    """Names as this format has them."""
    return {
        (plain(name, r"[^\w:]"), frozenset((plain(label, r"\W"), text) for label, text in labels)): value
        for (name, labels), value in samples.items()
    }


def plain(name: str, odd: str) -> str:
    return re.sub(odd, "_", name, flags=re.ASCII)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("name", ROWS)
def test_calls_reach_metrics_prom(name: str, output: Path, events: Events, tmp_path: Path) -> None:
    raised_by(lambda: ROWS[name](logemit, {"registry": CollectorRegistry()}))
    logemit.flush()
    assert differing(spelled(added(events())), aggregated(output, tmp_path)) == {}


def test_a_module_of_somebody_elses_keeps_its_metrics(output: Path, events: Events, tmp_path: Path) -> None:
    module("logemit").work(NUMBERS)
    logemit.flush()
    found = aggregated(output, tmp_path)
    assert differing(added(events()), found) == {}
    assert found["acme_queue_failed_total", frozenset()] == NUMBERS.count(0)
