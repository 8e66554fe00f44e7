"""What an expression asks of which metrics: labels, ranges, groups."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    LabelModifierType,
    Matcher,
    MatchOp,
    MatrixSelector,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from .parsing import UnparsedError, parsed
from .variables import WORD, Substituted

QUANTILES = ("histogram_quantile", "histogram_fraction")
_NAME = "__name__"
_LABELS_FROM = {"label_replace": slice(3, 4), "label_join": slice(3, None)}
"""Which arguments of a function are labels that it reads."""


@dataclass(frozen=True, slots=True)
class Range:
    """Of a function; `variable` is the one of Grafana that says how long it is, if one does."""

    function: str
    seconds: float
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Of a label: `values` that are listed, none for a pattern; `is_open` where any value will do, or a variable's."""

    label: str
    values: tuple[str, ...]
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Use:
    """Of one metric, or of all that fit to a pattern. `labels` are those that it is grouped and joined by."""

    name: str
    is_pattern: bool = False
    matchers: tuple[Asked, ...] = ()
    ranges: tuple[Range, ...] = ()
    labels: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    """Around it, the innermost last."""


def uses(text: str) -> list[Use]:
    """In the order of the text. Raises UnparsedError."""
    expression, variables = parsed(text)
    try:
        return _uses(expression, variables)
    except (ValueError, OverflowError) as error:  # of a range of many years
        raise UnparsedError(f"has a range that cannot be: {error}") from None


def _uses(expression: Expr, variables: Substituted) -> list[Use]:
    found: list[Use] = []
    left = [(expression, Use(""))]
    while left:
        node, around = left.pop()
        if isinstance(node, VectorSelector):
            found += _of(node, around)
        else:
            left += reversed(list(_within(node, around, variables)))
    return found


def _within(node: Expr, around: Use, variables: Substituted) -> Iterator[tuple[Expr, Use]]:
    """The parts of an expression, and what it asks of them."""
    match node:
        case MatrixSelector():
            yield node.vector_selector, _over(node.range, around, variables)
        case SubqueryExpr():
            yield node.expr, _over(node.range, around, variables)
        case Call():
            read = node.args[_LABELS_FROM.get(node.func.name, slice(0, 0))]
            labels = [each.val for each in read if isinstance(each, StringLiteral)]
            inner = replace(_grouped(around, labels), functions=(*around.functions, node.func.name))
            yield from ((each, inner) for each in node.args)
        case AggregateExpr():
            by = node.modifier is not None and node.modifier.type == AggModifierType.By
            yield node.expr, _grouped(around, node.modifier.labels if by and node.modifier else [])
            if isinstance(node.param, Expr):
                yield node.param, around
        case BinaryExpr():
            matching = node.modifier.matching if node.modifier else None
            on = matching.labels if matching and matching.type == LabelModifierType.Include else []
            inner = _grouped(around, [*on, *((node.modifier and node.modifier.group_labels) or [])])
            yield from ((node.lhs, inner), (node.rhs, inner))
        case ParenExpr() | UnaryExpr():
            yield node.expr, around


def _grouped(around: Use, labels: list[str]) -> Use:
    return replace(around, labels=(*around.labels, *(each for each in labels if not WORD.search(each))))


def _over(span: timedelta | None, around: Use, variables: Substituted) -> Use:
    seconds = span.total_seconds() if span is not None else 0.0
    function = around.functions[-1] if around.functions else ""
    return replace(around, ranges=(*around.ranges, Range(function, seconds, variables.variable(seconds))))


def _of(selector: VectorSelector, around: Use) -> Iterator[Use]:
    """One for each name that is asked for by name."""
    matchers = [*selector.matchers.matchers, *(each for group in selector.matchers.or_matchers for each in group)]
    asked = tuple(_asked(each) for each in matchers if each.name != _NAME)
    found = replace(around, matchers=asked)
    if selector.name:
        yield _named(found, selector.name)
    for each in matchers:
        if each.name == _NAME and each.op == MatchOp.Equal:
            yield _named(found, each.value)
        elif each.name == _NAME and each.op == MatchOp.Re:
            yield replace(found, name=WORD.sub(".*", each.value), is_pattern=True)


def _named(use: Use, name: str) -> Use:
    return replace(use, name=WORD.sub(".*", name), is_pattern=bool(WORD.search(name)))


def _asked(matcher: Matcher) -> Asked:
    value = matcher.value
    if WORD.search(value) or re.fullmatch(r"[\^$.*+()]+", value):
        return Asked(matcher.name, (), is_open=True)
    if matcher.op in (MatchOp.Equal, MatchOp.NotEqual):
        return Asked(matcher.name, (value,))
    values = value.replace(r"\.", ".").split("|")
    return Asked(matcher.name, tuple(values) if all(re.fullmatch(r"[\w:.+/ -]*", each) for each in values) else ())
