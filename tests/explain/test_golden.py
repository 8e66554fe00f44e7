"""What explain tells of the sample logs, against the golden files, DuckDB and the lines as they stand there."""

import json
import math
import tomllib
from functools import cache
from pathlib import Path

import duckdb
import pytest

from aggregator.config import load
from aggregator.envelopes import ENVELOPES
from aggregator.explain.lines import Explanation, Line, explain
from tests.batch.runs import CONFIG, take_in
from tests.conftest import ROOT

from .samples import CASES, Golden, content, golden

STATUS = "django_http_responses_total_by_status_total"
LATENCY = "django_http_requests_latency_seconds_by_view_method"
RECORDED = ("docker", "containerd", "glued", "fluent-bit-parts", "cloudwatch-firehose")


def explained(
    metric: str, *logs: Path, at: str | None = None, window: str | None = None
) -> tuple[Explanation, list[Line]]:
    lines: list[Line] = []
    config = CONFIG if window is None else load(None, window)
    return explain(metric, at, [*map(str, logs)], config, lines.append), lines


def read_back(line: Line, whole: bytes) -> bytes:
    """What stands in a file at a line's offset, up to its end."""
    assert whole[line.offset - 1 : line.offset] in (b"\n", b"")
    return whole[line.offset :].split(b"\n", 1)[0]


def test_the_samples_are_of_every_family_and_type() -> None:
    types = {each.type for each in golden()}
    assert types == {"counter", "gauge", "histogram"}
    families = {
        line.split()[2]
        for expected in CASES.glob("*/expected.prom")
        for line in expected.read_text().splitlines()
        if line.startswith("# TYPE ") and not line.startswith("# TYPE logemit_")
    }
    names = {each.name for each in golden()}
    without = {name for name in families if not {name, f"{name}_count", f"{name}_bucket", f"{name}_sum"} & names}
    assert not without - {name for name in families if not _has_sample(name)}


def _has_sample(family: str) -> bool:
    return any(
        line.startswith((f"{family} ", f"{family}{{", f"{family}_count", f"{family}_bucket"))
        for expected in CASES.glob("*/expected.prom")
        for line in expected.read_text().splitlines()
    )


@pytest.mark.parametrize("of", golden(), ids=lambda of: of.name)
def test_a_sample_is_what_its_lines_add_up_to(of: Golden) -> None:
    found, lines = explained(of.asked, of.log)
    assert found.value == of.value
    assert len(lines) == found.events
    whole = content(of.log)
    for line in lines:
        assert line.packed == (of.log.suffix == ".gz")
        assert read_back(line, whole) == line.record
    if not lines:
        assert of.value == 0
    elif not lines[0].sets:
        assert math.isclose(sum(line.adds for line in lines), of.value, rel_tol=1e-9)
    else:
        told = [line.adds for line in lines]
        assert any(math.isclose(made, of.value, rel_tol=1e-9) for made in (sum(told), max(told), min(told)))


def test_a_label_that_is_left_out_may_have_any_value() -> None:
    log = CASES / "gunicorn/stdout.log"
    found, lines = explained(f'{LATENCY}_count{{method="GET"}}', log)
    events = [json.loads(line) for line in log.read_bytes().splitlines() if b'"http_request"' in line]
    wanted = [each for each in events if each["method"] == "GET" and "status" in each and "duration_seconds" in each]
    assert found.value == len(lines) == len(wanted)
    assert len(found.samples) == len({each["view"] for each in wanted})


def test_windows_are_those_of_the_parquet(tmp_path: Path) -> None:
    log, out = CASES / "asgi/stdout.log", tmp_path / "out"
    take_in(log, out, load(None, "1s"))
    query = f"""
        SELECT strftime(window_start AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S'), sum(events), sum(duration_seconds_sum)
        FROM read_parquet('{out}/http_requests/**/*.parquet') WHERE status = '404' GROUP BY ALL ORDER BY ALL"""
    rows = duckdb.execute(query).fetchall()
    assert len(rows) > 1
    for window, events, seconds in rows:
        found, lines = explained(f'{STATUS}{{status="404"}}', log, at=window, window="1s")
        assert found.value == len(lines) == events
        assert all(json.loads(line.record)["timestamp"].startswith(window) for line in lines)
        assert math.isclose(sum(json.loads(line.record)["duration_seconds"] for line in lines), seconds)
    span = f"{rows[0][0]}/1h"
    assert explained(f'{STATUS}{{status="404"}}', log, at=span, window="1s")[0].value == sum(row[1] for row in rows)


def test_packed_lines_have_the_offsets_of_the_plain_ones(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    plain, packed = CASES / "bot/stdout.log", tmp_path / "bot.log.zst"
    packed.write_bytes(zstandard.compress(plain.read_bytes()))
    asked = "bot_database_query_duration_seconds_count"
    (_, lines), (_, unpacked) = explained(asked, plain), explained(asked, packed)
    assert [(line.offset, line.record) for line in unpacked] == [(line.offset, line.record) for line in lines] != []
    assert {line.packed for line in unpacked} == {True}


@pytest.mark.parametrize("name", RECORDED)
def test_events_are_found_in_their_envelopes(name: str) -> None:
    folder = ROOT / "sample_logs/envelopes" / name
    case = tomllib.loads((folder / "case.toml").read_text())
    found, lines = explained(f'{STATUS}{{status="404"}}', folder / case["log"])
    wanted, bare = _bare()
    counted = [line for line in lines if not line.duplicate]
    assert found.value == wanted.value == len(counted)
    assert sorted(map(_number, counted)) == sorted(map(_number, bare))
    assert found.duplicates <= case["duplicates"]
    assert case["envelope"] in {"bare", *(envelope.name for envelope in ENVELOPES)}
    if name == "cloudwatch-firehose":  # whose objects stand on one line until they are unpacked
        return
    whole = content(folder / case["log"])
    for line in counted:  # of parts it is the last
        wanted_there = b"cache_hits" if name == "fluent-bit-parts" else json.loads(line.record)["proc"].encode()
        assert wanted_there in read_back(line, whole)


@cache
def _bare() -> tuple[Explanation, list[Line]]:
    return explained(f'{STATUS}{{status="404"}}', ROOT / "sample_logs/envelopes/bare/stdout.log.gz")


def _number(line: Line) -> tuple[str, int]:
    event = json.loads(line.record)
    return event["proc"], event["seq"]
