"""Polls of RSS and Atom feeds over HTTP, each with one of four ends: success, not_modified, timeout, an exception."""

from dataclasses import dataclass
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener
from xml.etree.ElementTree import Element

from django.conf import settings
from django.db import transaction

import logemit

from . import safe_xml
from .models import Feed, FeedItem

ATOM = "{http://www.w3.org/2005/Atom}"
_SIZE_LIMIT = 2_000_000
_opener = build_opener(ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Outcome:
    status: str
    items_discovered: int = 0
    items_new: int = 0


def poll(feed: Feed) -> Outcome:
    """Fetch a feed and keep its new items. An answer that is no feed raises."""
    with logemit.feed_poll(feed_id=feed.pk) as span:
        try:
            data = _fetch(feed)
        except (TimeoutError, URLError) as exc:
            if not isinstance(exc, TimeoutError) and not isinstance(exc.reason, TimeoutError):
                raise
            span.set(status="timeout")
            return Outcome("timeout")
        if data is None:
            span.set(status="not_modified")
            return Outcome("not_modified")
        items = _parse(data)
        new = _keep(feed, items)
        span.set(items_discovered=len(items), items_new=new)
        return Outcome("success", len(items), new)


def _fetch(feed: Feed) -> bytes | None:
    """The feed's bytes, or None where they are the ones that were kept last."""
    known = {"If-None-Match": feed.etag, "If-Modified-Since": feed.last_modified}
    request = Request(feed.url, headers={name: value for name, value in known.items() if value})
    try:
        with _opener.open(request, timeout=settings.FEED_TIMEOUT_SECONDS) as response:
            data = response.read(_SIZE_LIMIT)
            feed.etag = response.headers.get("ETag", "")
            feed.last_modified = response.headers.get("Last-Modified", "")
            return data
    except HTTPError as error:
        with error:
            if error.code == 304:
                return None
        raise


def _parse(data: bytes) -> dict[str, tuple[str, str]]:
    """(title, link) by guid."""
    root = safe_xml.parse(data)
    if root.tag == "rss":
        return {_text(e, "guid") or _text(e, "link"): (_text(e, "title"), _text(e, "link")) for e in root.iter("item")}
    if root.tag == f"{ATOM}feed":
        entries = root.iter(f"{ATOM}entry")
        return {_text(e, f"{ATOM}id"): (_text(e, f"{ATOM}title"), _atom_link(e)) for e in entries}
    raise ValueError(f"neither RSS nor Atom: {root.tag}")


def _text(element: Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _atom_link(entry: Element) -> str:
    link = entry.find(f"{ATOM}link")
    return link.get("href", "") if link is not None else ""


@transaction.atomic
def _keep(feed: Feed, items: dict[str, tuple[str, str]]) -> int:
    known = set(feed.items.filter(guid__in=items).values_list("guid", flat=True))
    new = [
        FeedItem(feed=feed, guid=guid, title=title[:200], link=link)
        for guid, (title, link) in items.items()
        if guid not in known
    ]
    FeedItem.objects.bulk_create(new)
    feed.save()
    return len(new)
