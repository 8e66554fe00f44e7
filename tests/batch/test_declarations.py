"""What a logemit.toml declares: summaries of some of an event's rows, and how far back what it declares reaches."""

import json
import time
from collections import Counter
from dataclasses import replace
from itertools import product
from math import inf
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aggregator import config, cube, engines
from aggregator.compact import compact
from aggregator.filters import of_rows, taken
from aggregator.rebuild import rebuild
from aggregator.run import aggregate
from tests.batch import test_compiled
from tests.batch.cubes import check_form, same
from tests.batch.runs import NOON, families

Event = dict[str, Any]


def configured(tmp_path: Path, text: str) -> config.Config:
    path = tmp_path / "logemit.toml"
    path.write_text(text)
    return config.load(path)


def lines(events: list[Event]) -> bytes:
    base = {"logemit": 1, "service": "s", "proc": "p"}
    numbered = ({**base, "seq": n, **event} for n, event in enumerate(events))
    return b"".join(json.dumps(event, separators=(",", ":")).encode() + b"\n" for event in numbered)


# Summaries of some of an event's rows.

SUMMARY = """
[[summary]]
name = "{name}"
event = "parcel"
partition = "{partition}"
dimensions = ["shop", "state"]
measures = [{{ name = "weight", unit = "count" }}, {{ name = "took", unit = "seconds" }}]
bins = ["took"]
gauges = ["left"]
{condition}
"""
METRICS = """
[[metric]]
name = "{name}_total"
type = "counter"
help = "h"
summary = "{name}"
labels = ["shop", "state"]
[[metric]]
name = "{name}_seconds"
type = "histogram"
help = "h"
summary = "{name}"
measure = "took"
buckets = [1, 4]
labels = ["shop"]
"""
CONDITIONS = {
    "where": 'where = { state = ["sent", "lost"] }',
    "unless": 'unless = { state = "" }',
    "both": 'where = { shop = "a" }\nunless = { state = ["sent", "open"] }',
    "nothing": 'where = { shop = "none" }',
    "missing": 'where = { state = "" }',
}


def passes(condition: str, event: Event) -> bool:
    shop, state = str(event["shop"]), str(event.get("state", ""))
    return {
        "where": state in ("sent", "lost"),
        "unless": state != "",
        "both": shop == "a" and state not in ("sent", "open"),
        "nothing": False,
        "missing": state == "",
    }[condition]


def parcels(*days: int) -> list[Event]:
    """Over three days of November 2026, some without a state, in no order."""
    found = []
    kinds = product(days or (17, 19, 18), (15, 0), "ba", ("sent", "lost", None, "open"))
    for n, (day, hour, shop, state) in enumerate(kinds):
        timestamp = f"2026-11-{day}T{hour:02}:{n % 60:02}:07Z"
        event = {"event": "parcel", "timestamp": timestamp, "shop": shop, "weight": n, "took": n / 8, "left": n % 7}
        found += [event | ({"state": state} if state else {})] * (1 + n % 3)
    return found


def summary(condition: str = "", name: str = "parcels", partition: str = "day") -> str:
    return SUMMARY.format(name=name, partition=partition, condition=CONDITIONS.get(condition, ""))


@pytest.fixture(params=["plain", "machine"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way of reading lines."""
    monkeypatch.setattr(time, "time_ns", lambda: NOON)
    monkeypatch.setattr(engines, "PAYS_FROM", 0)
    monkeypatch.setattr(engines, "pays_from", lambda: 0 if request.param == "machine" else inf)
    return str(request.param)


def recounted(events: list[Event]) -> dict[tuple[str, str], tuple[int, int, float]]:
    """By shop and state: how many, their weight, and how long they took."""
    found: dict[tuple[str, str], tuple[int, int, float]] = {}
    for event in events:
        key = event["shop"], event.get("state", "")
        number, weight, took = found.get(key, (0, 0, 0.0))
        found[key] = number + 1, weight + event["weight"], took + event["took"]
    return found


def read_back(out: Path, name: str = "parcels") -> dict[tuple[str, str], tuple[int, int, float]]:
    frame = pd.read_parquet(out / name)
    table = frame.groupby(["shop", "state"])[["events", "weight_sum", "took_sum"]].sum()
    return {key: (int(n), int(weight), float(took)) for key, n, weight, took in table.itertuples()}


@pytest.mark.parametrize("partition", ["hour", "day"])
@pytest.mark.parametrize("condition", ["where", "unless", "both", "missing"])
def test_a_summary_takes_in_the_rows_that_it_names(tmp_path: Path, way: str, condition: str, partition: str) -> None:
    events = parcels()
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(lines(events))
    text = summary(condition, partition=partition) + METRICS.format(name="parcels")
    report = aggregate([str(log)], out, configured(tmp_path, text))
    wanted = [event for event in events if passes(condition, event)]
    assert report.events == len(events)  # what no summary takes in is read all the same
    assert read_back(out) == recounted(wanted)
    shown = families(out)
    for (shop, state), (number, _, _) in recounted(wanted).items():
        assert f'parcels_total{{service="s",shop="{shop}",state="{state}"}} {number}.0' in shown
    assert shown.count("\nparcels_total{") == len(recounted(wanted))
    for shop, number in Counter(event["shop"] for event in wanted if event["took"] <= 4).items():
        assert f'parcels_seconds_bucket{{le="4.0",service="s",shop="{shop}"}} {number}.0' in shown


def test_a_summary_that_nothing_passes_has_no_files(tmp_path: Path, way: str) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(lines(parcels()))
    aggregate([str(log)], out, configured(tmp_path, summary("nothing") + METRICS.format(name="parcels")))
    assert not (out / "parcels").exists()
    assert "\nparcels_total{" not in families(out)


def test_two_summaries_of_an_event_take_in_what_each_wants(tmp_path: Path, way: str) -> None:
    events = parcels()
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(lines(events))
    aggregate([str(log)], out, configured(tmp_path, summary("where", "moved") + summary(name="parcels")))
    assert read_back(out, "moved") == recounted([event for event in events if passes("where", event)])
    assert read_back(out) == recounted(events)


def test_late_events_are_taken_in_alike(tmp_path: Path, way: str) -> None:
    """Those that change the totals only."""
    events = parcels()
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(lines(events))
    text = 'late_limit = "1d"\n' + summary("where") + METRICS.format(name="parcels")
    report = aggregate([str(log)], out, configured(tmp_path, text))
    wanted = [event for event in events if passes("where", event)]
    assert 0 < report.late < len(events)
    shown = families(out)
    for (shop, state), (number, _, _) in recounted(wanted).items():
        assert f'parcels_total{{service="s",shop="{shop}",state="{state}"}} {number}.0' in shown
    assert sum(number for number, _, _ in read_back(out).values()) < len(wanted)


def test_another_where_counts_from_then_on_and_a_rebuild_counts_all(tmp_path: Path, way: str) -> None:
    events = parcels()
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(lines(events[:40]))
    aggregate([str(log)], out, configured(tmp_path, summary("where")))
    log.write_bytes(lines(events))
    settings = configured(tmp_path, summary("missing"))
    aggregate([str(log)], out, settings)
    before = [event for event in events[:40] if passes("where", event)]
    after = [event for event in events[40:] if passes("missing", event)]
    assert read_back(out) == recounted(before + after)
    rebuild([str(log)], out, settings)
    assert read_back(out) == recounted([event for event in events if passes("missing", event)])


@pytest.mark.parametrize("condition", CONDITIONS)
def test_both_ways_take_in_the_same(tmp_path: Path, condition: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_compiled, "CONFIG", configured(tmp_path, summary(condition)))
    events = parcels(18, 20, 19)
    data = lines(events)
    for size, workers in ((1 << 20, 1), (997, 3)):
        found = test_compiled.agree(data, size, workers)
        parts = [*found["parcels in time"].values(), *found["parcels late"].values()]
        assert sum(row["events"] for cells, _ in parts for row in cells) == sum(passes(condition, e) for e in events)


def test_what_a_summary_takes_in_of_a_cube_is_a_cube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = configured(tmp_path, summary("where"))
    monkeypatch.setattr(test_compiled, "CONFIG", configured(tmp_path, summary()))
    intake = test_compiled.by_reference(lines(parcels(18, 20, 19)))
    held = test_compiled.CONFIG.catalogue.summaries[-1]
    whole = test_compiled.whole(intake.in_time, held, "date=2026-11-20/part")
    left = taken(replace(whole, summary=settings.catalogue.summaries[-1]))
    check_form(left)
    assert set(left.cells["state"].to_pylist()) == {"sent", "lost"}
    rest = of_rows(whole, ~whole.cells["state"].to_pandas().isin(["sent", "lost"]).to_numpy())
    check_form(rest)
    assert same(cube.merge([left, rest]), whole)


def test_events_that_were_held_are_taken_in_alike(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = [{**event, "timestamp": "2026-11-20T13:00:00Z"} for event in parcels()]
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(lines(ahead))
    settings = configured(tmp_path, summary("both"))
    assert aggregate([str(log)], out, settings).held == len(ahead)
    monkeypatch.setattr(time, "time_ns", lambda: NOON + 2 * 3600 * 10**9)
    assert aggregate([str(log)], out, settings).released == len(ahead)
    assert read_back(out) == recounted([event for event in ahead if passes("both", event)])


# History.

BY_STATE = """
[[metric]]
name = "by_state_total"
type = "counter"
help = "h"
summary = "parcels"
labels = { state = { dimension = "state", values = { "" = "unknown", "*" = "known" } } }
unless = { shop = "b" }
"""


def by_state(events: list[Event]) -> str:
    """The samples of the metric above, recounted."""
    found = Counter("known" if event.get("state") else "unknown" for event in events if event["shop"] != "b")
    return "\n".join(f'by_state_total{{service="s",state="{name}"}} {found[name]}.0' for name in sorted(found))


def samples_of(out: Path, name: str) -> str:
    return "\n".join(line for line in families(out).splitlines() if line.startswith(f"{name}{{"))


def test_a_metric_defined_today_shows_all_history_that_the_cubes_hold(tmp_path: Path) -> None:
    """Also that of partitions which are gone: totals keep it."""
    events = parcels()
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(lines(events))
    aggregate([str(log)], out, configured(tmp_path, summary()))
    compact(out, configured(tmp_path, 'drop_after = "1d"\n' + summary()))
    assert sum(number for number, _, _ in read_back(out).values()) < len(events)
    log.unlink()
    more = [{**event, "timestamp": "2026-11-19T18:00:00Z"} for event in events[:9]]
    newer = tmp_path / "newer.log"
    newer.write_bytes(lines(events + more)[len(lines(events)) :])
    report = aggregate([str(newer)], out, configured(tmp_path, summary() + BY_STATE))
    assert report.events == len(more)
    assert samples_of(out, "by_state_total") == by_state(events + more)


def test_a_rebuild_reaches_what_only_the_logs_hold(tmp_path: Path) -> None:
    events = parcels()
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(lines(events[:50]))
    aggregate([str(log)], out, config.load(None))
    assert not (out / "parcels").exists()
    settings = configured(tmp_path, summary("unless") + BY_STATE)
    log.write_bytes(lines(events))
    aggregate([str(log)], out, settings)
    taken_in = [event for event in events if passes("unless", event)]
    later = [event for event in events[50:] if passes("unless", event)]
    assert (samples_of(out, "by_state_total"), read_back(out)) == (by_state(later), recounted(later))
    rebuild([str(log)], out, settings)
    assert (samples_of(out, "by_state_total"), read_back(out)) == (by_state(taken_in), recounted(taken_in))
