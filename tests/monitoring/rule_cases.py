"""For each alert, series with which it fires, and some with which it must not.

Values are those after each run: RUNS of them, five minutes apart. A series has none before it begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

RUNS = 9

Values = Sequence[float | None]
Series = Mapping[str, Values]


@dataclass(frozen=True)
class Case:
    """`labels` and `summary` are of the one alert that fires.

    Without a summary, its text may differ between versions of Prometheus, as what it extrapolates to does.
    """

    alert: str
    fires: Series
    labels: Mapping[str, str]
    summary: str
    quiet: Mapping[str, Series] = field(default_factory=dict)
    """By why it is quiet."""


def grows(by: float, start: float = 1000) -> Values:
    return [start + by * run for run in range(RUNS)]


def stays(at: float) -> Values:
    return [at] * RUNS


def rises(before: float, after: float) -> Values:
    """In a run that every range still holds, when an alert becomes pending and when it fires."""
    return [before] * 6 + [after] * (RUNS - 6)


def begins(run: int, at: float, by: float = 0) -> Values:
    """A series that is there from a run on, with more than 0 at once."""
    return [None if each < run else at + by * (each - run) for each in range(RUNS)]


def ends(run: int, values: Values) -> Values:
    return [value if each < run else None for each, value in enumerate(values)]


RESPONSES = 'django_http_responses_before_middlewares_total{service="web"}'
REQUESTS = 'django_http_requests_before_middlewares_total{service="web"}'
SLOW = 'django_http_requests_latency_including_middlewares_seconds_bucket{service="web",le="%s"}'
QUERIES = 'django_db_query_duration_seconds_%s{service="web",alias="default",vendor="sqlite"}'
CONNECTED = 'django_db_new_connections_total{service="web",alias="default",vendor="postgresql"}'
FAILED = 'django_db_new_connection_errors_total{service="web",alias="default",vendor="postgresql"}'
CACHE = 'django_cache_get%s_total{service="web",backend="redis"}'
UP = 'health_check_up{service="web",check="%s"}'
REJECTED = 'logemit_records_rejected_total{reason="json"%s}'
VIEW = 'django_http_requests_latency_seconds_by_view_method_bucket{service="web",view="home",method="GET",le="%s"}'
LAST = "logemit_last_run_timestamp_seconds%s"
NOW = [300.0 * run for run in range(RUNS)]
"""The clock of the tests begins at 0."""


def status(code: int) -> str:
    return f'django_http_responses_total_by_status_total{{service="web",status="{code}"}}'


def view(name: str, code: int, method: str = "GET") -> str:
    labels = f'service="web",view="{name}",status="{code}",method="{method}"'
    return f"django_http_responses_total_by_status_view_method_total{{{labels}}}"


def poll(feed: int | str, status: str) -> str:
    return f'feed_polls_total{{service="web",feed_id="{feed}",status="{status}"}}'


def imported(user: int, status: str) -> str:
    return f'bookmark_imports_total{{service="web",user_id="{user}",format="opml",status="{status}"}}'


def task(state: str, queue: str = "celery") -> str:
    return f'django_tasks_total{{service="worker",task="shop.send",queue="{queue}",state="{state}"}}'


def waited(le: str) -> str:
    return f'django_task_queue_seconds_bucket{{service="worker",task="shop.send",queue="mail",le="{le}"}}'


def slow(fast: float, all_of_them: float) -> Series:
    """Requests of each run: those within a second, and those within 2.5."""
    return {
        SLOW % "1.0": grows(fast), SLOW % "2.5": grows(all_of_them), SLOW % "+Inf": grows(all_of_them),
        RESPONSES: grows(all_of_them),
    }  # fmt: skip


WEB = {"service": "web"}
CASES = [
    Case(
        "ErrorsInRequests",
        {RESPONSES: grows(100), status(200): grows(80), status(500): grows(15), status(503): grows(5)},
        WEB,
        "web: 20% of responses have status 5xx",
        {
            "few of many": {RESPONSES: grows(100), status(200): grows(96), status(500): grows(4)},
            "one of two requests": {RESPONSES: grows(2), status(200): grows(1), status(500): grows(1)},
            "nobody comes any more": {RESPONSES: stays(100), status(500): stays(50)},
            "those of the client": {RESPONSES: grows(100), status(404): grows(100)},
            "another service": {RESPONSES: grows(100), status(500).replace("web", "shop"): grows(100)},
        },
    ),
    Case(
        "ErrorsInRequests",
        # Both of one service, from two folders; the status is met for the first time.
        {
            RESPONSES.replace("}", ',output="a"}'): grows(100), RESPONSES.replace("}", ',output="b"}'): grows(100),
            status(500).replace("}", ',output="a"}'): begins(7, 400),
        },
        WEB,
        "",
    ),
    Case(
        "ErrorsInView",
        {
            view("cart", 200): grows(30), view("cart", 200, "POST"): grows(30), view("cart", 500, "POST"): grows(20),
            view("home", 200): grows(1000),
        },
        {**WEB, "view": "cart"},
        "web: 25% of responses of cart have status 5xx",
        {
            "few of many": {view("cart", 200): grows(99), view("cart", 500): grows(1)},
            "of few": {view("cart", 200): grows(0), view("cart", 500): grows(3)},
        },
    ),
    Case(
        "SlowRequests",
        slow(50, 100),
        WEB,
        "web: one request in twenty takes longer than 2.35s",
        {"quick": slow(100, 100), "few": slow(0, 3), "none": slow(0, 0)},
    ),
    Case(
        "SlowDatabase",
        {REQUESTS: grows(100), QUERIES % "sum": grows(200), QUERIES % "count": grows(100)},
        WEB,
        "web: 2s in the database for each request",
        {
            "little": {REQUESTS: grows(100), QUERIES % "sum": grows(20)},
            "few requests": {REQUESTS: grows(3), QUERIES % "sum": grows(20)},
            "a worker, which has no requests": {QUERIES % "sum": grows(200)},
            "nobody comes, but jobs run": {REQUESTS: stays(100), QUERIES % "sum": grows(200)},
        },
    ),
    Case(
        "DatabaseUnreachable",
        {CONNECTED: stays(4), FAILED: begins(7, 3)},
        WEB,
        "web: connections to the database fail",
        {"failed once": {CONNECTED: grows(4), FAILED: stays(3)}, "never failed": {CONNECTED: grows(4)}},
    ),
    Case(
        "CacheMisses",
        {CACHE % "": grows(100), CACHE % "_hits": grows(20)},
        {**WEB, "backend": "redis"},
        "web: only 20% of keys read from redis are found",
        {
            "found": {CACHE % "": grows(100), CACHE % "_hits": grows(80)},
            "few are read": {CACHE % "": grows(2), CACHE % "_hits": grows(0)},
            "none are read": {CACHE % "": stays(100), CACHE % "_hits": stays(0)},
        },
    ),
    Case(
        "CacheMisses",
        {CACHE % "": grows(100)},
        {**WEB, "backend": "redis"},
        "web: only 0% of keys read from redis are found",
    ),
    Case(
        "CacheMisses",
        {CACHE % "": grows(1000), CACHE % "_hits": begins(7, 5)},  # nothing was found before
        {**WEB, "backend": "redis"},
        "web: only 0.1667% of keys read from redis are found",
    ),
    Case(
        "FeedPollsFailing",
        {poll(1, "success"): grows(2), poll(1, "not_modified"): grows(1), poll(2, "error"): grows(1)},
        WEB,
        "web: 25% of feed polls fail",
        {
            "few of many": {poll(1, "success"): grows(9), poll(2, "timeout"): grows(1)},
            "not changed is no failure": {poll(1, "not_modified"): grows(9)},
            "folded by a cap": {poll(1, "success"): grows(1), poll("__other__", "__other__"): grows(9)},
            "of few": {poll(1, "success"): rises(7, 8), poll(2, "error"): rises(7, 8)},
            "failed once": {poll(1, "success"): stays(7), poll(2, "error"): stays(7)},
        },
    ),
    Case(
        "ImportsFailing",
        # Each of another user: a series that begins at 1.
        {imported(0, "error"): stays(10)} | {imported(user, "error"): begins(user, 1) for user in range(1, RUNS)},
        WEB,
        "web: 100% of imports fail",
        {
            "few of many": {imported(1, "success"): grows(9), imported(2, "error"): grows(1)},
            "what was left out is no failure": {imported(1, "partial"): grows(9)},
            "of few": {imported(0, "success"): stays(10), imported(2, "error"): begins(4, 1)},
        },
    ),
    Case(
        "TasksFailing",
        {
            task("success"): grows(8), task("retry"): grows(50),
            task("failure"): grows(1), task("failure", "mail"): grows(1),
        },
        {"service": "worker", "task": "shop.send"},
        "worker: 20% of shop.send fail",
        {
            "few of many": {task("success"): grows(99), task("failure"): grows(1)},
            "will be tried again": {task("success"): grows(9), task("retry"): grows(9)},
            "of few": {task("success"): rises(7, 8), task("failure"): rises(7, 8)},
            "none run": {task("success"): stays(7), task("failure"): stays(7)},
        },
    ),
    Case(
        "TasksWaiting",
        {waited("110.0"): stays(0), waited("1000.0"): grows(10), waited("+Inf"): grows(10)},
        {"service": "worker", "queue": "mail"},
        "worker: tasks wait 15m 55s in mail",
        {
            "not long": {waited("100.0"): grows(10), waited("1000.0"): grows(10), waited("+Inf"): grows(10)},
            "none": {waited("100.0"): stays(0), waited("1000.0"): stays(9), waited("+Inf"): stays(9)},
        },
    ),
    Case(
        "HealthCheckFailing",
        {UP % "database": stays(0), UP % 'database",instance="b': stays(1), UP % "mail": stays(1)},
        {**WEB, "check": "database"},
        "web: the health check database fails",
        {
            "is up": {UP % "database": stays(1)},
            "failed only now": {UP % "database": [*stays(1)[:-1], 0]},
        },
    ),
    Case(
        "ServiceMissing",
        {"logemit_runs_total": grows(1)},
        {},
        "Any service is missing from the metrics",
        {"is there": {REQUESTS: stays(0)}, "is there, and has no requests": {task("success"): stays(1)}},
    ),
    Case(
        "DataQualityLow",
        {
            'data_quality_score{service="web",dataset="orders"}': stays(0.8),
            'data_quality_score{service="web",dataset="orders",instance="b"}': stays(1),
            'data_quality_score{service="web",dataset="visits"}': stays(1),
        },
        {**WEB, "dataset": "orders"},
        "web: the quality of orders is 80%",
        {"is good": {'data_quality_score{service="web",dataset="orders"}': stays(0.9)}},
    ),
    Case(
        "LogemitNotRunning",
        {LAST % '{job="node",instance="m",output="a"}': NOW[:3] + [600] * 6, LAST % '{job="node",output="b"}': NOW},
        {"job": "node", "instance": "m", "output": "a"},
        "The aggregator of a has not run for 30m 0s",
        {"runs": {LAST % "": NOW}, "one run failed": {LAST % "": [*NOW[:-2], NOW[-3], NOW[-3]]}},
    ),
    Case(
        "LogemitNotRunning",
        {LAST % "": NOW[:4] + [900] * 5},
        {},
        "The aggregator has not run for 25m 0s",
    ),
    Case(
        "LogemitGone",
        {LAST % '{job="node",output="a"}': ends(4, NOW), LAST % '{job="node",output="b"}': NOW},
        {"job": "node", "output": "a"},
        "Nothing tells of the aggregator of a any more",
        {
            "is there": {LAST % "": NOW},
            "moved to another machine": {
                LAST % '{job="serve",instance="a"}': ends(4, NOW),
                LAST % '{job="serve",instance="b"}': begins(4, 1200, 300),
            },
        },
    ),
    Case("LogemitGone", {}, {}, "Nothing tells of the aggregator any more"),
    Case(
        "LogemitNoNewEvents",
        {'logemit_lag_seconds{output="a"}': stays(7200)},
        {"output": "a"},
        "The aggregator of a runs, and takes in no new events",
        {
            "events come": {"logemit_lag_seconds": stays(60), "logemit_newest_event_timestamp_seconds": NOW},
            "events of the future": {"logemit_lag_seconds": stays(-60), "logemit_newest_event_timestamp_seconds": NOW},
        },
    ),
    Case(
        "LogemitNoNewEvents",
        {"logemit_lag_seconds": stays(0), "logemit_newest_event_timestamp_seconds": stays(0)},
        {},
        "The aggregator runs, and takes in no new events",
    ),
    Case(
        "LogemitLinesRejected",
        {'logemit_runs_total{output="a"}': grows(1), REJECTED % ',output="a"': begins(5, 7)},
        {"output": "a"},
        "About 7 lines begin as events and are none",
        {
            "long ago": {"logemit_runs_total": grows(1), REJECTED % "": stays(7)},
            "before anybody looked": {
                "logemit_runs_total": begins(5, 9), REJECTED % "": begins(5, 7),
            },
        },
    ),
    Case(
        "LogemitCapped",
        {'logemit_label_values_capped{metric="feed_polls_total",label="feed_id"}': stays(3)},
        {"metric": "feed_polls_total", "label": "feed_id"},
        "feed_polls_total shows 3 values of feed_id as __other__",
        {"room for all": {'logemit_label_values_capped{metric="feed_polls_total",label="feed_id"}': stays(0)}},
    ),
    Case(
        "LogemitCapped",
        {'logemit_series_capped{metric="feed_polls_total",output="a"}': stays(3)},
        {"metric": "feed_polls_total", "output": "a"},
        "feed_polls_total shows 3 series as __other__",
    ),
]  # fmt: skip
CASES += [  # What is told for the first time, of which the series begins with all that there is.
    Case("ErrorsInView", {view("cart", 200): grows(30), view("cart", 500): begins(7, 30)}, {**WEB, "view": "cart"}, ""),
    Case("FeedPollsFailing", {poll(1, "success"): grows(5), poll(2, "error"): begins(7, 40)}, WEB, ""),
    Case("ImportsFailing", {imported(1, "success"): grows(1), imported(2, "error"): begins(7, 40)}, WEB, ""),
    Case(
        "TasksFailing",
        {task("success"): grows(8), task("failure"): begins(7, 8)},
        {"service": "worker", "task": "shop.send"},
        "",
    ),
]
CASES += [
    Case(
        alert,
        {f'logemit_{name}_total{{output="a"}}': [0, 0, 0, 0, 0, 4, 4, 4, 4]},
        {"output": "a"},
        f"About 4 {told}",
        {"long ago": {f"logemit_{name}_total": stays(4)}},
    )
    for alert, name, told in [
        ("LogemitLinesLost", "events_lost", "events were written and never arrived"),
        ("LogemitLogsDeletedUnread", "source_gaps", "logs went away before they were read to their end"),
        ("LogemitEventsLate", "events_late", "events came after their limit"),
        ("LogemitConflicts", "events_conflicting", "events have the number of another event"),
    ]
]

WELL: Series = {
    REQUESTS: grows(100), RESPONSES: grows(100), status(200): grows(100), view("home", 200): grows(100),
    SLOW % "1.0": grows(100), SLOW % "+Inf": grows(100), VIEW % "1.0": grows(100), VIEW % "+Inf": grows(100),
    QUERIES % "sum": grows(3), QUERIES % "count": grows(300),
    CONNECTED: stays(4), CACHE % "": grows(100), CACHE % "_hits": grows(90), poll(1, "success"): grows(10),
    imported(1, "success"): grows(1), task("success"): grows(50), waited("100.0"): grows(50), waited("+Inf"): grows(50),
    UP % "database": stays(1),
    'data_quality_score{service="web",dataset="orders"}': stays(1), LAST % "": NOW, "logemit_lag_seconds": stays(2),
    "logemit_newest_event_timestamp_seconds": NOW, "logemit_runs_total": grows(1),
    "logemit_events_lost_total": stays(0),
}  # fmt: skip
"""An app and an aggregator of which nothing is to be told."""
