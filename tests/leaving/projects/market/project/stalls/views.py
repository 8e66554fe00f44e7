from django.http import HttpResponse, JsonResponse

from . import services
from .gauges import OVEN


def sell(request, stall):
    goods, grams = request.GET["goods"], int(request.GET.get("grams", 500))
    try:
        sale = services.sell(stall, goods, grams, request.GET.get("paid", "cash"))
    except services.Refused as refused:
        return JsonResponse({"refused": str(refused)}, status=422)
    return JsonResponse({"sale": sale.pk}, status=201)


def takings(request):
    return JsonResponse(services.takings())


def gauge(request):
    OVEN.set(int(request.GET.get("value", 180)))
    return HttpResponse(f"{OVEN.labels()}: {OVEN.value}")
