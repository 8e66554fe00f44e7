"""Traces in Python, by its syntax tree."""

from collections.abc import Iterator
from contextlib import suppress

from ..traces import Trace
from . import (
    calls,
    client,
    directories,
    imports,
    instruments,
    leftovers,
    migrations,
    models,
    own_imports,
    settings,
    subclasses,
    urls,
    variables,
    wrappers,
)
from .modules import Modules

FINDERS = (
    models.find,
    migrations.find,
    wrappers.find,
    settings.find,
    directories.find,
    subclasses.find,
    urls.find,
    imports.find,
    imports.own_registries,
    instruments.find,
    calls.find,
    client.find,
    leftovers.find,
    own_imports.find,
)


def find(modules: Modules) -> Iterator[Trace]:
    """In all Python files of a project."""
    traces: list[Trace] = []
    for each in FINDERS:
        with suppress(RecursionError):  # nested deeper than any program; what it names is found as text
            traces += list(each(modules))
    going = {(trace.file, line) for trace in traces if not trace.doubt for line in trace.lines}
    with suppress(RecursionError):
        traces += list(variables.find(modules, going))
    yield from traces
