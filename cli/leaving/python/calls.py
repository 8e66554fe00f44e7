"""Where instruments of prometheus_client are used, and the project's own helpers that use them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import libcst as cst

from ..traces import Kind, Stage, Trace, shown
from .flow import Flow
from .modules import Modules
from .source import Source, dotted_name
from .study import Study, study
from .values import NOTHING, Sort, Value, Values

_ENTERED = ("__enter__", "__exit__", "__aenter__", "__aexit__", "__call__")
_CONTEXTS = ("contextmanager", "asynccontextmanager")
_SAME = "nothing: it stays as it is, with logemit's instrument"

Operations = Mapping[cst.CSTNode, Values]
"""Expressions that do something with instruments, and which."""


def find(modules: Modules) -> Iterator[Trace]:
    found = study(modules)
    helpers = helpers_of(modules)
    for use in found.uses:
        values = NOTHING.union(value for value in use.values if value.is_instrument)
        if values and not use.problem:
            yield _trace(found, use.source, use.node, Kind.CALL, values)
    for source, node, values in helpers.calls:
        yield _trace(found, source, node, Kind.CALL, values)
    for definition, values in helpers.definitions.items():
        yield _trace(found, helpers.sources[definition], definition, Kind.HELPER, values)


def _trace(found: Study, source: Source, node: cst.CSTNode, kind: Kind, values: Values) -> Trace:
    doubt = found.doubt_of(values)
    line = source.line(node)
    return Trace(
        source.path,
        line,
        kind,
        Stage.CODE,
        shown(source.text, line),
        _SAME,
        found.subject_of(values),
        doubt=f"its instrument is left: {doubt}" if doubt else "",
        waits="" if doubt else "its instrument, which comes from logemit then",
        last_line=line if kind is Kind.HELPER else source.last_line(node),
    )


@dataclass(frozen=True, eq=False)
class Helpers:
    """`definitions`: functions and classes that are there to use or make instruments, and which."""

    definitions: Mapping[cst.CSTNode, Values]
    sources: Mapping[cst.CSTNode, Source]
    calls: tuple[tuple[Source, cst.CSTNode, Values], ...]


@lru_cache(maxsize=2)
def helpers_of(modules: Modules) -> Helpers:
    found = study(modules)
    flow = found.flow
    operations: dict[cst.CSTNode, tuple[Source, Values]] = {
        use.node: (use.source, frozenset(value for value in use.values if value.is_instrument)) for use in found.uses
    }
    sources: dict[cst.CSTNode, Source] = {
        node: source
        for source in flow.sources.values()
        for node in (*source.every(cst.FunctionDef), *source.every(cst.ClassDef))
    }
    references = list(_references(flow))
    definitions: dict[cst.CSTNode, Values] = {}
    calls: list[tuple[Source, cst.CSTNode, Values]] = []
    before = -1
    while before < len(definitions):
        before = len(definitions)
        within = _within(operations)
        definitions |= {
            node: values
            for node, source in sources.items()
            if node not in definitions and (values := _helps(flow, source, node, within.get(node, {}), definitions))
        }
        calls = [
            (source, node, values)
            for source, node, targets in references
            if (values := NOTHING.union(*(definitions.get(target, NOTHING) for target in targets)))
        ]
        operations |= {node: (source, values) for source, node, values in calls}
    outer = {
        node: values
        for node, values in definitions.items()
        if not any(above in definitions for above in sources[node].ancestors(node))
    }
    whole = {node for _, node, targets in references if any(target in outer for target in targets)}
    return Helpers(outer, sources, tuple(each for each in calls if each[1] in whole))


def _within(operations: Mapping[cst.CSTNode, tuple[Source, Values]]) -> Mapping[cst.CSTNode, Operations]:
    """By function, what is done in it."""
    found: defaultdict[cst.CSTNode, dict[cst.CSTNode, Values]] = defaultdict(dict)
    for node, (source, values) in operations.items():
        for above in source.ancestors(node):
            if isinstance(above, cst.FunctionDef):
                found[above][node] = values
    return found


def _references(flow: Flow) -> Iterator[tuple[Source, cst.CSTNode, list[cst.CSTNode]]]:
    """Of functions and classes of the project: the call, where it is called, and what it may lead to."""
    for source in flow.sources.values():
        for node in (*source.every(cst.Name), *source.every(cst.Attribute)):
            above = source.parent(node)
            if isinstance(above, cst.FunctionDef | cst.ClassDef) or not _is_outermost(above, node):
                continue
            targets = [value.node for value in flow.values(source, node) if value.sort in {Sort.FUNCTION, Sort.CLASS}]
            if targets and not isinstance(above, cst.Annotation):
                whole = above if isinstance(above, cst.Call) and above.func is node else node
                yield source, whole, [each for each in targets if each]


def _is_outermost(above: cst.CSTNode | None, node: cst.CSTNode) -> bool:
    return not isinstance(
        above, cst.Attribute | cst.ImportAlias | cst.AsName | cst.AssignTarget | cst.Param | cst.Arg
    ) or (isinstance(above, cst.Arg) and above.value is node)


def _helps(
    flow: Flow, source: Source, node: cst.CSTNode, inside: Operations, known: Mapping[cst.CSTNode, Values]
) -> Values:
    """The instruments that a function or class is there for; nothing where it does other things, too."""
    if isinstance(node, cst.ClassDef):
        return NOTHING.union(*(known.get(each, NOTHING) for each in node.body.body if _is_entered(each)))
    if not isinstance(node, cst.FunctionDef) or node.name.value.startswith("test"):
        return NOTHING
    handed = _handed(flow, source, node)
    if handed:
        return handed
    values = NOTHING.union(*inside.values())
    if values and (_wraps(source, node, list(inside)) or _is_context(node) or _is_nothing_else(node.body, set(inside))):
        return values
    return NOTHING


def _is_entered(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.FunctionDef) and node.name.value in _ENTERED


def _handed(flow: Flow, source: Source, node: cst.FunctionDef) -> Values:
    """Instruments that it takes or gives."""
    found = NOTHING
    for name in source.names(node.name):
        found |= flow.returned(Value(Sort.FUNCTION, name, source.path, node))
        parameters = [*node.params.posonly_params, *node.params.params, *node.params.kwonly_params]
        for each in parameters:
            found |= flow.named(source.path, f"{name}.<locals>.{each.name.value}")
    return frozenset(value for value in found if value.is_instrument)


def _wraps(source: Source, node: cst.FunctionDef, inside: list[cst.CSTNode]) -> bool:
    """A decorator: what it does stands in a function that it returns."""
    inner = {
        above.name.value
        for each in inside
        for above in source.ancestors(each)
        if isinstance(above, cst.FunctionDef) and above is not node
    }
    lines = [line for line in node.body.body if isinstance(line, cst.SimpleStatementLine)]
    ends = [one for line in lines for one in line.body if isinstance(one, cst.Return)]
    returned = {dotted_name(one.value) for one in ends if one.value}
    return bool(inner & returned)


def _is_context(node: cst.FunctionDef) -> bool:
    return any(dotted_name(each.decorator).endswith(_CONTEXTS) for each in node.decorators)


def _is_nothing_else(body: cst.BaseSuite, operations: set[cst.CSTNode]) -> bool:
    """Whether a block only works on instruments."""
    if isinstance(body, cst.SimpleStatementSuite):
        return all(_is_on(each, operations) for each in body.body)
    for line in body.body:
        if isinstance(line, cst.If | cst.For | cst.With | cst.Try | cst.While):
            if not _is_nothing_else(line.body, operations):
                return False
        elif not isinstance(line, cst.SimpleStatementLine) or not all(_is_on(each, operations) for each in line.body):
            return False
    return True


def _is_on(statement: cst.BaseSmallStatement, operations: set[cst.CSTNode]) -> bool:
    match statement:
        case cst.Expr(value=value):
            return value in operations or isinstance(value, cst.SimpleString | cst.ConcatenatedString)
        case cst.Return(value=value):
            return value is None or value in operations
        case _:
            return isinstance(
                statement, cst.Pass | cst.Assign | cst.AnnAssign | cst.ImportFrom | cst.Import | cst.Global
            )
