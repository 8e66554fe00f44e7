"""Which form a client gets for what it says it takes; the headers of programs are as these send them."""

import pytest

from aggregator.serving.negotiation import chosen, takes_gzip

TEXT, OPENMETRICS = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
WITH_HISTOGRAMS = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7," + PROMETHEUS_3
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (PROMETHEUS_2, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (WITH_HISTOGRAMS, OPENMETRICS),
        ("text/plain;version=0.0.4;q=0.3,*/*;q=0.2", TEXT),  # scrape_protocols: [PrometheusText0.0.4]
        ("application/openmetrics-text;version=0.0.1;q=0.3,*/*;q=0.2", "application/openmetrics-text; version=0.0.1"),
        ("text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,*/*;q=0.2", "text/plain; version=1.0.0"),
        (BROWSER, TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        ("text/*", TEXT),
        ("text/plain", TEXT),
        ("application/*", OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ('APPLICATION/OpenMetrics-Text ; Version="1.0.0" ; Q=0.9', OPENMETRICS),
        ("application/openmetrics-text; version=2.0.0, text/plain; version=0.0.4; q=0.1", TEXT),  # there is no 2.0.0
        ("application/openmetrics-text;q=0.4, text/plain;q=0.5", TEXT),
        ("text/plain;q=0.4, application/openmetrics-text;q=0.5", OPENMETRICS),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4", OPENMETRICS),
        ("text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0", TEXT),
        ("application/openmetrics-text;q=0, */*", TEXT),
        ("text/plain;q=0, */*;q=0.1", OPENMETRICS),  # the closer range counts, not the greater quality
        ("application/openmetrics-text;q=0.0, text/plain;q=0.001", TEXT),
        ("image/png", TEXT),
        ("text/plain;q=0", TEXT),  # what is there, rather than a page that says so
        ("application/openmetrics-text;q=2, text/plain;q=0.1", TEXT),
        ("application/openmetrics-text;q=, ;;;, =, text/plain;q=x;q", TEXT),
    ],
)
def test_the_form_is_the_one_that_is_liked_best(accept: str, wanted: str) -> None:
    assert chosen(accept).content_type == f"{wanted}; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("GZip;q=0.5", True),
        ("*", True),
        ("identity;q=0.5, gzip;q=0.5", True),
        ("", False),
        ("gzip;q=0", False),
        ("*;q=0", False),
        ("identity", False),
        ("deflate, br", False),
        ("gzip;q=0.1, identity;q=0.9", False),
        ("gzip;q=0, *", False),
    ],
)
def test_gzip_is_for_those_who_take_it(accept: str, wanted: bool) -> None:
    assert takes_gzip(accept) is wanted
