"""What is found in a project: traces, and the edits that take them out."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

NAMES = re.compile(
    r"(?i:django[-_.]prometheus|prometheus[-_.]client|prometheus_multiproc_dir)|(?<![A-Za-z0-9])PROMETHEUS_[A-Z]"
)
"""What a search for words would look for: when an audit is clean, it finds nothing either."""


class Stage(StrEnum):
    """In the order in which they are applied; after each the app works."""

    MODELS = "models"  # and databases and caches
    CODE = "code"
    MIDDLEWARE = "middleware"
    URLS = "urls"
    SETTINGS = "settings"
    DEPENDENCIES = "dependencies"
    LOGEMIT = "logemit"  # what comes in its place


class Kind(StrEnum):
    """What a trace is; the values are what --json says."""

    MODEL_MIXIN = "model mixin"
    MIGRATION = "migration"
    DATABASE = "database engine"
    CACHE = "cache backend"
    IMPORT = "import"  # goes once what uses it is gone
    UNUSED_IMPORT = "unused import"  # nothing uses it any more; goes in any stage
    INSTRUMENT = "instrument"
    CALL = "call site"
    HELPER = "helper"
    CLIENT_API = "prometheus_client"  # anything else of it: registries, exposition, collectors, pushes
    COMMAND = "management command"
    TEST = "test"
    MIDDLEWARE = "middleware"
    URL = "url"
    METRICS_VIEW = "metrics view"
    INSTALLED_APP = "installed app"
    SETTING = "setting"
    ENVIRONMENT = "environment variable"
    MULTIPROCESS = "multiprocess"
    DEPENDENCY = "dependency"
    LOCK = "lock file"
    IMAGE = "image"  # in a Dockerfile
    MAKE = "make target"
    COMPOSE = "compose"
    SCRAPE = "scrape config"
    DOCUMENTATION = "documentation"
    MENTION = "mention"  # of none of the kinds above


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Characters [start, end) of a file become `text`."""

    start: int
    end: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """`line` counts from 1, `last_line` is inclusive. `edits` are of the trace's own file.

    Traces that only go together, as elements of one list, carry the same edits. A trace without edits has a `doubt`,
    why it is left, in one sentence for whoever has to change it by hand; or it goes by itself once another has gone,
    and `waits` says for what: an import for what uses it, a call of an instrument for that instrument.
    """

    file: str
    line: int
    kind: Kind
    stage: Stage
    text: str
    advice: str
    subject: str = ""  # the name it is about: a setting, a metric, a package
    edits: tuple[Edit, ...] = ()
    doubt: str = ""
    waits: str = ""
    last_line: int = 0

    @property
    def by_hand(self) -> bool:
        """migrate leaves it."""
        return bool(self.doubt)

    @property
    def lines(self) -> range:
        return range(self.line, max(self.line, self.last_line) + 1)


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made. Equal ones are one, one within another goes with it, and deletions may overlap.

    Raises ValueError for edits that overlap otherwise.
    """
    made: list[Edit] = []
    for edit in sorted(set(edits), key=lambda edit: (edit.start, edit.end > edit.start, -edit.end)):
        last = made[-1] if made else Edit(0, 0)
        if edit.start >= last.end:
            made.append(edit)
        elif edit.end <= last.end and (edit.start, edit.end) != (last.start, last.end):
            continue
        elif not edit.text and not last.text:
            made[-1] = Edit(last.start, edit.end)
        else:
            raise ValueError(f"edits overlap at {edit.start}")
    ends = [0, *(edit.end for edit in made)]
    parts = [text[end : edit.start] + edit.text for end, edit in zip(ends, made, strict=False)]
    return "".join([*parts, text[ends[-1] :]])


@lru_cache(64)
def _line_ends(text: str) -> list[int]:
    return [-1, *(found.start() for found in re.finditer("\n", text)), len(text)]


def line_of(text: str, place: int) -> int:
    """Counted from 1."""
    return bisect_left(_line_ends(text), place, 1, len(_line_ends(text)) - 1)


def line_start(text: str, place: int) -> int:
    """Of the line that a place is on."""
    return text.rfind("\n", 0, place) + 1


def next_line(text: str, place: int) -> int:
    """Where it begins; after the last one, the end."""
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1


def shown(text: str, line: int) -> str:
    """The line of a file as a trace shows it."""
    ends = _line_ends(text)[line - 1 : line + 1]
    return text[ends[0] + 1 : ends[1]].strip()[:200] if len(ends) == 2 else ""


def ordered(traces: Sequence[Trace]) -> list[Trace]:
    """By file and line, each once."""
    unique = dict.fromkeys(traces)
    return sorted(unique, key=lambda trace: (trace.file, trace.line, trace.kind, trace.subject))
