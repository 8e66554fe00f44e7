"""Folders to report on, and a browser to look at the reports with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import aggregator
from aggregator import config
from aggregator.htmlreport import gather, render
from aggregator.panels import Asked
from tests.conftest import ROOT

from .chromium import Browser, chromium

MADE = 1_795_300_000.0


@pytest.fixture(scope="session")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the sample logs make."""
    out = tmp_path_factory.mktemp("report") / "metrics"
    aggregator.aggregate(sorted(map(str, (ROOT / "sample_logs").glob("*/*.log*"))), out, config.load(None))
    return out


@pytest.fixture(scope="session")
def page(sampled: Path) -> str:
    return render(gather(Asked(sampled), "Sample logs", MADE))


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started
