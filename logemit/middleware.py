"""The outermost middleware: one http_request event for each request, whatever becomes of it."""

import sys
import time
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from . import conf
from .context import variable
from .emitter import swallowed
from .exchange import AsyncStream, Exchange, Stream, is_plain_id
from .unit import current

Handler = Callable[[HttpRequest], HttpResponseBase]
AsyncHandler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


_REQUEST_ID = variable("request_id")


class _Middleware:
    """Takes the form of what it wraps, sync or async."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler | AsyncHandler) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(cast("Any", self))


class EventMiddleware(_Middleware):
    """Put it first in MIDDLEWARE. Without process_* hooks: under ASGI a sync hook costs a thread hop."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        settings = conf.current()
        if not settings.enabled:
            return self._get_response(request)
        if self._is_async:
            return self._handle_async(request, settings)
        exchange = Exchange(request, settings)
        bound = _REQUEST_ID.set(exchange.id)
        entered = current.set(exchange)
        try:
            response = cast("Handler", self._get_response)(request)
            try:
                _answered(exchange, response, settings)
            except Exception as exc:
                if not swallowed(exc):
                    raise
            return response
        except BaseException as exc:
            exchange.finish(_ended_by(exc))
            raise
        finally:
            current.reset(entered)
            _REQUEST_ID.reset(bound)

    async def _handle_async(self, request: HttpRequest, settings: conf.Settings) -> HttpResponseBase:
        exchange = Exchange(request, settings)
        bound = _REQUEST_ID.set(exchange.id)
        entered = current.set(exchange)
        try:
            response = await cast("AsyncHandler", self._get_response)(request)
            try:
                _answered(exchange, response, settings)
            except Exception as exc:
                if not swallowed(exc):
                    raise
            return response
        except BaseException as exc:
            exchange.finish(_ended_by(exc))
            raise
        finally:
            current.reset(entered)
            _REQUEST_ID.reset(bound)


class ViewMiddleware(_Middleware):
    """Put it last in MIDDLEWARE, if at all: times the view with its template, as `view_seconds`."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        return self._handle_async(request) if self._is_async else self._handle(request)

    def _handle(self, request: HttpRequest) -> HttpResponseBase:
        start = time.perf_counter_ns()
        try:
            return cast("Handler", self._get_response)(request)
        finally:
            _took(start)

    async def _handle_async(self, request: HttpRequest) -> HttpResponseBase:
        start = time.perf_counter_ns()
        try:
            return await cast("AsyncHandler", self._get_response)(request)
        finally:
            _took(start)


def _took(start: int) -> None:
    unit = current.get()
    if unit is not None:
        unit.view_microseconds = (time.perf_counter_ns() - start + 500) // 1000


def _answered(exchange: Exchange, response: HttpResponseBase, settings: conf.Settings) -> None:
    """Finish, or see to it that the end of the stream does."""
    exchange.response = response
    request_id = exchange.take_id()
    if settings.response_id_header and is_plain_id(request_id):
        response.headers[settings.response_id_header] = request_id
    if not response.streaming:
        exchange.finish(response_bytes=len(cast("HttpResponse", response).content))
    elif isinstance(response, FileResponse):
        # Wrapping its content would switch the server's sendfile off.
        cast("Any", response)._resource_closers.append(exchange.finish_file)
    else:
        streamed = cast("Any", response)
        chunks = streamed.streaming_content
        is_async = getattr(response, "is_async", False)
        streamed.streaming_content = (
            AsyncStream(exchange, aiter(chunks)) if is_async else Stream(exchange, iter(chunks))
        )


def _ended_by(exc: BaseException) -> str:
    if isinstance(exc, CancelledError | GeneratorExit):
        return "cancelled"
    return "error" if isinstance(exc, Exception) else "aborted"


def on_request_exception(request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """An exception that nothing in the app answered; Http404 and PermissionDenied never come here."""
    unit = current.get()
    exception = sys.exc_info()[0]
    if unit is not None and exception is not None:
        unit.exception = exception.__name__
