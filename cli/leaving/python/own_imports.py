"""Imports of the project's own names that are left over once what used them is gone."""

from collections.abc import Iterator

import libcst as cst

from ..traces import Kind, Trace
from .found import trace_of
from .models import named_mixins
from .modules import Modules
from .references import Place, imported, references
from .removal import without_names
from .source import Source
from .views import metrics_views


def find(modules: Modules) -> Iterator[Trace]:
    """Of views of metrics and of named mixins, where nothing in the module uses them or takes them from it."""
    places: list[Place] = [*metrics_views(modules), *named_mixins(modules)]
    for place in places:
        users = list(references(modules, place))
        aliases = [(source, node) for source, node in users if isinstance(node, cst.ImportAlias)]
        for source, alias in aliases:
            used = any(its is source and not isinstance(node, cst.ImportAlias) for its, node in users)
            if not used and not _is_handed_on(modules, source, alias):
                yield from _trace(source, alias)


def _is_handed_on(modules: Modules, source: Source, alias: cst.CSTNode) -> bool:
    """Whether another module imports the name from this one."""
    known_as = next((here for each, _, here, _ in imported(source) if each is alias), "")
    for other in modules.containing(known_as):
        for _, _, _, dotted in imported(other):
            if other is not source and modules.defining(dotted) == (source.path, known_as):
                return True
    return False


def _trace(source: Source, alias: cst.CSTNode) -> Iterator[Trace]:
    for each, statement, here, _ in imported(source):
        if each is alias and isinstance(each, cst.ImportAlias):
            edits = without_names(source, statement, [each])
            yield trace_of(source, statement, Kind.UNUSED_IMPORT, "nothing uses it any more", subject=here, edits=edits)
