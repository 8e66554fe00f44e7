"""The same 2,000 events through every envelope: identical summaries, whoever delivered them."""

import gzip
import json
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from prometheus_client.parser import text_string_to_metric_families

from aggregator.catalogue import shipped
from aggregator.check import check
from tests.command.calls import logemit
from tests.conftest import ROOT

CASES = ROOT / "sample_logs" / "envelopes"
NAMES = sorted(path.parent.name for path in CASES.glob("*/case.toml"))

Key = tuple[str, int]


class Outcome(NamedTuple):
    """What a run made of a log, without what it tells of itself."""

    found: dict[str, Any]
    samples: dict[Any, float]
    rows: dict[str, list[Any]]


def outcome(log: Path, out: Path) -> Outcome:
    done = logemit("aggregate", log, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    found = {name: told[name] for name in ("by_event", "events", "duplicates")}
    return Outcome(found | {"missing": told["missing"] + told["lost"]}, samples(out), rows(out))


def samples(out: Path) -> dict[Any, float]:
    families = text_string_to_metric_families((out / "metrics.prom").read_text())
    of_events = [family for family in families if not family.name.startswith("logemit_")]
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in of_events
        for sample in family.samples
    }


def rows(out: Path) -> dict[str, list[Any]]:
    """Every summary's rows, in one order."""
    summaries = sorted(path for path in out.iterdir() if path.is_dir() and not path.name.startswith("_"))
    query = "SELECT * FROM read_parquet('{}/**/*.parquet', hive_partitioning = false) ORDER BY ALL"
    return {path.name: duckdb.execute(query.format(path)).fetchall() for path in summaries}


def key(line: bytes) -> Key | None:
    """An event's process and number."""
    if not line.startswith(b'{"logemit":'):
        return None
    event = json.loads(line)
    return event["proc"], event["seq"]


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Callable[[frozenset[Key]], Outcome]:
    """What the bare lines come to, without the events that are named."""
    lines = gzip.decompress((CASES / "bare" / "stdout.log.gz").read_bytes()).split(b"\n")

    @cache
    def without(unreadable: frozenset[Key]) -> Outcome:
        folder = tmp_path_factory.mktemp("bare")
        log = folder / "stdout.log"
        log.write_bytes(b"\n".join(line for line in lines if key(line) not in unreadable))
        return outcome(log, folder / "out")

    return without


@pytest.mark.parametrize("name", NAMES)
def test_an_envelope_gives_the_summaries_of_the_bare_lines(
    tmp_path: Path, bare: Callable[[frozenset[Key]], Outcome], name: str
) -> None:
    case = tomllib.loads((CASES / name / "case.toml").read_text())
    unreadable = frozenset((event["proc"], event["seq"]) for event in case.get("unreadable", ()))
    wanted = bare(unreadable)
    got = outcome(CASES / name / case["log"], tmp_path / "out")
    assert wanted.found["events"] == case["events"] == 2000 - len(unreadable)
    assert got.found == wanted.found | {"duplicates": case["duplicates"]}
    assert got.samples == wanted.samples
    assert got.rows == wanted.rows


@pytest.mark.parametrize("name", NAMES)
def test_check_tells_what_it_recognised(name: str) -> None:
    case = tomllib.loads((CASES / name / "case.toml").read_text())
    log = str(CASES / name / case["log"])
    ((source, lines),) = check([log], shipped()).envelopes.items()
    most = max(lines, key=lambda envelope: lines[envelope])
    assert (source, most) == (log, case["envelope"])
