"""Variables in files of nothing else: .env and the like, systemd units, tox.ini and pytest.ini."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from ..traces import Kind, Stage, Trace, line_of, shown
from .commands import advice, traces, variable_kind
from .lines import Line, joined_lines, lines, whole_lines, without_words
from .shell import Command, commands
from .surroundings import MULTIPROCESS, VARIABLE, Reasons, Surroundings

_FILE = re.compile(
    r"\.env(?:[._-].*)?|(?:.*[._-])?env|env[._-](?:example|sample|template|dist|.*\.txt)|environment", re.IGNORECASE
)
_LINE = re.compile(rf"\s*(?:#+\s*)?(?:export\s+|set\s+)?({VARIABLE})\s*=")
_UNIT = re.compile(r"(Environment|ExecStartPre|ExecStartPost|ExecStopPost)\s*=\s*[-+!@]*")
_IN_LIST = re.compile(rf"\s+(?:[DR]:)?({VARIABLE})\s*=")


def find(around: Surroundings) -> Iterator[Trace]:
    for path, text in around.project.texts.items():
        name = PurePosixPath(path).name
        if name in {".gitignore", ".dockerignore"}:
            yield from _ignored(around, path, text)
        elif not around.may_matter(text):
            continue
        elif _FILE.fullmatch(name) and name != ".envrc":
            yield from _variables(around, path, text, _LINE)
        elif name.endswith((".service", ".conf")) and "[Service]" in text:
            yield from _unit(around, path, text)
        elif name in {"tox.ini", "pytest.ini", "setup.cfg"}:
            yield from _variables(around, path, text, _IN_LIST)


def _variables(around: Surroundings, path: str, text: str, pattern: re.Pattern[str]) -> Iterator[Trace]:
    for line in joined_lines(text):
        found = pattern.match(line.text)
        if found and around.is_ours(found[1]):
            yield variable(around, path, text, line, found[1])


def _ignored(around: Surroundings, path: str, text: str) -> Iterator[Trace]:
    """The folder of the processes' files, where it lies in the project."""
    names = {folder.rpartition("/")[2] for folder in around.folders} | {MULTIPROCESS.lower()}
    for line in lines(text):
        if re.sub(r"/\**$", "", line.text.strip()).rpartition("/")[2] in names:
            yield variable(around, path, text, line, MULTIPROCESS)


def variable(around: Surroundings, path: str, text: str, line: Line, name: str) -> Trace:
    """On a line of its own."""
    kept = around.why_kept(name) if not line.text.lstrip().startswith("#") else Reasons()
    kind = variable_kind(name)
    return Trace(
        *(path, line.number, kind, Stage.SETTINGS, shown(text, line.number), advice(kind)),
        subject=name,
        edits=() if kept else (whole_lines(text, line.start, line.end),),
        doubt=kept.doubt,
        waits=kept.waits,
        last_line=line.last,
    )


def _unit(around: Surroundings, path: str, text: str) -> Iterator[Trace]:
    for line in joined_lines(text):
        found = _UNIT.match(line.text)
        if found and found[1] != "Environment":
            yield from traces(around, path, text, line, line.start + found.end(), Kind.DEPENDENCY, may_go_whole=True)
        elif found:
            for command in commands(text, line.start + found.end(), line.end):
                yield from _environment(around, path, text, line, command)


def _environment(around: Surroundings, path: str, text: str, line: Line, command: Command) -> Iterator[Trace]:
    """`Environment="A=1" B=2`"""
    names = [text[start:end].strip("\"'").partition("=")[0] for start, end in command.words]
    ours = {n: name for n, name in enumerate(names) if re.fullmatch(VARIABLE, name) and around.is_ours(name)}
    doomed = {number for number, name in ours.items() if not around.why_kept(name)}
    whole = len(doomed) == len(names)
    edits = (whole_lines(text, line.start, line.end),) if whole else without_words(text, command.words, doomed)
    for number, name in ours.items():
        kind, place = variable_kind(name), line_of(text, command.words[number][0])
        yield Trace(
            *(path, place, kind, Stage.SETTINGS, shown(text, place), advice(kind)),
            subject=name,
            edits=edits if number in doomed else (),
            **around.why_kept(name)._asdict(),
        )
