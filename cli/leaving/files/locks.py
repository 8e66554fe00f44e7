"""What lock files name. A tool writes them anew; nobody edits them."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from ..traces import Kind, Stage, Trace, line_of, shown
from .packages import package
from .surroundings import Surroundings

_COMMANDS = {
    "uv.lock": "uv lock",
    "poetry.lock": "poetry lock",
    "pdm.lock": "pdm lock",
    "Pipfile.lock": "pipenv lock",
    "pixi.lock": "pixi lock",
    "conda-lock.yml": "conda-lock lock",
}
_PYLOCK = re.compile(r"pylock(?:\.[\w-]+)?\.toml")
_NAMED = re.compile(r"django[-_.]prometheus|prometheus[-_.]client", re.IGNORECASE)
_ENTRY = re.compile(r"^(?=\[\[package|\[(?!package\.)| {4,8}\"[^\"\n]+\": \{|- )", re.MULTILINE)
_OWN_NAME = re.compile(r"^name = \"([^\"\n]+)\"|^ *\"([^\"\n]+)\": \{", re.MULTILINE)


_OF_THE_PROJECT = re.compile(r"^source = \{ (?:virtual|editable|directory) = ", re.MULTILINE)


def find(around: Surroundings) -> Iterator[Trace]:
    """One trace for each entry that names a package: its own, or that of what requires it."""
    for path, text in around.project.texts.items():
        name = PurePosixPath(path).name
        command = "uv export or pip lock" if _PYLOCK.fullmatch(name) else _COMMANDS.get(name)
        if command is None:
            continue
        starts = [found.start() for found in _ENTRY.finditer(text)]
        for start, end in zip([0, *starts], [*starts, len(text)], strict=True):
            places = [found.start() for found in _NAMED.finditer(text, start, end)]
            if places:
                yield _trace(path, text, places, text[start:end], command)


def _named(entry: str) -> str:
    found = _OWN_NAME.search(entry)
    return (found[1] or found[2]) if found else ""


def _trace(path: str, text: str, places: list[int], entry: str, command: str) -> Trace:
    line, name = line_of(text, places[0]), _named(entry)
    doubt = f"`{command}` writes it anew, once the requirement is gone"
    if name and package(name) is None and not _OF_THE_PROJECT.search(entry):
        doubt = f"{name} needs it itself: it stays as long as {name} does"
    return Trace(
        *(path, line, Kind.LOCK, Stage.DEPENDENCIES, shown(text, line), f"lock anew: {command}"),
        subject=package(name) or name,
        doubt=doubt,
        last_line=line_of(text, places[-1]),
    )
