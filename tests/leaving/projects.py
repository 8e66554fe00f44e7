"""Small projects that django-prometheus is woven into, each differently, and what is known of them.

What is planted was written down by whoever wrote the projects, and by no finder.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cli.leaving.project import Project, read
from cli.leaving.stages import Step, migrate
from tests.conftest import ROOT

HERE = Path(__file__).parent / "projects"
WORDS = r"django[-_.]prometheus|prometheus[-_.]client|PROMETHEUS_"
NAMES = ("bookshop", "clinic", "market", "transit")


@dataclass(frozen=True, slots=True)
class Planted:
    """`line` counts from 1. `becomes`: the lines that migrate leaves of it, stripped. `stays`: a person goes on."""

    file: str
    line: int
    lines: int
    kind: str
    becomes: tuple[str, ...]
    stays: bool


@cache
def truth(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / name / "planted.toml").read_text())


@cache
def planted(name: str) -> tuple[Planted, ...]:
    return tuple(_planted(original(name), **row) for row in truth(name)["traces"])


def _planted(
    project: Project,
    *,
    file: str,
    text: str,
    kind: str,
    nth: int = 1,
    lines: int = 1,
    becomes: list[str] | None = None,
    keeps: bool = False,
    stays: str = "",
) -> Planted:
    stripped = stripped_lines(project.texts[file])
    found = [line for line, each in enumerate(stripped, 1) if each == text]
    assert len(found) >= nth, f"{file}: {text}"
    line = found[nth - 1]
    own = tuple(stripped[line - 1 : line - 1 + lines])
    after = tuple(becomes) if becomes is not None else own if keeps or stays else ()
    return Planted(file, line, lines, kind, after, bool(stays))


def stripped_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


@cache
def original(name: str) -> Project:
    return read(HERE / name / "project")


@cache
def migrated(name: str) -> tuple[list[Step], Project]:
    return migrate(original(name))


def copied(name: str, folder: Path) -> Path:
    """The project in a folder of its own, as git would check it out."""
    for path, text in original(name).texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / name / "project" / path, folder / path)
        assert (folder / path).read_bytes().decode() == text
    return folder


def write(folder: Path, project: Project) -> None:
    """What is changed in it."""
    for path, text in project.changed.items():
        (folder / path).write_bytes(text.encode())


def applied(folder: Path, patch: str) -> None:
    """With `git apply`, as who keeps the patches would."""
    done = subprocess.run(
        ["git", "apply", "--unsafe-paths", f"--directory={folder}", "-"],
        input=patch, cwd="/", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def python(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """In a project, with the logemit of this checkout; its events go nowhere unless told."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "LOGEMIT_", "DJANGO_", "PROMETHEUS_"))
    }
    env = {**kept, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "LOGEMIT_OUTPUT": "/dev/null", **variables}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def expected_lines(name: str, path: str) -> list[str]:
    """Of a file after all stages, by what is known of it: stripped lines, without blank ones and without what is
    added."""
    before = stripped_lines(original(name).texts[path])
    lines = [[line] for line in before]
    for each in planted(name):
        if each.file == path and list(each.becomes) != before[each.line - 1 : each.line - 1 + each.lines]:
            lines[each.line - 1] = list(each.becomes)
            for place in range(each.line, each.line - 1 + each.lines):
                lines[place] = []
    follows = [each["text"] for each in truth(name).get("follows", ()) if each["file"] == path]
    kept = list(_without(follows, [line for group in lines for line in group if line]))
    assert not follows, f"{path} has none of {follows}"
    return kept


def _without(doomed: list[str], lines: list[str]) -> Iterator[str]:
    for line in lines:
        if line in doomed:
            doomed.remove(line)
        else:
            yield line


def searched(folder: Path) -> set[tuple[str, int]]:
    """Files and lines in which a search for words finds it."""
    done = subprocess.run(["grep", "-rniE", WORDS, "."], cwd=folder, capture_output=True, text=True, check=False)
    rows = [line.split(":", 2) for line in done.stdout.splitlines()]
    return {(path.removeprefix("./"), int(line)) for path, line, _ in rows}
