"""Tests that look at what django-prometheus shows: what makes it stays as long as they do."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import libcst as cst

from ..families import FAMILIES
from ..traces import Kind, Trace
from .found import place_of
from .modules import Modules
from .source import text_of
from .strings import is_test

_MAKES = {str(kind): kind for kind in (Kind.MIDDLEWARE, Kind.DATABASE, Kind.CACHE, Kind.MODEL_MIXIN)}


def without_watched(modules: Modules, traces: Sequence[Trace]) -> Iterator[Trace]:
    """The same traces, but what makes a family that a test reads has a doubt in place of its edits."""
    gone = {(trace.file, line) for trace in traces if trace.kind is Kind.TEST and trace.edits for line in trace.lines}
    read: dict[Kind, str] = {}
    for kind, name, place in _readings(modules, gone):
        read.setdefault(kind, f"the test at {place} reads {name}, which comes of it; change that first")
    for trace in traces:
        yield replace(trace, edits=(), doubt=read[trace.kind]) if trace.edits and trace.kind in read else trace


def _readings(modules: Modules, gone: set[tuple[str, int]]) -> Iterator[tuple[Kind, str, str]]:
    """What makes it, the family, and where: whoever asks, and under whatever prefix."""
    for path in modules.paths:
        if not is_test(path) or not _families().search(modules.project.texts[path]):
            continue
        source = modules.source(path)
        for node in source.every(cst.SimpleString) if source is not None else ():
            if source is None or isinstance(source.parent(node), cst.Expr) or (path, source.line(node)) in gone:
                continue
            for found in _families().finditer(text_of(node) or ""):
                yield _kinds()[found[1]], found[0], place_of(source, node)


@cache
def _kinds() -> dict[str, Kind]:
    return {family.name.removesuffix("_total"): kind for family in FAMILIES if (kind := _MAKES.get(family.source))}


@cache
def _families() -> re.Pattern[str]:
    names = "|".join(sorted(_kinds(), key=len, reverse=True))
    return re.compile(rf"({names})(?:_total|_bucket|_count|_sum|_created)?(?![a-zA-Z0-9_])")
