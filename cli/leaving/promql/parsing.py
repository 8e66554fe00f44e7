"""Expressions parsed, where that is safe: the parser is a compiled one, and crashes on what is nested too deeply."""

import re

from promql_parser import Expr, parse

from .variables import Substituted, substituted

_MOST_CHARACTERS = 20_000
_MOST_TOLD = 200
_MOST_STEPS = 500
"""Operators, and brackets within brackets. With some thousands the parser overruns its stack."""

_TOKENS = re.compile(
    r""""[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*'|`[^`]*`|\#[^\n]*"""
    r"""|(?P<open>[({\[])|(?P<close>[)}\]])|(?P<operator>[-+*/%^]|[<>=!]=?|\b(?:and|or|unless|atan2)\b)""",
    re.DOTALL | re.IGNORECASE,
)


class UnparsedError(Exception):
    """`str()` says why."""


def parsed(text: str) -> tuple[Expr, Substituted]:
    """With what its variables were. Raises UnparsedError."""
    if len(text) > _MOST_CHARACTERS or _steps(text) > _MOST_STEPS:
        raise UnparsedError("is too long to be looked at")
    found = substituted(text)
    reason = ""
    for each in found.texts:
        try:
            return parse(each), found
        except ValueError as error:
            reason = " ".join(str(error).split())[:_MOST_TOLD]
    raise UnparsedError(f"is no PromQL: {reason}")


def _steps(text: str) -> int:
    depth = deepest = operators = 0
    for token in _TOKENS.finditer(text):
        match token.lastgroup:
            case "open":
                depth += 1
                deepest = max(deepest, depth)
            case "close":
                depth -= 1
            case "operator":
                operators += 1
    return deepest + operators
