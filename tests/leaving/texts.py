"""Projects of a few texts, for tests of what finds traces in Python."""

import ast
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from cli.leaving.audit import audit
from cli.leaving.project import Project
from cli.leaving.stages import migrate
from cli.leaving.traces import Kind, Stage, Trace


def project_of(texts: Mapping[str, str]) -> Project:
    """Each text without its indentation."""
    written = {path: dedent(text).lstrip("\n") for path, text in texts.items()}
    return Project(Path("."), tuple(written), changed=written)


def traces_of(texts: Mapping[str, str], *kinds: Kind) -> list[Trace]:
    return [trace for trace in audit(project_of(texts)).traces if trace.kind in kinds or not kinds]


def found_in(texts: Mapping[str, str], *kinds: Kind) -> set[tuple[str, int]]:
    """File and line of each."""
    return {(trace.file, trace.line) for trace in traces_of(texts, *kinds)}


def after(texts: Mapping[str, str], *stages: Stage) -> Mapping[str, str]:
    """The texts as these stages leave them, each of them Python."""
    _, changed = migrate(project_of(texts), stages or tuple(Stage))
    for path in changed.paths:
        if path.endswith(".py"):
            ast.parse(changed.texts[path])
    return changed.texts


def lines_with(text: str, mark: str) -> set[int]:
    """Lines, counted from 1, that have this comment."""
    return {number for number, line in enumerate(dedent(text).lstrip("\n").splitlines(), 1) if mark in line}
