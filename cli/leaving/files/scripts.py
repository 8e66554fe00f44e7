"""Shell scripts, Procfiles, jobs of a CI system: their commands, line by line."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from ..traces import Kind, Trace
from .addresses import route_traces
from .commands import traces
from .lines import Line, joined_lines
from .surroundings import Surroundings

_SHELL = re.compile(r"#!\s*\S*(?:/|env\s+)(?:ba|da|k|z)?sh\b")
_JOB = re.compile(
    r"(?:^|/)(?:\.github/(?:workflows|actions)/.+|\.gitlab-ci|\.travis|bitbucket-pipelines|azure-pipelines|\.drone)\.ya?ml$|\.circleci/"
)
_NOTHING = re.compile("")
_HERE = re.compile(r"(?<!<)<<-?\s*[\"'\\]?(\w+)")
_STEP = re.compile(r"\s*(?:-\s+)?(?:(?:run|script|command|before_script)\s*:\s*)?")
_PROCESS = re.compile(r"[\w-]+:\s*")


def find(around: Surroundings) -> Iterator[Trace]:
    for path, text in around.project.texts.items():
        before = _before(path, text)
        if before is None:
            continue
        is_job = before is _STEP
        for line in _outside_documents(text):
            if line.text.lstrip().startswith("#"):
                continue
            found = before.match(line.text)
            start = line.start + (found.end() if found else 0)
            is_outermost = before is _NOTHING and line.text[:1] not in " \t"
            yield from traces(
                around, path, text, line, start, Kind.DEPENDENCY, may_go_whole=is_outermost, is_all=not is_job
            )
            yield from route_traces(around, path, text, line, Kind.DEPENDENCY)


def _before(path: str, text: str) -> re.Pattern[str] | None:
    """What stands before the commands on a line; None for a file without commands."""
    if path.endswith((".sh", ".bash", ".envrc")) or (not path.endswith(".py") and _SHELL.match(text)):
        return _NOTHING
    if PurePosixPath(path).name.startswith("Procfile"):
        return _PROCESS
    return _STEP if _JOB.search(path) else None


def _outside_documents(text: str) -> Iterator[Line]:
    """Lines that are commands: not those that a script feeds to another program."""
    end = ""
    for line in joined_lines(text):
        if end:
            end = "" if line.text.strip() == end else end
            continue
        yield line
        found = _HERE.search(line.text)
        end = found[1] if found else ""
