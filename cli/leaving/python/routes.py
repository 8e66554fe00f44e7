"""Routes at which metrics are served, with their paths as far as these are written out."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import libcst as cst

from .modules import Modules
from .references import Place, leads_to, stands_for
from .source import Source, elements, last_name, text_of
from .views import EXPORTS, ROUTES, View, metrics_views, names_in

_URLCONF = "django_prometheus.urls"
THEIR_NAME = "prometheus-django-metrics"
"""Of the route in django-prometheus, and of no other."""


@dataclass(frozen=True)
class Route:
    """A call of path, re_path or url. `paths` without slashes around; `views` are the project's own."""

    source: Source
    call: cst.Call
    name: str
    paths: frozenset[str]
    views: tuple[View, ...]


@lru_cache(maxsize=2)
def metrics_routes(modules: Modules) -> list[Route]:
    views = metrics_views(modules)
    routes = [
        (source, call)
        for source in modules.containing("urlpatterns", "django_prometheus", *{name for _, name in views})
        for call in _calls(source)
    ]
    prefixes = _Prefixes(modules, routes)
    found = []
    for source, call in routes:
        target = call.args[1].value
        own = tuple(dict.fromkeys(_views_in(modules, source, target, views)))
        if _included(modules, source, target) == _URLCONF:
            ends, name = ("metrics",), THEIR_NAME
        elif own or _is_export(modules, source, target):
            ends, name = ("",), _name(call)
        else:
            continue
        paths = {(before + end).strip("/") for before in prefixes.of(source, call) for end in ends}
        found.append(Route(source, call, name, frozenset(paths), own))
    return found


def _calls(source: Source) -> Iterator[cst.Call]:
    for call in source.every(cst.Call):
        name = last_name(call.func)
        if name in ROUTES and len(call.args) > 1:
            yield call


def _name(call: cst.Call) -> str:
    named = (each.value for each in call.args if each.keyword is not None and each.keyword.value == "name")
    return text_of(next(named, None)) or ""


def _views_in(modules: Modules, source: Source, target: cst.CSTNode, views: Mapping[Place, View]) -> Iterator[View]:
    """Also within decorators, and by a dotted string."""
    if _nested(target):
        return
    text = text_of(target)
    place = modules.defining(text) if text is not None and "." in text else None
    if place is not None and place in views:
        yield views[place]
    for each in names_in(target):
        for path, name in leads_to(modules, source, each):
            if (view := views.get((path, name.partition(".")[0]))) is not None:
                yield view


def _is_export(modules: Modules, source: Source, target: cst.CSTNode) -> bool:
    if text_of(target) in EXPORTS:
        return True
    return not _nested(target) and any(EXPORTS & stands_for(modules, source, each) for each in names_in(target))


def _nested(target: cst.CSTNode) -> bool:
    """`include([…])`: its routes are looked at each."""
    return isinstance(target, cst.Call) and bool(target.args) and bool(elements(_first(target)))


def _first(call: cst.Call) -> cst.BaseExpression:
    """What is included, without its namespace."""
    value = call.args[0].value
    within = elements(value)
    return within[0].value if isinstance(value, cst.Tuple) and within else value


def _included(modules: Modules, source: Source, target: cst.CSTNode) -> str:
    """The dotted name of a URLconf, as it is written or imported."""
    if not isinstance(target, cst.Call) or not target.args:
        return ""
    if last_name(target.func) != "include":
        return ""
    first = _first(target)
    text = text_of(first)
    return text if text is not None else next(iter(sorted(stands_for(modules, source, first))), "")


class _Prefixes:
    """What stands before a module's routes, through all the modules that include it."""

    def __init__(self, modules: Modules, routes: list[tuple[Source, cst.Call]]) -> None:
        self._including: dict[str, list[tuple[Source, cst.Call]]] = {}
        for source, call in routes:
            dotted = _included(modules, source, call.args[1].value)
            path = modules.path_of(dotted) if dotted and dotted.isprintable() else None
            if path is not None:
                self._including.setdefault(path, []).append((source, call))

    def of(self, source: Source, call: cst.Call, seen: frozenset[str] = frozenset()) -> set[str]:
        """Paths up to and with this call's own; empty where one of them is computed."""
        own = _written(source, call)
        if own is None or source.path in seen:
            return set()
        including = self._including.get(source.path, [])
        before = {each for its, one in including for each in self.of(its, one, seen | {source.path})}
        return {each + own for each in (before if including else {""})}


def _written(source: Source, call: cst.Call) -> str | None:
    """The route as a path, with those of the calls around it."""
    around = [each for each in source.ancestors(call) if isinstance(each, cst.Call) and each in set(_calls(source))]
    parts = [_literal(each) for each in reversed([call, *around])]
    return None if None in parts else "".join(part or "" for part in parts)


def _literal(call: cst.Call) -> str | None:
    route = text_of(call.args[0].value)
    name = last_name(call.func)
    if route is None:
        return None
    if name == "path":
        return None if "<" in route else route
    bare = re.sub(r"\\Z$|\$$", "", route.removeprefix("^")).removesuffix("/?")
    bare = re.sub(r"\\([./-])", r"\1", bare)
    return bare if re.fullmatch(r"[\w./-]*", bare) else None
