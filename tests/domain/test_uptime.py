"""aggregator.uptime and aggregator.incidents against a recount, check by check."""

import json
import math
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import aggregator
from aggregator import config
from aggregator.errors import InputError, UsageError

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SERVICES = ("shop", "worker")


def checks(seed: int) -> list[tuple[datetime, str, str, bool]]:
    """Moment, service, name and result, some minutes without any; "steady" never fails, "last" ends in failures."""
    rng, found = random.Random(seed), []
    for service in SERVICES:
        up = dict.fromkeys(("redis", "steady", "last"), True)
        for second in range(0, 7200, 25):
            for name in up:
                if rng.random() < 0.08:
                    up[name] = not up[name]
                healthy = name == "steady" or (second < 7000 if name == "last" else up[name])
                if second // 60 % 10 != 7:
                    found.append((NOON + timedelta(seconds=second), service, name, healthy))
    rng.shuffle(found)
    return found


@pytest.fixture(scope="module")
def told() -> list[tuple[datetime, str, str, bool]]:
    return checks(seed=5)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, told: list[tuple[datetime, str, str, bool]]) -> Path:
    folder = tmp_path_factory.mktemp("uptime")
    log = folder / "app.log"
    log.write_text("".join(map(line, told)))
    aggregator.aggregate([str(log)], folder / "out", config.load(None))
    return folder / "out"


def line(check: tuple[datetime, str, str, bool]) -> str:
    moment, service, name, healthy = check
    event = {"logemit": 1, "event": "health_check", "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}Z", "service": service}
    return json.dumps({**event, "check": name, "healthy": healthy, "up": int(healthy)}, separators=(",", ":")) + "\n"


def by_minute(told: list[tuple[datetime, str, str, bool]], service: str, name: str) -> dict[datetime, list[bool]]:
    minutes: dict[datetime, list[bool]] = {}
    for moment, of, check, healthy in sorted(told):
        if (of, check) == (service, name):
            minutes.setdefault(moment.replace(second=0), []).append(healthy)
    return minutes


def expected(minutes: dict[datetime, list[bool]]) -> list[dict[str, Any]]:
    """A walk over the minutes, one after the other."""
    found: list[dict[str, Any]] = []
    is_open = False
    for minute, results in minutes.items():
        if all(results):
            if is_open:
                found[-1] |= {"end": minute, "seconds": (minute - found[-1]["start"]).total_seconds()}
            is_open = False
            continue
        if not is_open:
            found.append({"start": minute, "end": None, "seconds": None, "failed": 0, "checks": 0})
            is_open = True
        found[-1]["last"] = minute
        found[-1]["failed"] += results.count(False)
        found[-1]["checks"] += len(results)
    return found


@pytest.mark.parametrize("name", ["redis", "steady", "last"])
def test_incidents_are_runs_of_minutes_with_a_failed_check(
    out: Path, told: list[tuple[datetime, str, str, bool]], name: str
) -> None:
    found = aggregator.incidents(out, name)
    assert list(found.columns) == ["service", "start", "last", "end", "seconds", "failed", "checks"]
    assert {str(found[column].dtype) for column in ("start", "last", "end")} == {"datetime64[us, UTC]"}
    wanted = [{"service": s, **each} for s in SERVICES for each in expected(by_minute(told, s, name))]
    rows = [
        {column: None if pd.isna(value) else value for column, value in row.items()} for row in found.to_dict("records")
    ]
    assert rows == wanted
    assert (len(rows) == 0) == (name == "steady")
    assert (rows[-1]["end"] is None) if name == "last" else True


def test_uptime_is_the_share_of_checks_that_passed(out: Path, told: list[tuple[datetime, str, str, bool]]) -> None:
    table = aggregator.uptime(out, by=["service", "check"])
    ran = Counter((service, name) for _, service, name, _ in told)
    failed = Counter((service, name) for _, service, name, healthy in told if not healthy)
    assert table["checks"].to_dict() == ran
    assert {key: number for key, number in table["failed"].items() if number} == failed
    for key, share in table["uptime"].items():
        assert math.isclose(share, (ran[key] - failed[key]) / ran[key])  # type: ignore[index]
    assert table.loc[("shop", "steady"), "uptime"] == 1


def test_uptime_by_time_and_of_everything(out: Path, told: list[tuple[datetime, str, str, bool]]) -> None:
    hours = aggregator.uptime(out, by=[], freq="1h")
    assert hours["checks"].sum() == len(told)
    assert list(hours.index) == [pd.Timestamp(NOON), pd.Timestamp(NOON + timedelta(hours=1))]
    passed = sum(healthy for *_, healthy in told)
    assert math.isclose(aggregator.uptime(out, by=[])["uptime"].item(), passed / len(told))


def test_a_check_that_never_ran_is_named(out: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no health check 'rediss'.*there are last, redis, steady"):
        aggregator.incidents(out, "rediss")
    with pytest.raises(InputError, match="no health_checks here"):
        aggregator.incidents(tmp_path, "redis")
