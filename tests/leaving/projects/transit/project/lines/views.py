from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.views import View

from .models import Departure, Line


def index(request):
    return HttpResponse(f"Trams in {request.city}")


def stop(request, stop):
    found = cache.get(f"stop-{stop}")
    if found is None:
        found = list(Departure.objects.filter(stop=stop).values("line", "minute"))
        cache.set(f"stop-{stop}", found, 30)
    return JsonResponse({"departures": found})


class Lines(View):
    def get(self, request):
        return JsonResponse({"lines": [line.name for line in Line.objects.filter(city=request.city)]})

    def delete(self, request):
        raise PermissionDenied("lines are for ever")
