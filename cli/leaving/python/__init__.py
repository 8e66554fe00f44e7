"""Traces in Python, by its syntax tree."""

from collections.abc import Iterator

from ..traces import Trace
from . import calls, client, imports, instruments
from .modules import Modules

_FINDERS = (
    imports.find,
    imports.own_registries,
    instruments.find,
    calls.find,
    client.find,
)


def find(modules: Modules) -> Iterator[Trace]:
    """In all Python files of a project."""
    for finder in _FINDERS:
        yield from finder(modules)
