"""Traces in Python, by its syntax tree."""

from collections.abc import Iterator

from ..traces import Trace
from .modules import Modules


def find(modules: Modules) -> Iterator[Trace]:
    """In all Python files of a project."""
    yield from ()
