"""Engines and backends that an environment names, in place of the settings."""

import re
from collections.abc import Iterator

from ..traces import Edit, Kind, Stage, Trace, line_of, shown
from .lines import Line, lines
from .surroundings import Surroundings, is_configuration

_DATABASES, _CACHES = "django_prometheus.db.backends", "django_prometheus.cache.backends"
_DJANGOS = "django.core.cache.backends"
WRAPPED = {
    **{f"{_DATABASES}.{name}": f"django.db.backends.{name}" for name in ("mysql", "postgresql", "sqlite3")},
    **{f"{_DATABASES}.{name}": f"django.contrib.gis.db.backends.{name}" for name in ("postgis", "spatialite")},
    f"{_CACHES}.django_memcached_consul.MemcachedCache": "django_memcached_consul.memcached.MemcachedCache",
    f"{_CACHES}.filebased.FileBasedCache": f"{_DJANGOS}.filebased.FileBasedCache",
    f"{_CACHES}.locmem.LocMemCache": f"{_DJANGOS}.locmem.LocMemCache",
    f"{_CACHES}.memcached.PyLibMCCache": f"{_DJANGOS}.memcached.PyLibMCCache",
    f"{_CACHES}.memcached.PyMemcacheCache": f"{_DJANGOS}.memcached.PyMemcacheCache",
    f"{_CACHES}.redis.NativeRedisCache": f"{_DJANGOS}.redis.RedisCache",
    f"{_CACHES}.redis.RedisCache": "django_redis.cache.RedisCache",
}
"""By the dotted path of a wrapper, the path of what it wraps."""

_NAMED = re.compile(r"(?<![\w.])django_prometheus\.(db|cache)\.backends\.[\w.]*\w")
_VALUE = re.compile(r"[\w.\"' -]*[=:]\s*[\"']?$")


def find(around: Surroundings) -> Iterator[Trace]:
    for path, text in around.project.texts.items():
        if "django_prometheus." in text and is_configuration(path) and not path.endswith((".txt", ".ipynb")):
            for line in lines(text):
                yield from _in_line(path, text, line)


def _in_line(path: str, text: str, line: Line) -> Iterator[Trace]:
    for found in _NAMED.finditer(text, line.start, line.end):
        before = text[line.start : found.start()]
        known = WRAPPED.get(found[0])
        is_value = bool(_VALUE.search(before)) and "#" not in before
        number = line_of(text, found.start())
        yield Trace(
            *(path, number, Kind.DATABASE if found[1] == "db" else Kind.CACHE, Stage.MODELS, shown(text, number)),
            f"{known} in its place" if known else "name the one that it wraps",
            subject=found[0],
            edits=(Edit(found.start(), found.end(), known),) if known and is_value else (),
            doubt="" if known and is_value else "what takes its place is for people to judge",
        )
