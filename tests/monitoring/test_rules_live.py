"""A real Prometheus with the rules, over what three runs wrote of the sample logs, as if scraped in 20 minutes."""

import gzip
import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aggregator import config
from aggregator.monitoring.rules import rules
from aggregator.run import aggregate
from tests.conftest import ROOT
from tests.monitoring.promql import rules_of
from tests.monitoring.servers import Labels, Prometheus, fetch, prometheus, promtool

SAMPLES = ROOT / "sample_logs"
CASES = ["alerting", "asgi", "bot", "celery", "cron", "gunicorn", "imports", "shop"]
MADE = rules_of(rules())
AGO = [20, 11, 6]
"""Minutes since each run, when Prometheus starts. It may take minutes to: all runs stay within a range of 15.

The widest subqueries step by 5 minutes of the clock: all steps see the last run.
"""
WAIT_SECONDS = 60


class Scene(NamedTuple):
    prometheus: Prometheus
    at: float
    """When every rule had been evaluated, in seconds since 1970."""
    runs: list[dict[str, float]]
    """Values by sample, as each run wrote them."""

    def query(self, expression: str) -> dict[Labels, float]:
        return self.prometheus.query(expression, self.at)

    def gained(self, name: str, **wanted: str) -> dict[str, float]:
        """By service, what a counter gained from the first run to the last; `wanted` are patterns for labels.

        Only of services that the first run told of: what others did before they were seen, Prometheus cannot know.
        """
        known = {parsed(sample)[1]["service"] for sample in self.runs[0] if self.is_of(sample, name, {})}
        total: dict[str, float] = {}
        for sample, value in self.runs[-1].items():
            if self.is_of(sample, name, wanted) and (service := parsed(sample)[1]["service"]) in known:
                total[service] = total.get(service, 0) + value - self.runs[0].get(sample, 0)
        return total

    @staticmethod
    def is_of(sample: str, name: str, wanted: Mapping[str, str]) -> bool:
        family, labels = parsed(sample)
        return family == name and all(re.fullmatch(wanted[label], labels[label]) for label in wanted)


def parsed(sample: str) -> tuple[str, dict[str, str]]:
    name, _, labels = sample.partition("{")
    return name, dict(re.findall(r'(\w+)="((?:\\.|[^"\\])*)"', labels))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("rules")
    runs = three_runs(folder)
    write_history(folder / "history.om", runs)
    promtool("tsdb", "create-blocks-from", "openmetrics", folder / "history.om", folder / "data")
    (folder / "rules.yml").write_text(rules())
    settings = {"global": {"evaluation_interval": "1s"}, "rule_files": [str(folder / "rules.yml")]}
    with prometheus(folder, json.dumps(settings), data=folder / "data") as server:
        yield Scene(server, evaluated(server), runs)


def three_runs(folder: Path) -> list[dict[str, float]]:
    logs, out, texts = folder / "logs", folder / "metrics", []
    logs.mkdir()
    for part in range(3):
        for case in CASES:
            lines = log_of(case).splitlines(keepends=True)
            third = len(lines) // 3
            with (logs / f"{case}.log").open("ab") as log:
                log.writelines(lines[part * third : (part + 1) * third if part < 2 else None])
        aggregate([str(logs)], out, config.load(None))
        texts.append((out / "metrics.prom").read_text())
    return [values_in(text) for text in texts]


def log_of(case: str) -> bytes:
    packed = SAMPLES / case / "jobs.log.gz"
    return gzip.decompress(packed.read_bytes()) if packed.exists() else (SAMPLES / case / "stdout.log").read_bytes()


def values_in(text: str) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {sample: float(value) for sample, _, value in lines}


def write_history(file: Path, runs: list[dict[str, float]]) -> None:
    """What was scraped once a minute until now, each time what the last run had written."""
    now = time.time()
    minutes = [next(run for run in (2, 1, 0) if AGO[run] >= ago) for ago in range(AGO[0], -1, -1)]
    with file.open("w") as text:
        for sample in runs[-1]:
            scraped = sample[:-1] + "," if sample.endswith("}") else sample + "{"
            for minute, run in enumerate(minutes):
                if sample in runs[run]:
                    at = now - 60 * (AGO[0] - minute)
                    text.write(f'{scraped}job="node",instance="a:9100"}} {runs[run][sample]!r} {at:.3f}\n')
        text.write("# EOF\n")


def evaluated(server: Prometheus) -> float:
    """Waits until every rule was; when that was."""
    deadline = time.monotonic() + WAIT_SECONDS
    while any(rule["lastEvaluation"].startswith("0001-") for rule in rules_in(server)):
        assert time.monotonic() < deadline, "not every rule was evaluated"
        time.sleep(0.1)
    return time.time()


def rules_in(server: Prometheus) -> list[dict[str, Any]]:
    return [rule for group in told(server, "rules")["groups"] for rule in group["rules"]]


def told(server: Prometheus, path: str) -> Any:
    return json.loads(fetch(f"{server.url}/api/v1/{path}"))["data"]


def test_each_recording_rule_yields_data(scene: Scene) -> None:
    recorded = {name: scene.query(name) for name in MADE.records}
    assert [name for name, found in recorded.items() if not found] == []
    assert all(value >= 0 for found in recorded.values() for value in found.values())
    assert all("service" in dict(labels) for found in recorded.values() for labels in found)


@pytest.mark.parametrize(
    ("record", "part", "whole"),
    [
        (
            "service:django_http_responses_5xx_per_responses:ratio_rate15m",
            ("django_http_responses_total_by_status_total", {"status": "5.."}),
            ("django_http_responses_before_middlewares_total", {}),
        ),
        (
            "service:feed_polls_failed_per_polls:ratio_increase1h",
            ("feed_polls_total", {"status": "(?!success|not_modified).*"}),
            ("feed_polls_total", {}),
        ),
        (
            "service:bookmark_imports_failed_per_imports:ratio_increase1d",
            ("bookmark_imports_total", {"status": "error"}),
            ("bookmark_imports_total", {}),
        ),
        (
            "service:django_tasks_failed_per_tasks:ratio_rate15m",
            ("django_tasks_total", {"state": "failure"}),
            ("django_tasks_total", {"state": "success|failure"}),
        ),
        (
            "service:django_db_queries_per_requests:ratio_rate15m",
            ("django_db_query_duration_seconds_count", {}),
            ("django_http_requests_before_middlewares_total", {}),
        ),
    ],
)
def test_shares_are_those_of_the_text_files(
    record: str, part: tuple[str, dict[str, str]], whole: tuple[str, dict[str, str]], scene: Scene
) -> None:
    """Exactly, where the part was not 0 at first. Else Prometheus takes it as 0 before, and guesses only the whole."""
    found = {dict(labels)["service"]: value for labels, value in scene.query(record).items()}
    parts, wholes = scene.gained(part[0], **part[1]), scene.gained(whole[0], **whole[1])
    shares = {service: parts.get(service, 0) / rise for service, rise in wholes.items() if rise}
    assert shares
    assert shares == pytest.approx(found, rel=0.25)
    begun = {
        parsed(sample)[1]["service"] for sample, value in scene.runs[0].items() if value and scene.is_of(sample, *part)
    }
    assert {service: shares[service] for service in begun & set(shares)} == pytest.approx(
        {service: found[service] for service in begun & set(found)}, rel=1e-6
    )


def test_prometheus_evaluates_every_rule_and_every_text(scene: Scene) -> None:
    every = rules_in(scene.prometheus)
    assert len(every) == len(MADE.records) + len(MADE.alerts)
    assert [rule for rule in every if rule["health"] != "ok"] == []
    texts = [text for alert in told(scene.prometheus, "alerts")["alerts"] for text in alert["annotations"].values()]
    assert texts
    assert not [text for text in texts if "error expanding" in text or "<" in text]


def test_the_examples_of_the_docs_yield_data(scene: Scene) -> None:
    queries = (ROOT / "docs/prometheus.md").read_text("utf-8").partition("\n## Queries\n")[2].partition("\n## ")[0]
    for page, least in ((queries, 20), ((ROOT / "docs/runbooks.md").read_text("utf-8"), 10)):
        examples = re.findall(r"^```promql\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        assert len(examples) >= least
        assert [example for example in examples if not scene.query(example)] == []
