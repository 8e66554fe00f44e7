"""Cache calls, seen where CacheHandler makes the caches: no BACKEND is replaced.

A cache gets a class derived from its own, of the same name, whose calls are counted. The outermost call counts only:
backends build their calls out of each other, each in its own way.
"""

import functools
import inspect
import time
from collections.abc import Callable
from typing import Any, cast

from django.core.cache import CacheHandler, caches

from . import conf, outside
from .cache_calls import SHAPES, Call, PlainGet, inside
from .emitter import harmless
from .kinds import cache_kind

_BACKENDS = {
    "django.core.cache.backends.locmem": "locmem",
    "django.core.cache.backends.filebased": "filebased",
    "django.core.cache.backends.memcached": "memcached",
    "django.core.cache.backends.redis": "native_redis",
    "django.core.cache.backends.db": "database",
    "django.core.cache.backends.dummy": "dummy",
    "django_redis.cache": "redis",
}
"""The kinds by the module of a backend, as dashboards know them."""

_ALIAS = "_logemit_alias"


def install() -> None:
    """Fit the caches that exist, and all that will be made. Idempotent."""
    for alias in caches:
        cache = getattr(cast("Any", caches)._connections, alias, None)
        if cache is not None:
            _fit(cache, alias)
    original = CacheHandler.create_connection
    if hasattr(original, "logemit"):
        return

    @functools.wraps(original)
    def create_connection(self: CacheHandler, alias: str) -> Any:
        cache = original(self, alias)
        with harmless():
            _fit(cache, alias)
        return cache

    create_connection.logemit = True  # type: ignore[attr-defined]
    CacheHandler.create_connection = create_connection  # type: ignore[method-assign]


def _fit(cache: Any, alias: str) -> None:
    if hasattr(cache, _ALIAS):
        return
    kind: Any = type(cache)
    try:
        cache.__class__ = _observed(kind)
        setattr(cache, _ALIAS, alias)
    except (TypeError, AttributeError):  # a class that allows neither, as with slots
        return


def backend_of(kind: type) -> str:
    """The kind of a backend: locmem, filebased, memcached, native_redis, redis, database, dummy; else `other`."""
    return next((_BACKENDS[base.__module__] for base in kind.__mro__ if base.__module__ in _BACKENDS), "other")


@functools.cache
def _observed(kind: type) -> type:
    """`kind` with its calls counted; made once for each class of backend."""
    backend = backend_of(kind)
    methods: dict[str, Any] = {}
    for operation, shape in SHAPES.items():
        for name, wrap in ((operation, _sync), (f"a{operation}", _async)):
            method = getattr(kind, name, None)
            if method is not None:
                fitting = PlainGet if operation == "get" and not _takes_default(method) else shape
                methods[name] = functools.wraps(method)(wrap(kind, name, operation, fitting, backend))
    identity = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    return type(kind.__name__, (kind,), {**identity, **methods})


def _takes_default(method: Callable[..., Any]) -> bool:
    return "default" in inspect.signature(method).parameters


def _sync(kind: type, name: str, operation: str, shape: Callable[..., Call], backend: str) -> Callable[..., Any]:
    def observed(self: Any, *args: Any, **kwargs: Any) -> Any:
        method = getattr(kind, name)
        if inside.get() is self or conf.current().caches == "off":
            return method(self, *args, **kwargs)
        call = shape(operation, args, kwargs)
        token = inside.set(self)
        error = ""
        try:
            return call.result(method(self, *call.args, **call.kwargs))
        except BaseException as exc:
            error = call.error(exc)
            raise
        finally:
            inside.reset(token)
            _record(self, backend, call, error)

    return observed


def _async(kind: type, name: str, operation: str, shape: Callable[..., Call], backend: str) -> Callable[..., Any]:
    async def observed(self: Any, *args: Any, **kwargs: Any) -> Any:
        method = getattr(kind, name)
        if inside.get() is self or conf.current().caches == "off":
            return await method(self, *args, **kwargs)
        call = shape(operation, args, kwargs)
        token = inside.set(self)
        error = ""
        try:
            return call.result(await method(self, *call.args, **call.kwargs))
        except BaseException as exc:
            error = call.error(exc)
            raise
        finally:
            inside.reset(token)
            _record(self, backend, call, error)

    return observed


def _record(cache: Any, backend: str, call: Call, error: str) -> None:
    with harmless():
        settings = conf.current()
        if not settings.enabled:
            return
        write_one = settings.caches == "each"
        for operation, hit, calls, keys in call.tallies():
            kind = cache_kind(getattr(cache, _ALIAS), backend, operation, None if error else hit, error)
            if write_one:
                outside.write(kind, (calls, keys))
            else:
                outside.fold(kind, (calls, keys), time.perf_counter_ns())
