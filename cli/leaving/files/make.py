"""Make targets and just recipes: those that only look at the metrics go whole."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..traces import Edit, Kind, Stage, Trace, line_start, shown
from .addresses import route_traces, routes_in
from .commands import traces
from .environment import variable
from .lines import Line, joined_lines, whole_lines, without_words
from .surroundings import VARIABLE, Surroundings

_TARGET = re.compile(r"@?(?P<name>[A-Za-z0-9_][\w./-]*)(?P<more>[^:=\n]*):(?!=)(?P<needs>[^=].*|)$")
_PHONY = re.compile(r"\.PHONY\s*:(?P<names>.*)$", re.DOTALL)
_VARIABLE = re.compile(rf"(?:export\s+)?({VARIABLE})\s*[:?+]?=")
_WORD = re.compile(r"[^\s\\]+")
_LONGEST = 4000
_ADVICE = "take the target out: it asks for the app's metrics"
_MODES = re.compile(r"\s+[@+-]*")
_SAYS = re.compile(r"\s*[@+-]*\s*(?:echo|printf|#|@?true)\b|\s*#|\s*$")


@dataclass(frozen=True, slots=True)
class _Target:
    name: str
    is_alone: bool  # no second name, and nothing that it needs
    head: Line
    recipe: tuple[Line, ...]


def find(around: Surroundings) -> Iterator[Trace]:
    for path, text in around.project.texts.items():
        name = PurePosixPath(path).name
        if name in {"Makefile", "makefile", "GNUmakefile", "justfile", "Justfile"} or path.endswith((".mk", ".just")):
            yield from _in_file(around, path, text)
        elif name.startswith("Taskfile") and path.endswith((".yml", ".yaml")):
            for line in joined_lines(text):
                yield from route_traces(around, path, text, line, Kind.MAKE)


def _in_file(around: Surroundings, path: str, text: str) -> Iterator[Trace]:
    every = list(joined_lines(text))
    targets = list(_targets(every))
    doomed = [target for target in targets if _is_only_about_metrics(around, text, target)]
    for target in doomed:
        yield from _whole(around, path, text, every, target)
    gone = {line.start for target in doomed for line in (target.head, *target.recipe)}
    several = {line.start for target in targets if len(target.recipe) > 1 for line in target.recipe}
    for line in every:
        found = _VARIABLE.match(line.text)
        if line.start in gone or line.text.startswith("#"):
            continue
        if found and around.is_ours(found[1]):
            yield variable(around, path, text, line, found[1])
        elif modes := _MODES.match(line.text):
            start = line.start + modes.end()
            yield from traces(around, path, text, line, start, Kind.DEPENDENCY, may_go_whole=line.start in several)
            yield from route_traces(around, path, text, line, Kind.MAKE)


def _targets(every: Sequence[Line]) -> Iterator[_Target]:
    for number, line in enumerate(every):
        found = _TARGET.match(line.text)
        if found:
            end = number + 1
            while end < len(every) and every[end].text[:1] in {" ", "\t"} and every[end].text.strip():
                end += 1
            needs = found["needs"].partition("#")[0].strip()
            yield _Target(found["name"], not found["more"].strip() and not needs, line, tuple(every[number + 1 : end]))


def _is_only_about_metrics(around: Surroundings, text: str, target: _Target) -> bool:
    asking = [line for line in target.recipe if any(has for _, has in routes_in(around, text, line.start, line.end))]
    return bool(asking) and target.is_alone and all(line in asking or _SAYS.match(line.text) for line in target.recipe)


def _whole(around: Surroundings, path: str, text: str, every: Sequence[Line], target: _Target) -> Iterator[Trace]:
    """The target with the comment above it, and its name among the phony ones."""
    user = _user(around, path, text, every, target)
    doubt = f"{user} names the target" if user else ""
    start = target.head.start
    while start and text[line_start(text, start - 1) : start].startswith("#"):
        start = line_start(text, start - 1)
    edits: list[Edit] = [whole_lines(text, start, target.recipe[-1].end)]
    places = [(target.head.number, target.recipe[-1].last)]
    for line in every:
        phony = _PHONY.match(line.text)
        words = _WORD.finditer(text, line.start + phony.start("names"), line.end) if phony else ()
        spans = [found.span() for found in words]
        named = {number for number, (first, end) in enumerate(spans) if text[first:end] == target.name}
        if named:
            alone = len(named) == len(spans)
            edits += [whole_lines(text, line.start, line.end)] if alone else without_words(text, spans, named)
            places.append((line.number, line.last))
    for first, last in places:
        yield Trace(
            *(path, first, Kind.MAKE, Stage.URLS, shown(text, first), _ADVICE),
            subject=target.name,
            edits=() if doubt else tuple(edits),
            doubt=doubt,
            last_line=last,
        )


def _user(around: Surroundings, path: str, text: str, every: Sequence[Line], target: _Target) -> str:
    """A file that still needs the target; empty where none does."""
    word = rf"(?<![\w./-]){re.escape(target.name)}(?![\w./-])"
    own = {line.start for line in (target.head, *target.recipe)}
    needed = re.compile(rf"[^#:=]+:(?!=)[^#]*{word}|.*(?:\bmake|\$\(MAKE\)|\bjust)\s[^#;&|]*{word}", re.DOTALL)
    if any(
        line.start not in own
        and not line.text.startswith("#")
        and not _PHONY.match(line.text)
        and (len(line.text) > _LONGEST or needed.match(line.text))
        for line in every
    ):
        return path
    called = re.compile(rf"\b(?:make|just)\s(?:[\w=./-]{{1,60}}\s){{0,9}}{word}")
    others = ((name, each) for name, each in around.project.texts.items() if name != path)
    return next((name for name, each in others if target.name in each and called.search(each)), "")
