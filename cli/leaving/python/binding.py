"""What stands in a module that binds a name to something, and what an expression is made of."""

from collections.abc import Iterator, Sequence
from itertools import islice, product

import libcst as cst

from .source import Source, dotted_name
from .values import NOBODY_KNOWS, Sort, Value, Values

_MOST_TEXTS = 64


def parts_of(node: cst.CSTNode | None) -> list[cst.CSTNode] | None:
    """The expressions of which it may have the value, or that it holds."""
    match node:
        case cst.List(elements=elements) | cst.Tuple(elements=elements) | cst.Set(elements=elements):
            return [each.value for each in elements]
        case cst.Dict(elements=pairs):
            return [each.value for each in pairs]
        case cst.ListComp(elt=only) | cst.SetComp(elt=only) | cst.GeneratorExp(elt=only):
            return [only]
        case cst.DictComp(value=only) | cst.Subscript(value=only) | cst.NamedExpr(value=only):
            return [only]
        case cst.IfExp(body=one, orelse=other) | cst.BooleanOperation(left=one, right=other):
            return [one, other]
        case _:
            return None


def joined(parts: Sequence[Values]) -> Values:
    if any(value.sort is not Sort.TEXT for part in parts for value in part) or not all(parts):
        return NOBODY_KNOWS
    made = {"".join(value.name for value in each) for each in islice(product(*parts), _MOST_TEXTS + 1)}
    if len(made) > _MOST_TEXTS:
        return NOBODY_KNOWS
    return frozenset(Value(Sort.TEXT, text) for text in made)


def imported(source: Source) -> Iterator[tuple[str, str]]:
    """By the name in the module, the absolute one."""
    for node in source.every(cst.ImportFrom):
        module = "." * len(node.relative) + (dotted_name(node.module) if node.module else "")
        for alias in () if isinstance(node.names, cst.ImportStar) else node.names:
            name = dotted_name(alias.name)
            bound = dotted_name(alias.asname.name) if alias.asname else name
            yield bound, source.absolute(f"{module}{name}" if module.endswith(".") else f"{module}.{name}")
    for whole in source.every(cst.Import):
        for alias in whole.names:
            name = dotted_name(alias.name)
            yield (dotted_name(alias.asname.name), name) if alias.asname else (name.split(".")[0],) * 2


def stars(source: Source) -> Iterator[str]:
    for node in source.every(cst.ImportFrom):
        if isinstance(node.names, cst.ImportStar):
            module = "." * len(node.relative) + (dotted_name(node.module) if node.module else "")
            yield source.absolute(module).rstrip(".")


def given_back(source: Source) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """What functions return or yield."""
    for node in source.every(cst.Return):
        yield from [(node, node.value)] if node.value else []
    for each in source.every(cst.Yield):
        yield from [(each, each.value)] if each.value and not isinstance(each.value, cst.From) else []


def bound(source: Source) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """Targets, and what is bound to them."""
    for assign in source.every(cst.Assign):
        yield from ((target.target, assign.value) for target in assign.targets)
    for annotated in source.every(cst.AnnAssign):
        yield from [(annotated.target, annotated.value)] if annotated.value else []
    for named in source.every(cst.NamedExpr):
        yield named.target, named.value
    loops: list[cst.For | cst.CompFor] = [*source.every(cst.For), *source.every(cst.CompFor)]
    for loop in loops:
        yield loop.target, loop.iter
    for item in source.every(cst.WithItem):
        yield from [(item.asname.name, item.item)] if item.asname else []
    for parameter in source.every(cst.Param):
        yield from [(parameter.name, parameter.default)] if parameter.default else []


def taken(function: cst.FunctionDef, call: cst.Call, *, without_first: bool) -> Iterator[tuple[str, cst.Arg]]:
    """The arguments of a call, each with the name of the parameter that takes it."""
    given = function.params
    places = [*given.posonly_params, *given.params][1 if without_first else 0 :]
    names = {each.name.value: each for each in (*places, *given.kwonly_params)}
    rest = [each for each in (given.star_arg, given.star_kwarg) if isinstance(each, cst.Param)]
    for place, argument in enumerate(call.args):
        word = argument.keyword.value if argument.keyword else ""
        found = names.get(word) if word else places[place] if place < len(places) and not argument.star else None
        for each in [found] if found else rest:
            yield each.name.value, argument
