"""Edits that take something out of Python's text and leave what is around it as it was written."""

from collections.abc import Collection, Sequence

import libcst as cst

from ..traces import Edit, line_start, next_line
from .source import Source


def without_elements(
    source: Source, among: Sequence[cst.CSTNode], doomed: Collection[cst.CSTNode], *, is_tuple: bool = False
) -> tuple[Edit, ...]:
    """Of a list, tuple, set, dict, call or import: `among` are all its elements in their order.

    What stands on lines of its own goes with them, and with the comment behind it.
    """
    gone = frozenset(doomed)
    marked = [each in gone for each in among]
    left = marked.count(False)
    edits: list[Edit] = []
    place = 0
    while place < len(among):
        if not marked[place]:
            place += 1
            continue
        last = place
        while last + 1 < len(among) and marked[last + 1]:
            last += 1
        edits.append(_without_run(source, among, place, last, needs_comma=is_tuple and left == 1))
        place = last + 1
    if is_tuple and left == 1 and not marked[-1]:
        end = source.span(among[-1])[1]
        if not source.text[end:].lstrip().startswith(","):
            edits.append(Edit(end, end, ","))
    return tuple(edits)


def _without_run(source: Source, among: Sequence[cst.CSTNode], first: int, last: int, *, needs_comma: bool) -> Edit:
    text = source.text
    start, end = source.span(among[first])[0], source.span(among[last])[1]
    comma = _after_blank(text, end)
    has_comma = text[comma : comma + 1] == ","
    behind = comma + 1 if has_comma else end
    before = source.span(among[first - 1])[1] if first else start
    own_line, line_end = line_start(text, start), _rest_of_line(text, behind)
    if _is_blank(text, own_line, start) and own_line > 0 and line_end is not None:
        return Edit(own_line, line_end)  # a comma before it stays where it was
    if first and "\n" not in text[before:start]:
        return Edit(before, end, "," if needs_comma and not has_comma else "")
    if last + 1 < len(among):
        return Edit(start, source.span(among[last + 1])[0])
    return Edit(start, behind)


def without_statements(source: Source, doomed: Collection[cst.BaseStatement]) -> tuple[Edit, ...]:
    """Whole lines, with the blank ones after them where some stand before. A block that is left empty gets `pass`."""
    edits, gone = [], frozenset(doomed)
    for each in doomed:
        block = source.parent(each)
        body: Sequence[cst.CSTNode] = getattr(block, "body", ())
        emptied = not isinstance(block, cst.Module) and body and each is body[0] and gone.issuperset(body)
        edits.append(_without_statement(source, each, passing=bool(emptied)))
    return tuple(edits)


def _without_statement(source: Source, statement: cst.BaseStatement, *, passing: bool) -> Edit:
    text = source.text
    start, end = source.span(statement)
    if isinstance(statement, cst.FunctionDef | cst.ClassDef) and statement.decorators:
        start = min(start, source.span(statement.decorators[0])[0])
    if passing:
        return Edit(start, end, "pass")
    start = line_start(text, start)
    end = _rest_of_line(text, end) or end
    first, last = start, end
    while first > 0 and _is_blank(text, line_start(text, first - 1), first):
        first = line_start(text, first - 1)
    while last < len(text) and _is_blank(text, last, next_line(text, last)):
        last = next_line(text, last)
    more_before = text.count("\n", first, start) >= text.count("\n", end, last)
    if last == len(text):
        return Edit(first, end)
    return Edit(start, last) if first == 0 or more_before else Edit(first, end)


def without_names(
    source: Source, statement: cst.ImportFrom | cst.Import, doomed: Collection[cst.ImportAlias]
) -> tuple[Edit, ...]:
    """Names out of an import; the whole of it where none is left. Beside other statements on its line it is cut out."""
    if isinstance(statement.names, cst.ImportStar) or len(doomed) == len(statement.names):
        line = source.parent(statement)
        if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1:
            return without_statements(source, [line])
        start, end = source.span(statement)
        return (Edit(start, end, "pass"),)
    return without_elements(source, statement.names, doomed)


def _is_blank(text: str, start: int, end: int) -> bool:
    return text[start:end].strip() == ""


def _after_blank(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t":
        place += 1
    return place


def _rest_of_line(text: str, place: int) -> int | None:
    """Where the next line begins, if only blanks and a comment stand before; else None."""
    after = _after_blank(text, place)
    if after >= len(text) or text[after] in "\r\n#":
        return next_line(text, after)
    return None
