from django.db import transaction
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from catalog.models import Book

from .models import Order


class AlreadySold(Exception):
    pass


@csrf_exempt
@require_POST
@transaction.atomic
def order(request, pk):
    book = get_object_or_404(Book, pk=pk)
    if book.sold:
        raise AlreadySold(book.title)
    book.sold = True
    book.save()
    made = Order.objects.create(book=book, email=request.POST["email"])
    return JsonResponse({"order": made.pk}, status=201)
