"""Engines and backends that an environment names, in place of the settings."""

import re
from collections.abc import Iterator

from ..traces import Edit, Kind, Stage, Trace, line_of, shown
from ..wrapped import WRAPPED
from .lines import Line, lines
from .surroundings import Surroundings, is_configuration

_NAMED = re.compile(r"(?<![\w.])django_prometheus\.(db|cache)\.backends\.[\w.]*\w")
_VALUE = re.compile(r"[\w.\"' -]*[=:]\s*[\"']?$")


def find(around: Surroundings) -> Iterator[Trace]:
    for path, text in around.project.texts.items():
        if "django_prometheus." in text and is_configuration(path) and not path.endswith((".txt", ".ipynb")):
            for line in lines(text):
                yield from _in_line(path, text, line)


def _in_line(path: str, text: str, line: Line) -> Iterator[Trace]:
    for found in _NAMED.finditer(text, line.start, line.end):
        before = text[line.start : found.start()]
        known = WRAPPED.get(found[0])
        is_value = bool(_VALUE.search(before)) and "#" not in before
        number = line_of(text, found.start())
        yield Trace(
            *(path, number, Kind.DATABASE if found[1] == "db" else Kind.CACHE, Stage.MODELS, shown(text, number)),
            f"{known} in its place" if known else "name the one that it wraps",
            subject=found[0],
            edits=(Edit(found.start(), found.end(), known),) if known and is_value else (),
            doubt="" if known and is_value else "what takes its place is for people to judge",
        )
