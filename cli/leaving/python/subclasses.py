"""Classes of the project that derive from those of django-prometheus, but for models."""

from collections.abc import Iterator

import libcst as cst

from ..traces import Kind, Trace
from .found import trace_of
from .modules import Modules
from .references import stands_for
from .source import Source, text_of

_WHAT = {
    "django_prometheus.middleware": (
        Kind.MIDDLEWARE,
        "labels or metrics of your own become a processor (docs/django.md) and a metric of your own (docs/custom.md)",
        "what the class adds has to be written anew: by a processor (docs/django.md), or as a metric (docs/custom.md)",
    ),
    "django_prometheus.db": (
        Kind.DATABASE,
        "derive from the backend that it wraps, as django.db.backends.postgresql.base.DatabaseWrapper",
        "the project has an engine of its own, and what it relies on does not show here",
    ),
    "django_prometheus.cache": (
        Kind.CACHE,
        "derive from the backend that it wraps, as django.core.cache.backends.redis.RedisCache",
        "the project has a cache backend of its own, and what it relies on does not show here",
    ),
    "django_prometheus.testutils": (
        Kind.TEST,
        "logemit.testing has capture_events and assert_event (docs/django.md)",
        "what the test is to show has to be written anew",
    ),
}


def find(modules: Modules) -> Iterator[Trace]:
    middleware: set[tuple[str, str]] = set()
    for source in modules.containing("django_prometheus"):
        for each in source.every(cst.ClassDef):
            for base in each.bases:
                found = _what(modules, source, base)
                if found is not None:
                    kind, advice, doubt = found
                    yield trace_of(source, base, kind, advice, subject=each.name.value, doubt=doubt)
                    if kind is Kind.MIDDLEWARE:
                        middleware.add((source.path, each.name.value))
    yield from _entries(modules, middleware)


def _what(modules: Modules, source: Source, base: cst.Arg) -> tuple[Kind, str, str] | None:
    names = stands_for(modules, source, base.value)
    return next((what for start, what in _WHAT.items() if any(name.startswith(f"{start}.") for name in names)), None)


def _entries(modules: Modules, middleware: set[tuple[str, str]]) -> Iterator[Trace]:
    """Where settings name such a middleware."""
    for source in modules.containing(*(name for _, name in middleware)) if middleware else ():
        for string in source.every(cst.SimpleString):
            text = text_of(string) or ""
            if "." in text and text.isprintable() and (place := modules.defining(text)) in middleware:
                doubt = f"{place[1] if place else text} derives from django_prometheus; replace it, then take this out"
                yield trace_of(source, string, Kind.MIDDLEWARE, "it goes with the class", subject=text, doubt=doubt)
