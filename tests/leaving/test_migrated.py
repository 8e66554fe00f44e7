"""What migrate does to whole projects: after each stage they work, and nothing is touched but what was planted."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from cli.leaving.audit import audit
from cli.leaving.project import read
from cli.leaving.stages import migrate
from cli.leaving.traces import Stage
from tests.scale import scaled

from .projects import (
    NAMES,
    applied,
    copied,
    expected_lines,
    migrated,
    original,
    planted,
    python,
    stripped_lines,
    truth,
    write,
)

pytestmark = pytest.mark.usefixtures("django_prometheus")
FORMATTED = ("bookshop",)
"""Those that keep to a formatter."""


@pytest.mark.parametrize("name", NAMES[: scaled(1, 4, 4)])
def test_after_each_stage_the_app_works(name: str, tmp_path: Path) -> None:
    folder = copied(name, tmp_path)
    for step in migrated(name)[0]:
        write(folder, original(name).with_texts(step.after))
        if not any(path.endswith(".py") for path in step.after):
            continue
        done = python(folder, "manage.py", "test")  # which runs the checks, too
        assert done.returncode == 0, f"{step.stage}\n{done.stderr}"
        assert "System check identified no issues" in done.stdout + done.stderr, step.stage
        assert "Ran 0 tests" not in done.stderr
        if step.stage is Stage.MODELS:
            done = python(folder, "manage.py", "makemigrations", "--check", "--dry-run")
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_only_what_was_planted_is_changed(name: str) -> None:
    texts = migrated(name)[1].texts
    assert texts.keys() >= original(name).texts.keys()
    for path, text in texts.items():
        expected = Counter(expected_lines(name, path)) if path in original(name).texts else Counter()
        expected += Counter(truth(name).get("adds", {}).get(path, ()))
        found = Counter(line for line in stripped_lines(text) if line)
        assert (found - expected, expected - found) == (Counter(), Counter()), path


@pytest.mark.parametrize("name", NAMES)
def test_what_is_left_is_what_a_person_has_to_do(name: str) -> None:
    left = audit(migrated(name)[1]).traces
    expected = Counter((each.file, each.kind, each.becomes[0]) for each in planted(name) if each.stays)
    assert Counter((trace.file, str(trace.kind), trace.text) for trace in left) == expected
    assert [trace.text for trace in left if trace.edits] == []
    assert [trace.text for trace in left if not (trace.doubt or trace.waits)] == []


@pytest.mark.parametrize("name", NAMES)
def test_lines_that_stay_are_the_same_to_the_byte_and_in_their_order(name: str) -> None:
    project = original(name)
    for path, text in migrated(name)[1].texts.items():
        before, after = project.texts.get(path, "").splitlines(), text.splitlines()
        kept = Counter(after) & Counter(before)
        adds = {*truth(name).get("adds", {}).get(path, ())}
        assert [line for line in before if line.strip() and kept[line]] != [] or not before
        unchanged = Counter(before) - kept
        gone = {line.strip() for line in unchanged if line.strip()}
        covered = {
            stripped_lines(project.texts[path])[line - 1]
            for each in planted(name)
            if each.file == path
            for line in range(each.line, each.line + each.lines)
        }
        covered |= {each["text"] for each in truth(name).get("follows", ()) if each["file"] == path}
        assert gone <= covered | adds, path
        assert in_order(before, after, kept), path


def in_order(before: list[str], after: list[str], kept: Counter[str]) -> bool:
    """Lines that stand once in each stand in the same order."""
    once = {line for line in kept if before.count(line) == after.count(line) == 1}
    return [line for line in before if line in once] == [line for line in after if line in once]


@pytest.mark.parametrize("name", NAMES)
def test_each_patch_applies_to_what_the_stages_before_left(name: str, tmp_path: Path) -> None:
    folder = copied(name, tmp_path)
    steps, project = migrated(name)
    assert [step.stage for step in steps] == list(Stage)
    assert sum(bool(step.after) for step in steps) > 3
    for step in steps:
        assert bool(step.patch) == bool(step.after)
        if step.patch:
            applied(folder, step.patch)
        for path, text in step.after.items():
            assert (folder / path).read_bytes() == text.encode()
    assert read(folder).texts == project.texts


@pytest.mark.parametrize("name", NAMES)
def test_a_second_run_and_single_stages_come_to_the_same(name: str, tmp_path: Path) -> None:
    folder = copied(name, tmp_path)
    steps, project = migrated(name)
    write(folder, project)
    again, left = migrate(read(folder))
    assert [step.after for step in again] == [{}] * len(again)
    assert left.texts == project.texts
    folder = copied(name, tmp_path / "single")
    for step in steps:
        (alone,), changed = migrate(read(folder), [step.stage])
        assert alone.patch == step.patch
        write(folder, changed)


@pytest.mark.parametrize("name", FORMATTED)
def test_what_is_formatted_stays_so(name: str, tmp_path: Path) -> None:
    folder = copied(name, tmp_path)
    assert complaints(folder) == ""
    write(folder, migrated(name)[1])
    assert complaints(folder) == ""


def complaints(folder: Path) -> str:
    told = ""
    for command in ("format --check", "check"):
        ruff = [sys.executable, "-m", "ruff", *command.split(), "--no-cache", "."]
        done = subprocess.run(ruff, cwd=folder, capture_output=True, text=True, check=False)
        told += done.stdout * bool(done.returncode)
    return told
