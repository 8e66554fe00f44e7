"""Bookmarks from a file: Netscape's HTML, OPML or JSON. A broken entry is counted, a broken file raises."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import ParseError

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction

import logemit
from logemit.domain import Import

from . import safe_xml
from .models import Bookmark, Tag


class UnreadableError(ValueError):
    """The whole file is not what it was said to be."""


@dataclass(frozen=True, slots=True)
class Entry:
    url: Any
    title: Any
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    status: str
    items_total: int
    items_processed: int
    items_failed: int


class _Netscape(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self._attributes: dict[str, str | None] | None = None
        self._title = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._attributes, self._title = dict(attrs), ""

    def handle_data(self, data: str) -> None:
        self._title += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._attributes is not None:
            tags = (self._attributes.get("tags") or "").split(",")
            names = tuple(name.strip() for name in tags if name.strip())
            self.entries.append(Entry(self._attributes.get("href") or "", self._title.strip(), names))
            self._attributes = None


def _netscape(data: bytes) -> Iterator[Entry]:
    text = _text(data)
    if not text.lstrip().upper().startswith("<!DOCTYPE NETSCAPE-BOOKMARK-FILE-1>"):
        raise UnreadableError("no Netscape bookmark file")
    parser = _Netscape()
    parser.feed(text)
    parser.close()
    yield from parser.entries


def _opml(data: bytes) -> Iterator[Entry]:
    try:
        root = safe_xml.parse(data)
    except (ParseError, safe_xml.UnsafeXMLError) as exc:
        raise UnreadableError(f"no OPML: {exc}") from exc
    if root.tag != "opml":
        raise UnreadableError(f"no OPML: its root is <{root.tag}>")
    for outline in root.iter("outline"):
        if not len(outline):
            yield Entry(outline.get("htmlUrl") or outline.get("xmlUrl") or "", outline.get("text") or "")


def _json(data: bytes) -> Iterator[Entry]:
    try:
        items = json.loads(_text(data))
    except json.JSONDecodeError as exc:
        raise UnreadableError(f"no JSON: {exc}") from exc
    if not isinstance(items, list):
        raise UnreadableError("expected a list of bookmarks")
    for item in items:
        given = item if isinstance(item, dict) else {}
        tags = given.get("tags") or []
        names = tuple(str(name) for name in tags) if isinstance(tags, list) else ()
        yield Entry(given.get("url"), given.get("title"), names)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise UnreadableError(f"no UTF-8: {exc.reason}") from exc


READERS: dict[str, Callable[[bytes], Iterator[Entry]]] = {"netscape": _netscape, "opml": _opml, "json": _json}
FORMATS = tuple(READERS)


@transaction.atomic
def _take_in(user: Any, entries: list[Entry], job: Import) -> int:
    """How many of the entries became bookmarks."""
    taken = 0
    for entry in entries:
        job.progress(items_processed=taken, items_total=len(entries))
        bookmark = Bookmark(user=user, url=entry.url, title=entry.title)
        try:
            bookmark.full_clean()
        except ValidationError:
            continue
        bookmark.save()
        bookmark.tags.set([Tag.objects.get_or_create(name=name[:50])[0] for name in entry.tags])
        taken += 1
    return taken


def import_bookmarks(user: Any, format: str, data: bytes) -> Summary:  # noqa: A002
    """Take a file's bookmarks in. Raises UnreadableError where it holds none."""
    with logemit.bookmark_import(user_id=user.pk, format=format) as job:
        entries = list(READERS[format](data))
        taken = _take_in(user, entries, job)
        failed = len(entries) - taken
        summary = Summary("partial" if failed else "success", len(entries), taken, failed)
        job.set(**asdict(summary))
    if taken:
        cache.delete("stats")
        logemit.bookmark_change("created", source="import", user_id=user.pk, count=taken)
    return summary
