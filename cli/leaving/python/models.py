"""Models that have django-prometheus' mixin among their bases, directly or by a name of the project's own."""

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from ..traces import Edit, Kind, Trace
from .blocks import line_of_its_own, without
from .found import place_of, trace_of
from .labels import labels_of
from .modules import Modules
from .references import Place, assigned, imported, leads_to, references, stands_for
from .removal import without_elements
from .source import Source, text_of
from .urls import held_back

MIXIN = "django_prometheus.models.ExportModelOperationsMixin"
_NAME = MIXIN.rpartition(".")[2]
_ADVICE = "every model is counted without it"


@dataclass(frozen=True)
class Mixed:
    """A class with the mixin as a base. `name` is what the mixin was given, `labels` the models that it counts so.

    Either is empty where it is not written out.
    """

    source: Source
    model: cst.ClassDef
    base: cst.Arg
    name: str
    labels: tuple[str, ...]


def find(modules: Modules) -> Iterator[Trace]:
    named = named_mixins(modules)
    calls: set[cst.CSTNode] = set()
    held = held_back(modules).get("django_model", "")
    classes = list(mixed_classes(modules))
    bases: dict[cst.ClassDef, list[cst.Arg]] = {}
    for mixed in classes:
        bases.setdefault(mixed.model, []).append(mixed.base)
    for mixed in classes:
        calls.add(mixed.base.value)
        yield _trace(mixed, bases[mixed.model], held)
    for source, assignment in named.values():
        calls.add(assignment.value)
        yield _trace_of_name(modules, source, assignment)
    for source in _sources(modules):
        for call in source.every(cst.Call):
            if call not in calls and MIXIN in stands_for(modules, source, call.func):
                doubt = "it is no base of a class and no name for one; take it out by hand"
                yield trace_of(source, call, Kind.MODEL_MIXIN, _ADVICE, doubt=doubt)


def mixed_classes(modules: Modules) -> Iterator[Mixed]:
    """Migrations have traces of their own."""
    named = named_mixins(modules)
    words = {_NAME, *(name for _, name in named), *_other_names(modules)}
    for source in modules.containing(*words):
        for model in source.every(cst.ClassDef) if not is_migration(source.path) else ():
            for base in model.bases:
                call = _call(modules, source, base.value, named)
                if call is not None:
                    name = text_of(call.args[0].value) if call.args else None
                    yield Mixed(source, model, base, name or "", labels_of(modules, source, model))


def _call(
    modules: Modules, source: Source, base: cst.BaseExpression, named: dict[Place, tuple[Source, cst.Assign]]
) -> cst.Call | None:
    if isinstance(base, cst.Call):
        return base if MIXIN in stands_for(modules, source, base.func) else None
    for place in leads_to(modules, source, base) & named.keys():
        call = named[place][1].value
        return call if isinstance(call, cst.Call) else None
    return None


def named_mixins(modules: Modules) -> dict[Place, tuple[Source, cst.Assign]]:
    """`Counted = ExportModelOperationsMixin("x")`, by place."""
    return {
        (source.path, name): (source, assignment)
        for source in _sources(modules)
        for assignment in source.every(cst.Assign)
        if isinstance(assignment.value, cst.Call) and MIXIN in stands_for(modules, source, assignment.value.func)
        for name in assigned(assignment)
        if len(assignment.targets) == 1
    }


def _other_names(modules: Modules) -> Iterator[str]:
    """`from … import ExportModelOperationsMixin as Counted`: what other files may take from there."""
    for source in _sources(modules):
        yield from (here for _, _, here, dotted in imported(source) if dotted.endswith(f".{_NAME}"))


def _sources(modules: Modules) -> Iterator[Source]:
    return (each for each in modules.containing(_NAME) if not is_migration(each.path))


def is_migration(path: str) -> bool:
    return "migrations" in path.split("/")[:-1]


def _trace(mixed: Mixed, bases: list[cst.Arg], held: str) -> Trace:
    """`bases`: all of the class that go."""
    if mixed.name and mixed.labels:
        labels = ", ".join(f'"{label}": "{mixed.name}"' for label in mixed.labels)
        advice = f"{_ADVICE}; MODEL_LABELS keeps its name: {{{labels}}}"
    else:
        advice = f"{_ADVICE}; add the name that it was given to MODEL_LABELS by hand, for each model that has it"
    edits = without_bases(mixed.source, mixed.model, bases)
    name = mixed.model.name.value
    doubt = f"{held} looks at what it counts; change that first" if held else ""
    return trace_of(mixed.source, mixed.base, Kind.MODEL_MIXIN, advice, subject=name, edits=edits, doubt=doubt)


def without_bases(source: Source, model: cst.ClassDef, doomed: list[cst.Arg]) -> tuple[Edit, ...]:
    """The parentheses go with the last of them."""
    among = [*model.bases, *model.keywords]
    if len(doomed) < len(among):
        return without_elements(source, among, doomed)
    start = source.span(model.type_parameters or model.name)[1]
    body = source.span(model.body)[0]
    colon = source.text.rindex(")", start, source.text.index(":", source.span(among[-1])[1], body + 1) + 1)
    return (Edit(start, colon + 1),)


def _trace_of_name(modules: Modules, source: Source, assignment: cst.Assign) -> Trace:
    name = assigned(assignment)[0]
    line = line_of_its_own(source, assignment)
    users = list(references(modules, (source.path, name)))
    doubt = "" if line is not None else "it stands on one line with other statements; take it out by hand"
    edits = without(source, [line])[line][1] if line is not None and not users else ()
    for its, node in users:
        if not isinstance(node, cst.ImportAlias) and not _is_base(its, node):
            doubt = f"{place_of(its, node)} uses it otherwise than as a base of a class; take it out by hand"
    waits = "the classes that have it as a base" if users else ""
    return trace_of(source, assignment, Kind.MODEL_MIXIN, _ADVICE, subject=name, edits=edits, doubt=doubt, waits=waits)


def _is_base(source: Source, node: cst.CSTNode) -> bool:
    argument = source.parent(node)
    return isinstance(argument, cst.Arg) and isinstance(source.parent(argument), cst.ClassDef)
