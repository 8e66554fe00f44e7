"""The examples that need nothing but Python, run now: their clients count what the aggregator says."""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import aggregator
from aggregator import config
from tests.conftest import ROOT
from tests.domain.test_systems import COUNTED

sys.path.insert(0, str(ROOT / "examples"))

from alerting import drive as alerting
from bot import drive as bot


@pytest.mark.parametrize("record", [alerting.record, bot.record], ids=["alerting", "bot"])
def test_what_a_client_counted_is_in_the_summaries(
    record: Callable[[Path, Path], dict[str, Any]], tmp_path: Path
) -> None:
    log, scratch, out = tmp_path / "output.log", tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    client = record(log, scratch)
    report = aggregator.aggregate([str(log)], out, config.load(None))
    assert (report.rejected, report.duplicates) == (0, 0)
    compared = [(key, *of) for key, of in COUNTED.items() if client.get(key)]
    assert len(compared) >= 4
    for key, summary, *columns in compared:
        told = aggregator.read(out, summary, by=columns)["count"]
        found = {(name if isinstance(name, tuple) else (name,)): number for name, number in told.items()}
        assert found == Counter({tuple(str(row[each]) for each in columns): row["count"] for row in client[key]}), key
