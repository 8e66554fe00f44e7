from django.core.cache import cache, caches
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from .models import Book


def index(request):
    count = cache.get("books")
    if count is None:
        count = Book.objects.filter(sold=False).count()
        cache.set("books", count, 60)
    books = Book.objects.filter(sold=False).select_related("author")
    return TemplateResponse(request, "catalog/index.html", {"books": books, "count": count})


def book(request, pk):
    found = get_object_or_404(Book.objects.select_related("author"), pk=pk)
    return TemplateResponse(request, "catalog/book.html", {"book": found})


def cover(request, pk):
    image = caches["covers"].get(f"cover-{pk}")
    if image is None:
        raise Http404("no picture of this book")
    return HttpResponse(image, content_type="image/svg+xml")
