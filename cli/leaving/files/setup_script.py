"""What setup.py requires, read as a syntax tree."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import libcst as cst

from ..python.removal import without_elements
from ..python.source import Source, elements, text_of
from ..traces import Kind, Stage, Trace, shown
from .packages import package
from .surroundings import Surroundings


def find(around: Surroundings) -> Iterator[Trace]:
    for path, text in around.project.texts.items():
        if PurePosixPath(path).name != "setup.py":
            continue
        try:
            source = Source(path, text)
        except (cst.ParserSyntaxError, UnicodeError, RecursionError):
            continue
        for each in [*source.every(cst.List), *source.every(cst.Tuple), *source.every(cst.Set)]:
            yield from _in_list(around, source, each)


def _in_list(around: Surroundings, source: Source, node: cst.BaseExpression) -> Iterator[Trace]:
    among = elements(node)
    names = {each: name for each in among if (name := package(text_of(each.value) or "")) is not None}
    doomed = [each for each, name in names.items() if not around.needs(name)]
    edits = without_elements(source, among, doomed, is_tuple=isinstance(node, cst.Tuple))
    for each, name in names.items():
        line = source.line(each)
        yield Trace(
            *(source.path, line, Kind.DEPENDENCY, Stage.DEPENDENCIES),
            *(shown(source.text, line), "take the requirement out"),
            subject=name,
            edits=edits if each in doomed else (),
            waits=around.needs(name),
            last_line=source.last_line(each),
        )
