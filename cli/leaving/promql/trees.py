"""JSON and YAML as trees whose texts know their line. Nothing is constructed, and nothing is expanded."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Text:
    """`line` counts from 1."""

    value: str
    line: int


Tree = Text | list["Tree"] | dict[str, "Tree"] | None
"""None for what is no text. One object may stand in many places, also within itself, where YAML has aliases."""


class UnreadableError(Exception):
    """`str()` says why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


_DEEP = "is nested too deeply"
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')


class _Pairs(list[tuple[str, Any]]):
    """An object as it is written, names that stand there twice included."""


def of_json(text: str) -> Tree:
    """Raises UnreadableError."""
    try:
        value = json.loads(text, object_pairs_hook=_Pairs)
        ends = [found.start() for found in re.finditer("\n", text)]
        return _placed(value, (bisect_right(ends, found.start()) + 1 for found in _STRING.finditer(text)))
    except json.JSONDecodeError as error:
        raise UnreadableError(error.lineno, f"is no JSON: {error.msg}") from None
    except RecursionError:
        raise UnreadableError(1, _DEEP) from None
    except ValueError as error:  # of numbers
        raise UnreadableError(1, f"is no JSON: {error}") from None


def _placed(value: Any, lines: Iterator[int]) -> Tree:
    """`lines` are those of all strings in the order of the text, which is that of the values."""
    if isinstance(value, str):
        return Text(value, next(lines))
    if isinstance(value, _Pairs):
        found: dict[str, Tree] = {}
        for name, each in value:
            next(lines)
            found[name] = _placed(each, lines)
        return found
    return [_placed(each, lines) for each in value] if isinstance(value, list) else None


def of_yaml(text: str) -> list[Tree]:
    """Of each document. Raises UnreadableError."""
    known: dict[int, Tree] = {}
    try:
        return [_of_node(node, known) for node in yaml.compose_all(text, Loader=yaml.SafeLoader)]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnreadableError(line, f"is no YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise UnreadableError(1, f"is no YAML: {error}".split("\n")[0]) from None
    except RecursionError:
        raise UnreadableError(1, _DEEP) from None


def _of_node(node: yaml.Node, known: dict[int, Tree]) -> Tree:
    if isinstance(node, yaml.ScalarNode):
        is_block = node.style in ("|", ">")  # which begins on the next line
        return Text(node.value, node.start_mark.line + 1 + is_block)
    if id(node) in known:
        return known[id(node)]
    if isinstance(node, yaml.SequenceNode):
        items: list[Tree] = []
        known[id(node)] = items
        items += [_of_node(each, known) for each in node.value]
        return items
    pairs: dict[str, Tree] = {}
    known[id(node)] = pairs
    for name, value in node.value:
        if isinstance(name, yaml.ScalarNode):
            pairs[name.value] = _of_node(value, known)
    return pairs
