"""What a test asks of an app: which of its routes, by paths, by their names, or by calling their views."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import libcst as cst

from .modules import Modules
from .references import assigned, leads_to
from .routes import Route
from .source import Node, Source, dotted_name, last_name, text_of

_METHODS = frozenset({"get", "post", "head", "options", "put", "patch", "delete", "request", "generic"})
REVERSES = frozenset({"reverse", "reverse_lazy", "resolve", "resolve_url"})


@dataclass(frozen=True)
class Asked:
    """The routes of metrics that a function asks, and whether what it looks at is nothing else."""

    routes: tuple[Route, ...]
    nothing_else: bool


class Asker:
    """`helpers`: functions by whose name alone routes are asked."""

    def __init__(
        self, modules: Modules, source: Source, routes: Sequence[Route], helpers: Mapping[str, Sequence[Route]]
    ) -> None:
        self.modules, self.source, self.routes, self.helpers = modules, source, routes, helpers
        self.views = {view.place: route for route in routes for view in route.views}

    def asked(self, function: cst.FunctionDef) -> Asked:
        """A request whose answer nobody looks at is traffic, and no question."""
        own: dict[Route, None] = {}
        others = False
        handled: set[cst.CSTNode] = set()
        for parameter in function.params.params:
            own |= dict.fromkeys(self.helpers.get(parameter.name.value, ()))
        for call in within(function, cst.Call):
            asked = self._asked(call)
            if asked is not None:
                found, nodes = asked
                handled |= nodes
                own |= dict.fromkeys(found)
                others = others or not (found or self._is_traffic(call))
        strings = (each for each in within(function, cst.SimpleString) if each not in handled)
        loose = dict.fromkeys(route for string in strings for route in self._named(string))
        return Asked(tuple({**own, **loose}), bool(own) and not others and not loose)

    def _asked(self, call: cst.Call) -> tuple[Sequence[Route], set[cst.CSTNode]] | None:
        """The routes that a call asks, none of these for another one; None where it asks nothing."""
        function, name = call.func, last_name(call.func)
        if name in self.helpers:
            return self.helpers[name], set()
        if isinstance(function, cst.Attribute) and name in _METHODS and _is_client(function.value):
            target = _target(call, 1 if name in {"request", "generic"} and len(call.args) > 1 else 0)
            if target is None:
                return [], set()
            return self._routes_of(target), {*within(target, cst.SimpleString)}
        if name in REVERSES and call.args:
            found = self._routes_of(call.args[0].value if name == "resolve" else call)
            return (found, {*within(call, cst.SimpleString)}) if found else None
        called = leads_to(self.modules, self.source, function) & self.views.keys() if self.views else set()
        return ([self.views[each] for each in called], set()) if called else None

    def _is_traffic(self, call: cst.Call) -> bool:
        above = self.source.parent(call)
        return isinstance(self.source.parent(above) if isinstance(above, cst.Await) else above, cst.Expr)

    def _routes_of(self, target: cst.BaseExpression, most: int = 3) -> list[Route]:
        text = text_of(target)
        if text is not None:
            path = text.partition("?")[0].strip("/")
            return [each for each in self.routes if path in each.paths]
        if isinstance(target, cst.Call) and last_name(target.func) in REVERSES and target.args:
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
        if text.startswith("/") and text.strip("/"):
            return [each for each in self.routes if text.strip("/") in each.paths]
        return [each for each in self.routes if each.name == text == "prometheus-django-metrics"]


def _target(call: cst.Call, place: int) -> cst.BaseExpression | None:
    named = [each.value for each in call.args if each.keyword is not None and each.keyword.value in {"path", "url"}]
    plain = [each.value for each in call.args if each.keyword is None]
    return named[0] if named else plain[place] if len(plain) > place else None


def _is_client(node: cst.BaseExpression) -> bool:
    name = last_name(node.func if isinstance(node, cst.Call) else node).lower()
    return "client" in name or name in {"c", "rf", "session", "browser"} or name.endswith("factory")


def within(node: cst.CSTNode, kind: type[Node]) -> list[Node]:
    """Itself and what is in it."""
    return [each for each in _all_within(node) if isinstance(each, kind)]


@lru_cache(maxsize=256)
def _all_within(node: cst.CSTNode) -> Sequence[cst.CSTNode]:
    found: list[cst.CSTNode] = []
    waiting = [node]
    while waiting:
        found.append(waiting.pop())
        waiting += reversed(found[-1].children)
    return found
