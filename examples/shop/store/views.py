from django.conf import settings
from django.core.cache import cache
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from . import tasks
from .models import Order, Product


@require_GET
def up(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("up\n", content_type="text/plain")


@require_GET
def product_list(_request: HttpRequest) -> JsonResponse:
    """Made for the first visitor, and kept for the next ones for a moment."""
    products = kept = cache.get("products")
    if kept is None:
        products = list(Product.objects.values("id", "name"))
        cache.set("products", products, settings.CACHE_SECONDS)
    return JsonResponse({"products": products}, headers={"X-Cache": "miss" if kept is None else "hit"})


@require_GET
def product_detail(_request: HttpRequest, pk: int) -> JsonResponse:
    product = get_object_or_404(Product, pk=pk)
    return JsonResponse({"name": product.name, "stock": product.stock})


@require_POST
def order_create(request: HttpRequest) -> JsonResponse:
    """Takes the pieces out of the stock, if there are enough, and has a receipt sent."""
    try:
        product, pieces = int(request.POST["product"]), int(request.POST["pieces"])
    except (KeyError, ValueError):
        raise Http404("expected product and pieces") from None
    if not Product.objects.filter(pk=product, stock__gte=pieces).update(stock=F("stock") - pieces):
        return JsonResponse({"detail": "not in stock"}, status=409)
    order = Order.objects.create(product_id=product, pieces=pieces)
    tasks.send_receipt.delay(order.pk)
    return JsonResponse({"order": order.pk}, status=201)


@require_GET
def broken(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{Product.objects.count() // 0} products a page")
