"""What Prometheus reads: all workers together."""
import hmac
import os
from functools import wraps

from django.conf import settings
from django.http import HttpResponse, HttpResponseForbidden
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector


def token_required(view):
    @wraps(view)
    def checked(request, *args, **kwargs):
        given = request.headers.get('Authorization', '')
        if not hmac.compare_digest(given, 'Bearer ' + settings.METRICS_TOKEN):
            return HttpResponseForbidden()
        return view(request, *args, **kwargs)
    return checked


@token_required
def metrics(request):
    if 'PROMETHEUS_MULTIPROC_DIR' in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    else:
        registry = REGISTRY
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


@token_required
def status(request):
    return HttpResponse('open')
