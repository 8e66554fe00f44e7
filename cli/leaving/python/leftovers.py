"""Imports of whatever else that nothing uses any more, now that what had used them is gone."""

from collections.abc import Iterator

import libcst as cst

from ..traces import Edit, Kind, Trace
from .found import trace_of
from .modules import Modules
from .removal import without_names, without_statements
from .source import Source
from .usage import Statement, aliases, bound_name, imports, is_kept, is_named, ours


def find(modules: Modules) -> Iterator[Trace]:
    """In files that are changed: what nothing had used before is as its people want it."""
    found = modules.project.as_found
    before = Modules(found)
    for path in modules.project.changed:
        if path.endswith(".py") and not path.endswith("__init__.py") and path in found.texts:
            old, new = before.source(path), modules.source(path)
            if old is not None and new is not None:
                yield from _traces(modules, old, new)


def _traces(modules: Modules, old: Source, new: Source) -> Iterator[Trace]:
    lost = _used(old) - _used(new)
    doomed = {
        statement: names
        for statement in imports(new)
        if _is_outermost(new, statement) and not ours(statement) and not is_kept(new, statement)
        if (names := [alias for alias in aliases(statement) if bound_name(alias) in lost])
        if not any(is_named(modules, new, bound_name(alias)) for alias in names)
    }
    whole = {
        line: statement
        for statement, names in doomed.items()
        if isinstance(line := new.parent(statement), cst.SimpleStatementLine)
        if len(line.body) == 1 and len(names) == len(aliases(statement))
    }
    lines: tuple[Edit, ...] = without_statements(new, list(whole))
    for statement, names in doomed.items():
        edits = lines if statement in whole.values() else without_names(new, statement, names)
        subject = ", ".join(map(bound_name, names))
        yield trace_of(new, statement, Kind.UNUSED_IMPORT, "nothing uses it any more", subject=subject, edits=edits)


def _is_outermost(source: Source, statement: Statement) -> bool:
    line = source.parent(statement)
    return line is not None and source.parent(line) is source.module


def _used(source: Source) -> set[str]:
    """Names that stand anywhere but in an import or behind a dot."""
    imported = {id(node) for each in imports(source) for node in _names(each)}
    behind = {id(each.attr) for each in source.every(cst.Attribute)}
    return {node.value for node in source.every(cst.Name) if id(node) not in imported | behind}


def _names(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _names(child)
