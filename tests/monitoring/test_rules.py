"""The rules as a file: Prometheus reads it, its names exist, its spans fit how often runs come."""

import re
from itertools import chain
from pathlib import Path

import pytest

from aggregator import exposition
from aggregator.catalogue import shipped
from aggregator.errors import UsageError
from aggregator.families import sample_names
from aggregator.monitoring.rules import rules
from aggregator.monitoring.thresholds import THRESHOLDS
from aggregator.store import State
from tests.command.calls import logemit, message
from tests.conftest import ROOT
from tests.monitoring.promql import names_in, ranges_in, rules_of, seconds
from tests.monitoring.servers import promtool
from tests.test_docs import anchors

INTERVALS = ["1s", "15s", "1m", "5m", "7m", "15m", "1h", "90m", "1d", "7d"]
HOSTILE = ['a"b', "back\\slash", ".*", "x: y", "a #b", "{{ $value }}", "<range>", "été 🦊", "it's", "{a}[5m]"]
RUNBOOKS = ROOT / "docs/runbooks.md"


@pytest.mark.parametrize("interval", INTERVALS)
def test_prometheus_reads_the_rules_of_any_interval(interval: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(rules(interval))
    assert "SUCCESS" in promtool("check", "rules", file)


@pytest.mark.parametrize("interval", INTERVALS)
def test_ranges_are_at_least_twice_the_interval(interval: str) -> None:
    made, least = rules_of(rules(interval)), seconds(interval)
    found = list(chain.from_iterable(map(ranges_in, made.expressions)))
    assert len(found) >= 30
    assert min(found) >= 2 * least
    assert all(seconds(alert["for"]) >= least for alert in made.alerts.values())
    stale = re.search(r"> (\d+)$", made.alerts["LogemitNotRunning"]["expr"].strip())
    assert stale
    assert int(stale[1]) == 3 * least


@pytest.mark.parametrize("interval", ["1m", "1h"])
def test_the_name_of_a_recorded_series_tells_its_range(interval: str) -> None:
    for name, expression in rules_of(rules(interval)).records.items():
        level, metric, operation = name.split(":")
        assert re.fullmatch(r"service(_view|_task|_queue|_backend)?", level)
        assert metric
        told = re.search(r"\d\w*$", operation.removeprefix("p50").removeprefix("p95").removeprefix("p99"))
        assert {seconds(told[0])} == (ranges_in(expression) or {seconds(told[0])}) if told else "rate" not in operation
        labels = re.findall(r"by \(([^)]*)\)", expression)
        assert all(set(level.split("_")) == set(found.split(", ")) - {"le"} for found in labels)


def test_every_name_in_a_rule_is_a_family_of_logemit() -> None:
    text = "".join(exposition.about_runs(State()))
    known = set(re.findall(r"^# TYPE (logemit_\w+)", text, re.MULTILINE))
    known |= {sample for metric in shipped().metrics for sample in sample_names(metric.name, metric.type)}
    made = rules_of(rules(services=["web"]))
    named = set(chain.from_iterable(map(names_in, made.expressions)))
    assert {"django_http_requests_before_middlewares_total", "jobs_total", "logemit_runs_total"} <= named
    assert named <= known | set(made.records)
    assert set(made.records) <= named | {name for name in made.records if unused(name)}


def test_each_rule_stands_below_those_that_it_uses() -> None:
    """In one group: others are evaluated at other times."""
    made = rules_of(rules())
    expressions = made.records | {name: alert["expr"] for name, alert in made.alerts.items()}
    for names in made.groups.values():
        for number, name in enumerate(names):
            assert names_in(expressions[name]) & set(made.records) <= set(names[:number]), name


def unused(name: str) -> bool:
    """Recorded to be looked at; no alert rests on it."""
    return bool(re.search(r"per_requests|:p\d\d_|^service:django_tasks_failed_per|health_check_up", name))


def test_a_name_that_is_no_family_is_found() -> None:
    expression = 'sum by (service, le) (rate((a_total{x="b_total"} or 0 * c:d) [5m:1m])) > 1d offset 1h and on (e) f{}'
    assert names_in(expression) == {"a_total", "c:d", "f"}
    assert names_in('absent({__name__=~"g|h_total",x="y"})') == {"g", "h_total"}
    assert ranges_in('x{y="[9m]"}[1h30m:1m] + y[5m]') == {5400, 300}


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    page = RUNBOOKS.read_text("utf-8")
    made = rules_of(rules())
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == list(made.alerts)
    for name, alert in made.alerts.items():
        assert alert["labels"]["severity"] in {"critical", "warning", "info"}
        assert alert["labels"]["layer"] == ("pipeline" if name.startswith("Logemit") else "app")
        assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
        path, anchor = alert["annotations"]["runbook_url"].split("#")
        assert ROOT / path == RUNBOOKS
        assert anchor in anchors(RUNBOOKS)
    for section in page.split("\n## ")[1:]:
        assert section.count("**What it means.**") == section.count("**What to do.**") == 1, section


def test_runbooks_may_stand_elsewhere() -> None:
    made = rules_of(rules(runbooks="https://wiki.example/a(b)?page=[logemit]"))
    assert made.alerts["TasksFailing"]["annotations"]["runbook_url"].endswith("/a(b)?page=[logemit]#tasksfailing")
    for prefix in ("", "a b", "it's", "a\nb", "{{ .x }}", 'a"b'):
        with pytest.raises(UsageError, match="--runbooks"):
            rules(runbooks=prefix)


def test_thresholds_stand_in_the_rules() -> None:
    """Each is in an expression, and another value changes nothing but what speaks of it."""
    plain = rules().splitlines()
    for each in THRESHOLDS:
        value, shown = {"share": ("0.125", "0.125"), "span": ("90m", "5400"), "count": ("77", "77")}[each.kind]
        changed = rules(thresholds={each.name: value}).splitlines()
        differing = [line for line, before in zip(changed, plain, strict=True) if line != before]
        assert differing, each.name
        wanted = {shown, "12.5 %", "90m", "1h30m"}
        assert all(any(text in line for text in wanted) for line in differing), differing


@pytest.mark.parametrize("thresholds", [{"error_ratio": "0"}, {"error_ratio": "1", "latency_p95": "0.25s"}])
def test_prometheus_reads_rules_of_extreme_thresholds(thresholds: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(rules(thresholds=thresholds))
    promtool("check", "rules", file)


@pytest.mark.parametrize(
    ("thresholds", "expected"),
    [
        ({"error_ratio": "1.5"}, "--error-ratio is '1.5'; expected a share of 0 to 1"),
        ({"error_ratio": "-0.1"}, "--error-ratio"),
        ({"error_ratio": "nan"}, "--error-ratio"),
        ({"data_quality": "5%"}, "--data-quality"),
        ({"latency_p95": "0s"}, "--latency-p95 is '0s'; expected a span"),
        ({"latency_p95": "-1s"}, "--latency-p95"),
        ({"latency_p95": "1"}, "--latency-p95"),
        ({"silent_after": "400d"}, "--silent-after"),
        ({"task_wait": "1 fortnight"}, "--task-wait"),
        ({"min_requests": "0"}, "--min-requests is '0'; expected a number"),
        ({"min_jobs": "2.5"}, "--min-jobs"),
        ({"min_jobs": "٣"}, "--min-jobs"),  # a digit, but not of ours
    ],
)
def test_thresholds_that_cannot_be_meant(thresholds: dict[str, str], expected: str) -> None:
    with pytest.raises(UsageError, match=re.escape(expected)):
        rules(thresholds=thresholds)


@pytest.mark.parametrize("interval", ["", "5", "0m", "250ms", "1.5s", "-5m", "5m5", "2y", "five"])
def test_intervals_that_cannot_be_meant(interval: str) -> None:
    with pytest.raises(UsageError, match="--interval"):
        rules(interval)


def test_any_name_of_a_service_is_only_a_name(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(rules(services=HOSTILE))
    assert "SUCCESS" in promtool("check", "rules", file)
    made = rules_of(file.read_text())
    plain = rules_of(rules())
    assert list(made.records) == list(plain.records)
    assert made.alerts["ServiceMissing"]["expr"].count("absent(") == len(HOSTILE)
    for alert, before in zip(made.alerts.values(), plain.alerts.values(), strict=True):
        assert alert | {"expr": ""} == before | {"expr": ""}
    for name in ("", "a\nb", "a\x00", "a\u2028b"):
        with pytest.raises(UsageError, match="--service"):
            rules(services=[name])


def test_the_command_prints_or_writes_them(tmp_path: Path) -> None:
    printed = logemit("rules", "--interval", "15m", "--error-ratio", "0.01", "--service", "web", "--service", "shop")
    assert printed.returncode == 0
    assert printed.stdout == rules("15m", {"error_ratio": "0.01"}, ["web", "shop"])
    assert logemit("rules", "-o", "-", cwd=tmp_path).stdout == logemit("rules", cwd=tmp_path).stdout
    written = logemit("rules", "-o", "rules.yml", cwd=tmp_path)
    assert (written.returncode, written.stdout) == (0, "")
    assert (tmp_path / "rules.yml").read_text() == rules()


def test_the_command_refuses_what_cannot_be_meant(tmp_path: Path) -> None:
    (tmp_path / "logemit.toml").write_text("service_label = false")
    config = ["--config", tmp_path / "logemit.toml"]
    for arguments, code, expected in (
        (["--error-ratio", "7"], 2, "--error-ratio is '7'"),
        (["-o", tmp_path / "none/rules.yml"], 73, "No such file"),
        (["-o", ""], 2, "--output is empty"),
        ([*config, "--service", "web"], 2, "service_label = false"),
        (["--config", tmp_path / "none.toml"], 78, "no such file"),
        (["--alertmanager", "--min-jobs", "3"], 2, "--alertmanager takes"),
    ):
        done = logemit("rules", *arguments)
        assert (done.returncode, expected in message(done)) == (code, True), done.stderr


def test_options_of_the_command_are_the_thresholds() -> None:
    shown = logemit("rules", "--help", variables={"COLUMNS": 200}).stdout
    assert [option for option in (each.option for each in THRESHOLDS) if f"{option} " not in shown] == []
    assert all(each.default in shown for each in THRESHOLDS)
