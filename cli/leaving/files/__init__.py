"""Traces in files that are not Python."""

from collections.abc import Callable, Collection, Iterator

from ..project import Project
from ..traces import Trace
from . import (
    documents,
    engines,
    environment,
    images,
    locks,
    make,
    manifests,
    monitors,
    pyproject,
    requirements,
    scrapes,
    scripts,
    setup_script,
)
from .surroundings import Surroundings

_FINDERS: tuple[Callable[[Surroundings], Iterator[Trace]], ...] = (
    pyproject.find,
    requirements.find,
    setup_script.find,
    locks.find,
    images.find,
    manifests.find,
    monitors.find,
    scrapes.find,
    engines.find,
    environment.find,
    scripts.find,
    make.find,
    documents.find,
)


def find(project: Project, routes: Collection[str]) -> Iterator[Trace]:
    """`routes`: paths at which the app serves metrics, without a leading slash."""
    around = Surroundings(project, frozenset(route.strip("/") for route in routes))
    for finder in _FINDERS:
        yield from finder(around)
