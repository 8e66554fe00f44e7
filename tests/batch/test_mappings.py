"""Labels that show other values than their dimension has: over all of history, and nothing is lost."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aggregator import config
from aggregator.definitions import Mapped
from aggregator.run import aggregate

OTHER = "__other__"
SUMMARY = """
[[summary]]
name = "visits"
event = "visit"
dimensions = ["page", "status"]
measures = [{ name = "took", unit = "seconds" }]
bins = ["took"]
gauges = ["depth"]
"""
METRIC = """
[[metric]]
name = "visits_total"
type = "counter"
help = "h"
summary = "visits"
labels = {{ shown = {{ dimension = "{dimension}", {mapping} }} }}
"""
PAGES = ["api/v1/users/<id>", "api/v1/users/<id>", "api/v1", "/api/v1/", "api/v2/x", "", "admin:index", "admin:log/1"]
STATUSES = ["200", "204", "404", "503", "99", "1000", "success", "٤٠٤", ""]


def visit(number: int, page: str = "p", status: str = "200", **fields: Any) -> str:
    event = {"logemit": 1, "event": "visit", "timestamp": f"2026-11-20T12:{number:02}:00Z", "service": "s"}
    return json.dumps({**event, "page": page, "status": status, **fields}) + "\n"


class Folder:
    """A log that grows, and an output."""

    def __init__(self, path: Path) -> None:
        self.path, self.log = path, path / "app.log"
        self.log.write_text("")

    def run(self, lines: list[str], text: str) -> dict[str, dict[tuple[str, ...], float]]:
        """By the name of a sample: its values by their labels, sorted by name and without the service."""
        with self.log.open("a") as log:
            log.writelines(lines)
        path = self.path / "logemit.toml"
        path.write_text(text)
        self.report = aggregate([str(self.log)], self.path / "out", config.load(path))
        found: dict[str, dict[tuple[str, ...], float]] = {}
        for family in text_string_to_metric_families((self.path / "out/metrics.prom").read_bytes().decode()):
            for sample in family.samples:
                key = tuple(value for name, value in sorted(sample.labels.items()) if name != "service")
                assert found.setdefault(sample.name, {}).setdefault(key, sample.value) is sample.value
        return found


def metric(dimension: str, mapping: str) -> str:
    return METRIC.format(dimension=dimension, mapping=mapping)


def counted(found: dict[str, dict[tuple[str, ...], float]], name: str = "visits_total") -> dict[str, float]:
    return {key: value for (key,), value in found[name].items()}


def test_a_status_is_shown_as_its_class_and_what_is_none_stays(tmp_path: Path) -> None:
    lines = [visit(n, status=status) for n, status in enumerate(STATUSES)]
    found = counted(Folder(tmp_path).run(lines, SUMMARY + metric("status", "class = true")))
    stays = {"99": 1, "1000": 1, "success": 1, "٤٠٤": 1, "": 1}
    assert found == {"2xx": 2, "4xx": 1, "5xx": 1, **stays}


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        (1, {"api": 4, "/api": 1, "": 1, "admin:index": 1, "admin:log": 1}),
        (2, {"api/v1": 3, "/api/v1": 1, "api/v2": 1, "": 1, "admin:index": 1, "admin:log/1": 1}),
        (
            9,
            {
                "api/v1/users/<id>": 2,
                "api/v1": 1,
                "/api/v1": 1,
                "api/v2/x": 1,
                "": 1,
                "admin:index": 1,
                "admin:log/1": 1,
            },
        ),
    ],
)
def test_a_path_is_shown_to_a_number_of_segments(tmp_path: Path, segments: int, expected: dict[str, float]) -> None:
    lines = [visit(n, page) for n, page in enumerate(PAGES)]
    assert counted(Folder(tmp_path).run(lines, SUMMARY + metric("page", f"segments = {segments}"))) == expected


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        (
            'values = { "admin:*" = "admin", "api/*" = "api" }, default = "other"',
            {"admin": 2, "api": 4, "other": 2},
        ),
        (
            'values = { "admin:*" = "admin", "*" = "rest" }, default = "other"',
            {"admin": 2, "rest": 6},
        ),
        (
            'values = { "api/v?" = "short", "api/v[12]/*" = "long", "" = "none", "API/*" = "case" }',
            {"short": 1, "long": 3, "none": 1, "/api/v1/": 1, "admin:index": 1, "admin:log/1": 1},
        ),
    ],
)
def test_the_first_pattern_that_fits_says_what_is_shown(tmp_path: Path, mapping: str, expected: Any) -> None:
    lines = [visit(n, page) for n, page in enumerate(PAGES)]
    assert counted(Folder(tmp_path).run(lines, SUMMARY + metric("page", mapping))) == expected


def test_a_pattern_is_text_and_no_regular_expression(tmp_path: Path) -> None:
    lines = [visit(0, "a.b"), visit(1, "axb"), visit(2, "a\nb"), visit(3, "(a+)+$")]
    found = counted(
        Folder(tmp_path).run(lines, SUMMARY + metric("page", 'values = { "a.b" = "dot", "(a+)+$" = "re" }'))
    )
    assert found == {"dot": 1, "axb": 1, "a\nb": 1, "re": 1}


def test_a_mapping_defined_later_shows_all_of_history(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run([visit(n, status=status) for n, status in enumerate(STATUSES)], SUMMARY)
    found = counted(folder.run([], SUMMARY + metric("status", "class = true")))
    assert (folder.report.read, found["2xx"], found["success"]) == (0, 2, 1)
    found = counted(folder.run([visit(50, status="201")], SUMMARY + metric("status", "class = true")))
    assert found["2xx"] == 3


HISTOGRAM = """
[[metric]]
name = "took_seconds"
type = "histogram"
help = "h"
summary = "visits"
measure = "took"
buckets = [1, 2]
labels = { area = { dimension = "page", segments = 1 }, status_class = { dimension = "status", class = true } }
"""


def test_histograms_add_up_where_rows_become_equal(tmp_path: Path) -> None:
    rows = [
        (page, status, took) for page in ("a/x", "a/y", "b") for status in ("200", "302", "303") for took in (0.5, 2, 9)
    ]
    lines = [visit(n, page, status, took=took) for n, (page, status, took) in enumerate(rows)]
    found = Folder(tmp_path).run(lines, SUMMARY + HISTOGRAM)
    wanted: Counter[tuple[str, ...]] = Counter()
    sums: dict[tuple[str, ...], float] = defaultdict(float)
    for page, status, took in rows:
        key = page[0], status[0] + "xx"
        sums[key] += took
        for bound in (1.0, 2.0, float("inf")):
            wanted[key[0], "+Inf" if bound == float("inf") else str(bound), key[1]] += took <= bound
    assert found["took_seconds_bucket"] == dict(wanted)
    assert found["took_seconds_sum"] == sums


@pytest.mark.parametrize(("over", "expected"), [("sum", 12), ("max", 9), ("min", 1), ("last", 2)])
def test_gauges_combine_as_they_are_told_to(tmp_path: Path, over: str, expected: float) -> None:
    gauge = f"""
[[metric]]
name = "depth"
type = "gauge"
help = "h"
summary = "visits"
value = "depth_last"
over = "{over}"
labels = {{ shown = {{ dimension = "page", values = {{ "a*" = "a" }} }} }}
"""
    depths = [("a1", 7), ("a1", 9), ("a2", 1), ("b", 30), ("a3", 2)]
    lines = [visit(n, page, depth=depth) for n, (page, depth) in enumerate(depths)]
    assert counted(Folder(tmp_path).run(lines, SUMMARY + gauge), "depth") == {"a": expected, "b": 30}


def test_a_dimension_may_be_shown_twice_with_caps_of_their_own(tmp_path: Path) -> None:
    text = """
[[metric]]
name = "visits_total"
type = "counter"
help = "h"
summary = "visits"
labels = { exact = "status", kind = { dimension = "status", class = true } }
[caps.visits_total]
max_label_values = 2
"""
    lines = [visit(n, status=status) for n, status in enumerate(["200", "200", "201", "201", "202", "404"])]
    found = Folder(tmp_path).run(lines, SUMMARY + text)["visits_total"]
    assert found == {("200", "2xx"): 2, ("201", "2xx"): 2, (OTHER, "2xx"): 1, (OTHER, "4xx"): 1}


def test_caps_count_the_values_that_are_shown(tmp_path: Path) -> None:
    pages = [f"{area}/{n}" for area in "abc" for n in range(20)]
    lines = [visit(n, page) for n, page in enumerate(pages[:50])]
    folder = Folder(tmp_path)
    cap = "[caps.visits_total]\nmax_label_values = 2\n"
    text = SUMMARY + metric("page", "segments = 1") + cap
    assert counted(folder.run(lines, text)) == {"a": 20, "b": 20, OTHER: 10}
    found = folder.run([visit(50, "c/21")] * 30 + [visit(51, "a/99")], text)
    assert counted(found) == {"a": 21, "b": 20, OTHER: 40}


def test_another_mapping_gives_places_anew_and_loses_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    cap = "[caps.visits_total]\nmax_label_values = 2\n"
    lines = [visit(n, page) for n, page in enumerate(["a/x", "a/x", "a/y", "b/x", "c/x", "c/x", "c/x", "c/x"])]
    assert counted(folder.run(lines, SUMMARY + metric("page", "segments = 2") + cap)) == {"c/x": 4, "a/x": 2, OTHER: 2}
    assert counted(folder.run([], SUMMARY + metric("page", "segments = 1") + cap)) == {"c": 4, "a": 3, OTHER: 1}
    assert counted(folder.run([], SUMMARY + metric("page", "segments = 1") + cap)) == {"c": 4, "a": 3, OTHER: 1}


def test_what_found_no_room_in_a_cube_is_not_mapped(tmp_path: Path) -> None:
    """It may have been anything."""
    text = (
        "max_combinations = 2\n" + SUMMARY + metric("page", 'values = { "a" = "A", "*_*" = "wrong" }, default = "rest"')
    )
    lines = [visit(0, page) for page in ("a", "a", "b", "b", "c")]
    assert counted(Folder(tmp_path).run(lines, text)) == {"A": 2, "rest": 2, OTHER: 1}


def test_equal_mappings_have_one_name_and_others_another() -> None:
    one = Mapped("page", values=(("a", "b"),))
    others = [Mapped("page", values=(("b", "a"),)), Mapped("view", values=(("a", "b"),)), Mapped("page", segments=1)]
    others += [
        Mapped("page", values=(("a", "b"),), default=""),
        Mapped("page", by_class=True),
        Mapped("page", segments=2),
    ]
    assert str(one) == str(Mapped("page", values=(("a", "b"),)))
    assert len({str(each) for each in [one, *others]}) == 7


def test_a_metric_of_processes_counts_each_once(tmp_path: Path) -> None:
    text = """
[[summary]]
name = "workers"
event = "worker"
dimensions = ["queue", "proc"]
gauges = ["busy"]
[[metric]]
name = "workers_live"
type = "gauge"
help = "h"
summary = "workers"
value = "processes"
labels = { queue = { dimension = "queue", values = { "mail-*" = "mail" } } }
"""
    told = [("mail-a", "p"), ("mail-b", "p"), ("mail-a", "q"), ("web", "p")]
    lines = [visit(0, event="worker", queue=queue, proc=proc, seq=n, busy=1) for n, (queue, proc) in enumerate(told)]
    assert counted(Folder(tmp_path).run(lines, text), "workers_live") == {"mail": 2, "web": 1}
