"""The expressions that stand in a file: of rules, of a dashboard, or nothing but expressions."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath

from .parsing import UnparsedError, parsed
from .trees import Text, Tree, UnreadableError, of_json, of_yaml

_ROOTS = frozenset({"groups", "panels", "rows", "templating", "annotations", "dashboard", "elements"})
"""Of the files that are known one has one of these at its top."""
_KINDS = ("PrometheusRule", "ConfigMap")
_NEITHER = "is neither rules (groups: …), nor a dashboard of Grafana, nor a *.promql file with expressions"
_LABEL_VALUES = re.compile(r"\s*label_values\s*\((?:(.*),)?([^,(){}]*)\)\s*", re.DOTALL)
_QUERY_RESULT = re.compile(r"\s*query_result\s*\((.*)\)\s*", re.DOTALL)
_METRICS = re.compile(r"\s*metrics\s*\((.*)\)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Expression:
    """`label`: of which the values are asked for, where it is a variable of a dashboard."""

    line: int
    text: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """What could not be read, and why."""

    line: int
    reason: str
    text: str = ""


def expressions(name: str, text: str, *, within: bool = False) -> Iterator[Expression | Unread]:
    """In their order. `name` is the file's, which says what it should be; `within` another file."""
    suffix = PurePath(name).suffix
    if suffix == ".promql":
        yield from _one_by_one(text)
        return
    is_json = suffix == ".json" or (text.lstrip()[:1] == "{" and suffix not in (".yml", ".yaml"))
    try:
        trees = [of_json(text)] if is_json else of_yaml(text)
    except UnreadableError as error:
        yield Unread(error.line, str(error))
        return
    found = [each for tree in trees for each in _walk(tree)]
    if not found and not any(_is_known(tree) for tree in trees):
        yield Unread(1, _NEITHER)
    yield from found
    for tree in [] if within else trees:
        yield from _of_config_map(tree)


def _is_known(tree: Tree) -> bool:
    """Of a list, whether one of its elements is."""
    for each in tree if isinstance(tree, list) else [tree]:
        kind = each.get("kind") if isinstance(each, dict) else None
        if isinstance(each, dict) and (_ROOTS & each.keys() or (isinstance(kind, Text) and kind.value in _KINDS)):
            return True
    return False


def _walk(tree: Tree) -> Iterator[Expression]:
    """What is asked of Prometheus anywhere in a tree; of Loki's queries, which look alike, the data source tells."""
    left: list[tuple[Tree, str]] = [(tree, "")]
    seen: set[int] = set()
    while left:
        node, source = left.pop()
        if not isinstance(node, dict | list) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, dict):
            source = _datasource(node) or source
            if "prometheus" in source or source in ("", "datasource"):
                yield from _asked(node)
        values = node.values() if isinstance(node, dict) else node
        left += [(each, source) for each in reversed(list(values))]


def _datasource(node: dict[str, Tree]) -> str:
    """Its type, where it is given."""
    found = node.get("datasource")
    kind = found.get("type") if isinstance(found, dict) else None
    return kind.value if isinstance(kind, Text) else ""


def _asked(node: dict[str, Tree]) -> Iterator[Expression]:
    expression, query = node.get("expr"), node.get("query")
    if isinstance(expression, Text) and expression.value.strip():
        yield Expression(expression.line, expression.value)
    if not isinstance(query, Text):
        return
    if found := _LABEL_VALUES.fullmatch(query.value):
        if found[1] is not None:
            yield Expression(query.line, found[1], found[2].strip())
    elif found := _QUERY_RESULT.fullmatch(query.value):
        yield Expression(query.line, found[1])
    elif found := _METRICS.fullmatch(query.value):
        yield Expression(query.line, f"{{__name__=~{json.dumps(found[1].strip())}}}")


def _of_config_map(tree: Tree) -> Iterator[Expression | Unread]:
    """Files in one of Kubernetes."""
    kind = tree.get("kind") if isinstance(tree, dict) else None
    data = tree.get("data") if isinstance(tree, dict) else None
    if not (isinstance(kind, Text) and kind.value == "ConfigMap" and isinstance(data, dict)):
        return
    for name, text in data.items():
        if isinstance(text, Text) and name.endswith((".json", ".yml", ".yaml", ".rules", ".promql")):
            for each in expressions(name, text.value, within=True):
                yield replace(each, line=each.line + text.line - 1)


def _one_by_one(text: str) -> Iterator[Expression]:
    """Apart by empty lines; of lines that are none together, each by itself."""
    lines = text.split("\n")
    start = 0
    for end in range(len(lines) + 1):
        if end < len(lines) and lines[end].strip():
            continue
        told = [place for place in range(start, end) if not lines[place].lstrip().startswith("#")]
        together = "\n".join(lines[told[0] : end]) if told else ""
        if together and (len(told) == 1 or _is_one(together)):
            yield Expression(told[0] + 1, together)
        else:
            yield from (Expression(place + 1, lines[place]) for place in told)
        start = end + 1


def _is_one(text: str) -> bool:
    try:
        parsed(text)
    except UnparsedError:
        return False
    return True
