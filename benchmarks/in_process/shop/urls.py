"""An order for each request, and the metrics of the process that is asked."""

import os
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from prometheus_client import Gauge

import logemit

from . import OPEN
from .models import Order

KEPT = Gauge(OPEN, "Orders in work, kept in the process.")
WRITTEN = logemit.Gauge(OPEN, "Orders in work, written as lines.", multiprocess_mode="livesum")


def order(_request: HttpRequest) -> HttpResponse:
    with KEPT.track_inprogress(), WRITTEN.track_inprogress():
        Order.objects.create()
    return HttpResponse()


def named_worker(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Who answered, for those who ask several."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers["X-Worker"] = str(os.getpid())
        return response

    return middleware


urlpatterns = [path("order/", order), path("", include("django_prometheus.urls"))]
