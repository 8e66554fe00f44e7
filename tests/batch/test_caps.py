"""Caps at exposition: what is over them adds to `__other__`, nothing is lost, and no series is taken back."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from aggregator import config
from aggregator.errors import ConfigError, StateError
from aggregator.repair import repair
from aggregator.run import aggregate
from aggregator.status import status
from tests.scale import scaled

OTHER = "__other__"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def configured(tmp_path: Path, text: str) -> config.Config:
    path = tmp_path / "logemit.toml"
    path.write_text(text)
    return config.load(path)


def poll(feed: str, status: str = "success", service: str = "s", **fields: Any) -> str:
    event = {"logemit": 1, "event": "feed_poll", "timestamp": "2026-11-20T12:00:00Z", "service": service}
    return json.dumps({**event, "feed_id": feed, "status": status, **fields}) + "\n"


class Folder:
    """A log that grows, and an output."""

    def __init__(self, tmp_path: Path) -> None:
        self.path, self.out, self.log = tmp_path, tmp_path / "out", tmp_path / "app.log"
        self.log.write_text("")

    def run(self, lines: list[str], text: str) -> Samples:
        with self.log.open("a") as log:
            log.writelines(lines)
        self.report = aggregate([str(self.log)], self.out, configured(self.path, text))
        return self.samples()

    def samples(self) -> Samples:
        text = (self.out / "metrics.prom").read_bytes().decode()
        found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in found}


def of(samples: Samples, name: str, *labels: str) -> dict[Any, float]:
    """The samples of a name by these labels."""
    found: dict[Any, float] = {}
    for (each, pairs), value in samples.items():
        if each == name:
            key = tuple(dict(pairs)[label] for label in labels)
            found[key[0] if len(labels) == 1 else key] = value
    return found


def polls(samples: Samples) -> dict[str, float]:
    return of(samples, "feed_polls_total", "feed_id")


def test_what_is_over_the_cap_is_other_and_most_events_come_first(tmp_path: Path) -> None:
    lines = [poll(feed) for feed in "aabbbccd"]
    assert polls(Folder(tmp_path).run(lines, "max_label_values = 2")) == {"a": 2, "b": 3, OTHER: 3}


def test_a_series_once_admitted_stays_also_under_a_lower_cap(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert polls(folder.run([poll("a"), poll("b"), poll("c")], "")) == {"a": 1, "b": 1, "c": 1}
    found = polls(folder.run([poll("d")] * 9 + [poll("a")], "max_label_values = 1"))
    assert found == {"a": 2, "b": 1, "c": 1, OTHER: 9}
    assert polls(folder.run([poll("e"), poll("b")], "max_label_values = 1")) == {"a": 2, "b": 2, "c": 1, OTHER: 10}


def test_a_raised_cap_admits_what_is_met_first_from_then_on(tmp_path: Path) -> None:
    """What was counted in __other__ stays there: otherwise it would fall."""
    folder = Folder(tmp_path)
    assert polls(folder.run([poll("a"), poll("a"), poll("b")], "max_label_values = 1")) == {"a": 2, OTHER: 1}
    found = polls(folder.run([poll("b"), poll("c")], "max_label_values = 3"))
    assert found == {"a": 2, OTHER: 2, "c": 1}


def test_an_event_whose_value_is_other_only_adds_there(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert polls(folder.run([poll(OTHER), poll("a")], "max_label_values = 1")) == {"a": 1, OTHER: 1}
    assert polls(folder.run([poll(OTHER), poll("b")], "max_label_values = 1")) == {"a": 1, OTHER: 3}


def test_over_the_cap_of_series_all_labels_but_the_service_are_other(tmp_path: Path) -> None:
    lines = [poll(feed, status) for feed in "ab" for status in ("success", "error", "timeout")]
    found = Folder(tmp_path).run([*lines, poll("a"), poll("b", service="t")], "[caps.feed_polls_total]\nmax_series = 2")
    assert of(found, "feed_polls_total", "service", "feed_id", "status") == {
        ("s", "a", "success"): 2,
        ("s", "a", "error"): 1,
        ("s", OTHER, OTHER): 4,
        ("t", OTHER, OTHER): 1,
    }
    assert of(found, "logemit_series_capped", "metric") == {"feed_polls_total": 5}


def test_services_are_hostile_too(tmp_path: Path) -> None:
    lines = [poll("a", service=f"s{n}") for n in range(50)]
    found = Folder(tmp_path).run(lines, "max_label_values = 3")
    for name, _ in found:
        if not name.startswith("logemit_"):
            assert set(of(found, name, "service")) <= {"s0", "s1", "s10", OTHER}
    assert of(found, "feed_polls_total", "service") == {"s0": 1, "s1": 1, "s10": 1, OTHER: 47}


def test_a_cap_of_series_bounds_families_without_labels_of_their_own(tmp_path: Path) -> None:
    lines = [
        json.dumps({"logemit": 1, "event": "http_request", "timestamp": "2026-11-20T12:00:00Z", "service": str(n)})
        + "\n"
        for n in range(30)
    ]
    found = Folder(tmp_path).run(lines, "max_series = 2")
    name = "django_http_requests_before_middlewares_total"
    assert of(found, name, "service") == {"0": 1, "1": 1, OTHER: 28}


@pytest.mark.parametrize(("over", "expected"), [("sum", 14), ("max", 9), ("min", 5), ("last", 5)])
def test_gauges_over_the_cap_combine_as_they_are_told_to(tmp_path: Path, over: str, expected: float) -> None:
    text = f"""
max_label_values = 1
[[summary]]
name = "rooms"
event = "room"
dimensions = ["room"]
gauges = ["heat"]
[[metric]]
name = "heat"
type = "gauge"
help = "h"
summary = "rooms"
value = "heat_last"
over = "{over}"
labels = ["room"]
"""
    lines = [
        json.dumps({"logemit": 1, "event": "room", "timestamp": f"2026-11-20T12:00:0{n}Z", "room": room, "heat": heat})
        for n, (room, heat) in enumerate([("a", 1), ("a", 2), ("b", 9), ("c", 5)])
    ]
    found = Folder(tmp_path).run([line + "\n" for line in lines], text)
    assert of(found, "heat", "room") == {"a": 2, OTHER: expected}


def test_it_is_told_once_and_counted_always(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    found = folder.run([poll(str(n)) for n in range(10)], "[caps.feed_polls_total]\nmax_label_values = 4")
    (warning,) = folder.report.warnings
    assert warning.startswith(
        "feed_polls_total: more than 4 values of label 'feed_id'; the others are shown as __other__"
    )
    assert "set max_label_values" in warning
    assert of(found, "logemit_label_values_capped", "metric", "label") == {("feed_polls_total", "feed_id"): 6}
    assert status(folder.out).capped == {"feed_polls_total": {"feed_id": 6}}
    again = folder.run([poll("new")], "[caps.feed_polls_total]\nmax_label_values = 4")
    assert folder.report.warnings == []
    assert of(again, "logemit_label_values_capped", "metric", "label") == {("feed_polls_total", "feed_id"): 7}


def test_a_metric_defined_later_is_capped_over_its_whole_history(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run([poll(feed) for feed in "abbccc"], "")
    text = """
max_label_values = 2
[[metric]]
name = "later_total"
type = "counter"
help = "h"
summary = "feed_polls"
labels = ["feed_id"]
"""
    found = folder.run([], text)
    assert of(found, "later_total", "feed_id") == {"b": 2, "c": 3, OTHER: 1}
    assert polls(found) == {"a": 1, "b": 2, "c": 3}


feeds = st.sampled_from(["a", "b", "c", "d", "e", "", OTHER])
events = st.lists(
    st.tuples(feeds, st.sampled_from(["success", "error", "x"]), st.sampled_from(["s", "t", "u"])), max_size=8
)
caps = st.tuples(st.integers(1, 4), st.integers(1, 6))


BY_FEED = """
[[metric]]
name = "by_feed"
type = "histogram"
help = "h"
summary = "feed_polls"
measure = "duration_seconds"
buckets = [0.25, 1]
labels = ["feed_id", "status"]
"""


@settings(deadline=None, max_examples=scaled(5, 15, 15))
@given(st.lists(st.tuples(events, caps), min_size=1, max_size=4))
def test_no_series_falls_and_nothing_is_lost_whatever_the_caps(
    tmp_path_factory: pytest.TempPathFactory, runs: list[Any]
) -> None:
    """Against a count in plain Python, of a counter and a histogram, over runs with caps that change."""
    folder = Folder(tmp_path_factory.mktemp("runs"))
    count, before = Counter[str](), dict[Any, float]()
    most_values = most_series = 0
    for new, (label_values, series) in runs:
        lines = [poll(feed, status, service, duration_seconds=0.25) for feed, status, service in new]
        found = folder.run(lines, f"max_label_values = {label_values}\nmax_series = {series}\n{BY_FEED}")
        count.update(service for _, _, service in new)
        most_values, most_series = max(most_values, label_values), max(most_series, series)
        for name, each in (("feed_polls_total", 1), ("by_feed_count", 1), ("by_feed_sum", 0.25)):
            shown = of(found, name, "service", "feed_id", "status")
            assert sum(shown.values()) == each * sum(count.values())
            for service in {key[0] for key in shown} - {OTHER}:  # one that is shown has all that is its own
                assert sum(value for key, value in shown.items() if key[0] == service) == each * count[service]
            assert len({key[0] for key in shown} - {OTHER}) <= min(most_values, most_series)
            assert all(len({key[place] for key in shown} - {OTHER}) <= most_values for place in (1, 2))
            assert len({key for key in shown if key[1:] != (OTHER, OTHER)}) <= most_series
        buckets = of(found, "by_feed_bucket", "service", "feed_id", "status", "le")
        for le in ("0.25", "1.0", "+Inf"):
            assert sum(value for key, value in buckets.items() if key[-1] == le) == sum(count.values())
        cumulative = {key: value for key, value in found.items() if not key[0].startswith("logemit_")}
        assert before.keys() <= cumulative.keys()
        assert all(cumulative[key] >= value for key, value in before.items())
        before = cumulative


def test_where_nothing_is_near_a_cap_nothing_is_kept_of_labels(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run([poll(str(n)) for n in range(500)], "")
    kept = json.loads((folder.out / "_logemit/admitted.json").read_text())
    assert all(each["values"] == {} and each["series"] is None for each in kept.values())


def test_a_damaged_list_of_the_admitted_is_told_and_can_be_set_aside(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run([poll(feed) for feed in "aab"], "max_label_values = 1")
    (folder.out / "_logemit/admitted.json").write_text("{}")
    with pytest.raises(StateError, match=r"admitted\.json: was changed since it was committed"):
        folder.run([], "max_label_values = 1")
    settings_ = configured(tmp_path, "max_label_values = 1")
    assert [(each.kind, each.outcome) for each in repair(folder.out, settings_).findings] == [("admitted", "lost")]
    assert repair(folder.out, settings_, set_aside=True).left == 0
    assert polls(folder.run([poll("b")] * 2, "max_label_values = 1")) == {"b": 3, OTHER: 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_label_values = 0", "max_label_values is 0, expected a whole number from 1 to 100,000,000"),
        ("max_series = true", "max_series is True"),
        ('max_cells = "many"', "max_cells is 'many'"),
        ("max_combinations = 1.5", r"max_combinations is 1\.5"),
        ("caps = 5", r"caps must be tables by metric; write \[caps\.feed_polls_total\]"),
        ("[caps.nothing]\nmax_series = 1", r"\[caps\.nothing\]: no metric of this name; logemit metrics lists them"),
        ("[caps.feed_polls_total]\nmax = 1", r"unknown key 'max'; expected max_label_values and max_series"),
        ("[caps]\nfeed_polls_total = 1", r"\[caps\.feed_polls_total\]: is 1; expected max_label_values"),
        ("[caps.feed_polls_total]\nmax_series = -1", r"\[caps\.feed_polls_total\]: max_series is -1, expected a whole"),
    ],
)
def test_a_mistake_in_the_limits_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        configured(tmp_path, text)
