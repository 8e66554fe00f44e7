"""Database engines and cache backends of django-prometheus, by name and where code computes one."""

from collections.abc import Iterator, Sequence

import libcst as cst

from ..traces import Edit, Kind, Trace
from ..wrapped import WRAPPED
from .blocks import line_of_its_own
from .found import place_of, trace_of
from .modules import Modules
from .removal import without_statements
from .source import Source, text_of
from .strings import Named, dotted_strings, reads
from .urls import held_back

_KINDS = {"django_prometheus.db": Kind.DATABASE, "django_prometheus.cache": Kind.CACHE}


def find(modules: Modules) -> Iterator[Trace]:
    """Engines and backends by name, wherever the name stands, and code that computes one."""
    named = [(each, kind) for each in dotted_strings(modules) if (kind := _kind_of(each.text)) is not None]
    for kind in _KINDS.values():
        of_kind = [each for each, its in named if its is kind]
        held = held_back(modules).get("django_db" if kind is Kind.DATABASE else "django_cache", "")
        readers = [each for each in of_kind if each.text not in WRAPPED and reads(each.source, each.node)]
        for each in of_kind:
            yield _trace(each, kind, readers, held)


def _kind_of(text: str) -> Kind | None:
    return next((kind for start, kind in _KINDS.items() if f"{text}.".startswith(f"{start}.")), None)


def _trace(each: Named, kind: Kind, readers: Sequence[Named], held: str) -> Trace:
    source, node = each.source, each.node
    wrapped = WRAPPED.get(each.text)
    if wrapped is not None and isinstance(node, cst.SimpleString):
        doubt = f"{held} looks at what it counts; change that first" if held else ""
        if readers:
            doubt = f"{place_of(readers[0].source, readers[0].node)} asks for the prefix of it; change both by hand"
        return trace_of(
            source,
            node,
            kind,
            f"{wrapped} in its place",
            subject=each.text,
            edits=(_renamed(each, wrapped),),
            doubt=doubt,
        )
    edits = _without_replacing(source, node)
    doubt = "" if edits else _doubt(kind, each.text)
    return trace_of(
        source, node, kind, "the plain path needs no rewriting", subject=each.text, edits=edits, doubt=doubt
    )


def _doubt(kind: Kind, text: str) -> str:
    if kind is Kind.CACHE and text.endswith(".MemcachedCache"):
        return "Django has no such backend any more; take PyMemcacheCache or PyLibMCCache of its memcached module"
    whose = "django.db.backends, or django.contrib.gis.db.backends for postgis and spatialite"
    if kind is Kind.CACHE:
        whose = "django.core.cache.backends, or django_redis.cache for RedisCache"
    return f"the whole path is put together when it runs; write the path of what is wrapped: {whose}"


def _renamed(each: Named, wrapped: str) -> Edit:
    """Within its quotes."""
    start, end = each.source.span(each.node)
    quote = each.source.text.index(each.text, start, end)
    return Edit(quote, quote + len(each.text), wrapped)


def _without_replacing(source: Source, node: cst.CSTNode) -> tuple[Edit, ...]:
    """`engine.replace("django.db", "django_prometheus.db")` is the engine itself."""
    argument = source.parent(node)
    call = source.parent(argument) if isinstance(argument, cst.Arg) else None
    if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute) or len(call.args) < 2:
        return ()
    plain, wrapper = text_of(call.args[0].value), text_of(call.args[1].value)
    if call.func.attr.value != "replace" or plain is None or wrapper is None or call.args[1] is not argument:
        return ()
    if wrapper != plain.replace("django", "django_prometheus", 1):
        return ()
    assignment = source.parent(call)
    if isinstance(assignment, cst.Assign) and len(assignment.targets) == 1:
        target = source.code(assignment.targets[0].target)
        line = line_of_its_own(source, assignment)
        if line is not None and target == source.code(call.func.value):
            return without_statements(source, [line])
    return (Edit(source.span(call.func.value)[1], source.span(call)[1]),)
