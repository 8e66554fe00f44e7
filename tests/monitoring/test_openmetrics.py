"""The text as OpenMetrics: valid for prometheus_client's parser, and each series has the value that the text says."""

import io
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Exemplar

from aggregator.promtext import rendered
from aggregator.serving import exemplars
from aggregator.serving.openmetrics import transformed
from tests.conftest import ROOT

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
EXPECTED = sorted((ROOT / "sample_logs").glob("*/expected.prom"))
HOSTILE = ['"', "\\", "\n", 'x"} 1 # {a="b"} 2', ' -5,le="-1"', "# EOF", "日本\u2028", "", "\\n", '\\"', "a\rb\x0b"]


def om(text: str, found: Mapping[bytes, bytes] | None = None) -> str:
    return b"".join(transformed(io.BytesIO(text.encode()), found or {})).decode()


def samples(families: Iterable[Family]) -> Samples:
    read = [sample for family in families for sample in family.samples]
    found: Samples = {(each.name, frozenset(each.labels.items())): each.value for each in read}
    assert len(found) == len(read)
    return found


def parsed(text: str) -> list[Family]:
    return [*openmetrics.text_string_to_metric_families(text)]  # type: ignore[no-untyped-call]


def check(text: str) -> dict[str, Family]:
    """The families of what becomes of a text, by their names there."""
    families = parsed(om(text))
    assert samples(families) == samples(text_string_to_metric_families(text))
    return {family.name: family for family in families}


def family(name: str, kind: str, *found: tuple[str, dict[str, str], float], text: str = "Said.") -> str:
    made = Family(name, text, kind)
    for suffix, labels, value in found:
        made.add_sample(f"{name}{suffix}", labels, value)
    return rendered(made)


def histogram(name: str, bounds: list[str], total: float) -> str:
    buckets = [("_bucket", {"le": bound}, number) for number, bound in enumerate([*bounds, "+Inf"])]
    return family(name, "histogram", *buckets, ("_count", {}, len(bounds)), ("_sum", {}, total))


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.parent.name)
def test_every_family_of_the_sample_logs(path: Path) -> None:
    text = path.read_text()
    found = check(text)
    before = {each.name: each for each in text_string_to_metric_families(text)}
    assert {name: each.type for name, each in found.items()} == {name: each.type for name, each in before.items()}
    assert {name: each.documentation for name, each in found.items()} == {
        name: each.documentation for name, each in before.items()
    }


def test_a_gauge_that_ends_as_a_counter_stays_a_gauge() -> None:
    assert check(family("django_migrations_applied_total", "gauge", ("", {}, 7)))["django_migrations_applied_total"]


def test_a_counter_beside_a_family_of_its_name_is_of_unknown_type() -> None:
    for kind in ("gauge", "summary", "histogram"):
        other = histogram("jobs", ["1.0"], 2) if kind == "histogram" else family("jobs", kind)
        counter = family("jobs", "counter", ("_total", {"a": "b"}, 5))
        for text in (counter + other, other + counter):
            found = check(text)
            assert {name: each.type for name, each in found.items()} == {"jobs": kind, "jobs_total": "unknown"}


def test_counters_of_what_was_created_and_of_all_can_stand_together() -> None:
    found = check(family("marks", "counter", ("_total", {}, 3)) + family("marks_created", "counter", ("_total", {}, 2)))
    assert {name: each.type for name, each in found.items()} == {
        "marks_total": "unknown",
        "marks_created_total": "unknown",
    }


def test_sums_of_what_may_be_negative_are_kept() -> None:
    """OpenMetrics knows sums only that never fall, and without a sum no count."""
    below = histogram("below", ["-1.0", "0.0", "1.0"], 4)
    fallen = histogram("fallen", ["0.0", "1.0"], -4.5)
    summed = family("summed", "summary", ("_count", {"a": " -1"}, 2), ("_sum", {"a": " -1"}, -1e-9))
    plain = histogram("plain", ["0.0", "1.0"], 4)
    level = family("level", "gauge", ("", {}, -3), text='Below "0" -1')
    found = check(below + fallen + summed + plain + level)
    assert {name: each.type for name, each in found.items()} == {
        **{f"{name}{part}": "unknown" for name in ("below", "fallen") for part in ("_bucket", "_count", "_sum")},
        "summed_count": "unknown",
        "summed_sum": "unknown",
        "plain": "histogram",
        "level": "gauge",
    }
    assert found["level"].documentation == 'Below "0" -1'


def test_parts_of_series_without_a_sum() -> None:
    """As an instrument with bounds below 0 has them."""
    made = Family("below", "", "histogram")
    for bound, value in (("-1.0", 1), ("+Inf", 3)):
        made.add_sample("below_bucket", {"le": bound}, value)
    made.add_sample("below_count", {}, 3)
    assert set(check(rendered(made))) == {"below_bucket", "below_count", "below_sum"}


def test_comments_are_left_out() -> None:
    text = family("said", "counter", ("_total", {}, 1))
    assert om(f"# made by hand\n#\n{text}# TYPED\n") == om(text)


def test_no_family_and_families_without_samples() -> None:
    assert om("") == "# EOF\n"
    assert om(family("nothing", "counter", text="")) == "# HELP nothing \n# TYPE nothing counter\n# EOF\n"


@given(st.lists(st.text() | st.sampled_from(HOSTILE), min_size=1, unique=True), st.text() | st.sampled_from(HOSTILE))
def test_hostile_values_of_labels_and_helps(values: list[str], text: str) -> None:
    values = [value.encode(errors="replace").decode() for value in values]
    text = text.encode(errors="replace").decode()
    named = [("_total", {"of": value, "number": str(number)}, number) for number, value in enumerate(values)]
    found = check(family("said", "counter", *named, text=text) + family("level", "gauge", *[("", {}, -1.0)]))
    assert {sample.labels["of"] for sample in found["said"].samples} == set(values)
    assert found["said"].documentation.strip() == text.strip()


# Exemplars.

TOLD = {"request_id": "r-1", "value": 1.93, "timestamp": 1795176000.123456}


def read(document: Any) -> dict[bytes, bytes]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return exemplars.read(io.BytesIO(data))


def shown(told: Mapping[str, Any], sample: str = 'h_bucket{le="2.0"}') -> Exemplar | None:
    """What becomes of one, in a text that has all the samples that the tests name."""
    text = histogram("h", ["1.0", "2.0"], 1) + family("c", "counter", ("_total", {"le": "2.0"}, 1))
    found = [s for each in parsed(om(text, read({sample: told}))) for s in each.samples if s.exemplar is not None]
    assert all(each.labels["le"] == "2.0" and each.name == "h_bucket" for each in found)
    return found[0].exemplar if found else None


def test_an_exemplar_stands_on_its_bucket() -> None:
    text = histogram("h", ["1.0", "2.0"], 1)
    made = om(text, read({'h_bucket{le="2.0"}': TOLD}))
    assert made.count("\n") == om(text).count("\n")
    assert 'h_bucket{le="2.0"} 1.0 # {request_id="r-1"} 1.93 1795176000.123\n' in made
    assert shown({**TOLD, "more": ["is", "passed", "over"]}) == shown(TOLD)


def test_an_exemplar_of_a_task() -> None:
    found = shown({"task_id": "t-1", "value": 2, "timestamp": 17})
    assert found is not None
    assert (found.labels, found.value, str(found.timestamp)) == ({"task_id": "t-1"}, 2.0, "17.000000000")


@given(st.text(min_size=1, max_size=118) | st.sampled_from([text for text in HOSTILE if text]))
def test_a_hostile_id_breaks_nothing(text: str) -> None:
    """What would need escapes is left out: no two programs read them in the same way."""
    text = text.encode(errors="replace").decode()
    found = shown({**TOLD, "request_id": text})
    assert (found is None) == bool(set(text) & {*'"\\', *map(chr, range(32)), chr(127)})
    assert found is None or found.labels == {"request_id": text}


def test_an_id_is_as_long_as_openmetrics_allows() -> None:
    most = 128 - len("request_id")
    assert shown({**TOLD, "request_id": "日" * most}) is not None
    assert shown({**TOLD, "request_id": "日" * (most + 1)}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"request_id": ""},
        {"request_id": 7},
        {"request_id": None},
        {"request_id": ["r"]},
        {"value": "1"},
        {"value": True},
        {"value": None},
        {"value": 2.5},  # not in this bucket
        {"value": [1]},
        {"timestamp": "now"},
        {"timestamp": False},
        {"timestamp": -1},
        {"timestamp": 1e300},
        {"timestamp": 2**63},
    ],
)
def test_what_is_no_exemplar_is_passed_over(change: dict[str, Any]) -> None:
    assert shown({**TOLD, **change}) is None
    for missing in change:
        assert shown({name: value for name, value in TOLD.items() if name != missing}) is None


@pytest.mark.parametrize(
    "sample",
    [
        'c_total{le="2.0"}',
        "h_sum",
        "h_count",
        'h_bucket{le="2.0"} 1.0',
        'h_bucket{le="3.0"}',
        'h_bucket{other_le="2.0"}',
        'h_bucket{le="x"}',
        "h_bucket",
        "",
        "# EOF",
    ],
)
def test_an_exemplar_of_no_bucket_is_passed_over(sample: str) -> None:
    assert shown(TOLD, sample) is None


def test_a_torn_or_foreign_file_of_exemplars_is_passed_over() -> None:
    whole = json.dumps({'h_bucket{le="2.0"}': TOLD, 'h_bucket{le="1.0"}': [1]}).encode()
    assert len(read(whole)) == 1
    assert [read(whole[:cut]) for cut in range(len(whole))] == [{}] * len(whole)
    foreign: list[Any] = [[1], "text", 7, None, {"a": 1}, {"h_bucket": {}}]
    documents = [*foreign, b"\xff\xfe", b"[" * 100_000, b'{"\\ud800": 1}']
    assert [read(document) for document in documents] == [{}] * len(documents)
    assert read(b'{"h_bucket{le=\\"2.0\\"}": {"request_id": "r", "value": NaN, "timestamp": 1}}') == {}
    assert read(b'{"h_bucket{le=\\"2.0\\"}": {"request_id": "r", "value": 1e999, "timestamp": 1}}') == {}
    assert read(whole + b" " * (8 << 20)) == {}


def test_exemplars_of_a_family_that_is_taken_apart_are_left_out() -> None:
    text = histogram("h", ["-1.0", "2.0"], 1)
    assert om(text, read({'h_bucket{le="2.0"}': TOLD})) == om(text)
    assert math.isclose(samples(parsed(om(text)))["h_sum", frozenset()], 1)
