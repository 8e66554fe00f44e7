"""What well-known public dashboards and rules ask of django-prometheus: their expressions, and where they stand.

Each is one expression, with the dashboard's variables; line breaks are not kept, nor what is only repeated for another
percentile or class of statuses.
"""

from dataclasses import dataclass

OVERVIEW = "Grafana's 17617, django-mixin: Overview"
REQUESTS = "Grafana's 17616, django-mixin: Requests / Overview"
BY_VIEW = "Grafana's 17613, django-mixin: Requests / By View"
MODELS = "django-mixin: Models / Overview"
DJANGO_PROMETHEUS = "Grafana's 9528, Django Prometheus, as deployed with Hue"
QUOTED = "Grafana's 7996 and 9528, as quoted in READMEs"
RULES = "django-prometheus: examples/prometheus/django.rules"
CONSOLE = "django-prometheus: examples/prometheus/consoles/django.html"

DIFFERENCES = {
    "last_two_scrapes": "`irate()` sees a run only in the moment after it, and is 0 between runs",
    "short_window": "a range below the interval shows a peak at each run, and 0 between runs",
    "old_name": "names that django-prometheus 2.5 has not either, such as those of counters without `_total`",
    "of_the_scrape": "`up` tells of who serves the file, not of Django's processes, and `job` is that of the scrape",
}
"""What does not look as it did there, with its name in docs/prometheus.md."""

VARIABLES = {
    "$__rate_interval": "20m",  # four times the "scrape interval" of the data source, which is that of the runs
    "$__range": "1h",
    "$namespace": "",  # of series that no scrape gave this label
    "$cluster": "",
    "$app": "",
    "$pod": "",
    "$job": "logemit",
    "$service": "bookmarks",
    "$method": "GET|POST",
    "$model": "links.Bookmark|links.Tag",
    "$instance": "localhost:9100",
}
"""What Grafana puts in for them; `$view` is each view in turn."""


@dataclass(frozen=True, slots=True)
class Asked:
    origin: str
    expression: str
    difference: str = ""
    """The name of a declared one."""
    trouble: bool = False
    """It asks for what no sample log holds."""


_MIXIN = 'cluster="$cluster", namespace="$namespace", job=~"$job"'
_IGNORED = 'view!~"<unnamed view>|health_check:health_check_home|prometheus-django-metrics"'
_VIEWS = f'{_MIXIN}, view=~"$view", {_IGNORED}, method=~"$method"'
_VIEW = f'{_MIXIN}, view="$view", {_IGNORED}, method=~"$method"'
_HUE = 'namespace="$namespace",service="$service",pod="$pod"'
_QUOTED = 'service=~"^$service$",view!~"prometheus-django-metrics|healthcheck"'
_BY_STATUS = "django_http_responses_total_by_status_view_method_total"
_LATENCY = "django_http_requests_latency_seconds_by_view_method_bucket"
_REQUESTS = "django_http_requests_total_by_view_transport_method_total"

_OVERVIEW = (
    Asked(OVERVIEW, f"round(sum(rate({_REQUESTS}{{{_MIXIN}, {_IGNORED}}}[$__rate_interval])), 0.001)"),
    Asked(
        OVERVIEW,
        f"sum(rate(django_cache_get_hits_total{{{_MIXIN}}}[30m])) by (namespace, job)"
        f" / sum(rate(django_cache_get_total{{{_MIXIN}}}[30m])) by (namespace, job)",
    ),
    Asked(OVERVIEW, f"sum(rate(django_db_execute_total{{{_MIXIN}}}[$__rate_interval])) by (namespace, job)"),
    *(
        Asked(
            OVERVIEW,
            f'round(sum(rate({_BY_STATUS}{{{_MIXIN}, {_IGNORED}, status=~"{status}.*"}}[$__rate_interval]) > 0)'
            " by (job), 0.001)",
        )
        for status in "2345"
    ),
    Asked(
        OVERVIEW,
        "histogram_quantile(0.95, sum(irate(django_db_query_duration_seconds_bucket"
        f"{{{_MIXIN}}}[$__rate_interval]) > 0) by (vendor, namespace, job, le))",
        "last_two_scrapes",
    ),
    Asked(
        OVERVIEW,
        f"round(sum(increase(django_db_new_connections_total{{{_MIXIN}}}[$__rate_interval]) > 0)"
        " by (namespace, job, vendor))",
    ),
    Asked(OVERVIEW, f"max(django_migrations_applied_total{{{_MIXIN}}}) by (namespace, job)"),
    Asked(OVERVIEW, f"max(django_migrations_unapplied_total{{{_MIXIN}}}) by (namespace, job)"),
    Asked(
        OVERVIEW,
        f"round(topk(10, sum(increase(django_db_errors_total{{{_MIXIN}}}[1w]) > 0) by (type)))",
        trouble=True,
    ),
    Asked(
        OVERVIEW,
        f"sum(rate(django_cache_get_hits_total{{{_MIXIN}}}[$__rate_interval]) > 0) by (namespace, job, backend)",
    ),
    Asked(
        OVERVIEW,
        f"sum(rate(django_cache_get_misses_total{{{_MIXIN}}}[$__rate_interval]) > 0) by (namespace, job, backend)",
    ),
)

_REQUESTS_OVERVIEW = (
    Asked(REQUESTS, f"round(sum(rate({_REQUESTS}{{{_VIEWS}}}[$__rate_interval])), 0.001)"),
    Asked(
        REQUESTS,
        f'sum(rate({_BY_STATUS}{{{_VIEWS}, status!~"[4-5].*"}}[$__rate_interval]))'
        f" / sum(rate({_BY_STATUS}{{{_VIEWS}}}[$__rate_interval]))",
    ),
    Asked(
        REQUESTS,
        "histogram_quantile(0.95, sum(rate(django_http_requests_body_total_bytes_bucket"
        f"{{{_MIXIN}}}[$__rate_interval])) by (job, le))",
    ),
    Asked(
        REQUESTS,
        f"histogram_quantile(0.95, sum(irate({_LATENCY}{{{_MIXIN}, {_IGNORED}}}[$__rate_interval])) by (job, le))",
        "last_two_scrapes",
    ),
    *(
        Asked(
            REQUESTS,
            f'round(sum(rate({_BY_STATUS}{{{_VIEWS}, status=~"{status}.*", view!~"admin.*"}}[$__rate_interval]) > 0)'
            " by (namespace, job, view), 0.001)",
        )
        for status in "245"
    ),
    Asked(
        REQUESTS,
        f'histogram_quantile(0.95, sum(rate({_LATENCY}{{{_VIEWS}, view!~"admin.*"}}[$__rate_interval]) > 0)'
        " by (namespace, job, view, le))",
    ),
    Asked(
        REQUESTS,
        f'round(sum(rate({_BY_STATUS}{{{_VIEWS}, status=~"2.*", view=~"admin.*"}}[$__rate_interval]) > 0)'
        " by (namespace, job, view), 0.001)",
        trouble=True,
    ),
    Asked(
        REQUESTS,
        f'histogram_quantile(0.95, sum(rate({_LATENCY}{{{_VIEWS}, view=~"admin.*"}}[$__rate_interval]) > 0)'
        " by (namespace, job, view, le))",
        trouble=True,
    ),
    Asked(
        REQUESTS,
        "round(topk(10, sum by (namespace, job, view) (increase(django_http_exceptions_total_by_view_total"
        f"{{{_MIXIN}, {_IGNORED}}}[1w]) > 0)))",
    ),
    Asked(
        REQUESTS,
        "round(topk(10, sum by (namespace, job, type) (increase(django_http_exceptions_total_by_type_total"
        f"{{{_MIXIN}}}[1w]) > 0)))",
    ),
    Asked(
        REQUESTS,
        f"round(topk(10, sum by (namespace, job, view) (increase({_BY_STATUS}{{{_MIXIN}, {_IGNORED}, "
        'method=~"$method"}[1w]) > 0)))',
    ),
    Asked(
        REQUESTS,
        "topk(10, round(sum by (namespace, job, templatename) (increase("
        f"django_http_responses_total_by_templatename_total{{{_MIXIN}, "
        "templatename!~\".*'health_check/index.html'.*|None\"}[1w]) > 0)))",
    ),
)

_REQUESTS_BY_VIEW = (
    Asked(
        BY_VIEW,
        f'sum by (view) (increase(django_http_exceptions_total_by_view_total{{{_MIXIN}, view="$view"}}[1w]) > 0)',
    ),
    Asked(
        BY_VIEW,
        f'sum(rate({_BY_STATUS}{{{_VIEW}, status!~"[4-5].*"}}[1w])) / sum(rate({_BY_STATUS}{{{_VIEW}}}[1w]))',
    ),
    Asked(BY_VIEW, f"histogram_quantile(0.50, sum(rate({_LATENCY}{{{_VIEW}}}[$__range])) by (job, le))"),
    Asked(BY_VIEW, f"histogram_quantile(0.95, sum(rate({_LATENCY}{{{_VIEW}}}[$__range])) by (job, le))"),
    Asked(
        BY_VIEW,
        f'round(sum(irate({_REQUESTS}{{{_MIXIN}, view="$view"}}[$__rate_interval]) > 0) by (job), 0.001)',
        "last_two_scrapes",
    ),
    *(
        Asked(
            BY_VIEW,
            f'round(sum(irate({_BY_STATUS}{{{_VIEW}, status=~"{status}.*"}}[$__rate_interval]) > 0) by (job), 0.001)',
            "last_two_scrapes",
        )
        for status in "2345"
    ),
    Asked(
        BY_VIEW,
        f"round(sum(irate({_BY_STATUS}{{{_VIEW}}}[$__rate_interval]) > 0)"
        " by (namespace, job, view, status, method), 0.001)",
        "last_two_scrapes",
    ),
    Asked(
        BY_VIEW,
        f"histogram_quantile(0.99, sum(irate({_LATENCY}{{{_VIEW}}}[$__rate_interval]) > 0) by (view, le))",
        "last_two_scrapes",
    ),
    Asked(BY_VIEW, f"histogram_quantile(0.99, sum(rate({_LATENCY}{{{_VIEW}}}[$__range]) > 0) by (view, le))"),
)

_MODELS = tuple(
    Asked(MODELS, expression)
    for family in ("django_model_inserts_total", "django_model_updates_total", "django_model_deletes_total")
    for expression in (
        f"round(sum(rate({family}{{{_MIXIN}}}[$__rate_interval])) by (namespace, job), 0.001)",
        f'round(sum(rate({family}{{{_MIXIN}, model=~"$model"}}[$__rate_interval])) by (namespace, job, model), 0.001)',
        f"round(topk(10, sum(increase({family}{{{_MIXIN}}}[1w]) > 0) by (namespace, job, model)))",
    )
)

_HUE_DASHBOARD = (
    Asked(DJANGO_PROMETHEUS, f"rate(process_cpu_seconds_total{{{_HUE}}}[1m])", "short_window"),
    Asked(DJANGO_PROMETHEUS, f"process_virtual_memory_bytes{{{_HUE}}}"),
    Asked(DJANGO_PROMETHEUS, f"process_resident_memory_bytes{{{_HUE}}}"),
    Asked(DJANGO_PROMETHEUS, f"rate(python_gc_objects_collected_total{{{_HUE}}}[1m])", "short_window"),
    Asked(DJANGO_PROMETHEUS, f"rate(python_gc_collections_total{{{_HUE}}}[$__rate_interval])"),
    Asked(DJANGO_PROMETHEUS, f"rate(python_gc_objects_uncollectable_total{{{_HUE}}}[$__rate_interval])"),
    Asked(DJANGO_PROMETHEUS, f"process_open_fds{{{_HUE}}}"),
    Asked(DJANGO_PROMETHEUS, f"process_start_time_seconds{{{_HUE}}}*1000"),
    *(
        Asked(
            DJANGO_PROMETHEUS,
            f'sum(irate(django_http_responses_total_by_status_total{{status=~"{status}.+",{_HUE}}}[1m]))',
            "last_two_scrapes",
        )
        for status in "25"
    ),
    *(
        Asked(
            DJANGO_PROMETHEUS,
            f"histogram_quantile({quantile}, rate(django_http_requests_latency_including_middlewares_seconds_bucket"
            f"{{{_HUE}}}[$__rate_interval]))",
        )
        for quantile in ("0.50", "0.95", "0.99")
    ),
    Asked(
        DJANGO_PROMETHEUS,
        f"sum(irate(django_http_responses_total_by_status_total{{{_HUE}}}[$__rate_interval])) by(status)",
        "last_two_scrapes",
    ),
    Asked(DJANGO_PROMETHEUS, f"sum(irate(django_db_execute_total{{{_HUE}}}[1m])) by (vendor)", "last_two_scrapes"),
    Asked(
        DJANGO_PROMETHEUS,
        f"histogram_quantile(0.95, rate(django_http_responses_body_total_bytes_bucket{{{_HUE}}}[5m]))",
    ),
)

_QUOTED_ONES = (
    Asked(QUOTED, f"10*(sum(irate({_REQUESTS}{{{_QUOTED}}}[30s])) by(method, view))", "last_two_scrapes"),
    Asked(
        QUOTED,
        f'sum(irate({_REQUESTS}{{namespace=~"$namespace", app=~"^$app$",view!~"prometheus-django-metrics|healthcheck"}}'
        "[1m])) by(method, view)",
        "last_two_scrapes",
    ),
    Asked(QUOTED, f"sum(increase({_REQUESTS}{{{_QUOTED}}}[5m])) by (method, view)"),
    Asked(QUOTED, f'sum(increase({_REQUESTS}{{service=~"^$service$", method=~"$method"}}[15m])) by (method)'),
    Asked(QUOTED, f"histogram_quantile(0.999, sum(rate({_LATENCY}{{{_QUOTED}}}[5m])) by (job, le))"),
    Asked(
        QUOTED,
        f"sum(irate(django_http_responses_before_middlewares_total{{{_QUOTED}}}[30s])) by(job)",
        "last_two_scrapes",
    ),
    Asked(
        QUOTED,
        f"sum(irate(django_http_responses_total_by_status_total{{{_QUOTED}}}[30s])) by(status)",
        "last_two_scrapes",
    ),
    Asked(QUOTED, 'django_http_responses_total_by_status_total{status=~"2.+",service=~"^$service$"}'),
    Asked(QUOTED, "rate(django_db_query_duration_seconds_bucket[30s])", "short_window"),
    Asked(QUOTED, f"sum by (view)(rate({_BY_STATUS}[1d]))"),
    Asked(QUOTED, "sum(rate(process_cpu_seconds_total{}[$__rate_interval]))"),
)

_RULES = (
    *(
        Asked(RULES, f"sum(rate({name}[30s])) BY (job)", "short_window")
        for name in (
            "django_http_requests_before_middlewares_total",
            "django_http_responses_before_middlewares_total",
            "django_http_ajax_requests_total",
            "django_http_responses_streaming_total",
        )
    ),
    *(
        Asked(RULES, f"sum(rate({name}[30s])) BY (job, {labels})", "old_name")
        for name, labels in (
            ("django_http_requests_total_by_method", "method"),
            ("django_http_requests_total_by_transport", "transport"),
            ("django_http_requests_total_by_view_transport_method", "view, transport, method"),
            ("django_http_responses_total_by_templatename", "templatename"),
            ("django_http_responses_total_by_status", "status"),
            ("django_http_responses_total_by_status_name_method", "status, name, method"),
            ("django_http_responses_total_by_charset", "charset"),
            ("django_http_exceptions_total_by_type", "type"),
            ("django_http_exceptions_total_by_view", "view"),
            ("django_http_requests_latency_seconds_bucket", "le"),
        )
    ),
    Asked(
        RULES,
        "histogram_quantile(0.95, sum(rate(django_http_requests_latency_including_middlewares_seconds_bucket[30s]))"
        " BY (job, le))",
        "short_window",
    ),
    *(
        Asked(RULES, f"sum(rate(django_model_{kind}_total[1m])) BY (job, model)", "short_window")
        for kind in ("inserts", "updates", "deletes")
    ),
    *(
        Asked(RULES, f"sum(rate({name}[30s])) BY (alias, vendor)", "short_window")
        for name in ("django_db_new_connections_total", "django_db_execute_total", "django_db_execute_many_total")
    ),
    Asked(
        RULES,
        "sum(rate(django_db_new_connection_errors_total[30s])) BY (alias, vendor)",
        "short_window",
        trouble=True,
    ),
    Asked(RULES, "sum(rate(django_db_errors_total[30s])) BY (alias, vendor, type)", "short_window", trouble=True),
    Asked(RULES, "max(django_migrations_applied_total) BY (job, connection)"),
    Asked(RULES, "max(django_migrations_unapplied_total) BY (job, connection)"),
    Asked(CONSOLE, "sum(up{job='django'}) / count(up{job='django'})", "of_the_scrape"),
    Asked(CONSOLE, "avg by(job)(rate(process_cpu_seconds_total{job='django'}[5m]))", "of_the_scrape"),
    Asked(CONSOLE, "avg by(job)(process_resident_memory_bytes{job='django'})", "of_the_scrape"),
)

ASKED = (
    *_OVERVIEW,
    *_REQUESTS_OVERVIEW,
    *_REQUESTS_BY_VIEW,
    *_MODELS,
    *_HUE_DASHBOARD,
    *_QUOTED_ONES,
    *_RULES,
)
