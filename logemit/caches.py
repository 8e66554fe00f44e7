"""Cache calls, seen where CacheHandler makes the caches: no BACKEND is replaced.

A cache gets a class derived from its own, of the same name, whose calls are counted. The outermost call counts only:
backends build their calls out of each other, each in its own way.
"""

import copyreg
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

_BASE = "django.core.cache.backends.base"
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
        _fit(cache, alias)
        return cache

    create_connection.logemit = True  # type: ignore[attr-defined]
    CacheHandler.create_connection = create_connection  # type: ignore[method-assign]


def _fit(cache: Any, alias: str) -> None:
    # Asked of its dict: a cache may answer any attribute.
    if _ALIAS in getattr(cache, "__dict__", {}):
        return
    with harmless():
        kind: Any = type(cache)
        observed = _observed(kind)
        try:
            cache.__class__ = observed
            cache.__dict__[_ALIAS] = alias
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
        for name in (operation, f"a{operation}"):
            method = inspect.getattr_static(kind, name, None)
            if inspect.isfunction(method) and not (
                inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method)
            ):
                fitting = PlainGet if operation == "get" and not _hands_default_on(kind, name) else shape
                wrap = _async if inspect.iscoroutinefunction(method) else _sync
                methods[name] = functools.wraps(method)(wrap(kind, name, operation, fitting, backend))
    identity = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}

    def reduce(self: Any, protocol: Any) -> Any:
        """Pickled as what it is to everybody else."""
        plain: Any = kind
        reduced: Any = plain.__reduce_ex__(self, protocol)
        if not isinstance(reduced, tuple):
            return reduced
        function, args, *rest = (plain if part is observed else part for part in reduced)
        args = tuple(plain if part is observed else part for part in args)
        # By this function pickle insists on the object's own class.
        return (plain.__new__ if function is cast("Any", copyreg).__newobj__ else function, args, *rest)

    observed = type(kind.__name__, (kind,), {**identity, **methods, "__reduce_ex__": reduce})
    return observed


def _hands_default_on(kind: type, name: str) -> bool:
    """The method is that of a backend we know."""
    return next(base for base in kind.__mro__ if name in base.__dict__).__module__ in {*_BACKENDS, _BASE}


def _sync(kind: type, name: str, operation: str, shape: Callable[..., Call], backend: str) -> Callable[..., Any]:
    def observed(self: Any, *args: Any, **kwargs: Any) -> Any:
        method = getattr(kind, name)
        call = _begin(self, operation, shape, args, kwargs)
        if call is None:
            return method(self, *args, **kwargs)
        token = inside.set(self)
        error = None
        try:
            returned = method(self, *call.args, **call.kwargs)
        except BaseException as exc:
            error = exc
            raise
        else:
            return _seen(call, returned)
        finally:
            inside.reset(token)
            _record(self, backend, call, error)

    return observed


def _async(kind: type, name: str, operation: str, shape: Callable[..., Call], backend: str) -> Callable[..., Any]:
    async def observed(self: Any, *args: Any, **kwargs: Any) -> Any:
        method = getattr(kind, name)
        call = _begin(self, operation, shape, args, kwargs)
        if call is None:
            return await method(self, *args, **kwargs)
        token = inside.set(self)
        error = None
        try:
            returned = await method(self, *call.args, **call.kwargs)
        except BaseException as exc:
            error = exc
            raise
        else:
            return _seen(call, returned)
        finally:
            inside.reset(token)
            _record(self, backend, call, error)

    return observed


def _begin(cache: Any, operation: str, shape: Callable[..., Call], args: Any, kwargs: Any) -> Call | None:
    """None for a call that is part of another, or not to be watched."""
    with harmless():
        settings = conf.current()
        if settings.enabled and settings.caches != "off" and inside.get() is not cache:
            return shape(operation, args, kwargs)
    return None


def _seen(call: Call, returned: Any) -> Any:
    with harmless():
        call.see(returned)
    return call.hand_on(returned)


def _record(cache: Any, backend: str, call: Call, error: BaseException | None) -> None:
    with harmless():
        write_one = conf.current().caches == "each"
        alias = cache.__dict__.get(_ALIAS, "")  # a backend's own clone of itself has none
        for operation, hit, calls, keys, name in call.tallies(error):
            kind = cache_kind(alias, backend, operation, hit, name)
            if write_one:
                outside.write(kind, (calls, keys))
            else:
                outside.fold(kind, (calls, keys), time.perf_counter_ns())
