"""One request and its response, from the first middleware to the last byte: the fields of http_request."""

import os
import re
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from structlog.contextvars import get_contextvars

from . import conf, outside
from .emitter import write_events
from .unit import Unit, entered
from .vocabulary import INVALID_METHOD, METHODS, UNNAMED_VIEW

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_BODILESS = frozenset({204, 304})


def request_id(meta: Mapping[str, Any], header: str) -> str:
    """The id that came with the request, where it is harmless to write; else a new one."""
    given = meta.get("HTTP_" + header.upper().replace("-", "_"), "") if header else ""
    return given if isinstance(given, str) and _REQUEST_ID.fullmatch(given) else os.urandom(8).hex()


class Exchange:
    """Ends in exactly one event, whichever of its ends comes first."""

    __slots__ = ("_request", "_start", "response", "unit")

    def __init__(self, request: "HttpRequest", unit: Unit) -> None:
        self._request: HttpRequest | None = request
        self._start = time.perf_counter_ns()
        self.response: HttpResponseBase | None = None
        self.unit = unit

    def finish(self, outcome: str = "ok", response_bytes: int | None = None) -> None:
        """Write the event with all that its unit still holds; later calls do nothing."""
        microseconds = (time.perf_counter_ns() - self._start + 500) // 1000
        unit, settings = self.unit, conf.current()
        folded = unit.close()
        if folded is None:
            return
        unit.id = get_contextvars().get("request_id") or unit.id
        try:
            fields = self._fields(outcome, microseconds, response_bytes)
        except Exception:  # a request object that an app bent out of shape
            fields = {"outcome": outcome, "method": INVALID_METHOD, "view": UNNAMED_VIEW}
            fields["duration_seconds"] = microseconds / 1e6
        if not (unit.muted or (settings.exclude_views and _any_matches(settings.exclude_views, fields["view"]))):
            write_events([*folded, ("http_request", fields)], unit)
        outside.flush()
        self.response = self._request = None  # a stream holds this, and its response the stream

    def finish_file(self) -> None:
        """The end of a FileResponse, whose bytes the server sends itself."""
        length = self.response.headers.get("Content-Length") if self.response is not None else None
        self.finish(response_bytes=_length(length) if length is not None else None)

    def _fields(self, outcome: str, microseconds: int, response_bytes: int | None) -> dict[str, Any]:
        request, response, unit = self._request, self.response, self.unit
        assert request is not None
        match = request.resolver_match
        failed = outcome == "ok" and (unit.exception or (response is not None and response.status_code >= 500))
        fields: dict[str, Any] = {
            "outcome": "error" if failed else outcome,
            "method": request.method if request.method in METHODS else INVALID_METHOD,
            "view": (match.view_name if match else None) or UNNAMED_VIEW,
            "route": match.route if match else "",
            "transport": request.scheme,
            "ajax": request.META.get("HTTP_X_REQUESTED_WITH") == "XMLHttpRequest",
            "streaming": False,
        }
        if response is not None:
            fields["status"] = response.status_code
            fields["streaming"] = bool(response.streaming)
            fields["charset"] = response.charset
            if template := _template(response):
                fields["template"] = template
        if unit.exception:
            fields["exception"] = unit.exception
        fields["duration_seconds"] = microseconds / 1e6
        if unit.view_microseconds is not None:
            fields["view_seconds"] = unit.view_microseconds / 1e6
        fields["request_bytes"] = _length(request.META.get("CONTENT_LENGTH"))
        if response_bytes is not None:
            without_body = request.method == "HEAD" or fields["status"] in _BODILESS
            fields["response_bytes"] = 0 if without_body else response_bytes
        settings = conf.current()
        if settings.queries != "off":
            fields["db_queries"] = unit.queries
            fields["db_seconds"] = unit.query_microseconds / 1e6
        if settings.caches != "off":
            fields["cache_gets"] = unit.cache_gets
            fields["cache_hits"] = unit.cache_hits
        return fields


def excluded(request: "HttpRequest", patterns: Collection[str]) -> bool:
    """By its path; views are known only once they have been found."""
    return bool(patterns) and _any_matches(patterns, request.path)


def _any_matches(patterns: Collection[str], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _length(given: Any) -> int:
    """A Content-Length; malformed or missing is 0."""
    text = str(given or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _template(response: "HttpResponseBase") -> str:
    """The name of a TemplateResponse's template; never a repr with an address in it."""
    template = getattr(response, "template_name", None)
    if isinstance(template, list | tuple):
        return str([name if isinstance(name, str) else "<template>" for name in template])
    return template if isinstance(template, str) else "<template>" if template is not None else ""


Chunks = TypeVar("Chunks")


class _Streamed(Generic[Chunks]):
    def __init__(self, exchange: Exchange, chunks: Chunks) -> None:
        self._exchange = exchange
        self._chunks: Chunks | None = chunks
        self._bytes = 0

    def _finish(self, outcome: str = "ok") -> None:
        self._exchange.finish(outcome, self._bytes)
        self._chunks = None  # they hold the response, which holds this

    def _fail(self, exc: BaseException) -> None:
        if isinstance(exc, Exception):
            self._exchange.unit.exception = type(exc).__name__
            self._finish("error")
        else:
            self._finish("cancelled")

    def close(self) -> None:
        """Called by the server in any case; before the last chunk it means that the client went away."""
        self._finish("aborted")


class Stream(_Streamed[Iterator[bytes]]):
    """A response's chunks, counted; the request's unit is entered again for each."""

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> bytes:
        if self._chunks is None:
            raise StopIteration
        try:
            with entered(self._exchange.unit):
                chunk = next(self._chunks)
        except StopIteration:
            self._finish()
            raise
        except BaseException as exc:
            self._fail(exc)
            raise
        self._bytes += len(chunk)
        return chunk


class AsyncStream(_Streamed[AsyncIterator[bytes]]):
    """The same for asynchronous chunks."""

    def __aiter__(self) -> "AsyncStream":
        return self

    async def __anext__(self) -> bytes:
        if self._chunks is None:
            raise StopAsyncIteration
        try:
            with entered(self._exchange.unit):
                chunk = await anext(self._chunks)
        except StopAsyncIteration:
            self._finish()
            raise
        except BaseException as exc:
            self._fail(exc)
            raise
        self._bytes += len(chunk)
        return chunk
