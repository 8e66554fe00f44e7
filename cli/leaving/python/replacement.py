"""Edits by which a file has instruments from logemit that it had from prometheus_client."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

import libcst as cst

from ..traces import Edit, line_start
from .creations import Creation, is_default
from .modules import Modules
from .removal import without_elements, without_names
from .source import Source, dotted_name
from .study import Study, bound_names, study
from .usage import aliases, bound_name, imports, is_kept, ours, unused
from .uses import REGISTRY
from .values import Sort, Value

SUCCESSOR = "logemit"


def edits_of(modules: Modules, creation: Creation) -> Iterator[Edit]:
    """All that make the classes of its file logemit's, as far as they can be: names of one import go together."""
    found, source = study(modules), creation.source
    if _waits(modules, source):
        return
    for edits in import_edits(modules, source).values():
        yield from edits
    for _, edit in _dotted_edits(found, source):
        yield edit
    yield from _registry_edits(creation)


@lru_cache(256)
def _waits(modules: Modules, source: Source) -> bool:
    """Names that nothing uses go out of an import first."""
    statements = [each for each in source.every(cst.ImportFrom) if any(bound_names(each))]
    return any(unused(modules, source, each) for each in statements if not is_kept(source, each))


@lru_cache(256)  # asked for each instrument of a file
def import_edits(modules: Modules, source: Source) -> Mapping[cst.CSTNode, tuple[Edit, ...]]:
    """By the import statement whose names of classes move, or before which logemit is to be imported."""
    found: dict[cst.CSTNode, tuple[Edit, ...]] = {}
    if _waits(modules, source):
        return found
    about = study(modules)
    classes = _classes(about, source)
    moving = {name for name in classes if "." not in name and (source.path, name) not in about.unit_doubts}
    for each in source.every(cst.ImportFrom):
        names = [
            one for one in aliases(each) if bound_name(one) in moving and set(bound_names(each)) >= {bound_name(one)}
        ]
        if names and each.module:
            found[each] = _moved(source, each, names)
    places = list(_dotted_edits(about, source))
    if places:
        roots = {name.split(".")[0] for name in classes if "." in name}
        for statement in imports(source):
            if roots & set(bound_names(statement)):
                before = () if _has_successor(source) else (_inserted(source, statement, f"import {SUCCESSOR}"),)
                found[statement] = (*found.get(statement, ()), *before)
    return found


def _dotted_edits(found: Study, source: Source) -> Iterator[tuple[cst.CSTNode, Edit]]:
    """Where the text says prom.Counter: the expression, and logemit.Counter in its place."""
    made: dict[cst.CSTNode, Creation] = {each.call.func: each for each in found.creations if each.source is source}
    for name in _classes(found, source):
        if "." not in name:
            continue
        is_whole = (source.path, name) not in found.unit_doubts and not any(
            each.call in found.doubts for each in found.creations if (source.path, name) in each.units
        )
        for node in _spelled(found, source, name):
            creation = made.get(node)
            if is_whole or (creation and creation.call not in found.doubts):
                kind = name.rpartition(".")[2]
                yield node, Edit(*source.span(node), f"{SUCCESSOR}.{kind}")


def _registry_edits(creation: Creation) -> tuple[Edit, ...]:
    """Without the argument, which logemit does not use."""
    argument = creation.registry_argument
    if argument is None or not creation.registries:
        return ()
    known = all(
        is_default(each) or (each.sort is Sort.RESULT and each.short == REGISTRY) for each in creation.registries
    )
    return without_elements(creation.source, creation.call.args, [argument]) if known else ()


@lru_cache(256)
def _classes(found: Study, source: Source) -> list[str]:
    """How this file names classes of instruments that it imports itself, and that can come from logemit."""
    values = {value for _, _, values in found.flow.clients for value in values if value.is_instrument_class}
    values |= {
        Value(Sort.LIBRARY, name, source.path, spelled=bound_name(alias))
        for statement in source.every(cst.ImportFrom)
        for alias, name in ours(statement).items()
        if Value(Sort.LIBRARY, name).is_instrument_class
    }
    return sorted(
        {
            value.spelled
            for value in values
            if value.file == source.path and value.spelled and not _is_of_one_that_is_left(found, value)
        }
    )


def _is_of_one_that_is_left(found: Study, value: Value) -> bool:
    """What only types are told with stays with the instruments of that type."""
    unit = (value.file, value.spelled)
    if any(unit in each.units for each in found.creations):
        return False
    return any(each.type == value.instrument_type and each.call in found.doubts for each in found.creations)


def _spelled(found: Study, source: Source, name: str) -> Iterator[cst.CSTNode]:
    for where, node, values in found.flow.clients:
        is_it = where is source and isinstance(node, cst.Attribute) and dotted_name(node) == name
        if is_it and any(value.is_instrument_class for value in values):
            yield node


def _moved(source: Source, statement: cst.ImportFrom, names: list[cst.ImportAlias]) -> tuple[Edit, ...]:
    moved = ", ".join(source.code(name).rstrip(", \t\\\n") for name in names)
    before = _successors(source, statement)
    if before is not None:
        end = source.span(aliases(before)[-1])[0] + len(source.code(aliases(before)[-1]).rstrip(", \t\\\n"))
        return (Edit(end, end, f", {moved}"), *without_names(source, statement, names))
    if len(names) == len(aliases(statement)) and statement.module:
        return (Edit(*source.span(statement.module), SUCCESSOR),)
    return (
        _inserted(source, statement, f"from {SUCCESSOR} import {moved}"),
        *without_names(source, statement, names),
    )


def _successors(source: Source, statement: cst.ImportFrom) -> cst.ImportFrom | None:
    """An import from logemit that stands in the same block, before this one."""
    line = source.parent(statement)
    block = source.parent(line) if line else None
    for each in source.every(cst.ImportFrom):
        if each is statement:
            return None
        own = source.parent(each)
        is_it = each.module is not None and not each.relative and dotted_name(each.module) == SUCCESSOR
        if is_it and aliases(each) and own is not None and source.parent(own) is block:
            return each
    return None


def _inserted(source: Source, statement: cst.CSTNode, text: str) -> Edit:
    """Before a statement, on a line of its own where that has one."""
    start = source.span(statement)[0]
    begin = line_start(source.text, start)
    indent = source.text[begin:start]
    line_end = "\r\n" if "\r\n" in source.text else "\n"
    return Edit(start, start, f"{text}; " if indent.strip() else f"{text}{line_end}{indent}")


def _has_successor(source: Source) -> bool:
    """At the top of the module."""
    return any(
        dotted_name(alias.name) == SUCCESSOR and alias.asname is None
        for statement in source.every(cst.Import)
        if source.parent(source.parent(statement) or statement) is source.module
        for alias in statement.names
    )
