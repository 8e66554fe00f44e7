"""What dashboards ask, asked of a Prometheus that holds what the sample logs tell, and of one that holds trouble."""

import gzip
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from aggregator import config
from aggregator.exposition import about_runs
from aggregator.monitoring.dashboards import NAMES, Panel, Schedule, load
from aggregator.run import aggregate
from aggregator.store import State
from tests.batch import runs
from tests.conftest import ROOT
from tests.monitoring.public_dashboards import ASKED, DIFFERENCES, VARIABLES, Asked
from tests.monitoring.scraped import INTERVAL, SCRAPE, scraped
from tests.monitoring.servers import Labels, Prometheus

LOGS = sorted((ROOT / "sample_logs").glob("*/*.log*"))
"""Those in envelopes hold no other events."""

SCHEDULE = Schedule(INTERVAL)
PANELS = [(name, panel) for name in NAMES for panel in load(name).panels]

Served = tuple[Prometheus, float]


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Over the sample logs."""
    folder = tmp_path_factory.mktemp("sampled")
    aggregate(list(map(str, LOGS)), folder / "metrics", config.load(None))
    with scraped((folder / "metrics/metrics.prom").read_text(), folder) as served:
        yield served


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Over all that is quiet in the sample logs."""
    folder = tmp_path_factory.mktemp("troubled")
    (folder / "app.log").write_text("".join(_lines()))
    runs.take_in(folder / "app.log", folder / "metrics")
    text = runs.families(folder / "metrics") + "\n" + "".join(about_runs(TROUBLE))
    with scraped(text, folder) as served:
        yield served


TROUBLE = State(
    runs=3, read=100, released=1, foreign=2, duplicates=3, newly_held=5, conflicts=4, unchecked=5, lost=9, recovered=7,
    late=8, gaps=9, gap_bytes=4096, fields_invalid=2, texts_cut=3, missing=6, seconds=400.0, finished=1, newest_event=1,
    rejected={"not JSON": 3}, events={"feed_poll": 60}, folded={"http_requests": 5},
    capped={"feed_polls_total": {"feed_id": 17, "": 4}},
)  # fmt: skip


def _lines() -> Iterator[str]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    request = {"outcome": "ok", "method": "GET", "status": 200}
    database = {"alias": "default", "vendor": "postgresql"}
    cache = {"alias": "default", "backend": "redis", "operation": "get"}
    events: list[tuple[str, dict[str, Any]]] = [
        ("http_request", {**request, "view": "home"}),
        ("http_request", {**request, "view": "admin:index", "duration_seconds": 0.3}),
        ("db_query", {**database, "operation": "SELECT", "error": "UniqueViolation", "duration_seconds": 0.1}),
        ("db_connection", {**database, "error": "OperationalError"}),
        ("db_pool", {**database, "max_size": 4, "size": 4, "available": 1, "waiting": 3}),
        (
            "cache_operation",
            {**cache, "keys": 1, "error": "Timeout"},
        ),
        ("model_change", {"model": "links.Bookmark", "operation": "insert", "count": 0, "unknown": 2}),
        ("gc_stats", {"generation": 2, "collected": 5, "uncollectable": 3, "collections": 1}),
        ("migration_state", {"connection": "default", "applied": 3, "unapplied": 2}),
    ]
    for seq, (event, fields) in enumerate(events):
        head = {"logemit": 1, "event": event, "timestamp": now, "service": "s", "proc": "0" * 16, "seq": seq}
        yield json.dumps({**head, **fields}, separators=(",", ":")) + "\n"


def _filled(expression: str, **chosen: str) -> str:
    """As Grafana sends it: all values chosen, but where `chosen` says which."""
    filled = expression.replace("$range", SCHEDULE.range)
    return re.sub(r"\$(\w+)", lambda match: chosen.get(match[1], ".*"), filled)


def _values(served: Served, expression: str, **chosen: str) -> list[float]:
    server, at = served
    found = server.query(_filled(expression, **chosen), at)
    return [value for value in found.values() if not math.isnan(value)]


def _mute(served: Served, panels: list[tuple[str, Panel]]) -> list[str]:
    """The queries that give nothing, or only zeros."""
    return [
        f"{name}: {panel.title}: {legend}"
        for name, panel in panels
        for legend, expression in panel.queries.items()
        if not any(_values(served, expression))
    ]


def test_each_panel_shows_data_of_the_sample_logs(sampled: Served) -> None:
    assert _mute(sampled, [(name, panel) for name, panel in PANELS if not panel.quiet]) == []


def test_panels_are_quiet_where_all_is_well(sampled: Served) -> None:
    quiet = [(name, panel) for name, panel in PANELS if panel.quiet]
    asked = sum(len(panel.queries) for _, panel in quiet)
    assert len(_mute(sampled, quiet)) == asked, "a panel that is declared quiet has something to tell"


def test_quiet_panels_show_trouble(troubled: Served) -> None:
    assert _mute(troubled, [(name, panel) for name, panel in PANELS if panel.quiet]) == []


def test_each_variable_has_values_to_choose(sampled: Served) -> None:
    server, _ = sampled
    for name in NAMES:
        for variable, series in load(name).variables.items():
            found = server.api("series", **{"match[]": _filled(series)})
            assert any(each.get(variable) for each in found), f"{name}: {variable}"


def test_rates_are_those_of_the_logs(sampled: Served) -> None:
    """Each run took in all lines once."""
    lines: Counter[str] = Counter()
    for log in LOGS:
        with gzip.open(log) if log.suffix == ".gz" else log.open("rb") as file:
            lines.update(json.loads(line)["event"] for line in file if line.startswith(b'{"logemit"'))
    (requests,) = _values(sampled, _query("overview", "Requests"))
    (tasks,) = _values(sampled, _query("celery", "Tasks"))
    (events,) = _values(sampled, _query("pipeline", "Records", "events"))
    assert requests * INTERVAL == pytest.approx(lines["http_request"], rel=0.05)  # rate() extrapolates
    assert tasks * INTERVAL == pytest.approx(lines["task"], rel=0.05)
    assert events * INTERVAL == pytest.approx(lines.total(), rel=0.05)


def _query(name: str, title: str, legend: str | None = None) -> str:
    panel = next(panel for panel in load(name).panels if panel.title == title)
    return panel.queries[legend] if legend else next(iter(panel.queries.values()))


def test_services_that_are_chosen_are_those_shown(sampled: Served) -> None:
    server, at = sampled
    panel = next(panel for panel in load("overview").panels if panel.title == "Requests" and panel.kind == "series")
    (expression,) = panel.queries.values()
    assert _services(server.query(_filled(expression), at)) == {"bookmarks", "shop"}
    assert _services(server.query(_filled(expression, service="(shop|bot)"), at)) == {"shop"}


def _services(found: dict[Labels, float]) -> set[str]:
    return {dict(labels)["service"] for labels in found}


def test_all_services_are_also_those_without_the_label(sampled: Served) -> None:
    """As with `service_label = false`."""
    assert _values(sampled, 'logemit_runs_total{service=~"$service"}') == [12.0]


# Public dashboards.


VIEWS = ("bookmark_list", "bookmark_edit", "broken", "private", "admin:index")
"""Of every class of statuses; the last one as an app with trouble has it."""

NO_DATA = {"old_name", "of_the_scrape"}
PEAKS = {"last_two_scrapes", "short_window"}
MAY_BE_ZERO = ("uncollectable", "unapplied")


def _graph(asked: Asked, sampled: Served, troubled: Served) -> dict[float, bool]:
    """Whether a graph of six intervals has more than zeros, at each time that it has points; of a view that it has."""
    server, end = troubled if asked.trouble else sampled
    expression = asked.expression
    for variable, put_in in VARIABLES.items():
        expression = expression.replace(variable, put_in)
    graph: dict[float, bool] = {}
    for view in VIEWS:
        lines = server.query_range(expression.replace("$view", view), end - 6 * INTERVAL + SCRAPE, end, SCRAPE)
        points = [(at, value) for line in lines.values() for at, value in line.items() if not math.isnan(value)]
        for at, value in points:
            graph[at] = graph.get(at, False) or value != 0
        if points:
            break
    return graph


def test_public_dashboards_queries_work_unchanged(sampled: Served, troubled: Served) -> None:
    """Or look different, as declared: they find nothing, or have a point or a peak for each run, and zeros between."""
    for asked in ASKED:
        graph = _graph(asked, sampled, troubled)
        told, half = sum(graph.values()), 6 * INTERVAL / SCRAPE / 2
        if asked.difference in NO_DATA:
            assert not graph, asked
        elif asked.difference in PEAKS:
            assert 0 < told < half, asked
        elif any(word in asked.expression for word in MAY_BE_ZERO):
            assert graph, asked
        else:
            assert told > half, asked


def test_differences_of_public_dashboards_are_documented() -> None:
    page = (ROOT / "docs/prometheus.md").read_text("utf-8")
    assert {asked.difference for asked in ASKED} == {"", *DIFFERENCES}
    for name, told in DIFFERENCES.items():
        assert f"| `{name}` | {told} |" in page
