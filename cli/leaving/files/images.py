"""Dockerfiles: what they install, and the variables, folders and ports that they set up."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from ..traces import Edit, Kind, Stage, Trace, line_of, shown
from .addresses import route_traces
from .commands import advice, traces, variable_kind
from .environment import variable
from .lines import Line, joined_lines, whole_lines, without_words
from .surroundings import VARIABLE, Surroundings

_FILE = re.compile(r"(?:Dockerfile|Containerfile)(?:[._-].+)?|.+\.(?:dockerfile|containerfile)", re.IGNORECASE)
_INSTRUCTION = re.compile(
    r"\s*(RUN|ENV|ARG|EXPOSE|CMD|ENTRYPOINT|HEALTHCHECK|VOLUME)\s+((?:--\S+\s+|\\\r?\n\s*)*)", re.IGNORECASE
)
_PAIR = re.compile(r"(?<!\w)([A-Za-z_]\w*)=(?:\"(?:\\.|[^\"\\])*\"|'[^']*'|\\[^\r\n]|[^\s\"'\\])*")
_NAME = re.compile(rf"(?:{VARIABLE})\b")


def is_image(path: str) -> bool:
    return bool(_FILE.fullmatch(PurePosixPath(path).name)) and not path.endswith((".md", ".py", ".dockerignore"))


def find(around: Surroundings) -> Iterator[Trace]:
    for path, text in around.project.texts.items():
        if is_image(path):
            for line in joined_lines(text):
                found = _INSTRUCTION.match(line.text)
                if found:
                    yield from _instruction(around, path, text, line, found[1].upper(), line.start + found.end())


def _instruction(around: Surroundings, path: str, text: str, line: Line, name: str, start: int) -> Iterator[Trace]:
    if name in {"ENV", "ARG"}:
        yield from _variables(around, path, text, line, start)
    elif name == "EXPOSE":
        yield from _ports(around, path, text, line, start)
    elif name == "VOLUME":
        yield from _volume(around, path, text, line, start)
    else:
        yield from traces(around, path, text, line, start, Kind.IMAGE, may_go_whole=name == "RUN")
        yield from route_traces(around, path, text, line, Kind.IMAGE)


def _variables(around: Surroundings, path: str, text: str, line: Line, start: int) -> Iterator[Trace]:
    pairs = list(_PAIR.finditer(text, start, line.end))
    if not pairs or pairs[0].start() != start:  # as it was once written: ENV NAME value
        alone = _NAME.match(text, start, line.end)
        if alone and around.is_ours(alone[0]):
            yield variable(around, path, text, line, alone[0])
        return
    ours = {n: found[1] for n, found in enumerate(pairs) if _NAME.fullmatch(found[1]) and around.is_ours(found[1])}
    doomed = {number for number, name in ours.items() if not around.why_kept(name)}
    edits: tuple[Edit, ...] = (whole_lines(text, line.start, line.end),)
    if len(doomed) < len(pairs):
        edits = without_words(text, [found.span() for found in pairs], doomed)
    for number, name in ours.items():
        place, kind = line_of(text, pairs[number].start()), variable_kind(name)
        yield Trace(
            *(path, place, kind, Stage.SETTINGS, shown(text, place), advice(kind)),
            subject=name,
            edits=edits if number in doomed else (),
            **around.why_kept(name)._asdict(),
        )


def _ports(around: Surroundings, path: str, text: str, line: Line, start: int) -> Iterator[Trace]:
    ports = {int(port) for port in re.findall(r"\b\d{2,5}\b", text[start : line.end])}
    if ports & around.ports:
        wanted = "take the port of the metrics out"
        yield Trace(
            *(path, line.number, Kind.IMAGE, Stage.SETTINGS, shown(text, line.number), wanted),
            doubt="whether something else listens there is for people to judge",
            last_line=line.last,
        )


def _volume(around: Surroundings, path: str, text: str, line: Line, start: int) -> Iterator[Trace]:
    folders = {each.strip("\"',[]/ ") for each in text[start : line.end].split()}
    if folders & {folder.strip("/") for folder in around.folders}:
        waits = around.folder_needed()
        alone = len(folders) == 1
        kind = Kind.MULTIPROCESS
        yield Trace(
            *(path, line.number, kind, Stage.SETTINGS, shown(text, line.number), advice(kind)),
            edits=(whole_lines(text, line.start, line.end),) if alone and not waits else (),
            doubt="" if alone or waits else "the instruction names other folders, too",
            waits=waits,
            last_line=line.last,
        )
