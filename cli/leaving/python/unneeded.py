"""Statements that only serve prometheus_client's exposition, and can go once nothing of it is left to show."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from ..project import Project
from ..traces import Edit
from .flow import Flow
from .modules import Modules
from .readings import TESTS
from .removal import without_statements
from .source import Source
from .study import Study

Doomed = Mapping[cst.CSTNode, tuple[tuple[Edit, ...], str, str]]
"""By statement, what takes it out, or why it stays, or for what it waits."""

_STANDARD = frozenset({"GC_COLLECTOR", "PLATFORM_COLLECTOR", "PROCESS_COLLECTOR"})
_SETTINGS = frozenset({"disable_created_metrics", "enable_created_metrics"})
_SERVING = frozenset(
    {"start_http_server", "start_wsgi_server", "push_to_gateway", "pushadd_to_gateway", "write_to_textfile"}
)
EXPOSITION = frozenset({"CollectorRegistry", "MultiProcessCollector", "generate_latest", "CONTENT_TYPE_LATEST"})
_ARE_LEFT = "instruments of prometheus_client are left, and it changes what is shown of them"
_IS_SHOWN = "metrics of this process are still shown by {}"


@dataclass(frozen=True, eq=False)
class Reference:
    """`name`: as prometheus_client has it, without the module: REGISTRY.unregister."""

    source: Source
    node: cst.CSTNode
    name: str


def unneeded(modules: Modules, found: Study, references: Sequence[Reference]) -> Doomed:
    serving = next((each for each in references if _SERVING & set(each.name.split("."))), None)
    statements: dict[Source, dict[cst.BaseStatement, str]] = {}
    for each in references:
        line = None if TESTS.search(each.source.path) else _statement(modules, found.flow, each)
        if line is None:
            continue
        doubt = _ARE_LEFT if found.doubts.keys() - found.waiting else ""
        if serving and not doubt and each.name.rpartition(".")[2] not in EXPOSITION:
            doubt = _IS_SHOWN.format(f"{serving.source.path}:{serving.source.line(serving.node)}")
        statements.setdefault(each.source, {})[line] = doubt
    doomed: dict[cst.CSTNode, tuple[tuple[Edit, ...], str, str]] = {}
    waits = "instruments, which wait for tests of the endpoint" if found.waiting else ""
    for source, lines in statements.items():
        for line, doubt in lines.items():
            siblings = [one for one, why in lines.items() if not why and source.parent(one) is source.parent(line)]
            edits = () if doubt or waits else without_statements(source, siblings)
            doomed[line] = (edits, doubt, "" if doubt else waits)
    return doomed


def _statement(modules: Modules, flow: Flow, each: Reference) -> cst.BaseStatement | None:
    """What goes as a whole."""
    source, last = each.source, each.name.rpartition(".")[2]
    line = source.statement(each.node)
    if line is None:
        return None
    if last in _STANDARD or last == "unregister":
        return _unregistering(flow, source, line)
    if last in _SETTINGS:
        return line if _call(line) else None
    if last == "mark_process_dead":
        return _or_function(modules, source, line) if _call(line) else None
    if last in EXPOSITION:
        return _forgotten(modules, each, line)
    return None


def _call(line: cst.CSTNode) -> cst.Call | None:
    """Of a statement that is nothing but one."""
    if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 and isinstance(line.body[0], cst.Expr):
        value = line.body[0].value
        return value if isinstance(value, cst.Call) else None
    return None


def _unregistering(flow: Flow, source: Source, line: cst.BaseStatement) -> cst.BaseStatement | None:
    """`REGISTRY.unregister(GC_COLLECTOR)`, alone, in a loop over such, or tried."""
    if isinstance(line, cst.For):
        only = line.body.body[0] if len(line.body.body) == 1 and line.orelse is None else None
        return line if only is not None and _unregisters(flow, source, only) else None
    if not _unregisters(flow, source, line):
        return None
    block = source.parent(line)
    around = source.parent(block) if block else None
    if isinstance(around, cst.For) and len(around.body.body) == 1 and around.orelse is None:
        return around
    if isinstance(around, cst.Try) and around.body is block and len(around.body.body) == 1:
        passes = all(isinstance(one, cst.Pass) for handler in around.handlers for one in small_statements(handler.body))
        return around if passes and not around.orelse and not around.finalbody else line
    return line


def _unregisters(flow: Flow, source: Source, line: cst.CSTNode) -> bool:
    call = _call(line)
    if call is None or {value.short for value in flow.values(source, call.func)} != {"REGISTRY.unregister"}:
        return False
    given = {value.short for argument in call.args for value in flow.values(source, argument.value)}
    return bool(given) and given <= _STANDARD


def _or_function(modules: Modules, source: Source, line: cst.BaseStatement) -> cst.BaseStatement:
    """The function around, if there is nothing else in it and nobody calls it by its name."""
    block = source.parent(line)
    around = source.parent(block) if block else None
    if not isinstance(around, cst.FunctionDef) or source.parent(around) is not source.module:
        return line
    own = _call(line)
    others = [one for one in small_statements(around.body) if not (isinstance(one, cst.Expr) and one.value is own)]
    is_bare = all(isinstance(one, cst.Import | cst.ImportFrom | cst.Pass) or _is_text(one) for one in others)
    return around if is_bare and not _is_mentioned(modules.project, around.name.value) else line


def small_statements(body: cst.BaseSuite) -> Iterator[cst.CSTNode]:
    """Of a block, the compound ones as they are."""
    for line in body.body:
        yield from line.body if isinstance(line, cst.SimpleStatementLine) else [line]


def _is_text(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString | cst.ConcatenatedString)


def _is_mentioned(project: Project, name: str) -> bool:
    """Anywhere but where it is defined."""
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    return sum(len(word.findall(text)) for text in project.texts.values() if name in text) > 1


def _forgotten(modules: Modules, each: Reference, line: cst.BaseStatement) -> cst.BaseStatement | None:
    """`registry = CollectorRegistry()` that nothing names, or a function of a view that is gone.

    What a server calls by its name, nothing in the project had ever named.
    """
    source, project = each.source, modules.project
    if source.parent(line) is source.module and isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1:
        small = line.body[0]
        if not isinstance(small, cst.Assign) or each.node not in (small.value, getattr(small.value, "func", None)):
            return None
        names = [one.target.value for one in small.targets if isinstance(one.target, cst.Name)]
        is_named = len(names) < len(small.targets) or any(_is_mentioned(project, name) for name in names)
        return None if is_named else line
    outer = next((one for one in source.ancestors(line) if source.parent(one) is source.module), None)
    if not isinstance(outer, cst.FunctionDef) or outer.decorators:
        return None
    name = outer.name.value
    return outer if _is_mentioned(project.as_found, name) and not _is_mentioned(project, name) else None
