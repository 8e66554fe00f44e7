"""What panels say, against DuckDB and plain Python over the same Parquet."""

import math
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aggregator import datasets, panels
from aggregator.errors import InputError, UsageError
from aggregator.panels import Asked, Panel
from aggregator.panels.state import capped, pipeline
from aggregator.status import Status, status

from .conftest import Take

duckdb = pytest.importorskip("duckdb")

SINCE, UNTIL = datetime(2026, 11, 21, 8, tzinfo=UTC), datetime(2026, 11, 21, 23, 27, tzinfo=UTC)
SPANS = [(None, None), (SINCE, UNTIL)]


def table(out: Path, name: str, since: datetime | None = None, until: datetime | None = None) -> str:
    """Of a query: the windows of a summary within a span of time."""
    bounds = [f"window_start {sign} TIMESTAMPTZ '{at}'" for sign, at in ((">=", since), ("<", until)) if at]
    return f"(SELECT * FROM '{out}/{name}/*/*.parquet' WHERE {' AND '.join(bounds) or 'true'})"


def sql(query: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = duckdb.sql(query).fetchall()
    return found


def rows(panel: Panel, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(panel.table[name].tolist() for name in names), strict=True))


def same(found: list[tuple[Any, ...]], wanted: list[tuple[Any, ...]]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(sorted(found, key=str), sorted(wanted, key=str), strict=True):
        for left, right in zip(one, other, strict=True):
            missing = right is None and math.isnan(left)
            assert missing or left == (pytest.approx(right, rel=1e-9) if isinstance(right, float) else right)


def made(name: str, asked: Asked) -> Panel:
    return next(make for make in panels.PANELS.values() if make.__name__ == name)(asked)


def total(column: str, where: str = "true") -> str:
    return f"coalesce(sum({column}) FILTER ({where}), 0)"


def number(where: str = "true", column: str = "events") -> str:
    return f"{total(column, where)}::bigint"


def share(part: str, whole: str) -> str:
    return f"{part} / nullif({whole}, 0)"


EVENTS, SECONDS = number(), total("duration_seconds_sum")
READ = "operation IN ('get', 'get_many', 'get_or_set') AND error = ''"
FAILED = "status NOT IN ('success', 'not_modified')"
STARTED, ENDED = number("state = 'started'"), number("state <> 'started'")
QUERIES: dict[str, tuple[str, tuple[str, ...], dict[str, str]]] = {
    "queries": (
        "db_queries",
        ("alias", "operation"),
        {
            "queries": EVENTS,
            "error_share": share(total("events", "error <> ''"), EVENTS),
            "total_seconds": SECONDS,
            "mean": share(SECONDS, EVENTS),
        },
    ),
    "caches": (
        "cache_operations",
        ("alias", "backend"),
        {
            "operations": EVENTS,
            "reads": number(READ, "keys_sum"),
            "hits": number(f"{READ} AND hit = 'true'", "keys_sum"),
            "hit_share": share(total("keys_sum", f"{READ} AND hit = 'true'"), total("keys_sum", READ)),
            "errors": number("error <> ''"),
        },
    ),
    "models": (
        "model_changes",
        ("model",),
        {
            "inserts": number("operation = 'insert'"),
            "updates": number("operation = 'update'"),
            "deletes": number("operation = 'delete'"),
            "changes": EVENTS,
        },
    ),
    "tasks": (
        "tasks",
        ("name",),
        {
            "runs": EVENTS,
            "failures": number("state = 'failure'"),
            "error_share": share(total("events", "state = 'failure'"), EVENTS),
            "retries": number("state = 'retry'"),
            "total_seconds": SECONDS,
        },
    ),
    "feeds": (
        "feed_polls",
        ("feed_id",),
        {
            "polls": EVENTS,
            "error_share": share(total("events", FAILED), EVENTS),
            "items_new": number(column="items_new_sum"),
            "last_at": "max(window_start)",
        },
    ),
    "imports": (
        "bookmark_imports",
        ("format",),
        {
            "imports": EVENTS,
            "error_share": share(total("events", "status = 'error'"), EVENTS),
            "items": number(column="items_processed_sum"),
            "items_failed": number(column="items_failed_sum"),
        },
    ),
    "jobs": (
        "jobs",
        ("name",),
        {
            "started": STARTED,
            "ended": ENDED,
            "failures": number("state = 'failure'"),
            "error_share": share(total("events", "state = 'failure'"), ENDED),
            "unfinished": f"greatest({STARTED} - {ENDED}, 0)",
        },
    ),
    "commands": (
        "commands",
        ("name",),
        {
            "runs": EVENTS,
            "error_share": share(total("events", "status = 'error'"), EVENTS),
            "total_seconds": SECONDS,
            "queries": share(total("db_queries_sum"), EVENTS),
        },
    ),
    "reports": (
        "reports",
        ("name",),
        {
            "reports": EVENTS,
            "error_share": share(total("events", "status = 'error'"), EVENTS),
            "size_bytes": number(column="size_bytes_sum"),
        },
    ),
    "checks": (
        "health_checks",
        ('"check"', "service"),
        {
            "checks": EVENTS,
            "failed": number("healthy = 'false'"),
            "uptime": share(total("events", "healthy = 'true'"), EVENTS),
        },
    ),
    "data_quality": (
        "data_quality",
        ("dataset",),
        {
            "checked": number(column="checked_sum"),
            "failed": number(column="failed_sum"),
            "score": "arg_max(score_last, score_last_at)",
        },
    ),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_panel_says_what_duckdb_says(sample: Path, name: str) -> None:
    summary, keys, wanted = QUERIES[name]
    for since, until in SPANS:
        panel = made(name, Asked(sample, since, until))
        source = table(sample, summary, since, until)
        columns = (*(key.strip('"') for key in keys), *wanted)
        same(rows(panel, *columns), sql(f"SELECT {', '.join([*keys, *wanted.values()])} FROM {source} GROUP BY ALL"))
    assert len(made(name, Asked(sample)).table), "the sample logs hold some"


def test_panels_come_in_this_order(sample: Path) -> None:
    view = panels.overview(Asked(sample))
    assert [panel.name for panel in view.panels] == ["requests", "requests_by", *QUERIES, "pipeline"]
    shown = {panel.summary for panel in view.panels if panel.summary}
    assert shown.isdisjoint(view.others)
    assert shown | {*view.others} == {*datasets.present(sample)}


@pytest.mark.parametrize("by", [("view",), ("status", "method"), ("service",), ()])
def test_requests_say_what_duckdb_says(sample: Path, by: tuple[str, ...]) -> None:
    wanted = {
        "requests": EVENTS,
        "errors": number("outcome = 'error'"),
        "error_share": share(total("events", "outcome = 'error'"), EVENTS),
        "total_seconds": SECONDS,
        "mean": share(SECONDS, EVENTS),
        "queries": share(total("db_queries_sum"), EVENTS),
        "db_share": share(total("db_seconds_sum"), SECONDS),
    }
    for since, until in SPANS:
        panel = panels.requests(Asked(sample, since, until), by)
        source = table(sample, "http_requests", since, until)
        same(rows(panel, *by, *wanted), sql(f"SELECT {', '.join([*by, *wanted.values()])} FROM {source} GROUP BY ALL"))
        totals = panel.table["total_seconds"].tolist()
        assert totals == sorted(totals, reverse=True)


@pytest.mark.parametrize(
    ("name", "summary", "key", "measure", "columns"),
    [
        ("requests", "http_requests", "view", "duration_seconds", {"p50": 0.5, "p95": 0.95, "p99": 0.99}),
        ("tasks", "tasks", "name", "duration_seconds", {"p50": 0.5, "p95": 0.95, "p99": 0.99}),
        ("tasks", "tasks", "name", "queue_seconds", {"queue_p95": 0.95}),
        ("feeds", "feed_polls", "feed_id", "duration_seconds", {"p95": 0.95}),
        ("commands", "commands", "name", "duration_seconds", {"p95": 0.95}),
    ],
)
def test_quantiles_lie_in_the_bin_of_their_rank(
    sample: Path, name: str, summary: str, key: str, measure: str, columns: dict[str, float]
) -> None:
    asked = Asked(sample)
    panel = panels.requests(asked) if name == "requests" else made(name, asked)
    bins: dict[str, list[tuple[float, int]]] = defaultdict(list)
    source = table(sample, f"{summary}_bins")
    for value, le, n in sql(
        f"SELECT k, le, sum(n)::bigint FROM (SELECT {key} AS k, unnest({measure}_le) AS le, unnest({measure}_n) AS n "
        f"FROM {source}) GROUP BY ALL ORDER BY ALL"
    ):
        bins[value].append((le, n))
    for column, q in columns.items():
        for value, found in rows(panel, key, column):
            rank = max(1, math.ceil(q * sum(n for _, n in bins[value])))
            reached, upper = 0, math.inf
            for le, n in bins[value]:
                reached += n
                if reached >= rank:
                    upper = le
                    break
            assert upper / 1.0256 <= found <= upper, (value, column)  # no bin is wider than 2.5 %


def test_the_last_status_of_a_feed_is_that_of_its_newest_window(sample: Path) -> None:
    newest: dict[str, tuple[Any, set[str]]] = {}
    for feed, at, state in sql(f"SELECT feed_id, window_start, status FROM {table(sample, 'feed_polls')} ORDER BY 2"):
        kept = newest[feed][1] if feed in newest and newest[feed][0] == at else set()
        newest[feed] = (at, {*kept, state})
    wanted = {feed: ", ".join(sorted(states)) for feed, (_, states) in newest.items()}
    assert dict(rows(made("feeds", Asked(sample)), "feed_id", "last_status")) == wanted
    assert len({*wanted.values()}) > 2


def test_an_incident_is_open_while_the_newest_check_failed(sample: Path) -> None:
    for since, until in SPANS:
        since_when: dict[tuple[str, str], Any] = {}
        newest: dict[tuple[str, str], str] = {}
        for check, service, at, failed, last in sql(
            "SELECT \"check\", service, window_start, sum(CASE WHEN healthy = 'false' THEN events ELSE 0 END), "
            "arg_max(healthy, up_last_at) "
            f"FROM {table(sample, 'health_checks', since, until)} GROUP BY 1, 2, 3 ORDER BY 3"
        ):
            since_when[check, service] = (since_when.get((check, service)) or at) if failed else None
            newest[check, service] = last
        since_when = {key: at if newest[key] == "false" else None for key, at in since_when.items()}
        panel = made("checks", Asked(sample, since, until))
        found = {(check, service): at for check, service, at in rows(panel, "check", "service", "open_since")}
        assert found.keys() == since_when.keys()
        for key, begun in since_when.items():
            assert found[key].to_pydatetime() == begun if begun else found[key] != found[key]
        assert dict(zip(found, panel.table["open"], strict=True)) == {
            key: int(bool(at)) for key, at in since_when.items()
        }


@pytest.mark.parametrize(("told", "down"), [("0", 1), ("1", 0), ("10", 1), ("01", 0), ("0010", 1), ("1001", 0)])
def test_what_a_check_said_last_counts_within_a_window_too(take: Take, told: str, down: int) -> None:
    checks = [
        {
            "event": "health_check",
            "check": "web",
            "healthy": up == "1",
            "up": int(up),
            "timestamp": f"2026-11-20T12:00:{second:02}Z",
        }
        for second, up in enumerate(told)
    ]
    out = take(*checks)
    assert rows(made("checks", Asked(out)), "failed", "open") == [(told.count("0"), down)]
    assert f'health_check_up{{check="web",service="s"}} {told[-1]}.0' in (out / "metrics.prom").read_text()


def test_without_up_the_newest_window_is_down_if_any_check_failed_in_it(take: Take) -> None:
    out = take(*({"event": "health_check", "check": "web", "healthy": healthy} for healthy in (False, True)))
    assert rows(made("checks", Asked(out)), "failed", "open") == [(1, 1)]


def test_no_incident_is_open_where_none_began(take: Take) -> None:
    out = take({"event": "health_check", "check": "web", "healthy": True})
    assert rows(made("checks", Asked(out)), "check", "service", "checks", "failed", "open") == [("web", "s", 1, 0, 0)]


def test_the_pipeline_says_what_the_state_says(sample: Path) -> None:
    told = status(sample)
    panel = pipeline(told)
    (row,) = panel.table.to_dict("records")
    assert row["read"] == row["events"] + row["foreign"] + row["rejected"] + row["duplicates"] + told.account["held"]
    events = sum(path.read_bytes().count(b'{"logemit":1,') for path in Path("sample_logs").glob("*/*.log"))
    assert row["events"] >= events > 0
    assert row["newest_event"].timestamp() == pytest.approx(told.newest_event, abs=1e-5)
    assert row["lag_seconds"] == pytest.approx(told.finished - told.newest_event)
    assert {"missing", "lost", "gaps"} <= {*row}
    assert "held" not in row, "of what is rare only what there is"


def test_what_is_capped_is_listed_most_first() -> None:
    found = capped(Status("out", capped={"a_total": {"view": 3, "": 7}}, folded={"http_requests": 5}))
    wanted = [("a_total", 7, "series"), ("http_requests", 5, "events"), ("a_total", 3, "values of view")]
    assert rows(found, "what", "number", "of") == wanted
    assert capped(Status("out")).is_empty


def test_every_summary_of_the_folder_can_be_shown(sample: Path) -> None:
    asked = Asked(sample)
    names = datasets.present(asked.out)
    folders = {path.parent.name for path in sample.glob("*/date=*")}
    assert set(names) == {name for name in folders if not name.endswith("_bins")}
    for name in names:
        panel = panels.of_summary(asked, name)
        ((events,),) = sql(f"SELECT sum(events)::bigint FROM {table(sample, name)}")
        assert panel.table["count"].sum() == events
    whole = panels.of_summary(asked, "tasks", by=())
    assert whole.facts
    assert whole.table["count"].tolist() == [panels.of_summary(asked, "tasks").table["count"].sum()]


def test_a_summary_is_grouped_by_what_is_asked_for(sample: Path) -> None:
    panel = panels.of_summary(Asked(sample), "http_requests", ("method", "status"), "response_bytes")
    source = table(sample, "http_requests")
    wanted = sql(
        f"SELECT method, status, sum(events)::bigint, sum(response_bytes_sum)::bigint FROM {source} GROUP BY ALL"
    )
    same(rows(panel, "method", "status", "count", "sum"), wanted)
    assert {column.name: column.unit for column in panel.columns}["p95"] == "bytes"


def test_what_does_not_exist_is_named_with_what_does(sample: Path) -> None:
    asked = Asked(sample)
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: panels.of_summary(asked, "db_querys"), "here are bookmark_changes, .*; did you mean 'db_queries'"),
        (lambda: panels.of_summary(asked, "tasks", ["nmae"]), "it has service, name, .*; did you mean 'name'"),
        (lambda: panels.of_summary(asked, "tasks", ["name"], "queue_second"), "did you mean 'queue_seconds'"),
        (lambda: panels.of_summary(asked, "bookmark_changes", measure="x"), "it has none"),
        (lambda: panels.requests(asked, ("nothing",)), "no dimension 'nothing'"),
        (lambda: panels.requests(asked).sorted("p96"), "did you mean 'p9"),
    ]
    for call, words in calls:
        with pytest.raises(UsageError, match=words):
            call()
    with pytest.raises(InputError, match="no measurements here"):
        panels.of_summary(asked, "measurements")


def test_a_span_without_events_has_no_panels(sample: Path) -> None:
    view = panels.overview(Asked(sample, since=datetime(2030, 1, 1, tzinfo=UTC)))
    assert [panel.name for panel in view.panels] == ["pipeline"]
    assert not view.has_events
    assert view.newest_event is not None
    assert "tasks" not in view.others
    assert panels.single(Asked(sample, until=datetime(2020, 1, 1, tzinfo=UTC)), "tasks").panels == ()
