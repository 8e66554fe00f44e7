"""What a project's settings give django-prometheus, as far as it is written out."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from .traces import Kind, Trace

NAMESPACE, BUCKETS = "PROMETHEUS_METRIC_NAMESPACE", "PROMETHEUS_LATENCY_BUCKETS"
_MIGRATIONS = "PROMETHEUS_EXPORT_MIGRATIONS"
_INFINITE = ("float('inf')", "float('+inf')", "math.inf", "inf")


@dataclass(frozen=True, slots=True)
class Given:
    """`buckets` are upper bounds without +Inf, empty for django-prometheus' own."""

    namespaces: tuple[str, ...] = ("",)
    """Several where settings modules differ."""
    buckets: tuple[float, ...] = ()
    migrations: bool = False
    computed: Mapping[str, str] = field(default_factory=dict)
    """Settings whose value is not known, by name: the file and line."""


def given(traces: Sequence[Trace], texts: Mapping[str, str]) -> Given:
    """Without the text of its file, only the first line of a setting is known."""
    found = [(each, _literal(each, texts)) for each in traces if each.kind is Kind.SETTING]
    namespaces = {value for each, value in found if each.subject == NAMESPACE and isinstance(value, str)}
    buckets = {_bounds(value) for each, value in found if each.subject == BUCKETS and isinstance(value, tuple)}
    wanted = {NAMESPACE: str, BUCKETS: tuple}
    unclear = [each for each, value in found if not isinstance(value, wanted.get(each.subject, object))]
    unclear += [each for each, _ in found if each.subject == BUCKETS and len(buckets) > 1]
    return Given(
        tuple(sorted(namespaces)) or ("",),
        buckets.pop() if len(buckets) == 1 else (),
        any(value != 0 for each, value in found if each.subject == _MIGRATIONS),
        {each.subject: f"{each.file}:{each.line}" for each in unclear},
    )


def _bounds(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sorted({value for value in values if value < inf}))


def _literal(trace: Trace, texts: Mapping[str, str]) -> Any:
    """A text, a number, or a tuple of numbers; None for what a run computes."""
    text, line = (texts[trace.file], trace.line) if trace.file in texts else (trace.text, 1)
    try:
        nodes = [each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Assign | ast.AnnAssign)]
        values = [each.value for each in nodes if each.lineno == line and each.value is not None]
        return _value(values[0]) if len(values) == 1 else None
    except (SyntaxError, ValueError, TypeError, OverflowError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr) -> Any:
    """Raises ValueError or TypeError for what is none of these."""
    if ast.unparse(node) in _INFINITE:
        return inf
    match node:
        case ast.Constant(value=str() | int() | float() as value):
            return value
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return tuple(float(_value(each)) for each in elements)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _value(left) + _value(right)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
    raise ValueError("is computed")
