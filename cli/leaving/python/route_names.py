"""Who asks for a route by its name, so that it cannot go alone."""

import re
from collections.abc import Iterable, Iterator

import libcst as cst

from ..traces import line_of
from .asked import REVERSES
from .found import place_of
from .modules import Modules
from .routes import THEIR_NAME, Route
from .source import Source, last_name, text_of
from .strings import is_test

_TEMPLATES = (".html", ".txt", ".jinja", ".jinja2", ".j2", ".djhtml")


def asked_by_name(modules: Modules, routes: Iterable[Route]) -> dict[Route, str]:
    """Routes whose names other code or templates ask for, and where."""
    found = {}
    for route in routes:
        if route.name and (place := next(_asking_by_name(modules, route), None)) is not None:
            found[route] = f"{place} asks for it by its name"
    return found


def _asking_by_name(modules: Modules, route: Route) -> Iterator[str]:
    for path, text in modules.project.texts.items():
        if route.name not in text or is_test(path):
            continue
        if path.endswith(_TEMPLATES):
            asked = re.search(rf"""\burl[ (]+['"]{re.escape(route.name)}['"]""", text)
            if asked is not None:
                yield f"{path}:{line_of(text, asked.start())}"
        source = modules.source(path) if path.endswith(".py") else None
        for call in source.every(cst.Call) if source is not None else ():
            first = (text_of(call.args[0].value) or "") if call.args else ""
            is_asking = last_name(call.func) in {*REVERSES, "redirect"} or first == THEIR_NAME
            if first.rpartition(":")[2] == route.name and is_asking:
                yield place_of(source, call) if source is not None else path
        if source is not None and route.name == THEIR_NAME:
            yield from (place_of(source, each) for each in source.every(cst.SimpleString) if _lists(source, each))


def _lists(source: Source, string: cst.SimpleString) -> bool:
    """Who is to be let through without a login, say; what reads that may look the route up."""
    return text_of(string) == THEIR_NAME and isinstance(source.parent(string), cst.Element | cst.DictElement)
