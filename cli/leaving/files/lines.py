"""Lines and lists in text: where they stand, and the edits that take parts of them out."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ..traces import Edit, line_start, next_line

_BLANK = re.compile(r"[ \t]*")
Span = tuple[int, int]
"""Characters [start, end)."""


@dataclass(frozen=True, slots=True)
class Line:
    """`text` is without its line end, `end` is behind it. Of lines that a backslash joins, all of them."""

    number: int
    last: int
    start: int
    end: int
    text: str


def lines(text: str) -> Iterator[Line]:
    place = 0
    for number, one in enumerate(text.split("\n"), 1):
        end = min(place + len(one) + 1, len(text))
        if place < end:
            yield Line(number, number, place, end, one.removesuffix("\r"))
        place = end


def joined_lines(text: str) -> Iterator[Line]:
    """As a shell or a Dockerfile reads them: a comment between joined lines does not end them."""
    first: Line | None = None
    for line in lines(text):
        is_comment = line.text.lstrip().startswith("#")
        if first is None:
            if not is_comment and line.text.endswith("\\"):
                first = line
            else:
                yield line
        elif not is_comment and not line.text.endswith("\\"):
            yield Line(first.number, line.number, first.start, line.end, text[first.start : line.end].rstrip("\r\n"))
            first = None
    if first is not None:
        yield Line(first.number, line.number, first.start, len(text), text[first.start :].rstrip("\r\n"))


def whole_lines(text: str, start: int, end: int) -> Edit:
    """Without the lines on which [start, end) stands, and without a blank one twice around them."""
    start, end = line_start(text, start), next_line(text, max(start, end - 1))
    after = next_line(text, end)
    before = line_start(text, start - 1) if start else 0
    if end < len(text) and not text[end:after].strip() and not text[before:start].strip():
        end = after
    return Edit(start, end)


def without_items(text: str, spans: Sequence[Span], doomed: Collection[int]) -> tuple[Edit, ...]:
    """Of a list between brackets: `spans` are all its items', `doomed` counts in them."""
    edits = []
    place = 0
    while place < len(spans):
        last = place
        if place in doomed:
            while last + 1 in doomed:
                last += 1
            edits.append(_without_run(text, spans, place, last))
        place = last + 1
    return tuple(edits)


def _without_run(text: str, spans: Sequence[Span], first: int, last: int) -> Edit:
    start, end = spans[first][0], spans[last][1]
    blank = _BLANK.match(text, end)
    behind = blank.end() if blank else end
    has_comma = text[behind : behind + 1] == ","
    behind = behind + 1 if has_comma else end
    rest = text[behind : next_line(text, behind)].strip()
    if not text[line_start(text, start) : start].strip() and (not rest or rest.startswith("#")):
        return Edit(line_start(text, start), next_line(text, behind))
    if first and "\n" not in text[spans[first - 1][1] : start]:
        return Edit(spans[first - 1][1], end)
    if last + 1 < len(spans) and "\n" not in text[end : spans[last + 1][0]]:
        return Edit(start, spans[last + 1][0])
    return Edit(start, behind)


def without_words(text: str, spans: Sequence[Span], doomed: Collection[int]) -> tuple[Edit, ...]:
    """Of words with blanks between them, on one line or on several that a backslash joins. One at least stays."""
    edits = []
    for place in sorted(doomed):
        start, end = spans[place]
        rest = text[end : next_line(text, end)]
        if not text[line_start(text, start) : start].strip() and rest.strip() == "\\":
            edits.append(Edit(line_start(text, start), next_line(text, end)))
        elif place:
            edits.append(Edit(spans[place - 1][1], end))
        else:
            edits.append(Edit(start, spans[1][0]))
    return tuple(edits)
