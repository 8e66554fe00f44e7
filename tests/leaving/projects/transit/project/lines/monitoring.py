"""Requests by city."""

from django_prometheus.middleware import (
    Metrics,
    PrometheusAfterMiddleware,
    PrometheusBeforeMiddleware,
)

BY_CITY = (
    "django_http_requests_total_by_method",
    "django_http_responses_total_by_status",
)


class CityMetrics(Metrics):
    def register_metric(self, metric_cls, name, documentation, labelnames=(), **kwargs):
        if name in BY_CITY:
            labelnames = [*labelnames, "city"]
        return super().register_metric(metric_cls, name, documentation, labelnames, **kwargs)


class CityBeforeMiddleware(PrometheusBeforeMiddleware):
    metrics_cls = CityMetrics


class CityAfterMiddleware(PrometheusAfterMiddleware):
    metrics_cls = CityMetrics

    def label_metric(self, metric, request, response=None, **labels):
        if metric._name.endswith(BY_CITY):
            labels["city"] = request.headers.get("X-City", "ulm")
        return super().label_metric(metric, request, response, **labels)
