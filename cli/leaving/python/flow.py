"""Where things of prometheus_client go in a project: through names, imports, arguments, attributes and containers.

Nothing is run. Each name has the values that are written down for it anywhere, whatever the order; a container has
those of its elements.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import libcst as cst
from libcst.metadata import QualifiedNameSource

from .binding import bound, given_back, imported, joined, parts_of, stars, taken
from .modules import Modules
from .source import Source, dotted_name, text_of
from .values import EXPORTED, NOBODY_KNOWS, NONE, NOTHING, Sort, Value, Values, is_clients

CONTAINER_METHODS = frozenset({"get", "values", "items", "pop", "setdefault", "copy"})
ADDING_METHODS = frozenset({"append", "add", "insert", "extend", "update", "setdefault", "appendleft"})
PASSING_ON = frozenset(
    f"builtins.{name}"
    for name in ("list", "tuple", "set", "frozenset", "dict", "iter", "next", "reversed", "sorted", "zip", "enumerate")
) | {"typing.cast", "itertools.chain"}
_MOST_ROUNDS = 20
_MOST_IMPORTS = 8
_MOST_STARS = 3
"""How far a name is followed from module to module."""
_OF_ITS_CLASS = re.compile(r"(?P<owner>.*)\.[^.]+\.<locals>\.(?:self|cls)\.(?P<name>[^<>]+)")

Key = tuple[str, str]


class Flow:
    """Over the files that may matter. Names of files outside of them stand for nothing known."""

    def __init__(self, modules: Modules, sources: Sequence[Source]) -> None:
        self.modules = modules
        self.sources = {source.path: source for source in sources}
        self._found: defaultdict[Key, set[Value]] = defaultdict(set)
        self._imported = {source.path: dict(imported(source)) for source in sources}
        self._stars = {source.path: list(stars(source)) for source in sources}
        self.calls = {source.path: source.every(cst.Call) for source in sources}
        self._returns = {source.path: list(given_back(source)) for source in sources}
        self._bound = {source.path: list(bound(source)) for source in sources}
        self._define()
        for _ in range(_MOST_ROUNDS):
            if not self._pass():
                break

    def values(self, source: Source, node: cst.CSTNode | None) -> Values:
        """What an expression may stand for."""
        match node:
            case cst.Name() | cst.Attribute():
                return self._of_name(source, node)
            case cst.Call():
                return self._of_call(source, node)
            case cst.SimpleString() | cst.ConcatenatedString() | cst.FormattedString() | cst.BinaryOperation():
                return self._of_text(source, node)
            case cst.BooleanOperation(left=left, operator=cst.Or(), right=right):
                return frozenset(each for each in self.values(source, left) if each != NONE) | self.values(
                    source, right
                )
            case cst.Await(expression=inner):
                return self.values(source, inner)
            case _:
                inside = parts_of(node)
                return NOBODY_KNOWS if inside is None else self._all(source, inside)

    def _all(self, source: Source, nodes: Iterable[cst.CSTNode | None]) -> Values:
        return NOTHING.union(*(self.values(source, node) for node in nodes))

    def returned(self, function: Value) -> Values:
        """What a function of the project may give."""
        return frozenset(self._found.get((function.file, f"{function.name}()"), ()))

    def bound(self, path: str) -> Iterator[tuple[str, Values]]:
        """The names of a module, and what they stand for."""
        for (file, name), values in list(self._found.items()):
            if file == path and "." not in name and not name.endswith("()"):
                yield name, frozenset(values)
        for name in self._imported[path]:
            yield name, self.named(path, name)

    @cached_property
    def clients(self) -> Sequence[tuple[Source, cst.CSTNode, Values]]:
        """All expressions that may stand for something of prometheus_client."""
        found: list[tuple[Source, cst.CSTNode, Values]] = []
        for source in self.sources.values():
            names: list[cst.CSTNode] = [*source.every(cst.Name), *source.every(cst.Attribute)]
            names += [*source.every(cst.Subscript), *self.calls[source.path]]
            found += [(source, node, self.values(source, node)) for node in names]
        return [each for each in found if any(value.is_clients for value in each[2])]

    @cached_property
    def touching(self) -> frozenset[cst.CSTNode]:
        """All nodes with such an expression inside."""
        return frozenset(above for source, node, _ in self.clients for above in source.ancestors(node))

    # Names.

    def _of_name(self, source: Source, node: cst.Name | cst.Attribute) -> Values:
        name, found = dotted_name(node), NOTHING
        qualified = source.qualified(node) if name else frozenset()
        for each in qualified:
            if each.source is QualifiedNameSource.LOCAL:
                found |= self.named(source.path, each.name)
            else:
                found |= self._dotted(source.absolute(each.name), source.path, name)
        if isinstance(node, cst.Name):
            return found if qualified else self._of_stars(source.path, name)
        return found or self._member(self.values(source, node.value), node.attr.value)

    def named(self, path: str, name: str, depth: int = 0) -> Values:
        """What a module calls by a name, also one that it only imports."""
        inside = _OF_ITS_CLASS.fullmatch(name)
        if inside:
            return self._member(frozenset({Value(Sort.INSTANCE, inside["owner"], path)}), inside["name"])
        found = frozenset(self._found.get((path, name), ()))
        first, _, rest = name.partition(".")
        if depth < _MOST_IMPORTS and (target := self._imported.get(path, {}).get(first)):
            found |= self._dotted(f"{target}.{rest}" if rest else target, path, "" if rest else first, depth + 1)
        return found or self._of_stars(path, name, depth)

    def _of_stars(self, path: str, name: str, depth: int = 0) -> Values:
        """What a module has by `from … import *`."""
        found = NOTHING
        for module in self._stars.get(path, ()) if depth < _MOST_STARS else ():
            if not is_clients(module) or name in EXPORTED:
                found |= self._dotted(f"{module}.{name}", path, "", depth + 1)
        return found

    def _dotted(self, name: str, path: str, spelled: str, depth: int = 0) -> Values:
        if is_clients(name):
            return frozenset({Value(Sort.LIBRARY, name, path, spelled=spelled)})
        place = self.modules.defining(name)
        if place is not None and place[0] in self.sources:
            return self.named(*place, depth)
        return NOTHING if place is not None or self.modules.path_of(name) else frozenset({Value(Sort.LIBRARY, name)})

    def _member(self, values: Values, name: str) -> Values:
        found = NOTHING
        for value in values:
            if value.sort in {Sort.INSTANCE, Sort.CLASS}:
                found |= self._of_class(value.file, value.name, name)
            elif value.sort is Sort.LIBRARY:
                found |= {Value(Sort.LIBRARY, f"{value.name}.{name}", value.file)}
        return NOTHING.union(*(self.returned(each) if self._is_property(each) else {each} for each in found))

    def _of_class(self, path: str, owner: str, name: str, depth: int = 0) -> Values:
        found = frozenset(self._found.get((path, f"{owner}.{name}"), ()))
        if found or depth > _MOST_IMPORTS:
            return found
        bases = NOTHING.union(*(self.bases(value) for value in self._found.get((path, owner), ())))
        return NOTHING.union(*(self._of_class(base.file, base.name, name, depth + 1) for base in bases))

    def bases(self, value: Value) -> Values:
        """Of a class of the project."""
        if value.sort is not Sort.CLASS or not isinstance(value.node, cst.ClassDef):
            return NOTHING
        return self._all(self.sources[value.file], (each.value for each in value.node.bases))

    def _is_property(self, value: Value) -> bool:
        if value.sort is not Sort.FUNCTION or not isinstance(value.node, cst.FunctionDef):
            return False
        return any(dotted_name(each.decorator).endswith("property") for each in value.node.decorators)

    # Calls and texts.

    def _of_call(self, source: Source, node: cst.Call) -> Values:
        found = NOTHING
        if isinstance(node.func, cst.Attribute):
            before = self.values(source, node.func.value)
            if node.func.attr.value == "labels":
                return frozenset(value for value in before if value.sort is Sort.RESULT) or NOBODY_KNOWS
            if node.func.attr.value in CONTAINER_METHODS:
                found = before - {value for value in before if value.sort is Sort.LIBRARY}
        for callee in self.values(source, node.func) or NOBODY_KNOWS:
            found |= self._result(source, node, callee)
        return found

    def _result(self, source: Source, node: cst.Call, callee: Value) -> Values:
        if callee.sort is Sort.FUNCTION:
            return self.returned(callee)
        if callee.sort is Sort.CLASS:
            made = {base for base in self.bases(callee) if base.sort is Sort.LIBRARY and base.is_clients}
            results = {Value(Sort.RESULT, each.name, source.path, node, maker=each, derived=True) for each in made}
            return frozenset(results) or frozenset({Value(Sort.INSTANCE, callee.name, callee.file)})
        if callee.sort is Sort.LIBRARY and callee.is_clients:
            return frozenset({Value(Sort.RESULT, callee.name, source.path, node, maker=callee)})
        if callee.sort is Sort.LIBRARY and callee.name in PASSING_ON:
            return self._all(source, (argument.value for argument in node.args))
        return NOBODY_KNOWS

    def _of_text(self, source: Source, node: cst.CSTNode) -> Values:
        match node:
            case cst.SimpleString() | cst.ConcatenatedString():
                text = text_of(node)
                return NOBODY_KNOWS if text is None else frozenset({Value(Sort.TEXT, text)})
            case cst.FormattedString():
                parts = [
                    frozenset({Value(Sort.TEXT, part.value)})
                    if isinstance(part, cst.FormattedStringText)
                    else self.values(source, part.expression)
                    for part in node.parts
                    if isinstance(part, cst.FormattedStringText | cst.FormattedStringExpression)
                ]
            case cst.BinaryOperation(operator=cst.Add()):
                parts = [self.values(source, node.left), self.values(source, node.right)]
                if any(value.sort in {Sort.RESULT, Sort.LIBRARY} for part in parts for value in part):
                    return NOTHING.union(*parts)  # lists, one behind another
            case _:
                return NOBODY_KNOWS
        return joined(parts)

    # What is bound to what.

    def _define(self) -> None:
        for path, source in self.sources.items():
            for function in source.every(cst.FunctionDef):
                for name in source.names(function.name):
                    self._found[path, name].add(Value(Sort.FUNCTION, name, path, function))
            for owner in source.every(cst.ClassDef):
                for name in source.names(owner.name):
                    self._found[path, name].add(Value(Sort.CLASS, name, path, owner))

    def _pass(self) -> bool:
        """All that is bound anywhere, once; whether that was news."""
        before = sum(map(len, self._found.values()))
        for path, source in self.sources.items():
            for target, value in self._bound[path]:
                self._bind(source, target, value)
            for node, value in self._returns[path]:
                self._give(source, node, value)
            for call in self.calls[path]:
                self._pass_arguments(source, call)
        return sum(map(len, self._found.values())) > before

    def _bind(self, source: Source, target: cst.CSTNode, value: cst.CSTNode) -> None:
        if isinstance(target, cst.Tuple | cst.List):
            inner = value.elements if isinstance(value, cst.Tuple | cst.List) else ()
            for place, each in enumerate(target.elements):
                self._bind(source, each.value, inner[place].value if len(inner) == len(target.elements) else value)
            return
        self._add(source, target, self.values(source, value))

    def _add(self, source: Source, target: cst.CSTNode, values: Values) -> None:
        while isinstance(target, cst.Subscript):
            target = target.value
        for key in self._keys(source, target):
            self._found[key].update(values)

    def _keys(self, source: Source, target: cst.CSTNode) -> Iterator[Key]:
        if not isinstance(target, cst.Name | cst.Attribute):
            return
        for each in source.qualified(target) if dotted_name(target) else ():
            inside = _OF_ITS_CLASS.fullmatch(each.name)
            if inside:
                yield source.path, f"{inside['owner']}.{inside['name']}"
            elif each.source is QualifiedNameSource.LOCAL:
                yield source.path, each.name
            elif place := self.modules.defining(source.absolute(each.name)):
                yield place
        if isinstance(target, cst.Attribute):
            for value in self.values(source, target.value):
                if value.sort in {Sort.INSTANCE, Sort.CLASS}:
                    yield value.file, f"{value.name}.{target.attr.value}"

    def _give(self, source: Source, node: cst.CSTNode, value: cst.CSTNode) -> None:
        function = next((each for each in source.ancestors(node) if isinstance(each, cst.FunctionDef)), None)
        for name in source.names(function.name) if function else ():
            self._found[source.path, f"{name}()"].update(self.values(source, value))

    def _pass_arguments(self, source: Source, call: cst.Call) -> None:
        if isinstance(call.func, cst.Attribute) and call.func.attr.value in ADDING_METHODS and call.args:
            self._add(source, call.func.value, self._all(source, (each.value for each in call.args)))
        for callee in self.values(source, call.func):
            for name, argument in self.parameters(callee, call):
                self._found[callee.file, name].update(self.values(source, argument.value))

    def parameters(self, callee: Value, call: cst.Call) -> Iterator[tuple[str, cst.Arg]]:
        """The arguments of a call of the project's own, each with the parameter that takes it."""
        function, bound = self._called(callee, call)
        if function is not None and isinstance(function.node, cst.FunctionDef):
            for name, argument in taken(function.node, call, without_first=bound):
                yield f"{function.name}.<locals>.{name}", argument

    def _called(self, callee: Value, call: cst.Call) -> tuple[Value | None, bool]:
        """The function that a call runs, and whether its first parameter is taken."""
        if callee.sort is Sort.CLASS:
            made = self._of_class(callee.file, callee.name, "__init__")
            return next((each for each in made if each.sort is Sort.FUNCTION), None), True
        if callee.sort is not Sort.FUNCTION or not isinstance(callee.node, cst.FunctionDef):
            return None, False
        marks = {dotted_name(each.decorator) for each in callee.node.decorators}
        first = next(iter((*callee.node.params.posonly_params, *callee.node.params.params)), None)
        is_bound = isinstance(call.func, cst.Attribute) and first is not None and first.name.value in {"self", "cls"}
        return callee, is_bound and "staticmethod" not in marks
