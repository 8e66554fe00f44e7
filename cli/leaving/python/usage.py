"""Whether anything uses a name that is imported from django_prometheus or prometheus_client."""

import re

import libcst as cst
from libcst.metadata import QualifiedNameSource

from .modules import Modules
from .source import Source, dotted_name, text_of

Statement = cst.ImportFrom | cst.Import
ROOTS = ("django_prometheus", "prometheus_client")


def imports(source: Source) -> list[Statement]:
    """All statements that import."""
    return [*source.every(cst.ImportFrom), *source.every(cst.Import)]


def aliases(statement: Statement) -> list[cst.ImportAlias]:
    """None of a star import."""
    return [] if isinstance(statement.names, cst.ImportStar) else list(statement.names)


def ours(statement: Statement) -> dict[cst.ImportAlias, str]:
    """The names that it imports of these, each with its dotted one; none of a star import."""
    named = {alias: _imported(statement, alias) for alias in aliases(statement)}
    return {alias: name for alias, name in named.items() if name.split(".")[0] in ROOTS}


def unused(modules: Modules, source: Source, statement: Statement) -> list[cst.ImportAlias]:
    """Those of them that nothing refers to, in this module or another."""
    return [alias for alias in ours(statement) if not is_used(modules, source, statement, alias)]


def module_of(statement: Statement) -> str:
    """Empty for a relative one, and for `import …`."""
    if not isinstance(statement, cst.ImportFrom) or statement.relative or statement.module is None:
        return ""
    return dotted_name(statement.module)


def bound_name(alias: cst.ImportAlias) -> str:
    """What the module calls it."""
    return dotted_name(alias.asname.name) if alias.asname else dotted_name(alias.name).split(".")[0]


def is_kept(source: Source, statement: Statement) -> bool:
    """Whether a comment behind it says that it is not used, and stays."""
    begin, end = source.span(statement)
    stop = source.text.find("\n", end)
    return "F401" in source.text[begin : len(source.text) if stop < 0 else stop]


def _imported(statement: Statement, alias: cst.ImportAlias) -> str:
    """Dotted, as the tree's own names are: .prom.SHOP of `from .prom import SHOP`."""
    name = dotted_name(alias.name)
    if isinstance(statement, cst.Import):
        return name
    dots, module = "." * len(statement.relative), dotted_name(statement.module) if statement.module else ""
    return f"{dots}{module}.{name}" if module else f"{dots}{name}"


def is_used(modules: Modules, source: Source, statement: Statement, alias: cst.ImportAlias) -> bool:
    """Whether this module or another refers to what is imported."""
    name, bound = _imported(statement, alias), bound_name(alias)
    meant = name if isinstance(statement, cst.ImportFrom) or alias.asname else name.split(".")[0]
    return (
        any(_means(source, node, meant) for node in source.every(cst.Name) if node.value == bound)
        or _is_in_text(source, bound)
        or _is_used_elsewhere(modules, source, bound)
    )


def _means(source: Source, node: cst.Name, name: str) -> bool:
    return any(
        each.name == name and each.source is QualifiedNameSource.IMPORT for each in source.qualified(node)
    ) and not _is_own_assignment(source, node)


def _is_own_assignment(source: Source, node: cst.Name) -> bool:
    """`Counter = None` where the import failed."""
    return isinstance(source.parent(node), cst.AssignTarget)


def _is_in_text(source: Source, bound: str) -> bool:
    """In an annotation in quotes, or in __all__."""
    word = re.compile(rf"(?<!\w){re.escape(bound)}(?!\w)")
    for node in source.every(cst.SimpleString):
        text = text_of(node)
        if text and word.search(text):
            above = list(source.ancestors(node))
            if any(isinstance(each, cst.Annotation) for each in above):
                return True
            targets = [target for each in above if isinstance(each, cst.Assign) for target in each.targets]
            if any(dotted_name(target.target) == "__all__" for target in targets):
                return True
    return False


def _is_used_elsewhere(modules: Modules, source: Source, bound: str) -> bool:
    """Whether another module takes it from this one: `from shop.prom import Counter`, prom.Counter, or all of it."""
    stem = re.escape(source.dotted.rpartition(".")[2])
    taken = re.compile(
        rf"(?<!\w){stem}\.{re.escape(bound)}(?!\w)"
        rf"|from\s+[\w.]*(?<!\w){stem}\s+import\s+(?:\([^)]*?|[^\n(]*?)(?<!\w)(?:{re.escape(bound)}(?!\w)|\*)"
        + (
            rf"|from\s+\.+\s+import\s+(?:\([^)]*?|[^\n(]*?)(?<!\w){re.escape(bound)}(?!\w)"
            if _is_package(source)
            else ""
        )
    )
    texts = modules.project.texts
    return any(path != source.path and stem in texts[path] and taken.search(texts[path]) for path in modules.paths)


def _is_package(source: Source) -> bool:
    return source.path.endswith("__init__.py")


def is_named(modules: Modules, source: Source, bound: str) -> bool:
    """Whether text that is code names it here, or another module takes it from this one."""
    return _is_in_text(source, bound) or _is_used_elsewhere(modules, source, bound)
