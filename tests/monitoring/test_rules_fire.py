"""Each alert fires when it should, and not when it need not: `promtool test rules` over rule_cases.py."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aggregator.monitoring.rules import rules
from tests.monitoring.promql import rules_of
from tests.monitoring.rule_cases import CASES, RUNS, WELL, Case, Series, Values, begins, ends, grows, imported, stays
from tests.monitoring.servers import promtool

LATEST = f"{5 * (RUNS - 1)}m"
MADE = rules_of(rules())
WORK = 'jobs_total{service="%s",job_name="nightly",state="success"}'


def check(folder: Path, groups: Iterable[Mapping[str, Any]], text: str = "", every: str = "5m") -> None:
    (folder / "rules.yml").write_text(text or rules())
    document = {"rule_files": ["rules.yml"], "evaluation_interval": every, "tests": list(groups)}
    (folder / "test.yml").write_text(json.dumps(document))  # JSON is YAML
    promtool("test", "rules", folder / "test.yml")


def written(series: Series) -> list[dict[str, str]]:
    """Scraped each minute, from a file that changes each five."""
    return [{"series": name, "values": scrapes(values)} for name, values in series.items()]


def scrapes(values: Values) -> str:
    return " ".join("_x5" if value is None else f"{value:g}+0x4" for value in values)


def expected(case: Case) -> dict[str, Any]:
    rule = MADE.alerts[case.alert]
    described = rule["annotations"]["description"]
    if case.alert == "LogemitNoNewEvents":
        lag = "2h 0m 0s" if case.labels else "0s"
        described = described.replace("{{ $value | humanizeDuration }}", lag)
    assert "{{" not in described
    annotations = rule["annotations"] | {"summary": case.summary, "description": described}
    return {"exp_labels": rule["labels"] | case.labels, "exp_annotations": annotations}


def group(series: Series, name: str, alert: str, *fires: Mapping[str, Any]) -> dict[str, Any]:
    asked = {"eval_time": LATEST, "alertname": alert, "exp_alerts": list(fires)}
    return {"name": name, "interval": "1m", "input_series": written(series), "alert_rule_test": [asked]}


def firing(case: Case) -> dict[str, Any]:
    if case.summary:
        return group(case.fires, case.summary, case.alert, expected(case))
    labels = {"__name__": "ALERTS", "alertname": case.alert, "alertstate": "firing", **case.labels}
    labels |= MADE.alerts[case.alert]["labels"]
    sample = "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
    asked = f'ALERTS{{alertname="{case.alert}"}}'
    samples = [{"labels": sample, "value": 1}]
    test = {"expr": asked, "eval_time": LATEST, "exp_samples": samples}
    return {"name": case.alert, "interval": "1m", "input_series": written(case.fires), "promql_expr_test": [test]}


def test_each_alert_fires(tmp_path: Path) -> None:
    check(tmp_path, map(firing, CASES))


def test_each_alert_is_quiet(tmp_path: Path) -> None:
    check(tmp_path, (group(series, why, case.alert) for case in CASES for why, series in case.quiet.items()))


def test_no_alert_is_without_both() -> None:
    apart = {"ServiceSilent"}  # it takes a day: below
    assert {case.alert for case in CASES} | apart == set(MADE.alerts)
    assert {case.alert for case in CASES if case.quiet} | apart == set(MADE.alerts)


def test_of_an_app_that_is_well_nothing_is_told(tmp_path: Path) -> None:
    nothing = {"expr": "ALERTS", "eval_time": LATEST}
    check(tmp_path, [{"interval": "1m", "input_series": written(WELL), "promql_expr_test": [nothing]}])


def test_a_quiet_service_has_neither_shares_nor_quantiles(tmp_path: Path) -> None:
    """Rather than values that are no numbers, which would hide those of others in an average or a graph."""
    rests = {name: stays(values[0] or 0) for name, values in WELL.items()}
    recorded = [name for name in MADE.records if "ratio" in name or ":p" in name]
    assert len(recorded) > 15
    none = [{"expr": name, "eval_time": LATEST} for name in recorded]
    check(tmp_path, [{"interval": "1m", "input_series": written(rests), "promql_expr_test": none}])


def test_a_dead_writer_whose_file_is_served_for_ever_is_told_of_while_its_numbers_look_well(tmp_path: Path) -> None:
    """The trap: the text is there at each scrape, and says what was."""
    dead = {name: [values[3]] * RUNS for name, values in WELL.items()}
    labels = 'ALERTS{alertname="LogemitNotRunning",alertstate="firing",severity="critical",layer="pipeline"}'
    samples = [{"labels": labels, "value": 1}]
    asked = {"expr": 'ALERTS{alertstate="firing"}', "eval_time": LATEST, "exp_samples": samples}
    check(tmp_path, [{"interval": "1m", "input_series": written(dead), "promql_expr_test": [asked]}])


def test_a_service_that_falls_silent(tmp_path: Path) -> None:
    """Runs come for 27 hours; a service told of its last job two hours before, or one never rests, or always."""
    hour = 12
    jobs = {
        "died": f"0+7x{25 * hour} {7 * 25 * hour}+0x{2 * hour}",
        "vanished": f"0+7x{25 * hour}",
        "lives": f"0+7x{27 * hour}",
        "came today": f"_x{20 * hour} 0+7x{5 * hour} 420+0x{2 * hour}",
        "rests at night": f"0+0x{5 * hour} 0+7x{20 * hour} 1680+0x{2 * hour}",
    }
    series = [{"series": WORK % name, "values": text} for name, text in jobs.items()]
    asked = {"eval_time": "27h", "alertname": "ServiceSilent", "exp_alerts": [silent("died"), silent("vanished")]}
    group = {"interval": "5m", "input_series": series, "alert_rule_test": [asked]}
    check(tmp_path, [group], every="30m")


def silent(service: str) -> dict[str, Any]:
    rule = MADE.alerts["ServiceSilent"]
    summary = f"{service} tells of no request, task or job any more"
    return {
        "exp_labels": rule["labels"] | {"service": service},
        "exp_annotations": rule["annotations"] | {"summary": summary},
    }


def test_a_service_named_is_told_of_when_it_was_never_there(tmp_path: Path) -> None:
    names = ["web", 'odd".*\\']
    escaped = names[1].replace("\\", "\\\\").replace('"', '\\"')
    rule = MADE.alerts["ServiceMissing"]
    missing = {
        "exp_labels": rule["labels"] | {"service": names[1]},
        "exp_annotations": rule["annotations"] | {"summary": f"{names[1]} is missing from the metrics"},
    }
    there = {WORK % "web": stays(1), WORK % "oddly": stays(1)}
    text = rules(services=names)
    groups = [group(there, "one of two", "ServiceMissing", missing)]
    groups += [group(there | {WORK % escaped: stays(0)}, "both", "ServiceMissing")]
    check(tmp_path, groups, text)


def test_rules_for_one_service_leave_out_the_others(tmp_path: Path) -> None:
    failing = next(case for case in CASES if case.alert == "TasksFailing")
    fires = group(failing.fires, "worker", failing.alert, expected(failing))
    check(tmp_path, [fires], rules(services=["worker"]))
    check(tmp_path, [group(failing.fires, "worker", failing.alert)], rules(services=["work.*"]))


def test_a_series_born_at_a_value_counts_in_a_ratio(tmp_path: Path) -> None:
    """The trap: a series born at 60 shows increase() 0. Of one user's imports, all series are born so."""
    series = {imported(0, "success"): grows(1, start=0)} | {
        imported(user, "error"): begins(user, 1) for user in range(1, RUNS)
    }
    ratio = "service:bookmark_imports_failed_per_imports:ratio_increase1d"
    samples = [{"labels": f'{ratio}{{service="web"}}', "value": 0.5}]
    asked = {"expr": ratio, "eval_time": LATEST, "exp_samples": samples}
    check(tmp_path, [{"interval": "1m", "input_series": written(series), "promql_expr_test": [asked]}])


def test_a_scrape_that_fails_for_a_while_is_no_error(tmp_path: Path) -> None:
    """Every series ends and comes back: nothing of the app fires for it."""
    gap = {name: [*ends(3, values)[:5], *values[5:]] for name, values in WELL.items()}
    asked = {"expr": 'ALERTS{alertstate="firing",layer="app"}', "eval_time": LATEST}
    check(tmp_path, [{"interval": "1m", "input_series": written(gap), "promql_expr_test": [asked]}])


def test_a_rebuild_in_which_counters_begin_anew_fires_nothing(tmp_path: Path) -> None:
    anew = {name: [*values[:5], *(restarted(name, value) for value in values[5:])] for name, values in WELL.items()}
    asked = {"expr": 'ALERTS{alertstate="firing"}', "eval_time": LATEST}
    check(tmp_path, [{"interval": "1m", "input_series": written(anew), "promql_expr_test": [asked]}])


def restarted(name: str, value: float | None) -> float | None:
    return value - 1000 if value is not None and value >= 1000 and "timestamp" not in name else value
