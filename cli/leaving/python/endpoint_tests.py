"""Tests that ask the endpoint of metrics: those that ask nothing else go with it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import libcst as cst

from ..traces import Edit, Kind, Trace, line_of
from .blocks import without
from .found import place_of, trace_of
from .modules import Modules
from .references import assigned, leads_to
from .routes import Route
from .source import Node, Source, dotted_name, last_name, text_of
from .strings import is_test

_METHODS = frozenset({"get", "post", "head", "options", "put", "patch", "delete", "request", "generic"})
_REVERSES = frozenset({"reverse", "reverse_lazy", "resolve", "resolve_url"})
_TEMPLATES = (".html", ".txt", ".jinja", ".jinja2", ".j2", ".djhtml")
_ADVICE = "/metrics is a 404 then; logemit.testing has assert_event for what the app tells (docs/django.md)"


@dataclass(frozen=True)
class Asking:
    """A test, the routes that it asks, and whether it asks nothing else."""

    source: Source
    test: cst.FunctionDef
    routes: tuple[Route, ...]
    nothing_else: bool


def asking(modules: Modules, routes: Sequence[Route]) -> list[Asking]:
    found = []
    for path in modules.paths if routes else ():
        text = modules.project.texts[path]
        words = {word for route in routes for word in _words(route)}
        if not is_test(path) or not any(word in text for word in words):
            continue
        source = modules.source(path)
        for test in source.every(cst.FunctionDef) if source is not None else ():
            if source is not None and test.name.value.startswith("test"):
                one = _Asked(modules, source, routes, test).asking()
                found += [one] if one.routes else []
    return found


def _words(route: Route) -> Iterator[str]:
    yield from (path for path in route.paths if path)
    yield from (view.name for view in route.views)
    if route.name:
        yield route.name


def find(askings: Sequence[Asking], left: Mapping[Route, str]) -> Iterator[Trace]:
    """`left`: routes that stay, and why."""
    gone = [each for each in askings if each.nothing_else and left.keys().isdisjoint(each.routes)]
    for source in dict.fromkeys(each.source for each in askings):
        doomed = [each.test for each in gone if each.source is source]
        edits = _edits(source, doomed)
        for each in askings:
            if each.source is source:
                yield trace_of(
                    source,
                    each.test,
                    Kind.TEST,
                    _ADVICE,
                    subject=each.test.name.value,
                    edits=edits.get(each.test, ()),
                    doubt=_doubt(each, left),
                )


def _doubt(each: Asking, left: Mapping[Route, str]) -> str:
    if not each.nothing_else:
        return "it asks for metrics among other things; take that out of it by hand, then the route can go"
    why = next((left[route] for route in each.routes if route in left), "")
    return f"it asks for a route that is left: {why}" if why else ""


def _edits(source: Source, doomed: Sequence[cst.FunctionDef]) -> dict[cst.CSTNode, tuple[Edit, ...]]:
    """Classes that are left without a test go as a whole."""
    classes = {each: _class(source, each) for each in doomed}
    emptied = {
        each
        for each in classes.values()
        if each is not None and all(one in doomed for one in _tests(each)) and each.bases
    }
    emptied = {each for each in emptied if not _has_heirs(source, each)}
    wholes: dict[cst.CSTNode, cst.BaseStatement] = {
        each: its if (its := classes[each]) is not None and its in emptied else each for each in doomed
    }
    gone = without(source, list(dict.fromkeys(wholes.values())))
    return {each: gone[whole][1] for each, whole in wholes.items()}


def _class(source: Source, test: cst.FunctionDef) -> cst.ClassDef | None:
    block = source.parent(test)
    above = source.parent(block) if block is not None else None
    return above if isinstance(above, cst.ClassDef) else None


def _tests(owner: cst.ClassDef) -> Iterator[cst.FunctionDef]:
    for each in owner.body.body:
        if isinstance(each, cst.FunctionDef) and each.name.value.startswith("test"):
            yield each


def _has_heirs(source: Source, owner: cst.ClassDef) -> bool:
    name = owner.name.value
    return any(dotted_name(base.value) == name for each in source.every(cst.ClassDef) for base in each.bases)


class _Asked:
    """What one test asks: by paths, by names of routes, and by calling views."""

    def __init__(self, modules: Modules, source: Source, routes: Sequence[Route], test: cst.FunctionDef) -> None:
        self.modules, self.source, self.routes, self.test = modules, source, routes, test

    def asking(self) -> Asking:
        own: dict[Route, None] = {}
        others = False
        handled: set[cst.CSTNode] = set()
        for call in _within(self.test, cst.Call):
            asked = self._asked(call)
            if asked is None:
                continue
            found, nodes = asked
            handled |= nodes
            own |= dict.fromkeys(found)
            others = others or not found
        loose = [
            route
            for string in _within(self.test, cst.SimpleString)
            if string not in handled
            for route in self._named(string)
        ]
        return Asking(
            self.source, self.test, tuple({**own, **dict.fromkeys(loose)}), bool(own) and not others and not loose
        )

    def _asked(self, call: cst.Call) -> tuple[list[Route], set[cst.CSTNode]] | None:
        """The routes that a call asks, none of these for another one; None where it asks nothing."""
        function = call.func
        name = last_name(function)
        if isinstance(function, cst.Attribute) and name in _METHODS and _is_client(function.value):
            place = 1 if name in {"request", "generic"} and len(call.args) > 1 else 0
            target = self._target(call, place)
            if target is None:
                return [], set()
            return self._routes_of(target), {target, *_within(target, cst.SimpleString)}
        if name in _REVERSES and call.args:
            target = call.args[0].value
            inside = isinstance(self.source.parent(call), cst.Arg) and self._is_request_above(call)
            return None if inside else (self._routes_of(call if name != "resolve" else target), {target})
        views = {view.place: route for route in self.routes for view in route.views}
        if views and (called := leads_to(self.modules, self.source, function) & views.keys()):
            return [views[each] for each in called], set()
        return None

    def _target(self, call: cst.Call, place: int) -> cst.BaseExpression | None:
        named = [each.value for each in call.args if each.keyword is not None and each.keyword.value in {"path", "url"}]
        plain = [each.value for each in call.args if each.keyword is None]
        return named[0] if named else plain[place] if len(plain) > place else None

    def _is_request_above(self, call: cst.Call) -> bool:
        above = self.source.parent(self.source.parent(call) or call)
        return (
            isinstance(above, cst.Call) and isinstance(above.func, cst.Attribute) and above.func.attr.value in _METHODS
        )

    def _routes_of(self, target: cst.BaseExpression, most: int = 3) -> list[Route]:
        text = text_of(target)
        if text is not None:
            path = urlsplit(text).path.strip("/")
            return [each for each in self.routes if path in each.paths]
        if isinstance(target, cst.Call) and dotted_name(target.func).rpartition(".")[2] in _REVERSES and target.args:
            name = (text_of(target.args[0].value) or "").rpartition(":")[2]
            return [each for each in self.routes if each.name and each.name == name]
        values = list(self._values(target)) if most else []
        return self._routes_of(values[0], most - 1) if len(values) == 1 else []

    def _values(self, target: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
        """What a name, or an attribute of the test itself, is given in this file."""
        written = dotted_name(target)
        name = written.rpartition(".")[2]
        for each in self.source.every(cst.Assign) if written else ():
            goal = each.targets[0].target
            if dotted_name(goal) == written or (written.startswith("self.") and name in assigned(each)):
                yield each.value

    def _named(self, string: cst.SimpleString) -> list[Route]:
        text = text_of(string) or ""
        by_path = [
            each for each in self.routes if text.startswith("/") and text.strip("/") in each.paths and text != "/"
        ]
        return by_path or [each for each in self.routes if each.name == text == "prometheus-django-metrics"]


def _is_client(node: cst.BaseExpression) -> bool:
    name = dotted_name(node.func if isinstance(node, cst.Call) else node).rpartition(".")[2].lower()
    return "client" in name or name in {"c", "rf", "factory", "session", "browser"} or name.endswith("factory")


def _within(node: cst.CSTNode, kind: type[Node]) -> list[Node]:
    found = [node] if isinstance(node, kind) else []
    for child in node.children:
        found += _within(child, kind)
    return found


def names_elsewhere(modules: Modules, routes: Iterable[Route]) -> dict[Route, str]:
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
            is_asking = last_name(call.func) in {*_REVERSES, "redirect"} or first == "prometheus-django-metrics"
            if first.rpartition(":")[2] == route.name and is_asking:
                yield place_of(source, call) if source is not None else path
