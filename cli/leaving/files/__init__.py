"""Traces in files that are not Python."""

from collections.abc import Collection, Iterator

from ..project import Project
from ..traces import Trace


def find(project: Project, routes: Collection[str]) -> Iterator[Trace]:
    """`routes`: paths at which the app serves metrics, without a leading slash."""
    yield from ()
