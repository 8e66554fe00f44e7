"""One request and its response, from the first middleware to the last byte: the fields of http_request."""

import os
import re
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.template.response import SimpleTemplateResponse

from . import conf, outside
from .emitter import swallowed, write_events
from .unit import Unit, entered, of_app
from .vocabulary import INVALID_METHOD, METHODS, UNNAMED_VIEW

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_BODILESS = frozenset({204, 304})


def request_id(meta: Mapping[str, Any], key: str) -> str:
    """The id that came with the request, where it is harmless to write; else a new one."""
    given = meta.get(key)
    return given if given is not None and is_plain_id(given) else os.urandom(8).hex()


def is_plain_id(given: Any) -> bool:
    """Harmless in a line and in a header."""
    return isinstance(given, str) and _REQUEST_ID.fullmatch(given) is not None


class Exchange(Unit):
    """A request's unit of work. Ends in exactly one event, whichever of its ends comes first."""

    __slots__ = ("_request", "_settings", "_start", "response")

    def __init__(self, request: "HttpRequest", settings: conf.Settings) -> None:
        super().__init__("request", request_id(request.META, settings.request_id_key), settings.folds_below)
        self._request: HttpRequest | None = request
        self._settings = settings
        self.response: HttpResponseBase | None = None
        self.muted = _any_matches(settings.exclude_paths, request.path) if settings.exclude_paths else False
        self._start = perf_counter_ns()

    def is_muted(self) -> bool:
        """Also by its view, once that was found."""
        match = self._request.resolver_match if self._request is not None else None
        if match is not None and not self.muted and self._settings.exclude_views:
            self.muted = _any_matches(self._settings.exclude_views, match.view_name or UNNAMED_VIEW)
        return self.muted

    def finish(self, outcome: str = "ok", response_bytes: int | None = None) -> None:
        """Write the event with all that the unit still holds; later calls do nothing."""
        microseconds = (perf_counter_ns() - self._start + 500) // 1000
        try:
            folded = self.close()
            if folded is None:
                return
            try:
                fields = self._fields(outcome, microseconds, response_bytes)
            except Exception:  # a request object that an app bent out of shape
                fields = {"outcome": outcome, "method": INVALID_METHOD, "view": UNNAMED_VIEW}
                fields["duration_seconds"] = microseconds / 1e6
            patterns = self._settings.exclude_views
            if not (self.is_muted() or (patterns and _any_matches(patterns, fields["view"]))):
                write_events([*folded, ("http_request", fields)], self)
                outside.flush()
            elif own := of_app(folded):
                write_events(own, self)
        except Exception as exc:
            if not swallowed(exc):
                raise
        self.response = self._request = None  # a stream holds this, and its response the stream

    def finish_file(self) -> None:
        """The end of a FileResponse, whose bytes the server sends itself."""
        length = self.response.headers.get("Content-Length") if self.response is not None else None
        self.finish(response_bytes=_length(length) if length is not None else None)

    def _fields(self, outcome: str, microseconds: int, response_bytes: int | None) -> dict[str, Any]:
        request, response, settings, exception = self._request, self.response, self._settings, self.exception
        assert request is not None
        match, meta, method = request.resolver_match, request.META, request.method
        status = response.status_code if response is not None else None
        if outcome == "ok" and (exception or (status is not None and status >= 500)):
            outcome = "error"
        fields: dict[str, Any] = {
            "outcome": outcome,
            "method": method if method in METHODS else INVALID_METHOD,
            "view": (match.view_name if match else None) or UNNAMED_VIEW,
            "route": match.route if match else "",
            "transport": request.scheme,
            "ajax": meta.get("HTTP_X_REQUESTED_WITH") == "XMLHttpRequest",
            "streaming": response is not None and bool(response.streaming),
            "duration_seconds": microseconds / 1e6,
            "request_bytes": _length(meta.get("CONTENT_LENGTH")),
        }
        if response is not None:
            fields["status"] = status
            fields["charset"] = _charset(response)
            if isinstance(response, SimpleTemplateResponse) and (template := _template(response.template_name)):
                fields["template"] = template
        if exception:
            fields["exception"] = exception
        if self.view_microseconds is not None:
            fields["view_seconds"] = self.view_microseconds / 1e6
        if response_bytes is not None:
            fields["response_bytes"] = 0 if method == "HEAD" or status in _BODILESS else response_bytes
        if settings.queries != "off":
            fields["db_queries"] = self.queries
            fields["db_seconds"] = self.query_microseconds / 1e6
        if settings.caches != "off":
            fields["cache_gets"] = self.cache_gets
            fields["cache_hits"] = self.cache_hits
        return fields


def _any_matches(patterns: Collection[str], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _length(given: Any) -> int:
    """A Content-Length; malformed or missing is 0."""
    if not given:
        return 0
    text = str(given)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


_charsets: dict[str | None, str] = {}


def _charset(response: "HttpResponseBase") -> str:
    """Remembered for each Content-Type: Django searches that each time, which takes as long as a line to render."""
    if getattr(response, "_charset", "") is not None:  # set apart from the header
        return response.charset
    content_type = response.headers.get("Content-Type")
    found = _charsets.get(content_type)
    if found is None:
        found = response.charset
        if len(_charsets) < 1000:
            _charsets[content_type] = found
    return found


def reset() -> None:
    """The default charset is another now."""
    _charsets.clear()


def _template(given: Any) -> str:
    """The name of a TemplateResponse's template; never a repr with an address in it."""
    if isinstance(given, list | tuple):
        names = [name if isinstance(name, str) else "<template>" for name in given]
        return str(names if isinstance(given, list) else tuple(names))
    return given if isinstance(given, str) else "<template>" if given is not None else ""


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
            self._exchange.exception = type(exc).__name__
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
            with entered(self._exchange):
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
            with entered(self._exchange):
                chunk = await anext(self._chunks)
        except StopAsyncIteration:
            self._finish()
            raise
        except BaseException as exc:
            self._fail(exc)
            raise
        self._bytes += len(chunk)
        return chunk
