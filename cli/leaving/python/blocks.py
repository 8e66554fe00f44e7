"""Statements that go, and with them the conditions that are left with nothing to decide."""

from collections.abc import Collection, Iterator, Sequence

import libcst as cst
import libcst.matchers as m

from ..traces import Edit
from .removal import without_statements
from .source import Source, dotted_name, last_name

_READING = frozenset(
    {
        *("all", "any", "bool", "config", "endswith", "env", "find_spec", "get", "get_bool", "getattr", "upper"),
        *(
            "getenv",
            "hasattr",
            "int",
            "is_installed",
            "isinstance",
            "len",
            "lower",
            "startswith",
            "str",
            "strip",
            "upper",
        ),
    }
)
"""What a condition may call and is still nothing but a question."""


def line_of_its_own(source: Source, small: cst.CSTNode) -> cst.BaseStatement | None:
    """The statement that goes with a simple one: its line, or the `if` whose only line it is. None beside others."""
    around = source.parent(small)
    if isinstance(around, cst.SimpleStatementLine) and len(around.body) == 1:
        return around
    if isinstance(around, cst.SimpleStatementSuite) and len(around.body) == 1:
        condition = source.parent(around)
        if isinstance(condition, cst.If) and condition.orelse is None and _may_go(source, condition):
            return condition
    return None


def outermost(source: Source, doomed: Collection[cst.BaseStatement]) -> dict[cst.BaseStatement, cst.BaseStatement]:
    """For each statement that goes, itself or the outermost `if` that it leaves empty together with others."""
    gone = set(doomed)
    found = {}
    growing = True
    while growing:
        above = {each for each in (_condition(source, one) for one in gone) if each is not None and each not in gone}
        emptied = {each for each in above if _may_go(source, each) and all(one in gone for one in _decided(each))}
        gone |= emptied
        growing = bool(emptied)
    for each in doomed:
        top = each
        while (above_it := _condition(source, top)) is not None and above_it in gone:
            top = above_it
        found[each] = top
    return found


def without(
    source: Source, doomed: Collection[cst.BaseStatement]
) -> dict[cst.BaseStatement, tuple[cst.BaseStatement, tuple[Edit, ...]]]:
    """For each statement what goes with it, and the edits that take this out with all that goes from the same block."""
    tops = outermost(source, doomed)
    blocks: dict[cst.CSTNode | None, list[cst.BaseStatement]] = {}
    for top in sorted(set(tops.values()), key=source.span):
        blocks.setdefault(source.parent(top), []).append(top)
    edits = {block: without_statements(source, siblings) for block, siblings in blocks.items()}
    return {each: (top, edits[source.parent(top)]) for each, top in tops.items()}


def is_question(test: cst.CSTNode) -> bool:
    """Whether evaluating it changes nothing: names, comparisons, and calls that read."""
    if m.findall(test, m.Await() | m.Yield() | m.NamedExpr() | m.Lambda()):
        return False
    calls = [each for each in m.findall(test, m.Call()) if isinstance(each, cst.Call)]
    return all(_reads(each.func) for each in calls)


def _reads(function: cst.BaseExpression) -> bool:
    before = dotted_name(function.value) if isinstance(function, cst.Attribute) else ""
    return last_name(function) in _READING or before in {"env", "environ"}


def _condition(source: Source, statement: cst.BaseStatement) -> cst.If | None:
    """The `if` in one of whose blocks it stands."""
    block = source.parent(statement)
    above = source.parent(block) if isinstance(block, cst.IndentedBlock) else None
    if isinstance(above, cst.Else):
        above = source.parent(above)
    return above if isinstance(above, cst.If) else None


def _may_go(source: Source, condition: cst.If) -> bool:
    """An elif stays: without it, what follows would be decided otherwise."""
    is_elif = isinstance(source.parent(condition), cst.If)
    return not is_elif and not isinstance(condition.orelse, cst.If) and is_question(condition.test)


def _decided(condition: cst.If) -> Iterator[cst.CSTNode]:
    blocks: Sequence[cst.BaseSuite] = [
        condition.body,
        *([condition.orelse.body] if isinstance(condition.orelse, cst.Else) else []),
    ]
    for block in blocks:
        yield from block.body
