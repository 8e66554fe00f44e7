"""Samples of the 34 families, from a text exposition, in a form in which two can be compared."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

Series = tuple[str, tuple[tuple[str, str], ...]]
Samples = Counter[Series]

BY_VIEW = "django_http_requests_latency_seconds_by_view_method"
REQUEST_BYTES = "django_http_requests_body_total_bytes"
RESPONSE_BYTES = "django_http_responses_body_total_bytes"
DURATIONS = (
    "django_http_requests_latency_including_middlewares_seconds",
    BY_VIEW,
    "django_db_query_duration_seconds",
)
SIZES = (REQUEST_BYTES, RESPONSE_BYTES)
COUNTERS = (
    "django_http_requests_before_middlewares_total",
    "django_http_responses_before_middlewares_total",
    "django_http_requests_unknown_latency_including_middlewares_total",
    "django_http_requests_unknown_latency_total",
    "django_http_ajax_requests_total",
    "django_http_requests_total_by_method_total",
    "django_http_requests_total_by_transport_total",
    "django_http_requests_total_by_view_transport_method_total",
    "django_http_responses_total_by_templatename_total",
    "django_http_responses_total_by_status_total",
    "django_http_responses_total_by_status_view_method_total",
    "django_http_responses_total_by_charset_total",
    "django_http_responses_streaming_total",
    "django_http_exceptions_total_by_type_total",
    "django_http_exceptions_total_by_view_total",
    "django_db_new_connections_total",
    "django_db_new_connection_errors_total",
    "django_db_execute_total",
    "django_db_execute_many_total",
    "django_db_errors_total",
    "django_cache_get_total",
    "django_cache_get_hits_total",
    "django_cache_get_misses_total",
    "django_cache_get_fail_total",
    "django_model_inserts_total",
    "django_model_updates_total",
    "django_model_deletes_total",
)
GAUGES = ("django_migrations_unapplied_total", "django_migrations_applied_total")
FAMILIES = (*COUNTERS, *DURATIONS, *SIZES, *GAUGES)

SIZE_BOUNDS = [0.0, *(float(2**power) for power in range(30)), float("inf")]

# Of durations the number only: how long they took is told twice, by two clocks.
_WANTED = {
    **{name: name for name in (*COUNTERS, *GAUGES)},
    **{f"{name}_count": name for name in DURATIONS},
    **{f"{name}_{suffix}": name for name in SIZES for suffix in ("bucket", "count", "sum")},
}


def family_of(series: Series) -> str:
    return _WANTED[series[0]]


def series(name: str, labels: dict[str, Any]) -> Series:
    fixed = {label: str(float(value)) if label == "le" else str(value) for label, value in labels.items()}
    return name, tuple(sorted(fixed.items()))


def parsed(text: str) -> Iterable[tuple[Series, int]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in _WANTED and sample.value:
                yield series(sample.name, sample.labels), int(sample.value)


Shape = tuple[str, frozenset[str], frozenset[float]]
"""A family's type, labels and bounds."""


def shapes(text: str) -> dict[str, Shape]:
    """Of the families that have samples."""
    found = {}
    for family in text_string_to_metric_families(text):
        labels = {label for sample in family.samples for label in sample.labels} - {"le", "service"}
        bounds = {float(sample.labels["le"]) for sample in family.samples if "le" in sample.labels}
        for name in {_WANTED[sample.name] for sample in family.samples if sample.name in _WANTED}:
            found[name] = (family.type, frozenset(labels), frozenset(bounds))
    return found


def by_service(text: str) -> dict[str, Samples]:
    """Samples without the label `service`, for each."""
    found: dict[str, Samples] = {}
    for (name, labels), value in parsed(text):
        service = dict(labels)["service"]
        kept = tuple(pair for pair in labels if pair[0] != "service")
        found.setdefault(service, Counter())[name, kept] = value
    return found


def only(samples: Samples, family: str) -> Samples:
    return Counter({each: value for each, value in samples.items() if family_of(each) == family})


def listed(samples: Samples) -> list[Any]:
    """For JSON."""
    return [[name, labels, value] for (name, labels), value in sorted(samples.items()) if value]


def unlisted(rows: list[Any]) -> Samples:
    return Counter({(name, tuple((label, text) for label, text in labels)): value for name, labels, value in rows})
