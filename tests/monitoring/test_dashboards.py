"""Dashboards as such: Grafana's own model reads them, and they name what exists."""

import json
import re
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard as Model

from aggregator.catalogue import shipped
from aggregator.errors import UsageError
from aggregator.exposition import about_runs
from aggregator.monitoring.dashboards import NAMES, Schedule, export, load
from aggregator.spans import parse_interval
from aggregator.store import State

SCHEDULE = Schedule(300)
HOSTILE = ['a"b\\', "${service}", "{{ x }}", "</script><script>", "ä\n\u2028\x00", "$__all", "x" * 5000]
UNITS = {value for value in vars(units).values() if isinstance(value, str)}
INTERVALS = {"1s": 1, "30s": 30, "5m": 300, "5min": 300, "1h": 3600, "1d": 86_400}


def made(name: str, schedule: Schedule = SCHEDULE, datasource: str | None = None) -> dict[str, Any]:
    found = json.loads(export.text(name, schedule, datasource))
    assert isinstance(found, dict)
    return found


# The JSON.


@pytest.mark.parametrize("name", NAMES)
def test_grafanas_own_model_reads_them_without_loss(name: str) -> None:
    register_default_plugins()
    document = made(name)
    again = json.loads(JSONEncoder().encode(Model.from_json(document)))
    assert again == document


def test_uids_are_unique_and_what_grafana_takes() -> None:
    uids = [made(name)["uid"] for name in NAMES]
    assert len(set(uids)) == len(NAMES)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", uid) for uid in uids)


@pytest.mark.parametrize("name", NAMES)
def test_panels_have_ids_of_their_own_and_places_of_their_own(name: str) -> None:
    panels = made(name)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("name", NAMES)
def test_all_that_is_declared_is_in_the_json(name: str) -> None:
    declared, document = load(name), made(name)
    shown = [panel for panel in document["panels"] if panel["type"] != "row"]
    assert [panel["title"] for panel in shown] == [panel.title for panel in declared.panels]
    for panel, document_panel in zip(declared.panels, shown, strict=True):
        targets = document_panel["targets"]
        assert {each["legendFormat"]: each["expr"] for each in targets} == panel.queries
        assert {each["datasource"]["uid"] for each in targets} == {"${datasource}"}
        assert document_panel["fieldConfig"]["defaults"]["unit"] == panel.unit
        assert document_panel["description"] == panel.description
    variables = {each["name"]: each for each in document["templating"]["list"]}
    assert set(variables) == {"datasource", "range", *declared.variables}
    assert "service" in declared.variables
    for variable in declared.variables:
        assert variables[variable]["multi"]
        assert variables[variable]["includeAll"]
        assert variables[variable]["allValue"] == ".*"


@pytest.mark.parametrize("name", NAMES)
def test_they_lead_to_each_other_with_what_was_chosen(name: str) -> None:
    document = made(name)
    (link,) = document["links"]
    assert (link["type"], link["includeVars"], link["keepTime"]) == ("dashboards", True, True)
    assert set(link["tags"]) <= set(document["tags"])
    uids = {load(each).uid for each in NAMES}
    for panel in document["panels"]:
        assert panel.get("links") or panel["type"] == "row" or name != "overview"
        for each in panel.get("links", []):
            assert each["url"].removeprefix("/d/").partition("?")[0] in uids


def test_data_sources_of_hostile_names_are_only_data() -> None:
    plain = json.dumps(made("overview", datasource="UID"))
    for name in HOSTILE:
        assert json.dumps(made("overview", datasource=name)) == plain.replace('"UID"', json.dumps(name))


# Panels.


@pytest.mark.parametrize("name", NAMES)
def test_each_panel_tells_what_it_shows(name: str) -> None:
    for panel in load(name).panels:
        assert panel.unit in UNITS, panel
        assert panel.queries, panel
        assert panel.description.endswith("."), panel
        assert panel.dashboard in {"", *NAMES} - {name}, panel
        if panel.thresholds:
            assert panel.thresholds[0] != panel.thresholds[1], panel
            assert panel.unit != "percentunit" or max(panel.thresholds) <= 1, panel


FAMILIES: dict[str, set[str]] = {
    **{metric.name: {"service", *dict(metric.labels)} for metric in shipped().metrics},
    **{
        name: {"instance", "output"} | set(re.findall(r"(\w+)=", labels or ""))
        for name, labels in re.findall(
            r"^(logemit_\w+)(?:\{(.*)\})? ",
            "".join(
                about_runs(
                    State(events={"e": 1}, rejected={"r": 1}, folded={"s": 1}, capped={"m": {"label": 1, "": 1}})
                )
            ),
            re.MULTILINE,
        )
    },
}
"""Labels by family; of those about runs, what a scrape and a text file add."""

PROMQL = set(
    "sum min max count topk rate increase histogram_quantile time vector by or __name__".split()
)  # what else an expression may consist of


def _families(expression: str) -> set[str]:
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\{[^}]*\}|\bby \([^)]*\)|\[[^\]]*\]", " ", bare)
    return set(re.findall(r"[a-zA-Z_]\w*", bare)) - PROMQL


def _known(name: str) -> str:
    """The family of a sample."""
    return name if name in FAMILIES else re.sub(r"_(bucket|sum|count)$", "", name)


@pytest.mark.parametrize("name", NAMES)
def test_expressions_name_families_and_labels_that_exist(name: str) -> None:
    dashboard = load(name)
    for panel in dashboard.panels:
        for legend, expression in panel.queries.items():
            families = {_known(each) for each in _families(expression)}
            assert families, expression
            assert families <= set(FAMILIES), expression
            labels = {"le"}.union(*(FAMILIES[family] for family in families))
            kept = {label for group in re.findall(r"\bby \(([^)]*)\)", expression) for label in group.split(", ")}
            matched = set(re.findall(r"(\w+)[=!]~?\"", expression))
            assert kept | matched <= labels, expression
            shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
            assert shown <= (kept - {"le"} if " by (" in expression else labels), legend
            assert set(re.findall(r"\$(\w+)", expression)) <= {"range", *dashboard.variables}
    for series in dashboard.variables.values():
        named = re.findall(r'__name__=~"([^"]+)"', series)
        patterns = named[0].split("|") if named else [_known(*_families(series))]
        assert all(any(re.fullmatch(pattern, family) for family in FAMILIES) for pattern in patterns)


@pytest.mark.parametrize("name", NAMES)
def test_each_expression_is_of_the_services_chosen(name: str) -> None:
    """But for those about the runs, which no service has."""
    for panel in load(name).panels:
        for expression in panel.queries.values():
            if "logemit_" not in expression:
                selectors = re.findall(r"\{([^}]*)\}", expression)
                assert all('service=~"$service"' in selector for selector in selectors), expression
                assert len(selectors) >= len(_families(expression))


# Ranges.


@pytest.mark.parametrize(("text", "seconds"), INTERVALS.items())
def test_ranges_are_at_least_twice_the_interval(text: str, seconds: int) -> None:
    """rate() over less than two runs is 0 between peaks."""
    schedule = Schedule(parse_interval(text))
    assert schedule.seconds == seconds
    for name in NAMES:
        document = made(name, schedule)
        (variable,) = (each for each in document["templating"]["list"] if each["name"] == "range")
        assert variable["type"] == "interval"
        ranges = variable["query"].split(",")
        assert variable["current"]["value"] == ranges[0]
        assert all(_seconds(each) >= 2 * seconds for each in ranges)
        assert _seconds(document["time"]["from"].removeprefix("now-")) >= 2 * _seconds(ranges[0])
        assert _seconds(document["refresh"]) == max(seconds, 5)
        for panel in document["panels"]:
            for target in panel.get("targets", []):
                assert set(re.findall(r"\[(.*?)\]", re.sub(r'"[^"]*"', "", target["expr"]))) <= {"$range"}
                assert _seconds(panel["interval"]) == seconds


def test_thresholds_of_ages_follow_the_interval() -> None:
    for text, seconds in INTERVALS.items():
        panel = made("pipeline", Schedule(parse_interval(text)))["panels"][1]
        steps = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        assert steps == [None, 2 * seconds, 4 * seconds]


def _seconds(span: str) -> int:
    """As Prometheus reads it, another way than it was written."""
    number, unit = re.fullmatch(r"(\d+)([smhd])", span).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}[unit]


@pytest.mark.parametrize("text", ["", "5", "m", "0s", "-5m", "5 years", "32d", "1.5s", "٣m", "9" * 40 + "d", "5m\x00"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected the time between two runs"):
        parse_interval(text)
