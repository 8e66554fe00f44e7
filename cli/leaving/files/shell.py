"""Commands of a shell, as scripts, images, recipes and jobs hold them: what they install, and the folder they make."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..traces import Edit
from .lines import Span
from .packages import package
from .surroundings import MULTIPROCESS, VARIABLE

_SEPARATOR = re.compile(r"&&|\|\||[;|&]")
_WORD = re.compile(r"(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|\$\([^)]*\)|\$\{[^}]*\}|[^\s\\;&|\"'])+")
_INSTALL = re.compile(
    r"(?:pip3?|pipx|uv pip|pipenv|conda|mamba|micromamba|apt|apt-get)(?:\s+-\S+)*\s+install"
    r"|(?:uv|poetry|pdm|rye|apk|pixi)(?:\s+-\S+)*\s+add"
)
_WITH_VALUE = frozenset(
    "-i --index-url --extra-index-url -c --constraint -t --target --trusted-host -f --find-links --prefix --root"
    " --no-binary --only-binary --python -p --group -G --channel -n --name --proxy --timeout --retries --cache-dir"
    " --virtual -t --progress-bar".split()
)
_ASSIGNED = re.compile(rf"({VARIABLE})(=|$)")
_ON_FOLDERS = frozenset({"mkdir", "rm", "/bin/mkdir", "/bin/rm", "rmdir"})
_ON_MODES = frozenset({"chmod", "chown", "/bin/chmod", "/bin/chown", "chgrp"})


@dataclass(frozen=True, slots=True)
class Command:
    """Words as places in the whole text; `joined` says how it hangs on the one before, empty for the first."""

    words: tuple[Span, ...]
    joined: str

    @property
    def span(self) -> Span:
        return self.words[0][0], self.words[-1][1]


def commands(text: str, start: int, end: int) -> list[Command]:
    """Of one line, or of several that a backslash joins. Quotes are kept together, and comments are no words."""
    found: list[Command] = []
    words: list[Span] = []
    joined = ""
    place = start
    while place < end:
        word = _WORD.match(text, place, end)
        separator = _SEPARATOR.match(text, place, end)
        if word and text[place] == "#":
            place = min(end, (text.find("\n", place) + 1) or end)
        elif word:
            words.append(word.span())
            place = word.end()
        elif separator:
            if words:
                found.append(Command(tuple(words), joined))
                words = []
            joined = separator[0]
            place = separator.end()
        else:
            place += 1
    if words:
        found.append(Command(tuple(words), joined))
    return found


def installed(text: str, command: Command) -> tuple[dict[int, str], bool]:
    """Which words of an install are requirements of the two packages, and whether it installs anything else."""
    words = [text[start:end] for start, end in command.words]
    verb = _verb(words)
    if verb is None:
        return {}, True
    ours: dict[int, str] = {}
    others = False
    number = verb + 1
    while number < len(words):
        name = package(words[number])
        if name is not None:
            ours[number] = name
        elif words[number] in _WITH_VALUE:
            number += 1
        elif not words[number].startswith("-") or words[number] in {"-r", "-e", "--requirement", "--editable"}:
            others = True
        number += 1
    return ours, others


def _verb(words: Sequence[str]) -> int | None:
    for number, word in enumerate(words):
        if word in {"install", "add"} and number:
            return number if _INSTALL.search(" ".join([*words[:number], word])) else None
    return None


def on_folder(text: str, command: Command, folders: Collection[str]) -> tuple[set[int], bool]:
    """Which words name the folder of the processes' files, and whether the command is about anything else."""
    words = [text[start:end].strip("\"'") for start, end in command.words]
    if words[0] not in _ON_FOLDERS | _ON_MODES:
        return set(), True
    targets = [number for number, word in enumerate(words) if number and not word.startswith("-")]
    targets = targets[1:] if words[0] in _ON_MODES else targets
    ours = {number for number in targets if _is_folder(words[number], folders)}
    return ours, len(ours) < len(targets)


def _is_folder(word: str, folders: Collection[str]) -> bool:
    name = re.sub(r"/(?:\*(?:\.db)?)?$", "", word)
    variable = rf"\$?\$(?:{MULTIPROCESS}|[{{(]{MULTIPROCESS}(?::[-=?][^}}]*)?[)}}])"
    return name in folders or bool(re.fullmatch(variable, name.replace('"', ""), re.IGNORECASE))


def assigned(text: str, command: Command) -> tuple[dict[int, str], bool]:
    """Which words set or unset a PROMETHEUS_ variable, and whether the command is about anything else."""
    words = [text[start:end] for start, end in command.words]
    ours: dict[int, str] = {}
    first = 1 if words[0] in {"export", "env", "unset", "readonly"} else 0
    number = first
    for number, word in enumerate(words[first:], first):
        found = _ASSIGNED.match(word)
        if found and (found[2] or words[0] in {"export", "unset"}):
            ours[number] = found[1]
        elif not re.match(r"\w+=", word) and words[0] not in {"export", "unset"}:
            break
    return ours, len(ours) < len(words) - first


def without_commands(text: str, every: Sequence[Command], doomed: Collection[Command]) -> tuple[Edit, ...] | None:
    """The rest of a chain; None where nothing is left or where it would not be the same chain any more."""
    kept = [command for command in every if command not in doomed]
    if not kept or any(command.joined not in {"", "&&", ";"} for command in every):
        return None
    edits = []
    for number, command in enumerate(every):
        if command in doomed and command.span[0] < kept[0].span[0]:
            edits.append(Edit(command.span[0], every[number + 1].span[0]))
        elif command in doomed:
            edits.append(Edit(every[number - 1].span[1], command.span[1]))
    return tuple(edits)
