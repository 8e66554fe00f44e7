"""Expressions with Grafana's variables, made such that a parser of PromQL takes them."""

import re
from dataclasses import dataclass

_WORD = "logemit_variable_{}_"
"""What stands for a variable, so that it is known again."""
WORD = re.compile(r"logemit_variable_(\d+)_")
_SECONDS = 777_000_000
"""What stands for one as a range, which is so many seconds long, and its number more."""

_VARIABLE = re.compile(
    r"\$(?P<bare>[A-Za-z_]\w*)|\$\{(?P<braced>[A-Za-z_][\w.]*)(?::[^{}]*)?\}|\[\[(?P<old>[A-Za-z_]\w*)(?::\w+)?\]\]"
)
_PARTS = re.compile(
    r"""(?P<text>"[^"\\]*(?:\\.[^"\\]*)*"?|'[^'\\]*(?:\\.[^'\\]*)*'?|`[^`]*`?)"""
    r"""|(?P<comment>\#[^\n]*)|\[(?P<range>[^\[\]"'`]*)\]|(?P<offset>\boffset\s+-?\s*[\w.]+)"""
    r"""|(?P<word>logemit_variable_\d+_)""",
    re.DOTALL | re.IGNORECASE,
)
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*$", re.IGNORECASE)
_NEAR = 300
"""Characters before a variable that tell whether it is one of a list of labels."""


@dataclass(frozen=True, slots=True)
class Substituted:
    """`texts`: in the order in which to try them. `names`: of the variables, by their number."""

    texts: tuple[str, ...]
    names: tuple[str, ...]

    def variable(self, seconds: float) -> str:
        """That stands for a range; empty where it is written out."""
        number = int(seconds) - _SECONDS
        return self.names[number] if 0 <= number < len(self.names) else ""


def substituted(text: str) -> Substituted:
    names: list[str] = []

    def worded(found: re.Match[str]) -> str:
        names.append(found["bare"] or found["braced"] or found["old"])
        return _WORD.format(len(names) - 1)

    worded_text = _VARIABLE.sub(worded, text)
    if not names:
        return Substituted((text,), ())
    with_names = _PARTS.sub(_with_spans, worded_text)
    return Substituted(tuple(dict.fromkeys([_PARTS.sub(_with_numbers, with_names), with_names])), tuple(names))


def _with_spans(found: re.Match[str]) -> str:
    """Whatever a variable is a part of in a range is as long as it says."""
    if found["offset"]:
        return WORD.sub(_span, found[0])
    if found["range"] is None:
        return found[0]
    parts = [(WORD.search(part), part) for part in found["range"].split(":")]
    return f"[{':'.join(_span(word) if word else part for word, part in parts)}]"


def _span(found: re.Match[str]) -> str:
    return f"{_SECONDS + int(found[1])}s"


def _with_numbers(found: re.Match[str]) -> str:
    """Variables that stand alone, and not for a label or a metric, are numbers."""
    if found["word"] is None:
        return found[0]
    text, (start, end) = found.string, found.span()
    before, after = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    is_part = re.match(r"[\w:]", after) or re.search(r"[\w:]$", before)
    return found[0] if is_part or after.lstrip()[:1] in ("{", "[") or _GROUPING.search(before) else "1"
