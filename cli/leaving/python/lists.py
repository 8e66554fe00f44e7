"""Values out of lists, however these are built: literals, sums, insertions, conditions."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from ..traces import Edit
from .blocks import is_question, line_of_its_own, without
from .removal import without_elements
from .source import Source, elements, last_name

_PUTS = frozenset({"append", "appendleft", "insert", "add", "remove", "discard"})
_TAKES_ROUTES = frozenset({"i18n_patterns", "patterns"})


@dataclass(frozen=True)
class Removal:
    """`whole`: the statement that goes, where one does."""

    edits: tuple[Edit, ...]
    whole: cst.BaseStatement | None = None


def without_values(source: Source, doomed: Collection[cst.CSTNode]) -> dict[cst.CSTNode, Removal]:
    """For each value that can go, what takes it out together with all others that stand beside it.

    Missing are values in places of which it is not clear what would be left.
    """
    finder = _Finder(source, doomed)
    statements: dict[cst.CSTNode, cst.BaseStatement] = {}
    removals: dict[cst.CSTNode, Removal] = {}
    for value in doomed:
        found = finder.removal(value)
        if isinstance(found, cst.BaseStatement):
            statements[value] = found
        elif found:
            removals[value] = Removal(tuple(found))
    gone = without(source, list(dict.fromkeys(statements.values())))
    for value, statement in statements.items():
        whole, edits = gone[statement]
        removals[value] = Removal(edits, whole)
    return removals


def outer_span(source: Source, node: cst.BaseExpression) -> tuple[int, int]:
    """With its parentheses."""
    start, end = source.span(node)
    if node.lpar:
        return source.span(node.lpar[0])[0], source.span(node.rpar[-1])[1]
    return start, end


class _Finder:
    def __init__(self, source: Source, doomed: Collection[cst.CSTNode]) -> None:
        self.source, self.doomed = source, frozenset(doomed)
        self._found: dict[cst.CSTNode, cst.BaseStatement | list[Edit] | None] = {}

    def removal(self, value: cst.CSTNode) -> cst.BaseStatement | list[Edit] | None:
        """A statement that goes, or edits, or None."""
        around = self.source.parent(value)
        above = self.source.parent(around) if around is not None else None
        if isinstance(around, cst.Arg) and isinstance(above, cst.Call):
            return self._out_of_call(above)
        if isinstance(around, cst.Element) and isinstance(above, cst.List | cst.Tuple | cst.Set):
            if above not in self._found:
                self._found[above] = self._out_of_list(above)
            return self._found[above]
        return None

    def _out_of_call(self, call: cst.Call) -> cst.BaseStatement | list[Edit] | None:
        name = last_name(call.func)
        expression = self.source.parent(call)
        if name in _PUTS and isinstance(call.func, cst.Attribute) and isinstance(expression, cst.Expr):
            return line_of_its_own(self.source, expression)
        if name in _TAKES_ROUTES:
            doomed = [each for each in call.args if each.value in self.doomed]
            return list(without_elements(self.source, call.args, doomed))
        return None

    def _out_of_list(self, container: cst.List | cst.Tuple | cst.Set) -> cst.BaseStatement | list[Edit] | None:
        top: cst.BaseExpression = container
        while isinstance(above := self.source.parent(top), cst.BinaryOperation | cst.IfExp):
            if not _is_sum(above) or (isinstance(above, cst.IfExp) and above.test is top):
                return None
            top = above
        around = self.source.parent(top)
        if isinstance(around, cst.Element):
            return None  # a row of a table: its places have meanings
        left = self._left(top)
        statement = self._needless(around, top, is_gone=left is None)
        if statement is not None:
            return statement
        return self._emptied(top) if left is None else left

    def _needless(
        self, around: cst.CSTNode | None, top: cst.BaseExpression, *, is_gone: bool
    ) -> cst.BaseStatement | None:
        """The statement that would do nothing without what goes."""
        if isinstance(around, cst.AugAssign) and isinstance(around.operator, cst.AddAssign) and is_gone:
            return line_of_its_own(self.source, around)
        if isinstance(around, cst.Assign) and len(around.targets) == 1:
            target = around.targets[0].target
            if isinstance(target, cst.Name) and self._is_itself(top, target.value):
                return line_of_its_own(self.source, around)
            if isinstance(target, cst.Subscript) and is_gone and isinstance(target.slice[0].slice, cst.Slice):
                return line_of_its_own(self.source, around)
        call = self.source.parent(around) if isinstance(around, cst.Arg) else None
        if isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute) and is_gone:
            expression = self.source.parent(call)
            if call.func.attr.value in {"extend", "update"} and isinstance(expression, cst.Expr):
                return line_of_its_own(self.source, expression)
        return None

    def _is_itself(self, top: cst.BaseExpression, name: str) -> bool:
        left = [each for each in _operands(top) if self._left(each) is not None]
        if len(left) != 1:
            return False
        rest = left[0]
        kept = [each for each in elements(rest) if each.value not in self.doomed]
        if len(kept) == 1 and isinstance(kept[0], cst.StarredElement):
            rest = kept[0].value
        return isinstance(rest, cst.Name) and rest.value == name

    def _left(self, node: cst.BaseExpression) -> list[Edit] | None:
        """Edits within it; None where nothing is left of it."""
        if isinstance(node, cst.List | cst.Tuple | cst.Set):
            doomed = [each for each in node.elements if each.value in self.doomed]
            if len(doomed) == len(node.elements):
                return None
            return list(without_elements(self.source, node.elements, doomed, is_tuple=isinstance(node, cst.Tuple)))
        if isinstance(node, cst.IfExp):
            both = {each: self._left(each) for each in (node.body, node.orelse)}
            if all(edits is None for edits in both.values()) and is_question(node.test):
                return None
            return [
                one
                for each, edits in both.items()
                for one in ((self._emptied(each) if elements(each) else []) if edits is None else edits)
            ]
        if _is_sum(node):
            return self._left_of_sum(list(_operands(node)))
        return []

    def _left_of_sum(self, operands: Sequence[cst.BaseExpression]) -> list[Edit] | None:
        left = [self._left(each) for each in operands]
        kept = [place for place, edits in enumerate(left) if edits is not None]
        if not kept:
            return None
        spans = [outer_span(self.source, each) for each in operands]
        edits = [edit for each in left if each is not None for edit in each]
        if kept[0] > 0:
            edits.append(Edit(spans[0][0], spans[kept[0]][0]))
        for before, after in zip(kept, [*kept[1:], len(operands)], strict=True):
            if after > before + 1:
                edits.append(Edit(spans[before][1], spans[after - 1][1]))
        return edits

    def _emptied(self, node: cst.BaseExpression) -> list[Edit]:
        first = next(iter(_operands(node)))
        while isinstance(first, cst.IfExp):
            first = first.body
        empty = "()" if isinstance(first, cst.Tuple) else "set()" if isinstance(first, cst.Set) else "[]"
        start, end = outer_span(self.source, node)
        return [Edit(start, end, empty)]


def _is_sum(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.IfExp) or (
        isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Add | cst.BitOr)
    )


def _operands(node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """Of a sum, from the left; what stands in parentheses on the right is one."""
    if isinstance(node, cst.BinaryOperation) and _is_sum(node):
        yield from _operands(node.left) if not node.left.lpar else [node.left]
        yield node.right
    else:
        yield node
