"""Views of the project that serve metrics, and whether they do nothing else."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import libcst as cst
import libcst.matchers as m

from ..traces import Kind, Trace
from .blocks import without
from .found import place_of, trace_of
from .modules import Modules
from .references import Place, definitions, references, stands_for
from .source import Source, last_name
from .strings import is_test

_VIEW = "django_prometheus.exports.ExportToDjangoView"
EXPORTS = frozenset(
    {
        _VIEW,
        "prometheus_client.generate_latest",
        "prometheus_client.exposition.generate_latest",
        "prometheus_client.openmetrics.exposition.generate_latest",
        "prometheus_client.choose_encoder",
        "prometheus_client.exposition.choose_encoder",
    }
)
ROUTES = frozenset({"path", "re_path", "url"})
"""What makes a route of a path and a view."""

_WORDS = ("ExportToDjangoView", "generate_latest", "choose_encoder")
_DENIES = re.compile(r"Forbidden|NotFound|NotAllowed|BadRequest|Unauthorized|Redirect|Error|Denied")
_BESIDE = re.compile(r"^(prometheus_client|logging)\.|^(log|logger|_logger|LOGGER|registry)\.")
_MOST_HELPERS = 4


@dataclass(frozen=True)
class View:
    """`doubt`: what it does beside serving metrics."""

    source: Source
    node: cst.BaseStatement
    name: str
    doubt: str

    @property
    def place(self) -> Place:
        return self.source.path, self.name


@lru_cache(maxsize=2)
def metrics_views(modules: Modules) -> dict[Place, View]:
    """Functions with a request, classes with views' names, and names for django-prometheus' view in decorators."""
    exporting: dict[Place, tuple[Source, cst.BaseStatement]] = {}
    for source in modules.containing(*_WORDS):
        for name, node in _outer(source):
            if any(EXPORTS & stands_for(modules, source, each) for each in names_in(node)):
                exporting[source.path, name] = (source, node)
    views: dict[Place, View] = {}
    for _ in range(_MOST_HELPERS):
        for place, (source, node) in exporting.items():
            if place not in views and _is_view(modules, source, node):
                doubt = _doubt(modules, source, node, exporting)
                views[place] = View(source, node, place[1], doubt)
        helpers = {place: found for place, found in exporting.items() if place not in views}
        callers = dict(_callers(modules, helpers))
        if callers.keys() <= exporting.keys():
            break
        exporting |= callers
    return views


def find(modules: Modules, views: Mapping[Place, View], routed: Mapping[Place, str]) -> Iterator[Trace]:
    """`routed`: for views whose routes are left, why. One that nothing refers to any more goes."""
    advice = "no process serves metrics: the job writes them to a file (docs/prometheus.md)"
    for place, view in views.items():
        users = list(references(modules, place))
        strangers = [each for each in users if not isinstance(each[1], cst.ImportAlias) and not _is_routing(*each)]
        doubt = view.doubt
        if place in routed and not doubt:
            doubt = f"its route is left: {routed[place]}"
        if strangers and not doubt:
            doubt = f"{place_of(*strangers[0])} uses it"
        waits = "its routes and imports" if users else ""
        edits = without(view.source, [view.node])[view.node][1]
        yield trace_of(
            view.source, view.node, Kind.METRICS_VIEW, advice, subject=view.name, edits=edits, doubt=doubt, waits=waits
        )


def names_in(node: cst.CSTNode) -> Iterator[cst.Name | cst.Attribute]:
    for each in m.findall(node, m.Name() | m.Attribute()):
        if isinstance(each, cst.Name | cst.Attribute):
            yield each


def _is_routing(source: Source, node: cst.CSTNode) -> bool:
    """Tests and routes go by themselves, each with its own trace."""
    if is_test(source.path):
        return True
    calls = [each for each in source.ancestors(node) if isinstance(each, cst.Call)]
    return any(last_name(each.func) in ROUTES for each in calls)


def _outer(source: Source) -> Iterator[tuple[str, cst.BaseStatement]]:
    for name, nodes in definitions(source).items():
        if len(nodes) == 1:
            yield name, nodes[0]


def _callers(
    modules: Modules, helpers: Mapping[Place, tuple[Source, cst.BaseStatement]]
) -> Iterator[tuple[Place, tuple[Source, cst.BaseStatement]]]:
    for helper, (_, node) in helpers.items():
        if not isinstance(node, cst.FunctionDef):
            continue
        for source, user in references(modules, helper):
            above = [user, *source.ancestors(user)]
            for name, outer in _outer(source):
                if outer in above:
                    yield (source.path, name), (source, outer)


def _is_view(modules: Modules, source: Source, node: cst.CSTNode) -> bool:
    if isinstance(node, cst.FunctionDef):
        first = next(iter(node.params.params), None)
        named = first is not None and first.name.value.strip("_") in {"request", "req", "r", ""}
        typed = first is not None and first.annotation is not None
        return named or (typed and any(each.value.endswith("Request") for each in _plain_names(first)))
    if isinstance(node, cst.ClassDef):
        return any(last_name(base.value).endswith(("View", "ViewSet")) for base in node.bases)
    if isinstance(node, cst.SimpleStatementLine) and isinstance(node.body[0], cst.Assign):
        names = list(names_in(node.body[0].value))
        wraps = any(_VIEW in stands_for(modules, source, each) for each in names)
        return wraps and not any(last_name(each) in ROUTES for each in names)
    return False


def _plain_names(node: Any) -> Iterator[cst.Name]:
    return (each for each in m.findall(node.annotation, m.Name()) if isinstance(each, cst.Name))


def _doubt(
    modules: Modules, source: Source, node: cst.CSTNode, exporting: Mapping[Place, tuple[Source, cst.BaseStatement]]
) -> str:
    if isinstance(node, cst.SimpleStatementLine):
        return ""
    helpers = {name for _, name in exporting}
    tainted = {_code(source, each) for each in names_in(node) if EXPORTS & stands_for(modules, source, each)}
    tainted |= {_code(source, each) for each in names_in(node) if last_name(each) in helpers}
    if any(True for _ in m.findall(node, m.Del() | m.For() | m.While() | m.With() | m.Yield())):
        return "it does more than to serve metrics; look what of it is still needed"
    for assignment in m.findall(node, m.Assign()):
        if isinstance(assignment, cst.Assign) and _holds(source, assignment.value, tainted):
            tainted |= {_code(source, each.target) for each in assignment.targets}
    for expression in m.findall(node, m.Expr(value=m.Call() | m.Await())):
        if isinstance(expression, cst.Expr) and not _is_beside(modules, source, expression.value):
            return "it does more than to serve metrics; look what of it is still needed"
    for answer in m.findall(node, m.Return()):
        value = answer.value if isinstance(answer, cst.Return) else None
        if value is not None and not _holds(source, value, tainted) and not _is_denial(source, value):
            return "it also answers something else; look what of it is still needed"
    return ""


def _code(source: Source, node: cst.CSTNode) -> str:
    return source.module.code_for_node(node)


def _holds(source: Source, node: cst.CSTNode, tainted: set[str]) -> bool:
    return any(_code(source, each) in tainted for each in names_in(node))


def _is_beside(modules: Modules, source: Source, value: cst.BaseExpression) -> bool:
    """What a view calls for the sake of serving: collectors, and a line in its log."""
    function = value.func if isinstance(value, cst.Call) else value
    names = {*stands_for(modules, source, function), _code(source, function)}
    return any(_BESIDE.search(name) for name in names)


def _is_denial(source: Source, value: cst.BaseExpression) -> bool:
    if not isinstance(value, cst.Call):
        return False
    status = [_code(source, each.value) for each in value.args if each.keyword and each.keyword.value == "status"]
    return bool(_DENIES.search(last_name(value.func))) or any(
        re.search(r"^[345]\d\d$|HTTP_[345]", each) for each in status
    )
