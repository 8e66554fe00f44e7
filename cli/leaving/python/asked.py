"""What a test asks of an app: which of its routes, by paths, by their names, or by calling their views."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import libcst as cst

from .modules import Modules
from .references import assigned, leads_to
from .routes import THEIR_NAME, Route
from .source import Node, Source, dotted_name, last_name, text_of

_METHODS = frozenset({"get", "post", "head", "options", "put", "patch", "delete", "request", "generic"})
REVERSES = frozenset({"reverse", "reverse_lazy", "resolve", "resolve_url"})


@dataclass(frozen=True)
class Asked:
    """The routes of metrics that a function asks, and whether what it looks at is nothing else."""

    routes: tuple[Route, ...]
    nothing_else: bool


class Asker:
    """`helpers`: functions by whose name alone routes are asked. `composers`: those that put a path together."""

    def __init__(
        self,
        modules: Modules,
        source: Source,
        routes: Sequence[Route],
        helpers: Mapping[str, Sequence[Route]],
        composers: Collection[str] = (),
    ) -> None:
        self.modules, self.source, self.routes, self.helpers = modules, source, routes, helpers
        self.composers = composers
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
        strings: list[cst.SimpleString | cst.FormattedStringText] = [
            *within(function, cst.SimpleString),
            *within(function, cst.FormattedStringText),
        ]
        loose = dict.fromkeys(route for each in strings if each not in handled for route in self._named(_said(each)))
        if self.composes(function) or any(
            last_name(each.func) in self.composers for each in within(function, cst.Call)
        ):
            pieces = (each for each in self._pieces(function) if each not in handled)
            loose |= dict.fromkeys(route for each in pieces for route in self._ending(_said(each)))
        return Asked(tuple({**own, **loose}), bool(own) and not others and not loose)

    def composes(self, function: cst.FunctionDef) -> bool:
        """Whether it requests a path that may be a route's, and does not stand here as a whole."""
        targets = [target for call in within(function, cst.Call) if (target := _requested(call)) is not None]
        return any(
            text_of(each) is None
            and not (isinstance(each, cst.Call) and last_name(each.func) in REVERSES)
            and not self._routes_of(each)
            and any(path.startswith(_beginning(each).lstrip("/")) for route in self.routes for path in route.paths)
            for each in targets
        )

    def _pieces(self, function: cst.FunctionDef) -> Iterator[cst.SimpleString | cst.FormattedStringText]:
        """Written parts in it, and in what this file gives to the names that it uses; what is looked up is none."""
        named = {dotted_name(each): each for kind in (cst.Name, cst.Attribute) for each in within(function, kind)}
        for node in (function, *(value for each in named.values() for value in self._values(each))):
            yield from (each for each in within(node, cst.SimpleString) if not self._is_key(each))
            yield from within(node, cst.FormattedStringText)

    def _is_key(self, string: cst.SimpleString) -> bool:
        above = self.source.parent(string)
        return isinstance(above, cst.Index) or (isinstance(above, cst.DictElement) and above.key is string)

    def _asked(self, call: cst.Call) -> tuple[Sequence[Route], set[cst.CSTNode]] | None:
        """The routes that a call asks, none of these for another one; None where it asks nothing."""
        function, name = call.func, last_name(call.func)
        if name in self.helpers:
            return self.helpers[name], set()
        if _is_request(call):
            target = _requested(call)
            found = self._routes_of(target) if target is not None else []
            return found, {*within(target, cst.SimpleString)} if target is not None and found else set()
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

    def _named(self, text: str) -> list[Route]:
        if text.startswith("/") and text.strip("/"):
            return [each for each in self.routes if text.strip("/") in each.paths]
        return [each for each in self.routes if each.name == text == THEIR_NAME]

    def _ending(self, text: str) -> list[Route]:
        """Those whose paths end so."""
        end = f"/{text.strip('/')}"
        return [each for each in self.routes if end != "/" and any(f"/{path}".endswith(end) for path in each.paths)]


def _said(string: cst.SimpleString | cst.FormattedStringText) -> str:
    return string.value if isinstance(string, cst.FormattedStringText) else text_of(string) or ""


def _beginning(target: cst.BaseExpression) -> str:
    """What a path that is put together begins with, as far as it is written."""
    while isinstance(target, cst.BinaryOperation):
        target = target.left
    first = target.parts[0] if isinstance(target, cst.FormattedString) and target.parts else target
    said = _said(first) if isinstance(first, cst.SimpleString | cst.FormattedStringText) else ""
    return said.partition("%")[0].partition("{")[0]


def _is_request(call: cst.Call) -> bool:
    function = call.func
    return isinstance(function, cst.Attribute) and function.attr.value in _METHODS and _is_client(function.value)


def _requested(call: cst.Call) -> cst.BaseExpression | None:
    """The path, where a call is a request."""
    if not _is_request(call):
        return None
    return _target(call, 1 if last_name(call.func) in {"request", "generic"} and len(call.args) > 1 else 0)


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
