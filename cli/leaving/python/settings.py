"""What lists of apps and middleware name: entries, the conditions that ask for them, and what drops them again."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import libcst as cst
import libcst.matchers as m

from ..traces import Edit, Kind, Trace
from . import urls
from .blocks import is_question, line_of_its_own, without
from .found import place_of, trace_of
from .lists import Removal, without_values
from .modules import Modules
from .removal import without_elements
from .source import Source, text_of
from .strings import Named, condition_of, dotted_strings, is_test, reads
from .variables import reading

_ADVICE = {
    Kind.INSTALLED_APP: "logemit's app comes in its place",
    Kind.MIDDLEWARE: "logemit's middleware comes in its place, as the first",
}
_FILLS = {Kind.INSTALLED_APP: "django_migrations", Kind.MIDDLEWARE: "django_http"}
"""What a test may look at for as long as it is there."""


@dataclass
class _Group:
    """Strings of one kind, and what takes them out. `later`: conditions that go once another stage has passed."""

    kind: Kind
    strings: list[Named]
    removals: dict[cst.CSTNode, Removal] = field(default_factory=dict)
    held: str = ""
    later: set[cst.CSTNode] = field(default_factory=set)
    blocked: dict[str, Named] = field(default_factory=dict)


def find(modules: Modules) -> Iterator[Trace]:
    """Apps and middleware of django_prometheus by their dotted names."""
    strings = list(dotted_strings(modules))
    groups = [_Group(kind, [each for each in strings if _kind_of(each) is kind]) for kind in _ADVICE]
    held = urls.held_back(modules)
    for group in groups:
        group.held = held.get(_FILLS[group.kind], "")
        _take_out(modules, group, groups)
        for each in group.strings:
            yield _trace(modules, group, each)


def _kind_of(each: Named) -> Kind | None:
    if each.text == "django_prometheus" or each.text.startswith("django_prometheus.apps"):
        return Kind.INSTALLED_APP
    return Kind.MIDDLEWARE if each.text.startswith("django_prometheus.middleware") else None


def _take_out(modules: Modules, group: _Group, groups: Collection[_Group]) -> None:
    """First as if all could go. What is asked for in the end is blocked, and the rest goes without it."""
    everything = [each for one in groups for each in one.strings]
    for _ in range(2):
        allowed = [each for each in group.strings if each.text not in group.blocked]
        group.removals = _removals(allowed)
        whole = _statements(group.removals)
        also = _statements(_removals(everything, urls.routes_that_go(modules)))
        group.later = {each.node for each in allowed if condition_of(each.source, each.node) in also - whole}
        for each in allowed:
            if each.node in group.removals or each.node in group.later:
                continue
            condition = condition_of(each.source, each.node)
            if condition in whole:
                group.removals[each.node] = next(one for one in group.removals.values() if one.whole is condition)
            elif reads(each.source, each.node) or isinstance(each.source.parent(each.node), cst.Assign):
                group.blocked.setdefault(each.text, each)


def _removals(
    strings: Collection[Named], others: Collection[tuple[Source, cst.CSTNode]] = ()
) -> dict[cst.CSTNode, Removal]:
    found: dict[cst.CSTNode, Removal] = {}
    for source in dict.fromkeys(each.source for each in strings):
        own = [each.node for each in strings if each.source is source and _may_go(each)]
        found |= without_values(source, [*own, *(node for its, node in others if its is source)])
        statements = {each: one for each in own if (one := _needless(source, each)) is not None}
        gone = without(source, list(dict.fromkeys(statements.values())))
        found |= {each: Removal(gone[one][1], gone[one][0]) for each, one in statements.items()}
    return found


def _may_go(each: Named) -> bool:
    """In tests only where they switch it off."""
    if not is_test(each.source.path):
        return True
    above = (one for one in each.source.ancestors(each.node) if isinstance(one, cst.DictElement))
    return any(text_of(one.key) == "remove" for one in above)


def _statements(removals: dict[cst.CSTNode, Removal]) -> set[cst.CSTNode]:
    return {each.whole for each in removals.values() if each.whole is not None}


def _needless(source: Source, node: cst.CSTNode) -> cst.BaseStatement | None:
    """A statement that does nothing once no list has the entry: a filter, or a condition without a block."""
    for above in source.ancestors(node):
        if isinstance(above, cst.Assign) and _is_filter(source, above, node):
            return line_of_its_own(source, above)
        if isinstance(above, cst.If) and above.orelse is None and is_question(above.test):
            passing = m.IndentedBlock(body=[m.SimpleStatementLine(body=[m.Pass()])])
            in_test = node in list(m.findall(above.test, m.SimpleString()))
            return above if in_test and m.matches(above.body, passing) else None
        if isinstance(above, cst.BaseStatement):
            return None
    return None


def _is_filter(source: Source, assignment: cst.Assign, node: cst.CSTNode) -> bool:
    """`APPS = [app for app in APPS if app != "…"]`."""
    value, target = assignment.value, assignment.targets[0].target
    if isinstance(value, cst.Call) and len(value.args) == 1 and isinstance(value.args[0].value, cst.GeneratorExp):
        value = value.args[0].value
    if not isinstance(value, cst.ListComp | cst.GeneratorExp) or len(assignment.targets) > 1:
        return False
    loop = value.for_in
    if loop.inner_for_in is not None or len(loop.ifs) != 1 or not loop.target.deep_equals(value.elt):
        return False
    test = loop.ifs[0].test
    negated = isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not)
    unequal = m.matches(test, m.Comparison(comparisons=[m.ComparisonTarget(operator=m.NotEqual() | m.NotIn())]))
    holds = any(each is node for each in m.findall(test, m.SimpleString()))
    return holds and (negated or unequal) and source.code(loop.iter) == source.code(target) and is_question(test)


def _trace(modules: Modules, group: _Group, each: Named) -> Trace:
    source, node, advice = each.source, each.node, _ADVICE[group.kind]
    if each.node in group.later:
        return trace_of(source, node, group.kind, advice, subject=each.text, waits="what it decides")
    logger = _logger(source, node)
    if logger:
        return trace_of(source, node, Kind.SETTING, "there is no such logger any more", subject=each.text, edits=logger)
    if (edits := _answer_nobody_reads(modules, each)) is not None:
        return trace_of(source, node, group.kind, advice, subject=each.text, edits=edits)
    removal = group.removals.get(node)
    doubt = f"{group.held} looks at what it counts; change that first" if group.held else ""
    if removal is None:
        doubt = _doubt(each)
        if (reader := group.blocked.get(each.text)) is not None and reader.node is not node:
            doubt = f"{place_of(reader.source, reader.node)} asks for it; change both by hand"
    whole = removal.whole if removal is not None and removal.whole is not None else node
    return trace_of(
        source,
        whole if isinstance(whole, cst.If) else node,
        group.kind,
        advice,
        subject=each.text,
        edits=removal.edits if removal is not None else (),
        doubt=doubt,
    )


def _doubt(each: Named) -> str:
    if is_test(each.source.path):
        return "a test names it; what the test is to show then is for people to say"
    if reads(each.source, each.node):
        return "what code does depends on it; decide it otherwise, or take it out"
    return "what this is for does not show here; take it out by hand"


def _logger(source: Source, node: cst.CSTNode) -> tuple[Edit, ...]:
    """Out of LOGGING["loggers"]."""
    entry = source.parent(node)
    loggers = source.parent(entry) if isinstance(entry, cst.DictElement) and entry.key is node else None
    above = source.parent(loggers) if isinstance(loggers, cst.Dict) else None
    if isinstance(loggers, cst.Dict) and isinstance(above, cst.DictElement) and text_of(above.key) == "loggers":
        return without_elements(source, loggers.elements, [entry] if entry is not None else [])
    return ()


def _answer_nobody_reads(modules: Modules, each: Named) -> tuple[Edit, ...] | None:
    """`HAS_METRICS = find_spec("django_prometheus") is not None`, once nothing asks for HAS_METRICS."""
    if not isinstance(each.source.parent(each.node), cst.Arg):
        return None
    assignment = next((one for one in each.source.ancestors(each.node) if isinstance(one, cst.Assign)), None)
    if assignment is None or len(assignment.targets) != 1:
        return None
    target, line = assignment.targets[0].target, line_of_its_own(each.source, assignment)
    if not isinstance(target, cst.Name) or line is None or not is_question(assignment.value):
        return None
    if any(True for _ in reading(modules, target.value)):
        return None
    gone = without(each.source, [line])
    return gone[line][1]
