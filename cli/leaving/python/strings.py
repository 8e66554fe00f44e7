"""Strings that are dotted names of django-prometheus, and who asks for them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import libcst as cst

from .modules import Modules
from .source import Source, last_name

_DOTTED = re.compile(r"django_prometheus(\.\w+)*\.?")
_ASKS = frozenset({"startswith", "index", "count", "find", "is_installed", "get_app_config", "__contains__"})


@dataclass(frozen=True)
class Named:
    """A string, or the written part of an f-string, and what it says."""

    source: Source
    node: cst.CSTNode
    text: str


def dotted_strings(modules: Modules) -> Iterator[Named]:
    """In the order of files and text. One in parts, or with escapes, is left out: it is rare, and no path to edit."""
    for source in modules.containing("django_prometheus"):
        for node in source.every(cst.SimpleString):
            text = node.evaluated_value
            if isinstance(text, str) and _DOTTED.fullmatch(text) and text in source.code(node):
                yield Named(source, node, text)
        for part in source.every(cst.FormattedStringText):
            if _DOTTED.fullmatch(part.value.strip()):
                yield Named(source, part, part.value.strip())


def reads(source: Source, node: cst.CSTNode) -> bool:
    """Whether what code does depends on it: a comparison, a question, an assertion."""
    around = source.parent(node)
    if isinstance(around, cst.Comparison | cst.ComparisonTarget):
        return True
    call = source.parent(around) if isinstance(around, cst.Arg) else None
    if not isinstance(call, cst.Call):
        return False
    name = last_name(call.func)
    return name in _ASKS or name.startswith("assert")


def condition_of(source: Source, node: cst.CSTNode) -> cst.If | None:
    """The `if` in whose test it stands."""
    below = node
    for above in source.ancestors(node):
        if isinstance(above, cst.If):
            return above if above.test is below else None
        below = above
    return None


def is_test(path: str) -> bool:
    """Code that a test runner collects; a settings module for tests is none."""
    found = PurePosixPath(path)
    if "settings" in found.stem or "settings" in found.parts:
        return False
    by_name = found.stem.startswith("test") or found.stem.endswith("_test") or found.stem == "conftest"
    return by_name or any(part in {"tests", "test"} for part in found.parts[:-1])
