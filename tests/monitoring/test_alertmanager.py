"""The example for Alertmanager: read by its own tool, and asked where alerts go."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from aggregator.monitoring.rules import alertmanager, rules
from tests.command.calls import logemit
from tests.conftest import tool
from tests.monitoring.promql import rules_of

RULES = rules_of(rules())


def amtool(*arguments: str | Path) -> str:
    done = subprocess.run(
        [tool("amtool", "prometheus-alertmanager"), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "alertmanager.yml"
    file.write_text(alertmanager())
    return file


@pytest.mark.parametrize("interval", ["1s", "5m", "90m", "1d"])
def test_alertmanager_reads_it(interval: str, tmp_path: Path) -> None:
    done = logemit("rules", "--alertmanager", "--interval", interval, "-o", "alertmanager.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "SUCCESS" in amtool("check-config", tmp_path / "alertmanager.yml")


@pytest.mark.parametrize(
    ("severity", "receivers"),
    [("critical", "slack,pager,escalation"), ("warning", "email"), ("info", "digest"), ("unheard-of", "email")],
)
def test_alerts_go_where_their_severity_says(severity: str, receivers: str, file: Path) -> None:
    for name in (name for name, alert in RULES.alerts.items() if alert["labels"]["severity"] == severity):
        labels = [f"alertname={name}", "service=web", *map("=".join, RULES.alerts[name]["labels"].items())]
        assert amtool("config", "routes", "test", f"--config.file={file}", *labels).split()[-1] == receivers
    unknown = amtool("config", "routes", "test", f"--config.file={file}", f"severity={severity}")
    assert unknown.split()[-1] == receivers


def test_no_secret_stands_in_it(file: Path) -> None:
    text = file.read_text()
    assert len(re.findall(r"^ *(?:- )?\w+_file: /", text, re.MULTILINE)) == 3
    assert not re.search(r"\b(password|api_url|routing_key|service_key|secret|token|credentials):", text)


def test_what_inhibits_what() -> None:
    """Alertmanager's own rule, followed by hand: the labels of every alert against every other's."""
    rules = yaml.safe_load(alertmanager())["inhibit_rules"]
    labels = {name: {"alertname": name, **alert["labels"]} for name, alert in RULES.alerts.items()}
    app = {name for name, each in labels.items() if each["layer"] == "app"}
    for name in app:
        labels[name]["service"] = "web"
    other = labels["TasksFailing"] | {"service": "shop"}

    def silenced(source: str) -> set[str]:
        return {name for name, each in labels.items() if any(inhibits(rule, labels[source], each) for rule in rules)}

    for stale in ("LogemitNotRunning", "LogemitGone"):
        assert silenced(stale) - {stale} == app | {"LogemitNoNewEvents"}
    milder = {name for name in app if labels[name]["severity"] != "critical"}
    assert silenced("ErrorsInRequests") == silenced("ServiceSilent") == milder
    assert not any(inhibits(rule, labels["ErrorsInRequests"], other) for rule in rules)
    assert silenced("TasksFailing") == silenced("LogemitNoNewEvents") == set()


def inhibits(rule: dict[str, list[str]], source: dict[str, str], target: dict[str, str]) -> bool:
    met = all(matches(each, source) for each in rule["source_matchers"])
    met = met and all(matches(each, target) for each in rule["target_matchers"])
    return met and all(source.get(name, "") == target.get(name, "") for name in rule.get("equal", []))


def matches(matcher: str, labels: dict[str, str]) -> bool:
    found = re.fullmatch(r'(\w+)(=~|!=|=)(".*")', matcher)
    assert found
    value, wanted = labels.get(found[1], ""), json.loads(found[3])
    if found[2] == "=~":
        return re.fullmatch(wanted, value) is not None
    return bool(value == wanted) == (found[2] == "=")
