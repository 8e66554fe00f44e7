"""Expressions parsed, where that is safe: the parser is a compiled one, and crashes on what is nested too deeply."""

import re
from itertools import accumulate

from promql_parser import Expr, parse

from .variables import Substituted, substituted

_MOST_CHARACTERS = 20_000
_MOST_TOLD = 200
_MOST_STEPS = 500
"""Operators, and brackets within brackets. With some thousands the parser overruns its stack."""

_NO_CODE = re.compile(r""""[^"\\]*(?:\\.[^"\\]*)*"?|'[^'\\]*(?:\\.[^'\\]*)*'?|`[^`]*`?|\#[^\n]*""", re.DOTALL)
_OPERATORS = re.compile(r"[-+*/%^]|[<>=!]=?|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
_ENDLESS = re.compile(r"\boffset\s*[-+]?\s*(?:nan|inf|[\d.]*e|\d{10})|\[[^\[\]]*?(?:[\d.]e|\d{10})", re.IGNORECASE)
"""Spans of time at which the parser panics: none that anyone means is so long."""


class UnparsedError(Exception):
    """`str()` says why."""


def parsed(text: str) -> tuple[Expr, Substituted]:
    """With what its variables were. Raises UnparsedError."""
    code = _NO_CODE.sub(" ", text[: _MOST_CHARACTERS + 1])
    if len(text) > _MOST_CHARACTERS or _depth(code) + len(_OPERATORS.findall(code)) > _MOST_STEPS:
        raise UnparsedError("is too long to be looked at")
    if _ENDLESS.search(code):
        raise UnparsedError("has a span of time without end")
    found = substituted(text)
    reason = ""
    for each in found.texts:
        try:
            return parse(each), found
        except BaseException as error:
            if not isinstance(error, ValueError) and type(error).__name__ != "PanicException":  # which is no Exception
                raise
            reason = " ".join(str(error).split())[:_MOST_TOLD]
    raise UnparsedError(f"is no PromQL: {reason}")


def _depth(code: str) -> int:
    """Of brackets within brackets."""
    steps = accumulate({"(": 1, "[": 1, "{": 1}.get(each, -1) for each in re.findall(r"[()\[\]{}]", code))
    return max(steps, default=0)
