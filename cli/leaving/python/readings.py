"""Who reads what instruments of prometheus_client hold: by object, by name, or all of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from .flow import Flow
from .source import Source
from .uses import calls_of
from .values import texts

TESTS = re.compile(r"(?:^|/)(?:tests?|testing)(?:/|\.py$)|(?:^|/)(?:test_[^/]*|[^/]*_tests?|conftest)\.py$")
"""Paths of tests."""

_INNER = frozenset({"_value", "_sum", "_count", "_buckets", "_metrics"})
_PUSHES = ("push_to_gateway", "pushadd_to_gateway", "write_to_textfile")


@dataclass(frozen=True, eq=False)
class Reading:
    """`names`: of the samples that are read; None for all, whatever they are called."""

    source: Source
    node: cst.CSTNode
    names: frozenset[str] | None
    problem: str
    is_endpoints: bool = False  # of what a view answers

    @property
    def place(self) -> str:
        return f"{self.source.path}:{self.source.line(self.node)}"


def readings(flow: Flow, families: frozenset[str]) -> Iterator[Reading]:
    """`families`: all names under which an instrument may be read."""
    yield from _by_name(flow)
    yield from _of_everything(flow)
    for source in flow.sources.values():
        if TESTS.search(source.path):
            yield from _named_in_tests(source, families)
            yield from _inner_values(flow, source)


def _by_name(flow: Flow) -> Iterator[Reading]:
    for source, call in calls_of(flow, "get_sample_value"):
        first = next((each for each in call.args if not each.keyword or each.keyword.value == "name"), None)
        names = texts(flow.values(source, first.value)) if first else None
        yield Reading(source, call, names, "its value is read back")


def _of_everything(flow: Flow) -> Iterator[Reading]:
    """Out of the registry that all are in, unless told otherwise."""
    for path, calls in flow.calls.items():
        source = flow.sources[path]
        for call in calls:
            for value in flow.values(source, call.func):
                if not value.is_clients:
                    continue
                if value.short == "REGISTRY.collect":
                    yield Reading(source, call, None, "all values of the registry are read back")
                if value.short in _PUSHES and _is_of_the_default(flow, source, call):
                    yield Reading(source, call, None, f"{value.short} hands it on")
    for source in flow.sources.values():
        for node in source.every(cst.SimpleString) if TESTS.search(source.path) else ():
            text = node.evaluated_value
            if isinstance(text, str) and re.fullmatch(r"prometheus_client(\.\w+)+", text):
                yield Reading(source, node, None, f"{text} is patched")


def _is_of_the_default(flow: Flow, source: Source, call: cst.Call) -> bool:
    given = [value for argument in call.args for value in flow.values(source, argument.value)]
    return any(value.short == "REGISTRY" for value in given)


def _named_in_tests(source: Source, families: frozenset[str]) -> Iterator[Reading]:
    found = [name for name in families if name in source.text]
    if not found:
        return
    wanted = re.compile("|".join(rf"(?<![\w:.]){re.escape(each)}(?![\w:])" for each in sorted(found, reverse=True)))
    strings: list[cst.SimpleString | cst.FormattedStringText] = [*source.every(cst.SimpleString)]
    for node in [*strings, *source.every(cst.FormattedStringText)]:
        text = node.value
        names = frozenset(name for name in wanted.findall(text) if "_" in name or text.strip("'\"b") == name)
        if names and not _is_about_something_else(source, node):
            endpoint = bool(re.search(r"\bclient\.get\(|\.content\b", _around(source, node)))
            yield Reading(source, node, names, "a test reads it", is_endpoints=endpoint)


def _is_about_something_else(source: Source, node: cst.CSTNode) -> bool:
    """Documentation, the name of an instrument that is made, or a test of logemit's lines."""
    parent = source.parent(node)
    if isinstance(parent, cst.Expr):
        return True
    if isinstance(parent, cst.Arg):
        call = source.parent(parent)
        names = source.names(call.func) if isinstance(call, cst.Call) else set()
        if any(name.startswith(("prometheus_client.", "logemit.")) for name in names):
            return True
    return bool(re.search(r"\bcapture_events\b|\bassert_(?:no_)?event\b", _around(source, node)))


def _around(source: Source, node: cst.CSTNode) -> str:
    inside = next((each for each in source.ancestors(node) if isinstance(each, cst.FunctionDef)), None)
    return source.code(inside) if inside else ""


def _inner_values(flow: Flow, source: Source) -> Iterator[Reading]:
    """`metric._value.get()` of what nobody can tell: of a fixture's."""
    for node in source.every(cst.Attribute):
        above = source.parent(node)
        is_read = isinstance(above, cst.Attribute) and above.attr.value in {"get", "clear"}
        is_known = any(value.is_instrument for value in flow.values(source, node.value))
        if is_read and node.attr.value in _INNER and not is_known:
            yield Reading(source, node, None, f"the {node.attr.value} of an instrument is read that is not named")
