"""The pages: most do what a bookmark manager does, the last few show what can go wrong."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Count
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, render
from django.template.response import TemplateResponse
from django.urls import reverse_lazy
from django.utils.html import escape
from django.views.decorators.http import require_GET, require_POST
from django.views.generic import CreateView, DeleteView, ListView, UpdateView

import logemit

from . import feeds
from .forms import BookmarkForm
from .importers import FORMATS, UnreadableError, import_bookmarks
from .models import Bookmark, Feed, Tag

_GUIDE = Path(__file__).parent / "files" / "guide.txt"
_LONGEST_SLEEP = 2.0


class BookmarkList(ListView):
    queryset = Bookmark.objects.select_related("user").prefetch_related("tags")
    paginate_by = 20

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        popular = Tag.objects.annotate(uses=Count("bookmarks")).order_by("-uses", "name")[:10]
        return super().get_context_data(popular=popular, **kwargs)


class TagDetail(ListView):
    """A page that is made for the first visitor and kept for the next ones, for a while."""

    paginate_by = 20
    kept = True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        page = cache.get_or_set(request.get_full_path(), self._make, settings.CACHE_SECONDS)
        return HttpResponse(page, headers=_told(kept=self.kept))

    def _make(self) -> bytes:
        self.kept = False
        return super().get(self.request).render().content

    def get_queryset(self) -> Any:
        if not Tag.objects.filter(name=self.kwargs["name"]).exists():
            raise Http404("no such tag")
        return Bookmark.objects.filter(tags__name=self.kwargs["name"]).select_related("user").prefetch_related("tags")


def _told(*, kept: bool) -> dict[str, str]:
    """Whether a page came from the cache, as proxies tell it."""
    return {"X-Cache": "hit" if kept else "miss"}


class FeedList(ListView):
    queryset = Feed.objects.annotate(size=Count("items"))


class _Changes:
    """Tells logemit of a bookmark that was created, updated or deleted on a page."""

    operation: str
    success_url = reverse_lazy("bookmark_list")

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)  # type: ignore[misc]
        logemit.bookmark_change(self.operation, source="web", user_id=self.object.user_id)
        return response


class BookmarkCreate(_Changes, CreateView):
    model = Bookmark
    form_class = BookmarkForm
    operation = "created"

    def form_valid(self, form: BookmarkForm) -> HttpResponse:
        response = super().form_valid(form)
        response["X-Bookmark"] = str(self.object.pk)
        return response


class BookmarkEdit(_Changes, UpdateView):
    model = Bookmark
    form_class = BookmarkForm
    operation = "updated"


class BookmarkDelete(_Changes, DeleteView):
    model = Bookmark
    operation = "deleted"


@require_POST
def bookmark_import(request: HttpRequest) -> HttpResponse:
    user = get_object_or_404(User, pk=request.POST.get("user"))
    upload, format_ = request.FILES.get("file"), request.POST.get("format")
    if upload is None or format_ not in FORMATS:
        return JsonResponse({"detail": "expected a file and its format"}, status=400)
    try:
        summary = import_bookmarks(user, format_, upload.read())
    except UnreadableError as exc:
        return JsonResponse({"status": "error", "detail": str(exc)}, status=400)
    return JsonResponse(asdict(summary))


@require_GET
def bookmark_export(request: HttpRequest) -> StreamingHttpResponse:
    """Queries while it streams; ?break= breaks off in the middle."""
    return StreamingHttpResponse(_netscape(breaks="break" in request.GET))


def _netscape(*, breaks: bool) -> Iterator[str]:
    yield "<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<TITLE>Bookmarks</TITLE>\n<DL><p>\n"
    for user in User.objects.order_by("pk"):
        yield f"<DT><H3>{user.pk}</H3>\n<DL><p>\n"
        for bookmark in user.bookmarks.all()[:50]:
            yield f'<DT><A HREF="{escape(bookmark.url)}">{escape(bookmark.title)}</A>\n'
        if breaks:
            raise RuntimeError("the export broke off")
        yield "</DL><p>\n"
    yield "</DL><p>\n"


@require_GET
def digest(request: HttpRequest) -> TemplateResponse:
    """The N+1 problem on purpose: two queries for each bookmark."""
    return TemplateResponse(request, "links/digest.html", {"bookmarks": Bookmark.objects.order_by("pk")[:30]})


@require_GET
def report(request: HttpRequest) -> HttpResponse:
    """One query slower than half a second."""
    with connection.cursor() as cursor:
        connection.connection.create_function("sleep", 1, time.sleep)
        cursor.execute("SELECT count(*), sleep(0.6) FROM links_bookmark WHERE url LIKE 'https://%'")
        count = cursor.fetchone()[0]
    return render(request, "links/report.html", {"count": count})


@require_POST
def feed_poll(request: HttpRequest, pk: int) -> JsonResponse:
    feed = get_object_or_404(Feed, pk=pk)
    try:
        return JsonResponse(asdict(feeds.poll(feed)))
    except (OSError, ValueError, SyntaxError) as exc:  # a ParseError is a SyntaxError
        return JsonResponse({"status": "error", "detail": type(exc).__name__}, status=502)


def api_bookmarks(request: HttpRequest) -> JsonResponse:
    if request.method == "POST":
        return _api_create(request)
    newest = Bookmark.objects.select_related("user").prefetch_related("tags")[:25]
    return JsonResponse({"bookmarks": [_as_json(bookmark) for bookmark in newest]})


def _api_create(request: HttpRequest) -> JsonResponse:
    try:
        form = BookmarkForm(json.loads(request.body))
    except (ValueError, TypeError):
        return JsonResponse({"detail": "expected a JSON object"}, status=400)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)
    bookmark = form.save()
    logemit.bookmark_change("created", source="api", user_id=bookmark.user_id)
    return JsonResponse(_as_json(bookmark), status=201)


def _as_json(bookmark: Bookmark) -> dict[str, Any]:
    tags = [tag.name for tag in bookmark.tags.all()]
    return {"id": bookmark.pk, "url": bookmark.url, "title": bookmark.title, "tags": tags, "user": bookmark.user_id}


@require_POST
def api_visits(request: HttpRequest) -> HttpResponse:
    visited = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE links_bookmark SET visits = visits + 1 WHERE id = %s", [(pk,) for pk in visited])
    return HttpResponse(status=204)


async def api_stats(_request: HttpRequest) -> JsonResponse:
    stats = kept = await cache.aget("stats")
    if kept is None:
        stats = {"bookmarks": await Bookmark.objects.acount(), "feeds": await Feed.objects.acount()}
        await cache.aset("stats", stats, settings.CACHE_SECONDS)
    return JsonResponse(stats, headers=_told(kept=kept is not None))


async def api_titles(_request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_titles(), content_type="text/plain; charset=utf-8")


async def _titles() -> AsyncIterator[str]:
    async for title in Bookmark.objects.order_by("pk").values_list("title", flat=True)[:100]:
        yield f"{title}\n"


@require_GET
def guide(_request: HttpRequest) -> FileResponse:
    return FileResponse(_GUIDE.open("rb"), as_attachment=True, content_type="text/plain; charset=utf-8")


@require_GET
def slow(request: HttpRequest) -> HttpResponse:
    try:
        seconds = float(request.GET.get("seconds", "0.1"))
    except ValueError:
        raise Http404("no number of seconds") from None
    time.sleep(min(max(seconds, 0.0), _LONGEST_SLEEP))
    return HttpResponse("done\n", content_type="text/plain")


@require_GET
def private(_request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


@require_GET
def broken(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{Bookmark.objects.count() // 0} bookmarks a page")
