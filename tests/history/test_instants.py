"""At every time the history tells what metrics.prom would have told, had a run taken in all of before and no more."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.history.export import Backfilled
from aggregator.run import aggregate
from tests.history.logs import CONFIG, History, Sample, at, cut, event, export, exported
from tests.recount import recount
from tests.test_recount import generated

END = "2026-11-21T03:00:00Z"
BEGIN = "2026-11-19T20:00"
TIMES = ["2026-11-19T20:00", "2026-11-20T00:15", "2026-11-20T10:00", "2026-11-20T23:45", "2026-11-21T00:00"]
"""Also just before processes are let go, and after."""


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.fixture(scope="module")
def log() -> list[bytes]:
    """All instruments are declared at the beginning: those of the present give the past its form."""
    declared: dict[str, bytes] = {}
    others = []
    for line in generated(seed=11, lines=1400).split(b"\n")[:-1]:
        if not re.search(rb'"event": ?"instrument"', line):
            others.append(line + b"\n")
        elif name := re.search(rb'"name": ?"([^"]+)"', line):
            begun = re.sub(rb'("timestamp": ?")[^"]+', rb"\g<1>2026-11-18T00:00:00.000000Z", line)
            declared[name[1].decode()] = begun + b"\n"
    return [*declared.values(), *others, event("the_end", END, 0)]


@pytest.fixture(scope="module")
def history(log: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> tuple[Backfilled, History, Path]:
    folder = tmp_path_factory.mktemp("instants")
    (folder / "app.log").write_bytes(b"".join(log))
    aggregate([str(folder / "app.log")], folder / "out", CONFIG)
    done = export(folder / "out", folder / "files", begin=seconds(BEGIN), step=900)
    return done, exported(folder / "files"), folder


@pytest.mark.parametrize("time", TIMES)
def test_each_instant_is_what_a_recount_of_all_before_tells(
    time: str, log: list[bytes], history: tuple[Backfilled, History, Path], tmp_path: Path
) -> None:
    moment = seconds(time)
    (tmp_path / "cut.log").write_bytes(cut(log, moment))
    wanted = by_labels(recount([tmp_path / "cut.log"]).samples)
    found = by_labels(at(history[1], moment))
    begins = by_labels({key: min(values) for key, values in history[1].items()})
    # A series begins with a zero before its first value.
    assert {key: value for key, value in found.items() if key in wanted or value or begins[key] < moment} == wanted


def by_labels(values: Mapping[Sample, float]) -> dict[Sample, float]:
    """Without empty labels, which are none to Prometheus."""
    found = {(name, frozenset(pair for pair in labels if pair[1])): value for (name, labels), value in values.items()}
    assert len(found) == len(values)
    return found
