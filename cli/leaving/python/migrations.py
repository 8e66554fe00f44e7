"""Migrations that recorded the mixin among a model's bases."""

from collections.abc import Iterator

import libcst as cst

from ..traces import Edit, Kind, Trace
from .found import trace_of
from .models import MIXIN, is_migration
from .modules import Modules
from .references import stands_for
from .removal import without_elements
from .source import Source

_ADVICE = "bases are no part of the schema: makemigrations finds nothing to do afterwards"


def find(modules: Modules) -> Iterator[Trace]:
    for source in modules.containing("ExportModelOperationsMixin"):
        if not is_migration(source.path):
            continue
        for call in source.every(cst.Call):
            if MIXIN in stands_for(modules, source, call.func):
                edits = _edits(modules, source, call)
                doubt = "" if edits else "it is not in the bases=(…) of a CreateModel; take it out by hand"
                yield trace_of(source, call, Kind.MIGRATION, _ADVICE, edits=edits, doubt=doubt)


def _edits(modules: Modules, source: Source, mixin: cst.Call) -> tuple[Edit, ...]:
    element = source.parent(mixin)
    bases = source.parent(element) if element is not None else None
    argument = source.parent(bases) if isinstance(bases, cst.Tuple) else None
    creation = source.parent(argument) if isinstance(argument, cst.Arg) else None
    if not (isinstance(bases, cst.Tuple) and isinstance(argument, cst.Arg) and isinstance(creation, cst.Call)):
        return ()
    if argument.keyword is None or argument.keyword.value != "bases":
        return ()
    doomed = [each for each in bases.elements if _is_mixin(modules, source, each.value)]
    left = [each.value for each in bases.elements if each not in doomed]
    if not left:
        return ()
    if len(left) == 1 and "django.db.models.Model" in stands_for(modules, source, left[0]):
        return without_elements(source, creation.args, [argument])  # what Django takes without it
    return without_elements(source, bases.elements, doomed, is_tuple=True)


def _is_mixin(modules: Modules, source: Source, node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Call) and MIXIN in stands_for(modules, source, node.func)
