"""From traces to changed files, stage by stage: each step is safe by itself, and what it makes possible comes next."""

import ast
import os
import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path

import yaml

from .additions import additions
from .audit import audit
from .project import Project, byte_order_mark
from .traces import Edit, Kind, Stage, Trace, edited

_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # others, as a form feed, end a line for Python only

MOST_ROUNDS = 12
"""A route, its import, its view, what the view imports: a chain longer than this is a defect."""


@dataclass(frozen=True)
class Step:
    """What one stage did: whole texts, before and after, by path."""

    stage: Stage
    before: Mapping[str, str]
    after: Mapping[str, str]
    done: Sequence[Trace]
    marks: Mapping[str, str] = field(default_factory=dict)
    """Byte order marks, which are no part of the texts."""

    @property
    def patch(self) -> str:
        """For `git apply` or `patch -p1`, on what the stages before left."""
        return "".join(
            _patch(path, self.before.get(path, ""), text, self.marks.get(path, ""))
            for path, text in sorted(self.after.items())
        )


def migrate(project: Project, stages: Sequence[Stage] = tuple(Stage)) -> tuple[list[Step], Project]:
    """The stages in their order, and the project as they leave it."""
    steps = []
    for stage in stages:
        step, project = _apply(project, stage)
        steps.append(step)
    return steps, project


def write_patches(steps: Sequence[Step], folder: Path) -> list[Path]:
    """One for each stage that changes something, numbered as stages are. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    numbers = {stage: number for number, stage in enumerate(Stage, 1)}
    for step in steps:
        if step.after:
            written.append(folder / f"{numbers[step.stage]:02}-{step.stage}.patch")
            written[-1].write_text(step.patch, "utf-8", "surrogateescape", newline="")
    return written


def _apply(project: Project, stage: Stage) -> tuple[Step, Project]:
    before, done = project, []
    for _ in range(MOST_ROUNDS):
        edits, traces = _edits(project, stage)
        changed = {path: text for path, text in _texts(project, edits).items() if text != project.texts.get(path)}
        if not changed:
            break
        done += [trace for trace in traces if trace.file in changed]
        project = project.with_texts(changed)
    else:
        raise RuntimeError(f"stage {stage} does not come to an end")
    after = {path: text for path, text in project.changed.items() if text != before.texts.get(path)}
    marks = {path: byte_order_mark(project.root / path).decode() for path in after}
    return Step(stage, {path: before.texts.get(path, "") for path in after}, after, done, marks), project


def _edits(project: Project, stage: Stage) -> tuple[dict[str, list[Edit]], list[Trace]]:
    traces = [
        trace
        for trace in audit(project).traces
        if trace.edits and (trace.stage is stage or trace.kind is Kind.UNUSED_IMPORT)
    ]
    edits: defaultdict[str, list[Edit]] = defaultdict(list)
    for trace in traces:
        edits[trace.file] += trace.edits
    for path, edit in additions(project, stage, traces):
        edits[path].append(edit)
    return edits, traces


def _texts(project: Project, edits: Mapping[str, Sequence[Edit]]) -> dict[str, str]:
    """Only what can still be read as what it was."""
    texts = {path: edited(project.texts.get(path, ""), each) for path, each in edits.items()}
    return {
        path: text
        for path, text in texts.items()
        if not _is_read(path, project.texts.get(path, "")) or _is_read(path, text)
    }


def _is_read(path: str, text: str) -> bool:
    try:
        if path.endswith(".py"):
            ast.parse(text)
        elif path.endswith(".toml"):
            tomllib.loads(text)
        elif path.endswith((".yml", ".yaml")):
            for _ in yaml.parse(text, yaml.SafeLoader):
                pass
    except (SyntaxError, ValueError, RecursionError, MemoryError, yaml.YAMLError):
        return False
    return True


def _patch(path: str, before: str, after: str, mark: str) -> str:
    lines = unified_diff(
        _LINE.findall(mark + before) if before else [],
        _LINE.findall(mark + after),
        _in_header(f"a/{path}") if before else "/dev/null",
        _in_header(f"b/{path}"),
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _in_header(name: str) -> str:
    """As git quotes names that would not stay on their line."""
    if name.isprintable() and not set(name) & set('"\\'):
        return name
    quoted = (chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}" for byte in os.fsencode(name))
    return f'"{"".join(quoted)}"'
