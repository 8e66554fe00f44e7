"""A Python file as a syntax tree whose nodes know their place in the text, and what their names mean."""

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import PurePosixPath
from typing import Any, TypeVar

import libcst as cst
from libcst.metadata import (
    ByteSpanPositionProvider,
    MetadataWrapper,
    ParentNodeProvider,
    PositionProvider,
    QualifiedName,
    QualifiedNameProvider,
)

Node = TypeVar("Node", bound=cst.CSTNode)


DEEPEST = 200
"""Of brackets within each other, as in Python's own parser, and of prefixes."""

MOST_LEVELS = 150
"""Of a syntax tree. Walks through it take some frames of Python's stack for each."""

LONGEST = 10_000
"""Characters of a statement that Python itself has not read: operators nest, too."""

_BRACKET_OR_END = re.compile(r"\\?\n|[()\[\]{}]")
_BRACKET = re.compile(r"[()\[\]{}]")
_PREFIXES = re.compile(rf"(?:(?:\b(?:not|await)\b|lambda:|[-~+])\s*){{{DEEPEST}}}")


def _is_too_deep(text: str) -> bool:
    """As no program nests. LibCST's parser, which is no Python, ends the process where the stack does."""
    depths = accumulate(1 if found[0] in "([{" else -1 for found in _BRACKET.finditer(text))
    if max(depths, default=0) > DEEPEST or _PREFIXES.search(text):
        return True
    try:
        ast.parse(text)
    except (RecursionError, MemoryError):
        return True
    except (SyntaxError, ValueError):  # maybe of a later Python
        return _longest_statement(text) > LONGEST
    return False


def _longest_statement(text: str) -> int:
    """In characters: from one line end outside of brackets to the next."""
    depth = start = longest = 0
    for found in _BRACKET_OR_END.finditer(text):
        if found[0] == "\n" and depth <= 0:
            longest, start = max(longest, found.start() - start), found.end()
        elif not found[0].endswith("\n"):
            depth += 1 if found[0] in "([{" else -1
    return max(longest, len(text) - start)


class Source:
    """Raises libcst.ParserSyntaxError where the text is no Python, RecursionError where it is nested too deep."""

    def __init__(self, path: str, text: str) -> None:
        if _is_too_deep(text):
            raise RecursionError(f"{path}: nested too deep")
        self.path, self.text = path, text
        self._wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        self.module = self._wrapper.module
        collector = _Collector()
        self.module.visit(collector)
        self._all = collector.nodes
        self._plain = text.isascii()
        self._qualified: dict[cst.CSTNode, frozenset[QualifiedName]] = {}
        self._of_kinds: dict[type[cst.CSTNode], list[Any]] = {}

    # Each takes a walk of its own through the tree, and most files are not asked for all.

    @cached_property
    def _spans(self) -> Any:
        return self._wrapper.resolve(ByteSpanPositionProvider)

    @cached_property
    def _positions(self) -> Any:
        return self._wrapper.resolve(PositionProvider)

    @cached_property
    def _parents(self) -> Any:
        return self._wrapper.resolve(ParentNodeProvider)

    @cached_property
    def _names(self) -> Any:
        return self._wrapper.resolve(QualifiedNameProvider)

    @cached_property
    def _characters(self) -> list[int]:
        """For each byte of UTF-8, the character that it belongs to."""
        return [place for place, one in enumerate(self.text) for _ in one.encode()] + [len(self.text)]

    @property
    def dotted(self) -> str:
        """As a module's name, from the project's root: `src/shop/models.py` is src.shop.models."""
        path = PurePosixPath(self.path).with_suffix("")
        parts = path.parts[:-1] if path.name == "__init__" else path.parts
        return ".".join(parts)

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Characters [start, end), without the whitespace and comments around."""
        found = self._spans[node]
        start, end = found.start, found.start + found.length
        return (start, end) if self._plain else (self._characters[start], self._characters[end])

    def line(self, node: cst.CSTNode) -> int:
        return int(self._positions[node].start.line)

    def last_line(self, node: cst.CSTNode) -> int:
        return int(self._positions[node].end.line)

    def code(self, node: cst.CSTNode) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        above: cst.CSTNode | None = self._parents.get(node)
        return above

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        above = self.parent(node)
        while above is not None:
            yield above
            above = self.parent(above)

    def statement(self, node: cst.CSTNode) -> cst.BaseStatement | None:
        """The innermost whole statement around it."""
        return next((each for each in self.ancestors(node) if isinstance(each, cst.BaseStatement)), None)

    def names(self, node: cst.CSTNode) -> set[str]:
        """Dotted, through imports and their aliases: prometheus_client.Counter; .metrics.ORDERS where relative."""
        return {each.name for each in self.qualified(node)}

    def qualified(self, node: cst.CSTNode) -> frozenset[QualifiedName]:
        """The same, with whether it is imported, built in, or this module's own: Shop.paid, checkout.<locals>.order."""
        known = self._qualified.get(node)
        if known is None:
            found = self._names.get(node, ())
            known = frozenset(found() if callable(found) else found)  # made when asked for
            self._qualified[node] = known
        return known

    def absolute(self, name: str) -> str:
        """A relative name from this module's place: .metrics.ORDERS in shop/views.py is shop.metrics.ORDERS."""
        dots = len(name) - len(name.lstrip("."))
        if not dots:
            return name
        parts = self.dotted.split(".")
        is_package = PurePosixPath(self.path).name == "__init__.py"
        kept = parts[: len(parts) - dots + (1 if is_package else 0)]
        return ".".join([*kept, name[dots:]])

    def every(self, kind: type[Node]) -> list[Node]:
        """All nodes of a kind, in the order of the text."""
        if kind not in self._of_kinds:
            self._of_kinds[kind] = [each for each in self._all if isinstance(each, kind)]
        return list(self._of_kinds[kind])


class _Collector(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[cst.CSTNode] = []
        self._level = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        self.nodes.append(node)
        self._level += 1
        if self._level > MOST_LEVELS:
            raise RecursionError(f"more than {MOST_LEVELS} levels")
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        self._level -= 1


def text_of(node: cst.CSTNode | None) -> str | None:
    """Of a plain string, also one in parts; None for anything else."""
    if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
        value = node.evaluated_value
        return value if isinstance(value, str) else None
    return None


def dotted_name(node: cst.CSTNode) -> str:
    """Of a Name or an Attribute chain as it is written; empty for anything else."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        before = dotted_name(node.value)
        return f"{before}.{node.attr.value}" if before else ""
    return ""


def last_name(node: cst.CSTNode) -> str:
    """What is called or named in the end: include of django.urls.include; also behind a call: make().get is get."""
    if isinstance(node, cst.Attribute):
        return node.attr.value
    return node.value if isinstance(node, cst.Name) else ""


def elements(node: cst.CSTNode) -> Sequence[cst.BaseElement]:
    """Of a list, tuple or set as it is written."""
    return node.elements if isinstance(node, cst.List | cst.Tuple | cst.Set) else ()
