"""Stages, patches and files, on small projects."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from aggregator.errors import InputError, OutputError, UsageError
from cli.leaving import project, stages, writing
from cli.leaving.audit import NAMES, audit
from cli.leaving.project import Project
from cli.leaving.traces import Kind, Stage

from .conftest import git


def files_of(root: Path) -> Mapping[str, str]:
    return {path: (root / path).read_text() for path in git(root, "ls-files").split()}


def test_each_patch_applies_on_what_those_before_left(shop: Path, tmp_path: Path) -> None:
    steps, changed = stages.migrate(project.read(shop))
    written = stages.write_patches(steps, tmp_path / "patches")
    assert [path.name for path in written] == [
        *("01-models.patch", "03-middleware.patch", "04-urls.patch", "05-settings.patch"),
        *("06-dependencies.patch", "07-logemit.patch"),
    ]
    for path in written:
        git(shop, "apply", str(path))
    assert files_of(shop) == {path: changed.texts[path] for path in changed.paths}
    assert not [path for path, text in files_of(shop).items() if NAMES.search(text)]


def test_a_patch_is_undone(shop: Path, tmp_path: Path) -> None:
    before = files_of(shop)
    written = stages.write_patches(stages.migrate(project.read(shop))[0], tmp_path / "patches")
    for path in written:
        git(shop, "apply", str(path))
    for path in reversed(written):
        git(shop, "apply", "-R", str(path))
    assert files_of(shop) == before


def test_stages_one_at_a_time_are_all_of_them(shop: Path) -> None:
    at_once = stages.migrate(project.read(shop))[1]
    for stage in Stage:
        writing.write(stages.migrate(project.read(shop), [stage])[1])
    assert files_of(shop) == {path: at_once.texts[path] for path in at_once.paths}


def test_a_second_time_changes_nothing(shop: Path) -> None:
    writing.write(stages.migrate(project.read(shop))[1])
    steps, _ = stages.migrate(project.read(shop))
    assert not any(step.after for step in steps)
    assert not audit(project.read(shop)).traces


def test_what_is_not_touched_stays(shop: Path) -> None:
    text = stages.migrate(project.read(shop))[1].texts["config/settings.py"]
    assert '    "django.middleware.common.CommonMiddleware",  # keep me\n' in text
    assert text.startswith("# Settings.\nINSTALLED_APPS = [\n")


def test_a_dirty_tree_is_refused(shop: Path) -> None:
    writing.refuse_if_dirty(shop)
    (shop / "new.py").write_text("")
    with pytest.raises(UsageError, match=r"not committed, such as new\.py"):
        writing.refuse_if_dirty(shop)


def test_changes_beside_the_folder_are_none_in_it(shop: Path) -> None:
    (shop / "config/new.py").write_text("")
    writing.refuse_if_dirty(shop / "shop")


def test_without_git_nothing_is_written_unasked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="in no git repository"):
        writing.refuse_if_dirty(tmp_path)


def test_files_keep_their_mode_and_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "run.sh"
    path.write_bytes(b"a\r\nb\xff\r\n")
    path.chmod(0o750)
    found = project.read(tmp_path)
    writing.write(found.with_texts({"run.sh": found.texts["run.sh"].replace("a", "c")}))
    assert path.read_bytes() == b"c\r\nb\xff\r\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert os.listdir(tmp_path) == ["run.sh"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    found = project.read(tmp_path).with_texts({"a.txt": "b"})
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="nothing of it was written"):
        writing.write(found)
    tmp_path.chmod(0o700)


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.txt").write_text("a")
    found = project.read(tmp_path).with_texts({"src/a.txt": "b"})
    (tmp_path / "src/a.txt").unlink()
    (tmp_path / "src").rmdir()
    with pytest.raises(OutputError, match="nothing of it was written"):
        writing.write(found)


def test_no_project_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        project.read(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is not a folder"):
        project.read(tmp_path / "file")


@pytest.mark.parametrize("pattern", ["CHANGELOG.md", "docs/**", "docs", "*.md", "docs/CHANGELOG.md"])
def test_files_can_be_left_out(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/CHANGELOG.md").write_text("We left django-prometheus.\n")
    found = project.read(tmp_path)
    assert [trace.line for trace in audit(found).traces] == [1]
    assert not audit(Project(found.root, found.paths, excluded=(pattern,))).traces


def test_what_no_finder_knows_is_a_mention(tmp_path: Path) -> None:
    (tmp_path / "odd.conf").write_text("a\nmodule = prometheus_client\n\nPROMETHEUS_X=1\nprometheus is a titan\n")
    found = audit(project.read(tmp_path)).traces
    assert [(trace.line, trace.kind) for trace in found] == [(2, Kind.MENTION), (4, Kind.MENTION)]
    assert all(trace.doubt for trace in found)


def test_a_file_that_is_broken_python_is_left_and_told(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("import prometheus_client\nprint 'as of old'\n")
    steps, changed = stages.migrate(project.read(tmp_path))
    assert not changed.changed
    assert not any(step.after for step in steps)
    assert [(trace.line, trace.kind) for trace in audit(changed).traces] == [(1, Kind.MENTION)]
