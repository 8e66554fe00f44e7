"""What is done with instruments, their classes and their registries: what logemit's can do as well, and what not."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import libcst as cst

from .flow import ADDING_METHODS, CONTAINER_METHODS, PASSING_ON, Flow
from .source import Source, dotted_name
from .values import Sort, Value, texts

METHODS = frozenset(
    {
        *("inc", "dec", "set", "observe", "time", "labels", "track_inprogress", "count_exceptions", "info", "state"),
        *("remove", "remove_by_labels", "clear", "set_function", "set_to_current_time"),
    }
)
"""Of instruments, which logemit's have as well."""

REGISTRY = "CollectorRegistry"

_HARMLESS = PASSING_ON | {
    f"builtins.{name}" for name in ("len", "print", "id", "str", "repr", "bool", "isinstance", "hasattr", "type", "any")
}
_TYPES_ONLY = frozenset({"typing.cast", "typing.TypeVar", "typing.Optional", "typing.Union"})
_EXPOSITION = frozenset({"generate_latest", "make_wsgi_app", "make_asgi_app", "multiprocess.MultiProcessCollector"})
_EXPOSITION |= {"MultiProcessCollector"}
_HOLDERS = (
    *(cst.Element, cst.StarredElement, cst.DictElement, cst.StarredDictElement),
    *(cst.List, cst.Tuple, cst.Set, cst.Dict, cst.IfExp, cst.BooleanOperation),
)


@dataclass(frozen=True, eq=False)
class Use:
    """`node`: the whole expression. `problem`: why what it is done with cannot become logemit's, or empty."""

    source: Source
    node: cst.CSTNode
    values: frozenset[Value]
    problem: str = ""


def uses(flow: Flow) -> Iterator[Use]:
    """Of instruments, by name or however they come there."""
    for source, node, values in flow.clients:
        instruments = frozenset(value for value in values if value.is_instrument and value.node is not node)
        if instruments:
            yield from _use(flow, source, node, instruments)
        classes = frozenset(value for value in values if value.is_instrument_class)
        if classes and (problem := _class_problem(flow, source, node)):
            yield Use(source, node, classes, problem)
        registries = frozenset(value for value in values if value.sort is Sort.RESULT and value.short == REGISTRY)
        if registries and (problem := _registry_problem(flow, source, node)):
            yield Use(source, node, registries, problem)


def _use(flow: Flow, source: Source, node: cst.CSTNode, instruments: frozenset[Value]) -> Iterator[Use]:
    parent = source.parent(node)
    if isinstance(parent, cst.Attribute) and parent.value is node:
        name = parent.attr.value
        if name in METHODS:
            called = source.parent(parent)
            whole = called if isinstance(called, cst.Call) and called.func is parent else parent
            if name != "labels" or not _goes_on(source, whole):
                yield Use(source, whole, instruments)
        elif name not in CONTAINER_METHODS | ADDING_METHODS:
            yield Use(source, parent, instruments, f"its {name} is used, which logemit's has not")
        return
    argument = _argument(source, node)
    if argument is not None and (callee := _taker(flow, source, argument)):
        yield Use(source, node, instruments, f"it is handed to {callee}, which may want prometheus_client's own")


def _argument(source: Source, node: cst.CSTNode) -> cst.Arg | None:
    """That it is, or is in, as it is or in a list and the like."""
    above = source.parent(node)
    while isinstance(above, _HOLDERS):
        above = source.parent(above)
    return above if isinstance(above, cst.Arg) else None


def _goes_on(source: Source, node: cst.CSTNode) -> bool:
    above = source.parent(node)
    return isinstance(above, cst.Attribute) and above.attr.value in METHODS


def _taker(flow: Flow, source: Source, argument: cst.Arg, allowed: Collection[str] = ()) -> str:
    """Who takes an argument and is neither the project's nor known to be harmless; empty if nobody."""
    call = source.parent(argument)
    if not isinstance(call, cst.Call):
        return ""  # a base of a class
    func = call.func
    if isinstance(func, cst.Attribute) and func.attr.value in ADDING_METHODS | {"labels"}:
        return ""
    if source.code(func).endswith(("patch.object", "getattr", "hasattr")) and len(call.args) > 1:
        named = texts(flow.values(source, call.args[1].value))
        return "" if named and named <= METHODS else source.code(func)
    callees = flow.values(source, func)
    ours = [value for value in callees if any(taken is argument for _, taken in flow.parameters(value, call))]
    if callees and all(value in ours or value.name in _HARMLESS or value.short in allowed for value in callees):
        return ""
    if all(value.name.startswith("unittest.mock") for value in callees) and callees:
        return ""
    return source.code(func)[:80]


def _class_problem(flow: Flow, source: Source, node: cst.CSTNode) -> str:
    parent = source.parent(node)
    if isinstance(parent, cst.Attribute) and parent.value is node:
        return "" if parent.attr.value == "DEFAULT_BUCKETS" else f"{source.code(parent)} is used"
    if not isinstance(parent, cst.Arg):
        return ""
    call = source.parent(parent)
    if isinstance(call, cst.ClassDef):
        return f"a class {call.name.value} is derived from it"
    if isinstance(call, cst.Call) and dotted_name(call.func) in {"isinstance", "issubclass"}:
        return "isinstance asks for its class"
    names = {value.name for value in flow.values(source, call.func)} if isinstance(call, cst.Call) else set()
    if names and names <= _TYPES_ONLY:
        return ""
    taker = _taker(flow, source, parent)
    return f"its class is handed to {taker}" if taker else ""


def _registry_problem(flow: Flow, source: Source, node: cst.CSTNode) -> str:
    parent = source.parent(node)
    if isinstance(parent, cst.Attribute) and parent.value is node:
        return "" if parent.attr.value == "get_sample_value" else f"{source.code(parent)} of its registry is used"
    if not isinstance(parent, cst.Arg):
        return ""
    call = source.parent(parent)
    makers = flow.values(source, call.func) if isinstance(call, cst.Call) else frozenset()
    if makers and all(value.is_instrument_class for value in makers):
        return ""
    taker = _taker(flow, source, parent, _EXPOSITION)
    return f"its registry is handed to {taker}" if taker else ""


def calls_of(flow: Flow, name: str) -> Iterator[tuple[Source, cst.Call]]:
    """Of a method, on whatever object; or of a function of prometheus_client."""
    for path, calls in flow.calls.items():
        for call in calls:
            source = flow.sources[path]
            is_method = isinstance(call.func, cst.Attribute) and call.func.attr.value == name
            if is_method or any(value.short == name for value in flow.values(source, call.func)):
                yield source, call
