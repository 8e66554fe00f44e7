"""All else of prometheus_client: registries, exposition outside of views, pushes, collectors, and tests that read."""

import re
from collections.abc import Iterator, Sequence

import libcst as cst

from ..traces import Kind, Stage, Trace, shown
from .advice import COMMAND, DERIVED, KEPT_VALUE, READ_IN_TEST, UNNEEDED, advice_on
from .flow import Flow
from .modules import Modules
from .readings import TESTS
from .source import Source, dotted_name
from .study import Study, study
from .unneeded import Doomed, Reference, unneeded
from .values import TYPES, Sort, Values

_SERVES = re.compile(r"\b(?:generate_latest|choose_encoder|ExportToDjangoView|CONTENT_TYPE_LATEST)\b")
_COMMANDS = re.compile(r"(?:^|/)management/commands/\w+\.py$")
_MOUNTED = ("make_wsgi_app", "make_asgi_app")
_PROCESSES = ("multiprocess", "mark_process_dead", "MultiProcessCollector")
_SHOWN = ("CollectorRegistry", "REGISTRY", "generate_latest", "CONTENT_TYPE_LATEST", "_COLLECTOR", "_created_metrics")


def find(modules: Modules) -> Iterator[Trace]:
    found = study(modules)
    references = list(_references(found.flow))
    doomed = unneeded(modules, found, references)
    wholes = dict(_wholes(references))
    read = {each.node for each in found.readings} | {use.node for use in found.uses if use.problem}
    for owner, (source, kind) in wholes.items():
        yield _whole(source, owner, kind)
    for each in references:
        above = list(each.source.ancestors(each.node))
        if wholes.keys().isdisjoint(above) and read.isdisjoint(above) and not _is_views(each, above):
            yield _trace(each, above, doomed)
    for trace, around in _reading(found):
        if wholes.keys().isdisjoint(around):
            yield trace


def _references(flow: Flow) -> Iterator[Reference]:
    """What the text names of prometheus_client, but for classes of instruments, and the registry that one is put in."""
    for source, node, values in flow.clients:
        if not isinstance(node, cst.Name | cst.Attribute) or not _is_imported(source, node):
            continue
        above = source.parent(node)
        if isinstance(above, cst.Attribute) and above.value is node and _libraries(flow.values(source, above)):
            continue
        names = [name for name in _libraries(values) if name.partition(".")[0] not in TYPES]
        if names and not _is_an_instruments(flow, source, node):
            yield Reference(source, node, names[0])


def _libraries(values: Values) -> list[str]:
    return sorted(value.short for value in values if value.sort is Sort.LIBRARY and value.is_clients and value.short)


def _is_imported(source: Source, node: cst.Name | cst.Attribute) -> bool:
    """Whether it stands here by an import, and not by what a variable holds."""
    root = dotted_name(node).partition(".")[0]
    return root != "" and any(
        name.startswith((".", "prometheus_client")) or (name != root and "<" not in name) for name in source.names(node)
    )


def _is_an_instruments(flow: Flow, source: Source, node: cst.CSTNode) -> bool:
    argument = source.parent(node)
    call = source.parent(argument) if isinstance(argument, cst.Arg) and argument.keyword else None
    return call is not None and any(value.is_instrument and value.node is call for value in flow.values(source, call))


def _is_views(each: Reference, above: Sequence[cst.CSTNode]) -> bool:
    """Of a view that serves metrics, or of an app that is mounted for it: these go with their routes."""
    if each.name.endswith(_MOUNTED):
        return True
    outer = [one for one in above if isinstance(one, cst.FunctionDef | cst.ClassDef)]
    if not outer or TESTS.search(each.source.path) or not _SERVES.search(each.source.code(outer[-1])):
        return False
    whole = outer[-1]
    if isinstance(whole, cst.ClassDef):
        return any(dotted_name(base.value).endswith(("View", "ViewSet")) for base in whole.bases)
    first = next(iter(whole.params.params), None)
    if not isinstance(whole, cst.FunctionDef) or first is None:
        return False
    typed = first.annotation is not None and each.source.code(first.annotation).endswith("Request")
    return typed or first.name.value.strip("_") in {"request", "req", "r", ""}


def _wholes(references: Sequence[Reference]) -> Iterator[tuple[cst.ClassDef, tuple[Source, Kind]]]:
    """Classes that are there for it: commands and collectors."""
    for each in references:
        classes = [above for above in each.source.ancestors(each.node) if isinstance(above, cst.ClassDef)]
        if not classes or TESTS.search(each.source.path):
            continue
        owner = classes[-1]
        bases = {dotted_name(base.value).rpartition(".")[2] for base in owner.bases}
        methods = {one.name.value for one in owner.body.body if isinstance(one, cst.FunctionDef)}
        if _COMMANDS.search(each.source.path) and "handle" in methods:
            yield owner, (each.source, Kind.COMMAND)
        elif "Collector" in bases or "collect" in methods:
            yield owner, (each.source, Kind.CLIENT_API)


def _whole(source: Source, owner: cst.ClassDef, kind: Kind) -> Trace:
    line, last = source.line(owner), source.last_line(owner)
    advice, doubt = COMMAND if kind is Kind.COMMAND else DERIVED
    text = shown(source.text, line)
    return Trace(source.path, line, kind, Stage.CODE, text, advice, owner.name.value, doubt=doubt, last_line=last)


def _trace(each: Reference, above: Sequence[cst.CSTNode], doomed: Doomed) -> Trace:
    source, line = each.source, each.source.line(each.node)
    edits, doubt, waits = next((doomed[one] for one in above if one in doomed), ((), "", ""))
    function = next((one for one in above if isinstance(one, cst.FunctionDef)), None)
    advice, reason = advice_on(each.name, _starts_a_worker(source, function))
    kind = _kind(each)
    stage = Stage.SETTINGS if kind is Kind.MULTIPROCESS else Stage.URLS if each.name.endswith(_SHOWN) else Stage.CODE
    if each.name.endswith("unregister"):
        stage = Stage.URLS
    statement = next((one for one in above if isinstance(one, cst.BaseSmallStatement)), each.node)
    return Trace(
        source.path,
        line,
        kind,
        stage,
        shown(source.text, line),
        UNNEEDED if edits else advice,
        each.name,
        edits,
        "" if edits or waits else doubt or reason,
        waits,
        source.last_line(statement),
    )


def _kind(each: Reference) -> Kind:
    if TESTS.search(each.source.path):
        return Kind.TEST
    return Kind.MULTIPROCESS if any(part in _PROCESSES for part in each.name.split(".")) else Kind.CLIENT_API


def _starts_a_worker(source: Source, function: cst.FunctionDef | None) -> bool:
    """Whether Celery calls it as a worker starts."""
    marks = function.decorators if function else ()
    return any(re.search(r"(?:worker|celeryd)\w*\.connect", source.code(each.decorator)) for each in marks)


def _reading(found: Study) -> Iterator[tuple[Trace, Sequence[cst.CSTNode]]]:
    """Where values of instruments are read, and where these are handed to strangers; and the nodes around."""
    for reading in found.readings:
        if not reading.is_endpoints:
            subject = ", ".join(sorted(reading.names or ()))
            trace = _read(reading.source, reading.node, subject, reading.problem)
            yield trace, list(reading.source.ancestors(reading.node))
    for use in found.uses:
        if use.problem:
            trace = _read(use.source, use.node, found.subject_of(use.values), use.problem)
            yield trace, list(use.source.ancestors(use.node))


def _read(source: Source, node: cst.CSTNode, subject: str, problem: str) -> Trace:
    is_test = TESTS.search(source.path) is not None
    kind, advice = (Kind.TEST, READ_IN_TEST) if is_test else (Kind.CLIENT_API, KEPT_VALUE)
    line, last = source.line(node), source.last_line(node)
    text = shown(source.text, line)
    return Trace(source.path, line, kind, Stage.CODE, text, advice, subject, doubt=problem, last_line=last)
