"""logemit.toml: what a user adds, and a clear word for every mistake."""

from pathlib import Path

import pytest

from aggregator import config
from aggregator.catalogue import shipped
from aggregator.config import parse_window
from aggregator.errors import ConfigError, UsageError

ALERTS = """
[[summary]]
name = "alerts"
event = "alert_created"
dimensions = ["product", "severity"]
measures = [{ name = "seconds_open", unit = "seconds" }]
bins = ["seconds_open"]

[[metric]]
name = "alerts_created_total"
type = "counter"
help = "Alerts created."
summary = "alerts"
labels = ["product", "severity"]
"""


def load(tmp_path: Path, text: str) -> config.Config:
    path = tmp_path / "logemit.toml"
    path.write_text(text)
    return config.load(path)


def test_a_users_summaries_and_metrics_stand_beside_the_shipped(tmp_path: Path) -> None:
    catalogue = load(tmp_path, f'window = "15min"\nservice_label = false\n{ALERTS}').catalogue
    assert catalogue.metrics[-1].name == "alerts_created_total"
    assert len(catalogue.summaries) == len(shipped().summaries) + 1


def test_the_shipped_catalogue_holds(tmp_path: Path) -> None:
    loaded = config.load(None)
    assert (loaded.window_seconds, loaded.service_label) == (60, True)
    names = [metric.name for metric in loaded.catalogue.metrics]
    assert len(set(names)) == len(names) == 106


METRIC = '[[metric]]\nname = "x_total"\ntype = "counter"\nhelp = "h"\nsummary = "feed_polls"\n'
HISTOGRAM = '[[metric]]\nname = "x"\ntype = "histogram"\nhelp = "h"\nsummary = "feed_polls"\n'
SUMMARY = '[[summary]]\nname = "x"\nevent = "feed_poll"\n'
GAUGE = '[[metric]]\nname = "x"\ntype = "gauge"\nhelp = "h"\nsummary = "processes"\n'
LAST = GAUGE + 'value = "rss_bytes_last"\n'
OWN = SUMMARY.replace("feed_poll", "own")
MAPPED = METRIC + "labels = {{ a = {{ {} }} }}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("window = 5", "window is 5"),
        ('window = "7min"', "window is '7min'"),
        ("windw = '1h'", "unknown key 'windw'"),
        ("service_label = 1", "service_label is 1"),
        ("a = ", "not TOML"),
        ("metric = 3", "metric must be a list of tables"),
        ("buckets = 3", "buckets must be a table of lists; write"),
        ("[[metric]]\n", r"\[\[metric\]\] \?: needs a name"),
        (METRIC + "summry = 1", "unknown key 'summry'"),
        (METRIC.replace("feed_polls", "nothing"), "no summary 'nothing'; there are http_requests"),
        (METRIC.replace("counter", "gague"), 'type is \'gague\', expected "counter", "gauge" or "histogram"'),
        (METRIC.replace("x_total", "x"), "ends in _total"),
        (METRIC.replace("x_total", "logemit_x_total"), "not a metric name"),
        (METRIC.replace("x_total", "x.y_total"), "not a metric name"),
        (METRIC.replace("x_total", "feed_polls_total"), "this name is taken"),
        (METRIC.replace('help = "h"', ""), "needs a help text"),
        (METRIC + 'labels = ["nothing"]', "label 'nothing' wants dimension 'nothing'"),
        (METRIC + 'labels = {le = "status"}', "'le' cannot be a label"),
        (METRIC + 'labels = {__name__ = "status"}', "'__name__' cannot be a label"),
        (METRIC + 'labels = ["status", "status"]', "'status' cannot be a label"),
        (METRIC + "labels = 5", "labels must be a list of dimensions"),
        (METRIC + "labels = [5]", "labels must be a list of dimensions"),
        (METRIC.replace('"feed_polls"', '["x"]'), "no summary"),
        (METRIC.replace("x_total", "feed_poll_duration_seconds_count"), "this name is taken"),
        (SUMMARY + "measures = 5", "measures must be a list"),
        ("buckets = 5\n" + HISTOGRAM + 'measure = "duration_seconds"\nbuckets = "latency"', "buckets must be a list"),
        (HISTOGRAM + f'measure = "duration_seconds"\nbuckets = [{10**300}]', "buckets must be a list"),
        (SUMMARY.replace("feed_poll", "own") + 'dimensions = ["count"]', "'count' cannot be a column"),
        (SUMMARY.replace("feed_poll", "own") + 'dimensions = ["row"]', "'row' cannot be a column"),
        (
            SUMMARY.replace("feed_poll", "own") + 'dimensions = ["d_min"]\nmeasures = [{name = "d", unit = "count"}]',
            "'d_min' is a dimension of own and a column of a measure",
        ),
        (
            SUMMARY.replace("feed_poll", "own") + 'measures = [{name = "d", unit = "seconds"}]\n'
            '[[summary]]\nname = "y"\nevent = "own"\nmeasures = [{name = "d", unit = "count"}]',
            "'d' of own is in seconds in another summary",
        ),
        (
            SUMMARY.replace("feed_poll", "own") + 'measures = [{name = "d", unit = "seconds"}]\n'
            '[[summary]]\nname = "y"\nevent = "own"\ndimensions = ["d"]',
            "'d' is a dimension of own and a column of a measure",
        ),
        (METRIC + 'value = "nothing_sum"', "value is 'nothing_sum', expected one of events"),
        (METRIC + "buckets = [1]", "a counter has no buckets"),
        (METRIC + 'where = {nothing = "x"}', "where names 'nothing'"),
        (METRIC + "unless = {status = 5}", "unless.status must be text"),
        (METRIC + "where = 5", "where must be a table"),
        (HISTOGRAM, "measure is None, expected one of the summary's bins: duration_seconds"),
        (HISTOGRAM + 'measure = "items_new"\nbuckets = [1]', "measure is 'items_new'"),
        (HISTOGRAM + 'measure = "duration_seconds"', "buckets must be a list"),
        (HISTOGRAM + 'measure = "duration_seconds"\nbuckets = "nope"', "buckets must be a list"),
        (HISTOGRAM + 'measure = "duration_seconds"\nbuckets = [2, 1]', "buckets must ascend"),
        (HISTOGRAM + 'measure = "duration_seconds"\nbuckets = [inf]', "buckets must be a list"),
        (
            HISTOGRAM + 'measure = "duration_seconds"\nbuckets = [0.333]',
            "0.333 is not a bound of the grid; the nearest are 0.33 and 0.335",
        ),
        (
            HISTOGRAM + 'measure = "duration_seconds"\nbuckets = [1, 2000000]',
            "2000000 is not a bound of the grid; the nearest is 1000000$",
        ),
        (HISTOGRAM + 'measure = "duration_seconds"\nvalue = "events"', "a histogram has no value"),
        (SUMMARY.replace('"x"', '"X"'), "a summary's name is a folder's"),
        (SUMMARY.replace('"x"', '"../x"'), "a summary's name is a folder's"),
        (SUMMARY.replace('"x"', '"x_bins"'), "a summary's name is a folder's"),
        (SUMMARY.replace('"x"', '"feed_polls"'), "this name is taken"),
        (SUMMARY.replace('event = "feed_poll"', ""), "needs an event"),
        (SUMMARY + 'partition = "week"', "partition is 'week'"),
        (SUMMARY + 'dimensions = ["nothing"]', "feed_poll has no field 'nothing'"),
        (SUMMARY + 'dimensions = ["items_new"]', "'items_new' of feed_poll is not a dimension"),
        (SUMMARY + 'measures = ["status"]', "measure 'status' has unit ''"),
        (SUMMARY + "measures = [5]", "5 is not a measure"),
        (SUMMARY + 'measures = [{name = "items_new", unit = "bytes"}]', "is not a number of feed_poll in bytes"),
        (SUMMARY + 'bins = ["items_new"]', "bins names 'items_new', which is not among the measures"),
        (SUMMARY.replace("feed_poll", "own") + 'dimensions = ["service"]', "'service' cannot be a column"),
        (SUMMARY.replace("feed_poll", "own") + 'dimensions = ["a", "a"]', "'a' cannot be a column"),
        (SUMMARY.replace("feed_poll", "own") + 'dimensions = "a"', "dimensions must be a list of names"),
        (OWN + "gauges = 5", "gauges must be a list of names"),
        (OWN + 'gauges = ["a b"]', "'a b' cannot be a column"),
        (OWN + 'gauges = ["a", "a"]', "'a' cannot be a column"),
        (OWN + 'dimensions = ["proc", "proc"]', "'proc' cannot be a column"),
        (OWN + 'measures = [{name = "proc", unit = "count"}]', "'proc' cannot be a column"),
        (OWN + 'dimensions = ["last_at"]', "'last_at' cannot be a column"),
        (
            OWN + 'dimensions = ["a_last"]\ngauges = ["a"]',
            "'a_last' is a dimension of own and a column of",
        ),
        (
            OWN + 'gauges = ["a"]\n[[summary]]\nname = "y"\nevent = "own"\n'
            'measures = [{name = "a_last", unit = "count"}]',
            "'a_last' is a column of two measures or gauges of own",
        ),
        (
            OWN + 'measures = [{name = "a", unit = "count"}, {name = "a_low", unit = "count"}]',
            "'a_low' is a column of two",
        ),
        (SUMMARY + 'gauges = ["nothing"]', "feed_poll has no field 'nothing'"),
        (SUMMARY + 'gauges = ["status"]', "gauge 'status' is not a number of feed_poll"),
        (OWN + 'dimensions = ["proc"]\nerrors = { proc = "x" }', "errors names 'proc': processes come and go"),
        (GAUGE, "value is None, expected one of alive_last, .*, info, processes"),
        (GAUGE + 'value = "rss_bytes"', "value is 'rss_bytes', expected one of alive_last"),
        (GAUGE + 'value = "cpu_seconds_sum"', "value is 'cpu_seconds_sum'"),
        (GAUGE.replace('"processes"', '"migrations"') + 'value = "processes"', "value is 'processes', expected one of"),
        (LAST + 'over = "mean"', "over is 'mean', expected one of sum, max, min, last"),
        (LAST + "over = []", r"over is \[\], expected one of"),
        (GAUGE + 'value = "info"\nover = "sum"', "there is nothing to combine in info"),
        (LAST + "buckets = [1]", "a gauge has no buckets; it has value and over"),
        (MAPPED.format(""), "label 'a' needs a dimension, e.g. {"),
        (MAPPED.format('dimension = "x", class = true'), "label 'a' wants dimension 'x'; feed_polls has "),
        (LAST + 'labels = { a = { dimension = "proc", segments = 1 } }', "label 'a' wants 'proc'"),
        (MAPPED.format('dimension = "status", clas = true'), "unknown key 'clas'; .*; did you mean 'class'?"),
        (
            MAPPED.format('dimension = "status", class = true, segments = 1'),
            "has class and segments of class, segments",
        ),
        (MAPPED.format('dimension = "status", default = "x"'), "has none of class, segments, values; it takes one"),
        (MAPPED.format('dimension = "status", class = 1'), "has class 1, expected true"),
        (MAPPED.format('dimension = "status", segments = true'), "has segments True, expected a whole number from 1"),
        (MAPPED.format('dimension = "status", segments = 101'), "has segments 101, expected a whole number from 1"),
        (MAPPED.format('dimension = "status", values = {}'), "has values that are no table of texts such as"),
        (MAPPED.format('dimension = "status", values = {a = 1}'), "has values that are no table of texts such as"),
        (MAPPED.format('dimension = "status", class = true, default = "a"'), "a default is a text, beside values"),
        (MAPPED.format('dimension = "status", values = {a = "b"}, default = 1'), "a default is a text, beside values"),
        (SUMMARY + 'dimensions = ["status"]\nwhere = { status = 5 }', "where.status must be text or a list of texts"),
        (
            SUMMARY + 'dimensions = ["status"]\nwhere = { stats = "x" }',
            "not a dimension of the summary; did you mean 's",
        ),
        (SUMMARY + 'dimensions = ["proc"]\nunless = { proc = "x" }', "unless names 'proc': processes come and go"),
        (METRIC + 'labels = "status"', "labels must be a list of dimensions"),
        (LAST + 'measure = "cpu_seconds"', "a gauge has no measure"),
        (LAST + 'labels = ["proc"]', "label 'proc' wants 'proc': processes come and go"),
        (LAST + 'labels = { worker = "proc" }', "label 'worker' wants 'proc'"),
        (LAST + 'where = { proc = "x" }', "where names 'proc': processes come and go"),
        (METRIC + 'over = "sum"', "a counter has no over"),
        (HISTOGRAM + 'over = "sum"', "a histogram has no over"),
        (
            SUMMARY.replace("feed_poll", "db_query") + 'measures = ["rows_affected"]\nbins = ["rows_affected"]',
            "db_query is folded and brings no bins of 'rows_affected'",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        load(tmp_path, text)
    assert str(raised.value).startswith(str(tmp_path / "logemit.toml"))
    assert "\n" not in str(raised.value)


def test_a_gauge_combines_processes_by_their_sum_and_takes_else_the_last(tmp_path: Path) -> None:
    applied = GAUGE.replace('"x"', '"applied_total"').replace('"processes"', '"migrations"')
    metrics = load(tmp_path, LAST + applied + 'value = "applied_last"\n').catalogue.metrics
    assert [(metric.name, metric.over) for metric in metrics[-2:]] == [("x", "sum"), ("applied_total", "last")]


def test_a_number_may_be_a_measure_and_a_gauge(tmp_path: Path) -> None:
    own = OWN + 'measures = [{ name = "depth", unit = "count" }]\ngauges = ["depth"]\n'
    summary = load(tmp_path, own).catalogue.summaries[-1]
    assert (summary.measures[0].name, summary.gauges) == ("depth", ("depth",))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        config.load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("1min", 60), ("15m", 900), ("1h", 3600), ("1d", 86400)])
def test_windows(text: str, seconds: int) -> None:
    assert parse_window(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "7min", "5h", "2d", "1w", "-1h", "1.5h", "min", None])
def test_a_window_that_does_not_divide_its_hour_or_day(text: object) -> None:
    with pytest.raises(UsageError, match="whole part of an hour or a day"):
        parse_window(text)
