"""Traces in the commands of a line: what goes out of a chain, and what is left to people."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..traces import Edit, Kind, Stage, Trace, line_of, shown
from .lines import Line, whole_lines, without_words
from .shell import Command, assigned, commands, installed, on_folder, without_commands
from .surroundings import MULTIPROCESS, VARIABLE, Reasons, Surroundings

_VARIABLE = re.compile(VARIABLE)


@dataclass(frozen=True, slots=True)
class _Role:
    """What a command has to do with it. `words`: those that go; `has_more`: something is left without them."""

    kind: Kind
    stage: Stage
    subject: str
    words: frozenset[int]
    has_more: bool
    kept: Reasons


def variable_kind(name: str) -> Kind:
    return Kind.MULTIPROCESS if name.upper() == MULTIPROCESS else Kind.ENVIRONMENT


def advice(kind: Kind) -> str:
    return {
        Kind.MULTIPROCESS: "take it out: no process writes files of its own any more",
        Kind.ENVIRONMENT: "take the variable out",
    }.get(kind, "take the requirement out")


def _role(around: Surroundings, text: str, command: Command, kind: Kind) -> _Role | None:
    packages, has_more = installed(text, command)
    if packages:
        reasons = {number: Reasons(around.needs(name)) for number, name in packages.items()}
        return _part(kind, Stage.DEPENDENCIES, min(packages.values()), reasons, has_more=has_more)
    folders, has_more = on_folder(text, command, around.folders)
    if folders:
        reasons = dict.fromkeys(folders, Reasons(around.folder_needed()))
        return _part(Kind.MULTIPROCESS, Stage.SETTINGS, MULTIPROCESS, reasons, has_more=has_more)
    names, has_more = assigned(text, command)
    reasons = {number: around.why_kept(name) for number, name in names.items() if around.is_ours(name)}
    if reasons:
        first = min(name for number, name in names.items() if number in reasons)
        has_more = has_more or len(reasons) < len(names)
        return _part(variable_kind(first), Stage.SETTINGS, first, reasons, has_more=has_more)
    return None


def _part(kind: Kind, stage: Stage, subject: str, reasons: Mapping[int, Reasons], *, has_more: bool) -> _Role:
    """`reasons`: by word, why it is kept. What can go does, whatever stays beside it."""
    free = frozenset(number for number, kept in reasons.items() if not kept)
    kept = Reasons() if free else next(iter(reasons.values()))
    return _Role(kind, stage, subject, free, has_more or len(free) < len(reasons), kept)


def traces(
    around: Surroundings,
    path: str,
    text: str,
    line: Line,
    start: int,
    kind: Kind,
    *,
    may_go_whole: bool,
    is_all: bool = True,
) -> Iterator[Trace]:
    """Of the commands that begin at `start` on a line. `kind` is that of an install; a line may only go whole where
    what is around it can do without it. `is_all`: no other finder looks at the line."""
    every = commands(text, start, line.end)
    roles = {command: role for command in every if (role := _role(around, text, command, kind)) is not None}
    doomed = [command for command, role in roles.items() if not role.kept and not role.has_more]
    if len(every) == len(doomed) + 1 and every[-1].joined == "||" and _is_true(text, every[-1]):
        doomed.append(every[-1])
    chain: tuple[Edit, ...] | None = ()
    if doomed and len(doomed) == len(every):
        chain = (whole_lines(text, line.start, line.end),) if may_go_whole else None
    elif doomed:
        chain = without_commands(text, every, doomed)
    claimed: set[int] = set()
    for command, role in roles.items():
        edits = without_words(text, command.words, role.words) if role.has_more and not role.kept else chain
        is_left = not role.kept and not edits
        first, last = line_of(text, command.span[0]), line_of(text, command.span[1])
        claimed.update(range(first, last + 1))
        yield Trace(
            *(path, first, role.kind, role.stage, shown(text, first), advice(role.kind)),
            subject=role.subject,
            edits=() if role.kept else edits or (),
            doubt="what hangs on this command has to be looked at" if is_left else role.kept.doubt,
            waits=role.kept.waits,
            last_line=last,
        )
    if is_all:
        yield from woven(around, path, text, (start, line.end), claimed)


def _is_true(text: str, command: Command) -> bool:
    return text[slice(*command.span)] in {"true", ":"}


def woven(around: Surroundings, path: str, text: str, span: tuple[int, int], claimed: set[int]) -> Iterator[Trace]:
    """What still names one of the variables, or the folder."""
    for found in around.uses_of_folder.finditer(text, *span):
        line = line_of(text, found.start())
        name = found[0] if _VARIABLE.fullmatch(found[0]) else MULTIPROCESS
        if line not in claimed and around.is_ours(name):
            claimed.add(line)
            kind = variable_kind(name)
            yield Trace(
                *(path, line, kind, Stage.SETTINGS, shown(text, line), advice(kind)),
                subject=name,
                doubt="it is woven into a command; take it out there",
            )
