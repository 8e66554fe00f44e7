"""What names lead to, from file to file of a project."""

from collections.abc import Iterator
from functools import lru_cache

import libcst as cst

from .modules import Modules
from .source import Source, last_name, text_of

Place = tuple[str, str]
"""A file, and a name that is defined in it at its outermost level: shop/views.py, metrics."""

_MOST_IMPORTS = 8
"""From one to the next: a name that is handed on more often is in a circle."""


@lru_cache(maxsize=256)
def definitions(source: Source) -> dict[str, list[cst.BaseStatement]]:
    """Functions, classes and assignments at a module's outermost level, also within `if` and `try`, by name."""
    found: dict[str, list[cst.BaseStatement]] = {}
    for statement in _outer_statements(source.module):
        if isinstance(statement, cst.FunctionDef | cst.ClassDef):
            found.setdefault(statement.name.value, []).append(statement)
        elif isinstance(statement, cst.SimpleStatementLine):
            for small in statement.body:
                for name in assigned(small):
                    found.setdefault(name, []).append(statement)
    return found


def assigned(statement: cst.CSTNode) -> list[str]:
    """Plain names that a simple statement assigns to."""
    if isinstance(statement, cst.Assign):
        return [each.target.value for each in statement.targets if isinstance(each.target, cst.Name)]
    if isinstance(statement, cst.AnnAssign | cst.AugAssign) and isinstance(statement.target, cst.Name):
        return [statement.target.value]
    return []


def _outer_statements(node: cst.CSTNode) -> Iterator[cst.BaseStatement]:
    for child in node.children:
        if isinstance(child, cst.FunctionDef | cst.ClassDef | cst.SimpleStatementLine):
            yield child
        else:
            yield from _outer_statements(child)


@lru_cache(maxsize=256)
def imported(source: Source) -> tuple[tuple[cst.ImportAlias | cst.ImportStar, cst.ImportFrom, str, str], ...]:
    """Of `from … import …`: the alias, its statement, the name here (* for all), and the absolute dotted name."""
    return tuple(_imported(source))


def _imported(source: Source) -> Iterator[tuple[cst.ImportAlias | cst.ImportStar, cst.ImportFrom, str, str]]:
    for statement in source.every(cst.ImportFrom):
        before = "." * len(statement.relative)
        module = source.module.code_for_node(statement.module) if statement.module is not None else ""
        if isinstance(statement.names, cst.ImportStar):
            yield statement.names, statement, "*", source.absolute(before + module)
            continue
        for alias in statement.names:
            name = str(alias.name.value)
            dotted = source.absolute(f"{before}{module}.{name}" if module else before + name)
            yield alias, statement, alias.evaluated_alias or name, dotted


def leads_to(modules: Modules, source: Source, node: cst.CSTNode) -> set[Place]:
    """Where what a name or an attribute stands for is defined in the project; empty where that is elsewhere."""
    names = source.names(node)
    if not names and isinstance(node, cst.Name):
        names = {node.value}
    found = set()
    for name in names:
        if "<locals>" in name:
            continue
        first = name.partition(".")[0]
        if first and first in definitions(source):
            found.add((source.path, name))
        elif "." in name:
            found |= _of_dotted(modules, source.absolute(name), _MOST_IMPORTS)
        else:
            found |= _of_star(modules, source, name, _MOST_IMPORTS)
    return found


def _of_dotted(modules: Modules, name: str, most: int) -> set[Place]:
    place = modules.defining(name)
    if place is None or most == 0:
        return set()
    path, inner = place
    source = modules.source(path)
    first, dot, rest = inner.partition(".")
    if source is None or first in definitions(source):
        return {place}
    for _, _, here, dotted in imported(source):
        if here == first:
            return _of_dotted(modules, dotted + dot + rest, most - 1) or {place}
    return _of_star(modules, source, inner, most - 1) or {place}


def _of_star(modules: Modules, source: Source, name: str, most: int) -> set[Place]:
    if most == 0:
        return set()
    for _, _, here, dotted in imported(source):
        path = modules.path_of(dotted) if here == "*" else None
        other = modules.source(path) if path is not None and path != source.path else None
        if other is not None and name.partition(".")[0] in definitions(other):
            return {(other.path, name)}
        if other is not None and (found := _of_star(modules, other, name, most - 1)):
            return found
    return set()


def stands_for(modules: Modules, source: Source, node: cst.CSTNode) -> set[str]:
    """The absolute dotted names of what a name means outside the project, also where files hand it on by imports."""
    return {
        outside
        for name in source.names(node)
        if (outside := _outside(modules, source.absolute(name), _MOST_IMPORTS)) is not None
    }


def _outside(modules: Modules, name: str, most: int) -> str | None:
    place = modules.defining(name)
    if place is None:
        return name
    path, inner = place
    source = modules.source(path)
    first, dot, rest = inner.partition(".")
    for _, _, here, dotted in imported(source) if source is not None else ():
        if here == first and most:
            return _outside(modules, dotted + dot + rest, most - 1)
    return None


def references(modules: Modules, place: Place) -> Iterator[tuple[Source, cst.CSTNode]]:
    """Names, imports and dotted strings that lead to a definition, wherever in the project, but within itself."""
    path, name = place
    for source in modules.containing(name):
        own = definitions(source).get(name, []) if source.path == path else []
        inside = {source.span(each) for each in own}
        for node in _candidates(modules, source, place):
            start, end = source.span(node)
            if not any(first <= start and end <= last for first, last in inside):
                yield source, node


def _candidates(modules: Modules, source: Source, place: Place) -> Iterator[cst.CSTNode]:
    path, name = place
    here = {name} if source.path == path else set()
    for alias, _, known_as, dotted in imported(source):
        if isinstance(alias, cst.ImportAlias) and place in _of_dotted(modules, dotted, _MOST_IMPORTS):
            here.add(known_as)
            yield alias
    for node in [*source.every(cst.Name), *source.every(cst.Attribute)]:
        if last_name(node) in {*here, name} and not _is_part(source, node) and place in leads_to(modules, source, node):
            yield node
    for string in source.every(cst.SimpleString):
        text = text_of(string) or ""
        is_path = text.endswith(f".{name}") and place in _of_dotted(modules, text, _MOST_IMPORTS)
        if is_path or (text in here and _is_in_all(source, string)):
            yield string


def _is_part(source: Source, node: cst.CSTNode) -> bool:
    """Of an import, or the last part of an attribute, which is looked at as a whole."""
    above = source.parent(node)
    return isinstance(above, cst.ImportAlias | cst.AsName) or (isinstance(above, cst.Attribute) and above.attr is node)


def _is_in_all(source: Source, node: cst.CSTNode) -> bool:
    return any("__all__" in assigned(each) for each in source.ancestors(node))
