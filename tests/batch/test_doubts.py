"""All that there is to say of a logemit.toml: each problem with its line, and what is doubtful."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import config
from aggregator.doubts import Examined, examine
from aggregator.errors import ConfigError
from tests.batch.test_config import ALERTS, METRIC
from tests.scale import scaled

WRONG = """\
windw = "1h"
max_series = 0
drop_after = "2"

[buckets]
fine = [0.1, 1]
coarse = [
  0.1,
  0.333,  # not [on] it
  7.07,
]

[[summary]]  # 13
name = "alerts"
event = "alert_created"
dimensions = ["product", "severity"]
measures = [
  { name = "delay_seconds", unit = "seconds" },
  { name = "size", unit = "kilos" },
]
bins = ["delay_seconds"]
errors = { product = "x", severty = "high" }
help = '''
[[summary]]
name = "no summary"
'''

[[metric]]  # 28
name = "alerts_created_total"
type = "counter"
help = \"""
[[metric]]
\"""
summary = "alerts"
labels = ["product",
  "prodct",
  "severity"]

[[metric]]
name = "delay"
type = "histogram"
summary = "alrts"

[[metric]]  # 44
name = "delay_seconds"
type = "histogram"
help = "h"
summary = "alerts"
measure = "delay_secnds"
where = { product = 1 }
unless.severity = "low"
unless.kind = "x"

[metric.labels]  # 54
product = { dimension = "product", segments = 0 }
"bad-name" = "severity"

[[metric]]
name = "delay_again_seconds"
type = "histogram"
help = "h"
summary = "alerts"
measure = "delay_seconds"
buckets = "coarse"

[caps.alerts_creatd_total]
max_series = 5
[caps.alerts_created_total]
max_serie = 5
max_label_values = true
"""


def test_all_problems_of_a_file_are_told_each_with_its_line_and_the_nearest_name(tmp_path: Path) -> None:
    path = tmp_path / "logemit.toml"
    path.write_text(WRONG)
    found = examine(path)
    told = [(problem.line, problem.message) for problem in found.problems]
    wanted = [
        (1, "unknown key 'windw'; .*; did you mean 'window'?"),
        (2, "max_series is 0, expected a whole number"),
        (3, "drop_after is '2'; expected a number of days"),
        (9, "[[metric]] delay_again_seconds: bucket 0.333 is not a bound of the grid; the nearest are 0.33 and 0.335"),
        (10, "[[metric]] delay_again_seconds: bucket 7.07 is not a bound of the grid; the nearest are 7 and 7.1"),
        (19, "[[summary]] alerts: measure 'size' has unit 'kilos'"),
        (22, "[[summary]] alerts: errors names 'severty', .*; did you mean 'severity'?"),
        (23, "[[summary]] alerts: unknown key 'help'"),
        (
            36,
            "[[metric]] alerts_created_total: label 'prodct' wants .*; alerts has product, severity; did you mean 'pro",
        ),
        (39, "[[metric]] delay: needs a help text"),
        (42, "[[metric]] delay: no summary 'alrts'; .*; did you mean 'alerts'?"),
        (49, "[[metric]] delay_seconds: measure is 'delay_secnds', .*; did you mean 'delay_seconds'?"),
        (50, "[[metric]] delay_seconds: where.product must be text"),
        (52, "[[metric]] delay_seconds: unless names 'kind', which is not a dimension"),
        (55, "[[metric]] delay_seconds: label 'product' has segments 0"),
        (56, "[[metric]] delay_seconds: 'bad-name' cannot be a label"),
        (66, "[caps.alerts_creatd_total]: no metric of this name; .*; did you mean 'alerts_created_total'?"),
        (69, "[caps.alerts_created_total]: unknown key 'max_serie'; .*; did you mean 'max_series'?"),
        (70, "[caps.alerts_created_total]: max_label_values is True, expected"),
    ]
    assert [line for line, _ in told] == [line for line, _ in wanted]
    for (line, message), (_, pattern) in zip(told, wanted, strict=True):
        begin, _, end = pattern.partition(".*")
        assert message.startswith(begin), line
        assert end in message, line
    assert all(str(problem).startswith(f"{path}:{problem.line}: ") for problem in found.problems)
    with pytest.raises(ConfigError, match=rf"^{path}:1: unknown key 'windw'"):
        config.load(path)


@pytest.mark.parametrize(
    ("text", "line"),
    [(b"a = 1\n\nb = = 2\n", 3), (b"a = 1\nb = '''", 2), (b"# caf\xc3\xa9\n# \xff\n", 2), (b"a = " + b"[" * 9999, 0)],
)
def test_a_file_that_is_no_toml_is_a_problem_with_its_line(tmp_path: Path, text: bytes, line: int) -> None:
    path = tmp_path / "logemit.toml"
    path.write_bytes(text)
    (problem,) = examine(path).problems
    assert problem.message.startswith("not TOML: ")
    assert problem.line == line or (not line and problem.line in (0, 1))


# What is legal and doubtful.

VISITS = """\
[[summary]]
name = "visits"
event = "visit"
dimensions = ["page", "kind"]
where = { kind = ["a", "b"] }
"""
FEEDS = METRIC.replace("[[metric]]", "[[metric]]  # first")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (VISITS, 1, "[[summary]] visits: no metric shows it; it is there in Parquet"),
        (
            FEEDS + 'labels = [\n"status",\n"feed_id"]',
            8,
            "[[metric]] x_total: label 'feed_id' has a value for each user or feed; beyond 1,000 they are __other__",
        ),
        (
            FEEDS + 'labels = { a = { dimension = "feed_id", segments = 1 } }\n[caps.x_total]\nmax_label_values = 7',
            6,
            "[[metric]] x_total: label 'a' has a value for each user or feed; beyond 7 they are __other__",
        ),
        (
            FEEDS + 'where = { status = "a" }\nunless = { status = "a" }',
            6,
            "no row has such a 'status': it stays empty",
        ),
        (
            VISITS + METRIC.replace("feed_polls", "visits") + 'where = { kind = "c" }',
            11,
            "[[metric]] x_total: no row has such a 'kind': it stays empty",
        ),
        (
            VISITS + 'unless = { kind = ["b", "a"] }\n' + METRIC.replace("feed_polls", "visits"),
            5,
            "[[summary]] visits: no row has such a 'kind': it stays empty",
        ),
        (
            FEEDS + '[metric.labels.a]\ndimension = "status"\n[metric.labels.a.values]\n"s*" = "x"\n"su?*" = "y"\n',
            10,
            "[[metric]] x_total: label 'a': 'su?*' is never met, 's*' comes first",
        ),
        ("[buckets]\nlatency = [1, 2]", 2, "[buckets] latency: no metric has them"),
    ],
)
def test_what_is_doubtful_is_told_with_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = tmp_path / "logemit.toml"
    path.write_text(text)
    found = examine(path)
    assert found.problems == ()
    (doubt,) = found.doubts
    assert (doubt.line, message in doubt.message) == (line, True), doubt
    config.load(path)


@pytest.mark.parametrize(
    "text",
    [
        ALERTS,
        FEEDS + 'labels = { a = { dimension = "feed_id", values = { "1" = "one" }, default = "more" } }',
        FEEDS + 'labels = { a = { dimension = "status", values = { "s?" = "x", "s*" = "y", "t*" = "z" } } }',
        VISITS + METRIC.replace("feed_polls", "visits") + 'where = { kind = "b", page = "x" }\nunless = { kind = "a" }',
        "",
    ],
)
def test_what_is_meant_is_not_doubted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "logemit.toml"
    path.write_text(text)
    numbers = text.count("[[summary]]"), text.count("[[metric]]")
    assert examine(path) == Examined(str(path), *numbers)


# Whatever stands there, there is something to say.

USUAL: dict[str, Any] = {
    "window": "1h",
    "fold_after": "30d",
    "max_series": 9,
    "buckets": {"latency": [1, 2]},
    "caps": {"x_total": {"max_series": 5}},
    "summary": [
        {
            "name": "visits",
            "event": "visit",
            "partition": "hour",
            "dimensions": ["page", "kind"],
            "measures": [{"name": "took", "unit": "seconds"}, {"name": "size", "unit": "bytes"}],
            "bins": ["took"],
            "gauges": ["depth"],
            "errors": {"kind": ["bad"]},
            "where": {"kind": "a"},
            "unless": {"page": ["", "x"]},
        }
    ],
    "metric": [
        {
            "name": "x_total",
            "type": "counter",
            "help": "h",
            "summary": "visits",
            "labels": ["page"],
            "value": "took_sum",
        },
        {
            "name": "y",
            "type": "histogram",
            "help": "h",
            "summary": "visits",
            "measure": "took",
            "buckets": "latency",
            "labels": {"a": "kind", "b": {"dimension": "page", "values": {"x*": "x"}, "default": "y"}},
        },
        {"name": "z", "type": "gauge", "help": "h", "summary": "visits", "value": "depth_last", "over": "max"},
    ],
}


def toml(value: Any) -> str:
    """A value as it stands in TOML, in a line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def places(value: Any) -> list[tuple[Any, Any]]:
    """(what holds it, key) of all that there is."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [pair for key, each in pairs for pair in [(value, key), *places(each)]]


VALUES = st.sampled_from(
    [
        "",
        "x\n\u2028",
        "page",
        "took",
        0,
        1,
        -1,
        2.5,
        1e30,
        True,
        [],
        {},
        [[]],
        [1],
        ["a", 1],
        [{}],
        {"a": 1},
        {"a": {}},
        {"a": []},
    ]
)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.one_of(VALUES, st.just(None))), min_size=1, max_size=3))
@settings(max_examples=scaled(100, 300, 300), deadline=None)
def test_any_value_in_any_place_is_good_or_has_a_problem(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, Any]]
) -> None:
    document = deepcopy(USUAL)
    for number, value in changes:
        found = places(document)
        holder, key = found[number % len(found)]
        if value is None:
            del holder[key]
        else:
            holder[key] = deepcopy(value)
        if not document:
            return
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text("".join(f"{key} = {toml(value)}\n" for key, value in document.items()))
    examined = examine(path)
    assert all(problem.line for problem in examined.problems)
    assert all("\n" not in problem.message for problem in examined.problems)
    if examined.problems:
        with pytest.raises(ConfigError):
            config.load(path)
    else:
        config.load(path)


def test_the_usual_is_good(tmp_path: Path) -> None:
    path = tmp_path / "logemit.toml"
    path.write_text("".join(f"{key} = {toml(value)}\n" for key, value in USUAL.items()))
    assert examine(path) == Examined(str(path), 1, 3)
