"""Families of instruments out of hostile and odd lines: whatever they hold, metrics.prom stays sound."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.batch.measured import NUMBERS, check, counted, declared, line, own
from tests.batch.test_caps import Folder, of


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400, "-1"])
def test_what_no_counter_adds_is_left_out_and_counted(folder: Folder, value: str) -> None:
    """So a counter never falls."""
    odd = counted("x", "VALUE").replace('"VALUE"', value)
    found = folder.run([counted("x", 5), odd], "")
    assert of(found, "x_total", "service") == {"s": 5}
    assert (folder.report.events, folder.report.fields_invalid) == (2, 1)
    assert pd.read_parquet(folder.out / "measurements")["events"].sum() == 2


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_a_gauge_that_is_no_number_keeps_what_it_was(folder: Folder, value: str) -> None:
    fields: dict[str, Any] = {"name": "x", "kind": "gauge", "mode": "mostrecent", "step": 1}
    odd = line(second=1, **fields, value="VALUE").replace('"VALUE"', value)
    assert of(folder.run([line(**fields, value=-7), odd], ""), "x", "service") == {"s": -7}


def test_a_gauge_may_be_greater_than_what_can_be_added_up(folder: Folder) -> None:
    lines = [line(name="x", kind="gauge", mode="mostrecent", value=value, second=value > 0) for value in (-7, 1e300)]
    assert of(folder.run(lines, ""), "x", "service") == {"s": 1e300}
    assert folder.report.fields_invalid == 0


def test_a_gauge_that_was_declared_and_never_had_a_number_is_0(folder: Folder) -> None:
    lines = [line(name=name, kind="gauge", mode="mostrecent") for name in ("x", "x_not_declared")]
    found = folder.run([declared("x", "gauge"), *lines], "")
    assert own(found) == {"x"}
    assert of(found, "x", "service") == {"s": 0}


def test_what_is_no_number_has_a_bucket_and_no_sum(folder: Folder) -> None:
    fields: dict[str, Any] = {"name": "x", "kind": "histogram"}
    lines = [
        line(**fields, value=0.75, count=2, value_min=0.25, value_max=0.5, bins="0.25:1,0.5:1"),
        line(**fields, count=3, bins="-1000000:1,+Inf:2"),
        line(**fields, count=7),
    ]
    found = folder.run(lines, "")
    assert of(found, "x_count", "service") == {"s": 5}
    assert of(found, "x_sum", "service") == {"s": 0.75}
    buckets = of(found, "x_bucket", "le")
    assert (buckets["0.005"], buckets["0.25"], buckets["10.0"], buckets["+Inf"]) == (1, 2, 3, 5)


@pytest.mark.parametrize("bins", ["0.5:1", "0.5:3", "0.123456789:2", "0.5:-2", "0.5", "", "0.5:1,0.5:", 5, None])
def test_bins_that_do_not_add_up_are_told_and_their_line_is_not_counted(folder: Folder, bins: Any) -> None:
    fields: dict[str, Any] = {
        "name": "x",
        "kind": "histogram",
        "value": 1,
        "count": 2,
        "value_min": 0.5,
        "value_max": 0.5,
    }
    found = folder.run([line(**fields, bins="0.5:2"), line(**fields, bins=bins)], "")
    assert of(found, "x_count", "service") == {"s": 2}
    assert of(found, "x_sum", "service") == {"s": 1}
    assert (folder.report.events, folder.report.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("name", "shown"),
    [('x"quote', "x_quote"), ("x\nline", "x_line"), ("x y", "x_y"), ("1x", "_x"), ("xß", "x_"), ("x{}", "x__")],
)
def test_a_name_of_other_characters_is_spelled_with_underscores(folder: Folder, name: str, shown: str) -> None:
    """As prometheus_client does in this format: node_exporter passes over a file with any other name."""
    assert own(folder.run([counted(name), counted("x")], "")) == {"x_total", f"{shown}_total"}
    check(folder)


def test_of_two_names_that_are_spelled_alike_one_is_shown(folder: Folder) -> None:
    found = folder.run([counted("x-y"), counted("x_y"), counted("x y")], "")
    assert of(found, "x_y_total", "service") == {"s": 1}
    assert len(folder.report.warnings) == 2


@pytest.mark.parametrize("name", ["", "x" * 201, "logemit_x"])
def test_a_name_that_is_no_metric_is_in_the_files_only(folder: Folder, name: str) -> None:
    found = folder.run([counted(name), counted("x")], "")
    assert own(found) == {"x_total"}
    (warning,) = folder.report.warnings
    assert "no name of a metric; its measurements are in Parquet only" in warning
    assert sorted(pd.read_parquet(folder.out / "measurements")["name"]) == sorted([name, "x"])


def test_a_bound_that_is_no_number_is_beyond_all_buckets(folder: Folder) -> None:
    bounds = ["many", "nan", "", "Infinity", "-5", "1e-3", "10.0000001"]
    lines = [line(name="x", kind="bucket", count=10**place, labels={"le": le}) for place, le in enumerate(bounds)]
    found = folder.run([*lines, line(name="x", kind="bucket", count=10**7)], "")
    buckets = of(found, "x_bucket", "le")
    assert (buckets["0.005"], buckets["10.0"]) == (110_000, 110_000)
    assert buckets["+Inf"] == 11_111_111
    assert of(found, "x_count", "service") == {"s": 11_111_111}


def test_of_a_counter_and_a_gauge_with_one_name_the_declared_one_is_shown(folder: Folder) -> None:
    gauge = line(name="x", kind="gauge", mode="mostrecent", value=7, step=7)
    found = folder.run([counted("x"), gauge, declared("x", "gauge")], "")
    assert own(found) == {"x"}
    assert folder.report.warnings == ["x: is a gauge; measurements of a counter are not shown"]
    assert len(pd.read_parquet(folder.out / "measurements")) == len(pd.read_parquet(folder.out / "gauges")) == 1


def test_a_gauge_with_the_name_of_a_counters_sample_is_not_shown(folder: Folder) -> None:
    gauge = line(name="x_total", kind="gauge", mode="mostrecent", value=7, step=7)
    found = folder.run([gauge, counted("x")], "")
    assert of(found, "x_total", "service") == {"s": 1}
    check(folder)


@pytest.mark.parametrize("kind", ["counter", "gauge", "histogram", "summary", "info", "enum"])
def test_families_of_the_catalogue_come_first(folder: Folder, kind: str) -> None:
    names = ["feed_polls", "feed_polls_total", "feed_poll_duration_seconds", "feed_poll_duration_seconds_count"]
    lines = [declared(name, kind, states='["a"]') for name in names]
    before = {name for name, _ in Folder(folder.path).run([line("feed_poll", duration_seconds=1)], "")}
    assert {name for name, _ in folder.run(lines, "")} <= before | {f"{name}_total" for name in names} | set(names) | {
        f"{name}_{end}" for name in names for end in ("bucket", "count", "sum", "info")
    }
    check(folder)


def test_a_state_that_was_not_declared_is_shown_beside_those_that_were(folder: Folder) -> None:
    states = json.dumps(["open", "closed"])
    found = folder.run([declared("x", "enum", states=states), line(name="x", kind="enum", value=1, state="ajar")], "")
    assert of(found, "x", "x") == {"open": 0, "closed": 0, "ajar": 1}


@pytest.mark.parametrize("odd", [None, "NaN", 1e999, "x", [1], True])
def test_a_declaration_without_its_number_does_not_stop_a_run(folder: Folder, odd: Any) -> None:
    """Nor every later one."""
    lines = [declared("x", "counter"), declared("x", "counter", declared=odd, second=9), counted("x")]
    lines += [declared("y", "counter", declared=odd, help=text) for text in "ab"]
    lines += [declared("z", "gauge", declared=each, help="h" if each else "g") for each in (1, None)]
    for total in (1, 2):
        found = folder.run(lines if total == 1 else [counted("x")], "")
        assert of(found, "x_total", "service") == {"s": total}
    assert "# HELP z h\n" in (folder.out / "metrics.prom").read_text()


@pytest.mark.parametrize("field", ["buckets", "states", "label_names", "help", "kind"])
def test_a_declaration_that_makes_no_sense_is_sound(folder: Folder, field: str) -> None:
    kinds = ["counter", "gauge", "histogram", "summary", "enum", "info"]
    lines, names = [], []
    for place, text in enumerate(["", ",", "1,x", "nan,inf,-inf", "{", "5", '"', "\n\\", "ß" * 5000]):
        lines += [declared(f"x_{kind}_{place}", **{"kind": kind, field: text}) for kind in kinds]
        names.append(f"x_histogram_{place}")
        lines.append(line(name=names[-1], kind="histogram", value=0.5, bins="0.5:1", count=1))
    found = folder.run(lines, "")
    assert {name: of(found, f"{name}_count", "service") for name in names} == {name: {"s": 1} for name in names}
    assert {name: of(found, f"{name}_bucket", "le")["+Inf"] for name in names} == dict.fromkeys(names, 1)
    check(folder)


def test_the_newest_declaration_of_the_first_service_holds(folder: Folder) -> None:
    lines = [
        declared("x", "histogram", service="b", second=50, help="of b", buckets="7"),
        declared("x", "histogram", service="a", second=20, help="new", buckets="1,2"),
        declared("x", "histogram", service="a", second=10, help="old", buckets="5"),
        line(name="x", kind="histogram", value=1.5, count=1, bins="1.5:1", service="b"),
    ]
    found = folder.run(lines, "")
    buckets = {("a", "1.0"): 0, ("a", "2.0"): 0, ("a", "+Inf"): 0, ("b", "1.0"): 0, ("b", "2.0"): 1, ("b", "+Inf"): 1}
    assert of(found, "x_bucket", "service", "le") == buckets
    assert "# HELP x new\n" in (folder.out / "metrics.prom").read_text()


def test_buckets_that_change_let_no_bucket_fall(folder: Folder) -> None:
    """From buckets off the grid to some on it, and back."""
    off = [line(name="x", kind="bucket", count=n, labels={"le": le}) for n, le in ((2, "0.3333"), (3, "7.77"))]
    off += [line(name="x", kind="summary", value=9, count=5, value_min=0.1, value_max=7)]
    first = folder.run([declared("x", "histogram", buckets="0.3333,7.77"), *off], "")
    assert of(first, "x_bucket", "le") == {"0.3333": 2, "7.77": 5, "+Inf": 5}
    on = line(name="x", kind="histogram", value=1.5, count=2, value_min=0.5, value_max=1, bins="0.5:1,1:1")
    second = folder.run([declared("x", "histogram", buckets="0.5,10", second=5), on], "")
    assert of(second, "x_bucket", "le") == {"0.5": 3, "10.0": 7, "+Inf": 7}
    assert of(second, "x_sum", "service") == {"s": 10.5}
    bucket = line(name="x", kind="bucket", count=2, labels={"le": "0.3333"})
    third = folder.run([declared("x", "histogram", buckets="0.3333,7.77", second=9), bucket], "")
    assert of(third, "x_bucket", "le") == {"0.3333": 4, "7.77": 9, "+Inf": 9}


def test_live_gauges_are_of_processes_that_live(folder: Folder) -> None:
    told = [("a", 0, 100), ("b", 1000, 20), ("b", 1001, 3), ("c", 1899, 4), ("d", 1900, -1)]
    modes = {"livesum": 6, "livemax": 4, "max": 4, "livemin": -1, "min": -1, "livemostrecent": -1}
    lines = [
        line(name=f"x_{mode}", kind="gauge", mode=mode, value=value, step=value, proc=proc, second=second)
        for mode in modes
        for proc, second, value in told
    ]
    found = folder.run(lines, "")
    assert {name.removeprefix("x_"): value for (name, _), value in found.items() if name.startswith("x_")} == modes
    gone = folder.run(
        [line(name="x_livesum", kind="gauge", mode="livesum", value=9, step=9, proc="e", second=2801)], ""
    )
    assert of(gone, "x_livesum", "service") == {"s": 9}
    assert own(gone) == {"x_livesum"}


def test_of_gauges_that_change_their_mode_the_last_one_holds(folder: Folder) -> None:
    told = [("sum", 0, 5, 5), ("sum", 1, 8, 3), ("mostrecent", 2, 20, 12), ("sum", 3, 24, 4)]
    totals = [5, 8, 20, 12]
    for (mode, second, value, step), wanted in zip(told, totals, strict=True):
        fields: dict[str, Any] = {"name": "x", "kind": "gauge", "mode": mode, "value": value, "step": step}
        assert of(folder.run([line(second=second, **fields)], ""), "x", "service") == {"s": wanted}


def test_many_instruments_are_told_of_once_and_in_bounds(folder: Folder) -> None:
    folder.run([counted(f"no name {n}") for n in range(500)], "")
    assert len(folder.report.warnings) < 50


def test_everything_at_once_is_sound(folder: Folder) -> None:
    kinds = ["counter", "gauge", "histogram", "summary", "bucket", "info", "enum", "", "kind", None, 5]
    values = [0, -1, 0.5, 1e15, float("nan"), None]
    lines = [
        line(name="x", kind=kind, value=value, count=1, bins="0.5:1", state='{"le": "1"}', mode=mode, labels=labels)
        for kind in kinds
        for value in values
        for mode in ("sum", "livesum", "no mode", None)
        for labels in ({}, {"le": "1"}, {"service": "x", "x": "y"}, None)
    ]
    for kind in ["counter", "gauge", "histogram", "summary", "info", "enum"]:
        folder.run([*lines, declared("x", kind, second=next(NUMBERS) % 3600)], "")
        check(folder)
