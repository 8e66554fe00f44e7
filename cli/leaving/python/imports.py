"""Imports of django_prometheus and prometheus_client: in use, or to be taken out once nothing uses them."""

from collections.abc import Iterator, Mapping, Sequence

import libcst as cst

from ..traces import Edit, Kind, Stage, Trace, shown
from .modules import Modules
from .removal import without_names, without_statements
from .replacement import import_edits
from .source import Source, dotted_name
from .study import is_guarded, study, tried
from .unneeded import EXPOSITION
from .usage import ROOTS, Statement, bound_name, imports, is_kept, is_used, module_of, ours, unused
from .uses import REGISTRY
from .values import Sort, Value

_STAGES = {
    "django_prometheus.models": Stage.MODELS,
    "django_prometheus.db": Stage.MODELS,
    "django_prometheus.cache": Stage.MODELS,
    "django_prometheus.middleware": Stage.MIDDLEWARE,
    "django_prometheus.urls": Stage.URLS,
    "django_prometheus.exports": Stage.URLS,
    "prometheus_client.multiprocess": Stage.SETTINGS,
    "prometheus_client.generate_latest": Stage.URLS,
    "prometheus_client.CONTENT_TYPE_LATEST": Stage.URLS,
    "prometheus_client.exposition": Stage.URLS,
}
_IS_USED = "it goes by itself once nothing uses it"
_IS_MOVED = "import the instruments from logemit"
_IS_UNUSED = "take it out: nothing uses it any more"
_STAR = "a star import brings names that nobody wrote down; name what is used, or take it out"
_INNER = ("conf", "utils", "testutils", "cache.metrics", "db.metrics")
_IS_INNER = "it is a part of django-prometheus that has no counterpart; write its value here, or do without it"
_TRIED = "the app is made to do without it; take out the import, and what is done when it fails"
_KEPT = "a comment says that it is kept on purpose; take it out unless something outside the project needs it"


def find(modules: Modules) -> Iterator[Trace]:
    for source in modules.containing(*ROOTS):
        statements = imports(source)
        doomed = {each: gone for each in statements if (gone := unused(modules, source, each))}
        for statement in statements:
            module = module_of(statement)
            if isinstance(statement.names, cst.ImportStar) and module.partition(".")[0] in ROOTS:
                yield _trace(source, statement, Kind.IMPORT, module, doubt=_STAR)
            if statement in doomed:
                edits, doubt = _removal(source, statement, doomed)
                names = ", ".join(ours(statement)[each] for each in doomed[statement])
                yield _trace(source, statement, Kind.UNUSED_IMPORT, names, edits, doubt)
            used = [name for alias, name in ours(statement).items() if alias not in doomed.get(statement, ())]
            if used:
                yield _used(modules, source, statement, used)


def own_registries(modules: Modules) -> Iterator[Trace]:
    """Imports of the project's registries and of what shows them, once nothing here uses them any more."""
    flow = study(modules).flow
    showing = {
        above
        for source, node, values in flow.clients
        if any(value.short in EXPOSITION for value in values)
        for above in source.ancestors(node)
        if isinstance(above, cst.FunctionDef)
    }
    for path, source in flow.sources.items():
        for statement in source.every(cst.ImportFrom):
            names = () if isinstance(statement.names, cst.ImportStar) or ours(statement) else statement.names
            held = [
                each
                for each in names
                if any(_is_registry(one) or one.node in showing for one in flow.named(path, bound_name(each)))
            ]
            gone = [each for each in held if not is_used(modules, source, statement, each)]
            if gone and not is_guarded(source, statement) and not is_kept(source, statement):
                edits = without_names(source, statement, gone)
                yield _trace(source, statement, Kind.UNUSED_IMPORT, ", ".join(map(bound_name, gone)), edits)


def _is_registry(value: Value) -> bool:
    return value.sort is Sort.RESULT and value.short == REGISTRY


def _used(modules: Modules, source: Source, statement: Statement, names: list[str]) -> Trace:
    inner = any(name.startswith(f"django_prometheus.{part}") for name in names for part in _INNER)
    doubt = _TRIED if is_guarded(source, statement) else _IS_INNER if inner else ""
    edits = () if doubt else import_edits(modules, source).get(statement, ())
    return _trace(
        source, statement, Kind.IMPORT, ", ".join(names), edits, doubt, Stage.CODE if edits else _stage(names)
    )


def _trace(
    source: Source,
    statement: Statement,
    kind: Kind,
    subject: str,
    edits: tuple[Edit, ...] = (),
    doubt: str = "",
    stage: Stage = Stage.CODE,
) -> Trace:
    line = source.line(statement)
    advice = _IS_UNUSED if kind is Kind.UNUSED_IMPORT else _IS_MOVED if edits else _IS_USED
    last = source.last_line(statement)
    text, waits = shown(source.text, line), "" if edits or doubt else "what uses it"
    return Trace(source.path, line, kind, stage, text, advice, subject, edits, doubt, waits, last)


def _stage(names: list[str]) -> Stage:
    """The last one in which something that uses it goes, as far as its name tells."""
    stages = list(Stage)
    found = [stage for name in names for start, stage in _STAGES.items() if f"{name}.".startswith(f"{start}.")]
    return max(found, key=stages.index, default=Stage.CODE) if len(found) == len(names) else Stage.CODE


# How it goes.


def _removal(
    source: Source, statement: Statement, doomed: Mapping[Statement, Sequence[cst.ImportAlias]]
) -> tuple[tuple[Edit, ...], str]:
    around = tried(source, statement)
    if around is not None:
        is_bare = _does_nothing_else(around, {bound_name(alias) for alias in doomed[statement]}, source)
        return (without_statements(source, [around]), "") if is_bare else ((), _TRIED)
    if is_kept(source, statement):
        return (), _KEPT
    line = _whole(source, statement, doomed)
    if line is None:
        return without_names(source, statement, doomed[statement]), ""
    siblings = [
        one for each in doomed if (one := _whole(source, each, doomed)) and source.parent(one) is source.parent(line)
    ]
    return without_statements(source, _or_what_is_around(source, siblings)), ""


def _whole(
    source: Source, statement: Statement, doomed: Mapping[Statement, Sequence[cst.ImportAlias]]
) -> cst.SimpleStatementLine | None:
    """The line of an import of which nothing is left."""
    line = source.parent(statement)
    is_all = not isinstance(statement.names, cst.ImportStar) and len(doomed[statement]) == len(statement.names)
    is_whole = is_all and isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1
    is_free = tried(source, statement) is None and not is_kept(source, statement)
    return line if is_whole and is_free and isinstance(line, cst.SimpleStatementLine) else None


def _or_what_is_around(source: Source, lines: list[cst.SimpleStatementLine]) -> Sequence[cst.BaseStatement]:
    """`if TYPE_CHECKING:` goes with all that stands in it."""
    block = source.parent(lines[0])
    around = source.parent(block) if block else None
    is_emptied = isinstance(block, cst.IndentedBlock) and len(block.body) == len(lines)
    if not is_emptied or not isinstance(around, cst.If) or around.orelse or isinstance(source.parent(around), cst.If):
        return lines
    return [around] if dotted_name(around.test).endswith("TYPE_CHECKING") else lines


def _does_nothing_else(around: cst.Try, names: set[str], source: Source) -> bool:
    """Whether there is only the import, and names that get None where it fails; and nothing asks for these."""
    if around.orelse or around.finalbody or len(around.body.body) != 1:
        return False
    for handler in around.handlers:
        for line in handler.body.body:
            for each in line.body if isinstance(line, cst.SimpleStatementLine) else [line]:
                if isinstance(each, cst.Assign) and all(dotted_name(one.target) in names for one in each.targets):
                    continue
                if not isinstance(each, cst.Pass):
                    return False
    inside = {id(node) for node in source.every(cst.Name) if any(above is around for above in source.ancestors(node))}
    return not any(node.value in names and id(node) not in inside for node in source.every(cst.Name))
