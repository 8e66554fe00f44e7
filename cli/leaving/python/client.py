"""All else of prometheus_client: registries, exposition outside of views, pushes, collectors, and tests that read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from ..traces import Edit, Kind, Stage, Trace, shown
from .advice import COMMAND, DERIVED, READ_IN_TEST, advice_on
from .flow import Flow
from .modules import Modules
from .readings import TESTS
from .removal import without_statements
from .source import Source, dotted_name
from .study import Study, study
from .uses import REGISTRY
from .values import Sort, Values

_VIEWS = re.compile(r"generate_latest|make_wsgi_app|make_asgi_app|ExportToDjangoView")
_COMMANDS = re.compile(r"(?:^|/)management/commands/\w+\.py$")
_STANDARD = frozenset({"GC_COLLECTOR", "PLATFORM_COLLECTOR", "PROCESS_COLLECTOR"})
_CREATED = frozenset({"disable_created_metrics", "enable_created_metrics"})
_SHOWING = re.compile(r"start_(?:http|wsgi)_server|push(?:add)?_to_gateway|write_to_textfile|make_[aw]sgi_app")
_STAYS = "instruments of prometheus_client are left, which it belongs to"


@dataclass(frozen=True, eq=False)
class _Reference:
    source: Source
    node: cst.CSTNode
    name: str  # as prometheus_client has it: REGISTRY.unregister


def find(modules: Modules) -> Iterator[Trace]:
    found = study(modules)
    references = list(_references(found.flow))
    doomed = _doomed(modules, found, references)
    claimed: set[cst.CSTNode] = set()
    for definition, source, kind in _definitions(references):
        claimed.add(definition)
        yield _whole(source, definition, kind)
    for each in references:
        above = list(each.source.ancestors(each.node))
        if claimed.isdisjoint(above) and not _is_in_view(each.source, above):
            yield _trace(each, above, doomed)
    yield from _readings(found, claimed)


def _references(flow: Flow) -> Iterator[_Reference]:
    """What the text names of prometheus_client, but for instruments' classes and what is written out as a registry's
    argument of theirs."""
    for source, node, values in flow.clients:
        if not isinstance(node, cst.Name | cst.Attribute) or not dotted_name(node) or not _is_named(source, node):
            continue
        above = source.parent(node)
        if isinstance(above, cst.Attribute) and above.value is node:
            if any(value.sort is Sort.LIBRARY and value.is_clients for value in flow.values(source, above)):
                continue
        names = sorted(value.short for value in values if _is_other(value.sort, value.instrument_type, value.short))
        if names and not _is_registry_argument(flow, source, node):
            yield _Reference(source, node, names[0])


def _is_other(sort: Sort, instrument: str, short: str) -> bool:
    return sort is Sort.LIBRARY and not instrument and bool(short) and short.split(".")[0] not in _CLASSES


_CLASSES = frozenset({"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"})


def _is_named(source: Source, node: cst.CSTNode) -> bool:
    """Whether it stands here by an import, and not only by what a variable holds."""
    return not isinstance(source.parent(node), cst.AssignTarget) and any(
        "<locals>" not in name and (name.split(".")[0] == "prometheus_client" or "." in name)
        for name in source.names(node)
    )


def _is_registry_argument(flow: Flow, source: Source, node: cst.CSTNode) -> bool:
    argument = source.parent(node)
    call = source.parent(argument) if isinstance(argument, cst.Arg) else None
    is_registry = (
        isinstance(argument, cst.Arg) and argument.keyword is not None and argument.keyword.value == "registry"
    )
    return is_registry and call is not None and any(value.is_instrument for value in flow.values(source, call))


def _is_in_view(source: Source, above: list[cst.CSTNode]) -> bool:
    """Of a view that serves metrics, which goes with its route."""
    outer = [each for each in above if isinstance(each, cst.FunctionDef | cst.ClassDef)]
    if not outer or TESTS.search(source.path) or _COMMANDS.search(source.path):
        return False
    code = source.code(outer[-1])
    return bool(_VIEWS.search(code) and re.search(r"\brequest\b|HttpResponse", code))


def _definitions(references: list[_Reference]) -> Iterator[tuple[cst.ClassDef, Source, Kind]]:
    """Classes that are there for it as a whole: commands, collectors."""
    seen = set()
    for each in references:
        classes = [above for above in each.source.ancestors(each.node) if isinstance(above, cst.ClassDef)]
        if not classes or classes[-1] in seen or TESTS.search(each.source.path):
            continue
        names = {name.rpartition(".")[2] for base in classes[-1].bases for name in each.source.names(base.value)}
        methods = {one.name.value for one in classes[-1].body.body if isinstance(one, cst.FunctionDef)}
        is_command = _COMMANDS.search(each.source.path) is not None and "Command" in classes[-1].name.value
        if is_command or "Collector" in names or "MetricFamily" in each.name and "collect" in methods:
            seen.add(classes[-1])
            yield classes[-1], each.source, Kind.COMMAND if is_command else Kind.CLIENT_API


def _whole(source: Source, node: cst.ClassDef, kind: Kind) -> Trace:
    line = source.line(node)
    advice, doubt = COMMAND if kind is Kind.COMMAND else DERIVED
    last = source.last_line(node)
    return Trace(
        source.path,
        line,
        kind,
        Stage.CODE,
        shown(source.text, line),
        advice,
        node.name.value,
        doubt=doubt,
        last_line=last,
    )


Doomed = Mapping[cst.CSTNode, tuple[tuple[Edit, ...], str]]
"""By statement, what takes it out, or why it stays."""


def _trace(each: _Reference, above: list[cst.CSTNode], doomed: Doomed) -> Trace:
    source, line = each.source, each.source.line(each.node)
    statement = next((one for one in above if one in doomed), None)
    edits, doubt = doomed[statement] if statement else ((), "")
    around = next((one for one in above if isinstance(one, cst.FunctionDef)), None)
    advice, reason = advice_on(each.name, _is_in_worker(around))
    is_process = each.name.startswith("multiprocess") or each.name in {"mark_process_dead", "MultiProcessCollector"}
    kind = Kind.TEST if TESTS.search(source.path) else Kind.MULTIPROCESS if is_process else Kind.CLIENT_API
    stage = Stage.SETTINGS if kind is Kind.MULTIPROCESS else Stage.CODE
    end = next((one for one in above if isinstance(one, cst.BaseStatement | cst.BaseSmallStatement)), each.node)
    last = source.last_line(end) if not isinstance(end, cst.BaseCompoundStatement) else source.last_line(each.node)
    if edits:
        advice = "take it out: no process shows metrics any more"
    return Trace(
        source.path,
        line,
        kind,
        stage,
        shown(source.text, line),
        advice,
        each.name,
        edits,
        "" if edits else doubt or reason,
        last,
    )


def _is_in_worker(function: cst.CSTNode | None) -> bool:
    """Whether Celery runs it as a worker starts."""
    marks = function.decorators if isinstance(function, cst.FunctionDef) else ()
    return any(re.search(r"worker\w*\.connect|celeryd\w*\.connect", _code(each.decorator)) for each in marks)


def _code(node: cst.CSTNode) -> str:
    return cst.Module([]).code_for_node(node)


# What can go by itself.


def _doomed(modules: Modules, found: Study, references: list[_Reference]) -> Doomed:
    shows = any(_SHOWING.match(each.name.rpartition(".")[2]) for each in references)
    statements: dict[Source, dict[cst.BaseStatement, str]] = {}
    for each in references:
        line = _removable(modules, found.flow, each)
        if line is not None:
            last = each.name.rpartition(".")[2]
            stays = bool(found.doubts) or (shows and last in _STANDARD | {"unregister"})
            statements.setdefault(each.source, {})[line] = _STAYS if stays else ""
    made: dict[cst.CSTNode, tuple[tuple[Edit, ...], str]] = {}
    for source, lines in statements.items():
        going = [line for line, doubt in lines.items() if not doubt]
        for line, doubt in lines.items():
            siblings = [one for one in going if source.parent(one) is source.parent(line)]
            made[line] = ((), doubt) if doubt else (without_statements(source, siblings), "")
    return made


def _removable(modules: Modules, flow: Flow, each: _Reference) -> cst.BaseStatement | None:
    source = each.source
    line = source.statement(each.node)
    if line is None or TESTS.search(source.path):
        return None
    last = each.name.rpartition(".")[2]
    if last in _STANDARD or each.name.endswith("REGISTRY.unregister"):
        return _unregistering(flow, source, line)
    if last in _CREATED and _is_bare_call(line):
        return line
    if last == "mark_process_dead" and _is_bare_call(line):
        return _or_function(modules, source, line)
    if last in {REGISTRY, "MultiProcessCollector"} and _is_forgotten(modules, source, line):
        return line
    return None


def _is_bare_call(line: cst.CSTNode) -> bool:
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
        return False
    only = line.body[0]
    return isinstance(only, cst.Expr) and isinstance(only.value, cst.Call)


def _unregistering(flow: Flow, source: Source, line: cst.BaseStatement) -> cst.BaseStatement | None:
    """`REGISTRY.unregister(GC_COLLECTOR)`, alone, in a loop over such or tried."""
    if isinstance(line, cst.For):
        inner = line.body.body[0] if len(line.body.body) == 1 and line.orelse is None else None
        return line if inner is not None and _unregisters(flow, source, inner) else None
    if not _unregisters(flow, source, line):
        return None
    block = source.parent(line)
    around = source.parent(block) if block else None
    if isinstance(around, cst.For) and around.orelse is None and len(around.body.body) == 1:
        return around
    if isinstance(around, cst.Try) and around.body is block and len(around.body.body) == 1:
        passes = all(isinstance(one, cst.Pass) for handler in around.handlers for one in _small(handler.body))
        return around if passes and not around.orelse and not around.finalbody else line
    return line


def _small(body: cst.BaseSuite) -> Iterator[cst.CSTNode]:
    for line in body.body:
        yield from line.body if isinstance(line, cst.SimpleStatementLine) else [line]


def _unregisters(flow: Flow, source: Source, line: cst.CSTNode) -> bool:
    if not _is_bare_call(line) or not isinstance(line, cst.SimpleStatementLine):
        return False
    call = line.body[0].value if isinstance(line.body[0], cst.Expr) else None
    if not isinstance(call, cst.Call) or {value.short for value in flow.values(source, call.func)} != {
        "REGISTRY.unregister"
    }:
        return False
    given: Values = frozenset(value for one in call.args for value in flow.values(source, one.value))
    return bool(given) and all(value.short in _STANDARD for value in given)


def _or_function(modules: Modules, source: Source, line: cst.BaseStatement) -> cst.BaseStatement:
    """The function around, if there is nothing else in it and nobody calls it by its name."""
    block = source.parent(line)
    around = source.parent(block) if block else None
    if not isinstance(around, cst.FunctionDef) or source.parent(around) is not source.module:
        return line
    others = [one for one in _small(around.body) if one not in getattr(line, "body", ())]
    is_bare = all(isinstance(one, cst.Import | cst.ImportFrom | cst.Pass) or _is_documentation(one) for one in others)
    return around if is_bare and not _is_mentioned(modules, source, around.name.value, 1) else line


def _is_documentation(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString | cst.ConcatenatedString)


def _is_mentioned(modules: Modules, source: Source, name: str, own: int) -> bool:
    """Anywhere but where it is defined."""
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    count = sum(len(word.findall(text)) for path, text in modules.project.texts.items() if name in text)
    return count > own or len(word.findall(source.text)) > own


def _is_forgotten(modules: Modules, source: Source, line: cst.BaseStatement) -> bool:
    """`registry = CollectorRegistry()` that nothing names any more."""
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1 or not isinstance(line.body[0], cst.Assign):
        return False
    targets = [target.target for target in line.body[0].targets]
    is_module_level = source.parent(line) is source.module
    return is_module_level and all(
        isinstance(target, cst.Name) and not _is_mentioned(modules, source, target.value, 1) for target in targets
    )


# What is read.


def _readings(found: Study, claimed: set[cst.CSTNode]) -> Iterator[Trace]:
    """Values of instruments that somebody reads, and what else keeps them."""
    for reading in found.readings:
        if not reading.is_endpoints and found.creations:
            yield _read(reading.source, reading.node, ", ".join(sorted(reading.names or ())), reading.problem)
    for use in found.uses:
        if use.problem and claimed.isdisjoint(use.source.ancestors(use.node)):
            yield _read(use.source, use.node, found.subject_of(use.values), use.problem)


def _read(source: Source, node: cst.CSTNode, subject: str, problem: str) -> Trace:
    is_test = TESTS.search(source.path) is not None
    advice = READ_IN_TEST if is_test else "do without it, or keep that instrument as it is"
    line = source.line(node)
    return Trace(
        source.path,
        line,
        Kind.TEST if is_test else Kind.CLIENT_API,
        Stage.CODE,
        shown(source.text, line),
        advice,
        subject,
        doubt=f"{problem}; logemit keeps no values in the process",
        last_line=source.last_line(node),
    )
