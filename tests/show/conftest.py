"""The sample logs' output folder, and one of lines as a test wants them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import aggregator
from aggregator import config
from tests.conftest import ROOT

Take = Callable[..., Path]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("show") / "metrics"
    aggregator.aggregate(
        [str(path) for path in sorted((ROOT / "sample_logs").glob("*/*.log*"))], out, config.load(None)
    )
    return out


@pytest.fixture
def take(tmp_path: Path) -> Take:
    """Takes in events, each a dict, of noon unless they say when; gives the folder."""

    def take_in(*events: dict[str, Any]) -> Path:
        log = tmp_path / "app.log"
        common = {"logemit": 1, "event": "", "timestamp": "2026-11-20T12:00:00Z", "service": "s"}
        with log.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps({**common, **event}, separators=(",", ":")) + "\n" for event in events)
        aggregator.aggregate([str(log)], tmp_path / "metrics", config.load(None))
        return tmp_path / "metrics"

    return take_in
