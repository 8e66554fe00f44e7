"""What rules and dashboards ask for, found where it stands, and told where it changes."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import InputError
from cli.leaving.audit import Audit
from cli.leaving.metrics import Instrument
from cli.leaving.promql import Finding, What, scan
from cli.leaving.promql.files import Expression, Unread, expressions
from cli.leaving.promql.parsing import UnparsedError, parsed
from cli.leaving.promql.selectors import uses
from cli.leaving.successors import Successor, successors
from cli.leaving.traces import Kind, Stage, Trace
from tests.monitoring import public_dashboards
from tests.monitoring.promql import names_in, ranges_in
from tests.monitoring.servers import promtool

HERE = Path(__file__).with_name("promql")
INTERVAL = 300
OWN = (
    Instrument("shop_orders", "Counter", ("service", "outcome"), "shop/metrics.py", 3),
    Instrument("shop_queue_length", "Gauge", (), "shop/metrics.py", 5),
)


def the_map(*instruments: Instrument, **settings: str) -> list[Successor]:
    """Of a project with these settings and instruments."""
    traces = [
        Trace("s.py", line, Kind.SETTING, Stage.SETTINGS, f"{name} = {value}", "", name)
        for line, (name, value) in enumerate(settings.items(), 1)
    ]
    return successors(Audit(traces, instruments or OWN), all_families=True)


def told(path: Path, by: list[Successor] | None = None, interval: int = INTERVAL) -> list[Finding]:
    return scan([path], by or the_map(), interval)


def of(expression: str, tmp_path: Path, by: list[Successor] | None = None) -> dict[What, list[str]]:
    """Texts by what they are, of one expression; without what only differs."""
    (tmp_path / "one.promql").write_text(expression)
    found: dict[What, list[str]] = {}
    for each in told(tmp_path / "one.promql", by):
        if each.what is not What.DIFFERS:
            found.setdefault(each.what, []).append(each.text)
    return found


# Files


def test_rules_are_told_line_by_line() -> None:
    lines = (HERE / "rules.yml").read_text().splitlines()
    noted = {line: text.partition("# told:")[2] for line, text in enumerate(lines, 1) if "# told:" in text}
    wanted = {line: {each.strip() for each in text.split(",") if each.strip()} for line, text in noted.items()}
    found: dict[int, set[str]] = {line: set() for line in wanted}
    for each in told(HERE / "rules.yml"):
        if each.what is not What.DIFFERS:
            found[each.line].add(each.what)
    assert found == wanted
    assert set().union(*wanted.values()) == {"range", "label", "buckets", "gone"}


def test_the_rules_are_rules(tmp_path: Path) -> None:
    """Prometheus itself takes them, and those of the Operator."""
    assert "SUCCESS" in promtool("check", "rules", HERE / "rules.yml")
    *_, operator = yaml.safe_load_all((HERE / "prometheusrule.yaml").read_text())
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(operator["spec"]))
    assert "SUCCESS" in promtool("check", "rules", tmp_path / "rules.yml")


@pytest.mark.parametrize(
    ("name", "line", "metric", "what"),
    [
        ("prometheusrule.yaml", 13, "django_db_errors_total", What.LABEL),
        ("configmap.yaml", 11, "django_model_inserts_total", What.RANGE),
        ("grafana_alerts.yaml", 15, "django_http_responses_streaming_total", What.RANGE),
    ],
)
def test_other_forms_of_rules_and_dashboards(name: str, line: int, metric: str, what: What) -> None:
    found = [each for each in told(HERE / name) if each.must_change]
    assert [(each.line, each.metric, each.what) for each in found] == [(line, metric, what)]
    assert metric in (HERE / name).read_text().splitlines()[line - 1]


def test_a_dashboard_is_told_line_by_line() -> None:
    lines = (HERE / "dashboard.json").read_text().splitlines()
    found = [each for each in told(HERE / "dashboard.json") if each.what is not What.DIFFERS]
    assert all(each.metric in lines[each.line - 1] for each in found)
    assert [(each.metric, each.what, each.must_change) for each in found] == [
        ("process_start_time_seconds", What.RANGE, True),
        ("django_http_requests_before_middlewares_total", What.LABEL, True),
        ("django_http_requests_total_by_method_total", What.RANGE, False),
        ("django_db_execute_total", What.RANGE, False),
        ("django_cache_get_total", What.RANGE, False),
        ("", What.UNREAD, True),
    ]
    assert "unclosed left parenthesis" in found[-1].text
    assert found[-1].expression in lines[found[-1].line - 1]


def test_expressions_of_a_file_stand_apart_or_on_lines() -> None:
    lines = (HERE / "queries.promql").read_text().splitlines()
    found = [each for each in told(HERE / "queries.promql") if each.must_change]
    assert [(each.line, each.metric, each.what) for each in found] == [
        (5, "django_http_ajax_requests_total", What.RANGE),
        (6, "django_migrations_unapplied_total", What.LABEL),
        (8, "shop_orders_total", What.RANGE),
    ]
    assert lines[7] == "rate("


@pytest.mark.parametrize("name", ["notes.txt", "prometheus.yml", "compose.yaml", "package.json"])
def test_what_is_none_of_these_is_told(name: str, tmp_path: Path) -> None:
    text = '{"name": "shop"}' if name.endswith("json") else "scrape_configs:\n  - job_name: shop\n"
    (tmp_path / name).write_text("rate(x[5m])" if name == "notes.txt" else text)
    (found,) = told(tmp_path / name)
    assert (found.what, found.line) == (What.UNREAD, 1)
    assert "neither rules" in found.text


def test_what_holds_no_expression_is_well(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text('{"panels": [], "title": "x"}')
    (tmp_path / "empty.yml").write_text("groups: []\n")
    assert scan([tmp_path / "empty.json", tmp_path / "empty.yml"], the_map(), INTERVAL) == []


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.json", '{"panels": [\n {]}', 2),
        ("a.yml", "groups:\n  - rules:\n  a: b: c\n", 3),
        ("a.yml", "groups: [\x00]", 1),
        ("a.yaml", 'a: {{ template "x" }}\n', 1),
        ("a.json", "[" * 100_000, 1),
        ("a.json", '{"panels":' * 100_000, 1),
        ("a.yml", "[" * 100_000, 1),
        ("a.yml", "- " * 20_000 + "a", 1),
        ("a.json", "1" * 5000, 1),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(name: str, text: str, line: int, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    (found,) = told(tmp_path / name)
    assert (found.what, found.line, found.must_change) == (What.UNREAD, line, True)


def test_aliases_are_not_expanded(tmp_path: Path) -> None:
    """Nine levels of nine: a billion rules, had they been copied; and a list within itself."""
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10))
    text = f"l0: &l0 {{expr: 'rate(django_db_errors_total[1m])'}}\n{levels}\nitself: &itself [*itself]\ngroups: *l9\n"
    (tmp_path / "bomb.yml").write_text(text)
    assert [each.line for each in told(tmp_path / "bomb.yml") if each.what is What.RANGE] == [1]


def test_files_that_cannot_be_read_are_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "large.json").write_bytes(b" " * (5 << 20))
    os.mkfifo(tmp_path / "pipe.yml")
    for name, reason in [
        ("none.yml", "No such file"),
        (".", "is no file"),
        ("large.json", "larger than 4 MiB"),
        ("pipe.yml", "is no file"),
    ]:
        with pytest.raises(InputError, match=reason):
            told(tmp_path / name)


# Places, in any format

MARKS = st.lists(st.from_regex(r"m[a-z]{3,8}[0-9]{3}", fullmatch=True), min_size=1, max_size=5, unique=True)


@given(MARKS, st.sampled_from([None, 0, 1, 4]), st.text(max_size=20), st.booleans())
def test_lines_of_json(marks: list[str], indent: int | None, noise: str, escaped: bool) -> None:
    targets = [
        {"legend": f'"{noise}"\\', "expr": f'{mark}{{a="\\\\"}}\n+ 1', f"n{noise}": [None, 1, noise]} for mark in marks
    ]
    text = json.dumps({f"n{noise}": noise, "panels": [{"targets": targets}]}, indent=indent, ensure_ascii=escaped)
    found = [each for each in expressions("a.json", text) if isinstance(each, Expression)]
    assert [each.text.partition("{")[0] for each in found] == marks
    lines = text.split("\n")
    assert all(mark in lines[each.line - 1] for each, mark in zip(found, marks, strict=True))


@given(MARKS, st.sampled_from(["|", '"', "'", ">", None]), st.booleans(), st.integers(0, 3))
def test_lines_of_yaml(marks: list[str], style: Any, flow: bool, blank: int) -> None:
    class Styled(str):
        pass

    class Dumper(yaml.SafeDumper):
        pass

    Dumper.add_representer(Styled, lambda dumper, data: dumper.represent_scalar("tag:yaml.org,2002:str", data, style))
    rules = [{"record": "x", "expr": Styled(f"{mark} + 1\n- 2\n")} for mark in marks]
    text = "# note\n" * blank + yaml.dump({"groups": [{"rules": rules}]}, Dumper=Dumper, default_flow_style=flow)
    found = [each for each in expressions("a.yml", text) if isinstance(each, Expression)]
    assert [each.text.split()[0] for each in found] == marks
    lines = text.split("\n")
    assert all(each.text.split()[0] in lines[each.line - 1] for each in found)


# Expressions


def all_expressions() -> list[str]:
    """Those of well-known public dashboards, and of the files here."""
    asked = [each for name in vars(public_dashboards) for each in _tuple_of(getattr(public_dashboards, name))]
    here = [
        each.text
        for path in sorted(HERE.iterdir())
        for each in expressions(path.name, path.read_text())
        if isinstance(each, Expression)
    ]
    return list(dict.fromkeys([*(each.expression for each in asked), *here]))


def _tuple_of(value: Any) -> tuple[public_dashboards.Asked, ...]:
    return value if isinstance(value, tuple) and value and isinstance(value[0], public_dashboards.Asked) else ()


def test_names_and_ranges_are_those_that_a_search_finds() -> None:
    counted = 0
    for text in all_expressions():
        plain = re.sub(r"#[^\n]*", "", text).replace("BY (", "by (").replace("[[group]]", "x")
        plain = re.sub(r"\[(\$\w+|\$\{\w+\}|\[\[\w+\]\])\]", "", plain)  # ranges that are variables
        plain = re.sub(r"\$\w+", "1h", plain)
        try:
            found = uses(text)
        except UnparsedError:
            assert text == "sum(django_model_deletes_total"
            continue
        assert {name for each in found for name in each.name.split("|")} == names_in(plain), text
        written = {int(span.seconds) for each in found for span in each.ranges if not span.variable}
        assert written == ranges_in(plain), text
        counted += 1
    assert counted > 80


@given(st.data())
def test_a_variable_may_stand_anywhere(data: st.DataObject) -> None:
    """Whatever is spelled as a variable, names and labels that are written out are found."""
    spell = st.sampled_from(["$v", "${v}", "${v:regex}", "${v:csv}", "[[v]]"])
    kept: dict[str, str] = {}

    def either(name: str, text: str) -> str:
        kept[name] = data.draw(spell) if data.draw(st.booleans()) else text
        return kept[name]

    text = (
        f"topk({either('k', '5')}, sum by (le, {either('by', 'view')}) (rate(django_db_errors_total"
        f'{{alias=~"{either("alias", "a|b")}", vendor="{either("vendor", "x")}"}}[{either("range", "7m")}]'
        f" offset {either('offset', '1h')}))) > {either('limit', '3')} or sum(rate(b[{either('more', '1h')}:]))"
    )
    first, second = uses(text)
    assert (first.name, second.name) == ("django_db_errors_total", "b")
    assert first.labels == (("le", "view") if kept["by"] == "view" else ("le",))
    assert [each.is_open for each in first.matchers] == ["v" in kept["alias"], "v" in kept["vendor"]]
    (asked,) = first.ranges
    assert (asked.variable, asked.function) == ("v" if "v" in kept["range"] else "", "rate")
    assert asked.variable or asked.seconds == 420


@pytest.mark.parametrize(
    "text",
    ["(" * 50_000 + "x" + ")" * 50_000, "-" * 15_000 + "x", "+".join(["x"] * 9000), "abs(" * 4000 + "x" + ")" * 4000],
)
def test_what_would_crash_the_parser_is_not_given_to_it(text: str) -> None:
    with pytest.raises(UnparsedError, match="too long"):
        parsed(text)
    with pytest.raises(UnparsedError, match="no PromQL"):
        parsed(text[:200])


@pytest.mark.parametrize(
    "text",
    [
        *("x offset inf", "x offset -nan", "x offset # for ever\n 1e30", "x offset 99999999999", "x[99999999999]"),
        *("x[1e30]", "rate(x[1e400:5m])", "rate(x[99999999y])", "x offset .5e400", 'x{a="("} offset +Inf'),
    ],
)
def test_times_without_end_do_not_make_the_parser_panic(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnparsedError):
        uses(text)
    assert capfd.readouterr().err == ""


WORDS = """sum rate ( ) { } [ ] , = =~ != "a" "$x" ` " \\ by without on group_left offset @ start() 5m 1h 0x1 1e400 -
    ^ % > and foo bar{ __name__ le # \n : [5m:] [0s] topk histogram_quantile label_replace $v ${v:x} [[v]] NaN \x00 é
    info( absent( time() @ 1e30 [5m:1s] 99999999999y inf offset"""


@given(st.lists(st.sampled_from(WORDS.split(" ")), max_size=12), st.sampled_from(["", " "]))
def test_whatever_stands_there_is_asked_or_told(words: list[str], between: str) -> None:
    text = between.join(words)
    try:
        found = uses(text)
    except UnparsedError:
        return
    assert all(each.name in text or each.is_pattern for each in found)


def test_long_ones_are_parsed() -> None:
    text = " or ".join(f'rate(django_db_errors_total{{alias="{"-(+" * 30}{n}"}}[1h])' for n in range(100))
    assert len(uses(text)) == 100


# What is told


def test_the_interval_between_runs_decides(tmp_path: Path) -> None:
    (tmp_path / "a.promql").write_text("rate(django_cache_get_total[10m])")

    def ranges(interval: int) -> list[str]:
        return [each.text for each in told(tmp_path / "a.promql", interval=interval) if each.what is What.RANGE]

    assert ranges(300) == []
    assert ranges(301) != []
    (text,) = ranges(3600)
    assert "10m" in text
    assert "2h" in text


@pytest.mark.parametrize(
    ("expression", "what", "words"),
    [
        ("rate(shop_orders_total[$__rate_interval])", What.RANGE, "scrape interval to 5m"),
        ("rate(shop_orders_total[${step}])", What.RANGE, "$step must be 10m"),
        ("idelta(shop_queue_length[1h])", What.RANGE, "two scrapes"),
        ("rate((shop_orders_total)[5m:1m])", What.RANGE, "5m is too short"),
        ('shop_orders_total{service=~"$s"}', What.LABEL, "`exported_service`"),
        ("sum by (service) (shop_orders_total)", What.LABEL, "`exported_service`"),
        ('label_replace(shop_queue_length, "a", "$1", "instance", "(.*)")', What.LABEL, "serves"),
        ("shop_queue_length * on (instance) up", What.LABEL, "serves"),
        ("up * on (app) group_left (pid) shop_queue_length", What.LABEL, "`pid`"),
        ("sum($metric) / rate(shop_orders_total[1m])", What.RANGE, "1m is too short"),
        ('shop_queue_length{service="web"}', What.LABEL, "LOGEMIT_SERVICE"),
        ('shop_queue_length{cluster="a"}', What.LABEL, "attach"),
        ('shop_queue_length{pid="7" or pid="8"}', What.LABEL, "`pid`"),
        ('{"shop_queue_length", pid="7"}', What.LABEL, "`pid`"),
        ('{__name__=~"shop_.*", pid="7"}', What.LABEL, "`pid`"),
        ('{__name__=~"(django|shop)_.*"}', What.UNREAD, "pattern"),
        ('django_db_query_duration_seconds_bucket{le=~"0.1|0.2"}', What.BUCKETS, "ends at 0.2"),
        ('topk(scalar(shop_queue_length{pid="7"}), up)', What.LABEL, "`pid`"),
        ('sum(process_open_fds{job="shop"})', What.LABEL, "if it is the app's: `job`"),
        ("shop_orders_created", What.GONE, "began"),
        ("shop_orders", What.GONE, "`shop_orders_total`"),
    ],
)
def test_what_is_told(expression: str, what: What, words: str, tmp_path: Path) -> None:
    found = of(expression, tmp_path)
    assert found.pop(what)[0].count(words) == 1
    assert not {key for key in found if key is not What.LABEL}


@pytest.mark.parametrize(
    "expression",
    [
        "sum without (instance, pid) (shop_queue_length)",
        "shop_queue_length / ignoring (pid) up",
        'shop_queue_length{job=~"$job", instance=~".*", service=~"$service"}',
        "max_over_time(shop_queue_length[1m])",
        "increase(shop_orders_total[$__range])",
        'django_db_query_duration_seconds_bucket{le=~"0.1|1|2.50|\\\\+Inf"}',
        'django_db_query_duration_seconds_bucket{le="+Inf"}',
        'other_total{pid="1", instance="x"} or rate(other_created[1s])',
        '{__name__=~"other_.*|node_(a|b)", pid="1"}',
        '{job="shop"}',
        'vector(1) or label_replace(up, "a", "django_db_errors_created", "", "")',
    ],
)
def test_what_is_not_told(expression: str, tmp_path: Path) -> None:
    assert of(expression, tmp_path) == {}


def test_differences_are_told_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.promql").write_text("django_cache_get_misses_total")
    (found,) = told(tmp_path / "a.promql")
    assert (found.what, found.must_change, found.line) == (What.DIFFERS, False, 1)
    assert "a cached None is a hit (there a miss)" in found.text
    (tmp_path / "a.promql").write_text("django_http_responses_streaming_total")
    assert told(tmp_path / "a.promql") == []


def test_a_namespace_renames(tmp_path: Path) -> None:
    by = the_map(PROMETHEUS_METRIC_NAMESPACE='"shop"')
    found = of("rate(shop_django_http_requests_latency_seconds_by_view_method_bucket[1h])", tmp_path, by)
    assert found == {What.RENAMED: ["is `django_http_requests_latency_seconds_by_view_method_bucket` now"]}
    assert of('rate({__name__=~"shop_django_.*"}[1h])', tmp_path, by).keys() == {What.RENAMED}
    assert of('rate({__name__=~".*django_.*"}[1h])', tmp_path, by) == {}
    assert of("rate(process_cpu_seconds_total[1h])", tmp_path, by) == {}


def test_own_names_that_change_or_are_taken(tmp_path: Path) -> None:
    by = the_map(
        Instrument("shop.orders", "Counter", (), "m.py", 1),
        Instrument("processes_live", "Gauge", (), "m.py", 2),
        Instrument("shop_state", "Enum", (), "m.py", 3),
        Instrument("shop_build", "Info", (), "m.py", 4),
        Instrument("shop_wait_seconds", "Summary", None, "m.py", 5),
    )
    assert of('rate({"shop.orders_total"}[1h])', tmp_path, by) == {What.RENAMED: ["is `shop_orders_total` now"]}
    assert of('shop_orders_total{pid="7"}', tmp_path, by).keys() == {What.LABEL}
    assert list(of("processes_live", tmp_path, by)) == [What.GONE]
    assert of('shop_state{shop_state="on"}', tmp_path, by) == {}
    assert of('shop_wait_seconds_sum{x="y"} + shop_build_info{version="1"}', tmp_path, by) == {}


def test_other_buckets_are_told(tmp_path: Path) -> None:
    by = the_map(PROMETHEUS_LATENCY_BUCKETS="(0.3, 1, float('inf'))")
    quantile = "histogram_quantile(0.9, sum by (le) (rate(django_db_query_duration_seconds_bucket[1h])))"
    assert list(of(quantile, tmp_path, by)) == [What.BUCKETS]
    assert of(quantile, tmp_path) == {}
    assert of("django_db_query_duration_seconds_sum", tmp_path, by) == {}


def test_each_is_told_once_with_its_expression_cut(tmp_path: Path) -> None:
    (tmp_path / "a.promql").write_text("+".join(["rate(shop_orders_total[1m])"] * 50))
    found = told(tmp_path / "a.promql")
    assert sorted(each.what for each in found) == ["differs", "range"]
    assert len(found[0].expression) == 200


def test_unread_is_what_stands_there(tmp_path: Path) -> None:
    text = 'rate(x[5m])\x1b[31m, "\u202e'
    assert [type(each) for each in expressions("a.promql", text)] == [Expression]
    (tmp_path / "a.promql").write_text(text)
    (found,) = told(tmp_path / "a.promql")
    assert found.what is What.UNREAD
    assert isinstance(next(iter(expressions("x.txt", "a"))), Unread)
