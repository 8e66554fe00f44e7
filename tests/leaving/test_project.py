"""Reading and writing a project that may be anything: what is no file of it is not read, and nothing of it runs."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from aggregator.errors import InputError, OutputError, UsageError
from cli.leaving.project import MOST_BYTES, byte_order_mark, read
from cli.leaving.stages import Step
from cli.leaving.traces import Stage
from cli.leaving.writing import refuse_if_dirty, write

from ..conftest import tool
from .small import project


def git(root: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    done = subprocess.run([tool("git", "git"), *identity, *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


def without_git(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", str(folder / "nothing"))


@pytest.mark.parametrize(
    "content",
    [
        b"a = 1\r\nb = 2\r\n",
        b"a = 1\rb",
        b"\xef\xbb\xbfa = 1\n",
        b"# caf\xe9 \xff\xfe\n",
        "# ä \U0001f600 \u2028\n".encode(),
        b"",
        b"no end",
        b"\x0c\x1b[31m\n",
    ],
)
def test_what_is_read_is_written_byte_for_byte(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(content)
    path.chmod(0o751)
    found = read(tmp_path)
    write(found.with_texts({"a.py": found.texts["a.py"]}))
    assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o751
    write(found.with_texts({"a.py": found.texts["a.py"] + "new\n"}))
    assert path.read_bytes() == content + b"new\n"
    assert os.listdir(tmp_path) == ["a.py"]


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"\xef\xbb\xbfa = 1\n")
    assert read(tmp_path).texts == {"a.py": "a = 1\n"}


def test_only_regular_files_of_text_are_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    root = tmp_path / "root"
    for folder in (outside, root, root / "a" / "b", root / "locked", root / ".venv", root / "mine"):
        folder.mkdir(parents=True)
    (outside / "secret.py").write_text("secret\n")
    (root / "a" / "b" / "c.py").write_text("c\n")
    (root / "binary").write_bytes(b"a\0b")
    (root / "utf16.txt").write_bytes("django-prometheus\n".encode("utf-16"))
    (root / "huge.sql").write_bytes(b"x" * (MOST_BYTES + 1))
    (root / ".venv" / "x.py").write_text("x\n")
    (root / "mine" / "pyvenv.cfg").write_text("x\n")
    (root / "new\nline\x1b.py").write_text("n\n")
    (root / os.fsdecode(b"caf\xe9.py")).write_text("e\n")
    (root / "link.py").symlink_to(outside / "secret.py")
    (root / "linked").symlink_to(outside)
    (root / "loop").symlink_to(root)
    (root / "round").symlink_to(root / "round")
    (root / "dangling").symlink_to(root / "nothing")
    os.mkfifo(root / "pipe.py")
    found = read(root)
    assert sorted(found.texts) == sorted(["a/b/c.py", "new\nline\x1b.py", os.fsdecode(b"caf\xe9.py")])
    assert dict(found.passed_over) == {
        "huge.sql": "larger than 4 MiB",
        "utf16.txt": "written in UTF-16; save it as UTF-8",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything; run it as another user")
def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a\n")
    (tmp_path / "a.py").chmod(0)
    assert read(tmp_path).passed_over == (("a.py", "may not be read"),)


def test_folders_may_be_deep(tmp_path: Path) -> None:
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(1050):
            os.mkdir("d")
            os.chdir("d")
        Path("x.py").write_text("x\n")
        assert list(read(tmp_path).texts.values()) == ["x\n"]
    finally:
        Path("x.py").unlink(missing_ok=True)
        while Path.cwd() != tmp_path:  # by steps: what cleans up behind the tests goes down by calling itself
            os.chdir("..")
            os.rmdir("d")
        os.chdir(here)


def test_it_has_to_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, reason in (("file", "is not a folder"), ("nothing", "does not exist")):
        with pytest.raises(InputError, match=reason):
            read(tmp_path / name)


def test_git_tells_what_is_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init")
    names = ("site/app/a.py", "site/app/new.py", "site/ignored.py", "other.py")
    project(tmp_path, dict.fromkeys(names, "x\n") | {".gitignore": "ignored.py\n"})
    git(tmp_path, "add", "site/app/a.py", ".gitignore")
    (tmp_path / "site" / "app" / "gone.py").write_text("")
    git(tmp_path, "add", "site/app/gone.py")
    (tmp_path / "site" / "app" / "gone.py").unlink()
    assert sorted(read(tmp_path / "site").texts) == ["app/a.py", "app/new.py"]
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))  # as within a hook of another repository
    assert sorted(read(tmp_path / "site").texts) == ["app/a.py", "app/new.py"]
    without_git(monkeypatch, tmp_path)
    assert sorted(read(tmp_path / "site").texts) == ["app/a.py", "app/new.py", "ignored.py"]


def test_a_folder_that_a_repository_around_it_ignores_is_read(tmp_path: Path) -> None:
    git(tmp_path, "init")
    project(tmp_path, {".gitignore": "work/\n", "work/a.py": "a\n"})
    assert list(read(tmp_path / "work").texts) == ["a.py"]


def test_a_folder_that_became_a_link_leads_nowhere(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    outside.mkdir()
    (outside / "a.py").write_text("secret\n")
    project(root, {"folder/a.py": "a\n"})
    found = read(root)
    git(root, "init")
    git(root, "add", ".")
    (root / "folder" / "a.py").unlink()
    (root / "folder").rmdir()
    (root / "folder").symlink_to(outside)
    assert read(root).texts == {}
    with pytest.raises(OutputError, match="a link leads to it"):
        write(found.with_texts({"folder/a.py": "b\n"}))
    assert (outside / "a.py").read_text() == "secret\n"


def test_nothing_that_a_repository_names_is_run(tmp_path: Path) -> None:
    root, marker = tmp_path / "root", tmp_path / "ran"
    project(
        root,
        {"a.py": "a\n", "b.py": "b\n", ".gitattributes": "* filter=a=b diff=x\n*.txt filter=plain\n", "c.txt": "c\n"},
    )
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "all")
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\necho ran $0 $* >> {marker}\ncat\n")
    script.chmod(0o755)
    hooks = root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "fsmonitor-watchman", "pre-commit", "post-checkout", "reference-transaction"):
        (hooks / name).unlink(missing_ok=True)
        (hooks / name).symlink_to(script)
    (root / ".git" / "config").write_text(f"""\
[core]
\trepositoryformatversion = 0
\tfsmonitor = {script}
\thooksPath = {hooks}
\tpager = {script}
\teditor = {script}
\tsshCommand = {script}
\talternateRefsCommand = {script}
\tgitProxy = {script}
[filter "a=b"]
\tclean = {script}
\tsmudge = {script}
\trequired = true
[filter "plain"]
\tprocess = {script}
\tclean = {script}
[diff "x"]
\ttextconv = {script}
\tcommand = {script}
[diff]
\texternal = {script}
[alias]
\tls-files = !{script}
\tstatus = !{script}
[interactive]
\tdiffFilter = {script}
""")
    for name in ("a.py", "c.txt"):
        (root / name).write_text((root / name).read_text())  # of another time: git has to look into it
        os.utime(root / name, (1, 1))
    assert sorted(read(root).texts) == [".gitattributes", "a.py", "b.py", "c.txt"]
    refuse_if_dirty(root)
    (root / "a.py").write_text("new\n")
    with pytest.raises(UsageError, match=r"not committed, such as a\.py"):
        refuse_if_dirty(root)
    assert not marker.exists()
    git(root, "status")
    assert marker.exists()  # by git itself they are run: the test would notice


def test_links_are_not_written(tmp_path: Path) -> None:
    found = project(tmp_path, {"a.py": "a\n", "b.py": "b\n"})
    (tmp_path / "target").write_text("a\n")
    (tmp_path / "b.py").unlink()
    (tmp_path / "b.py").symlink_to(tmp_path / "target")
    with pytest.raises(OutputError, match="a link leads to it"):
        write(found.with_texts({"a.py": "new\n", "b.py": "new\n"}))
    assert (tmp_path / "target").read_text() == "a\n"
    assert (tmp_path / "a.py").read_text() == "a\n"  # found before anything is written
    assert sorted(os.listdir(tmp_path)) == ["a.py", "b.py", "target"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.py", b"\xef\xbb\xbfimport django_prometheus\n"),
        ("a b.py", b"x = 1\n\x0c\nimport django_prometheus\n# \xe2\x80\xa8 \xe9\n"),
        ('new\nline\t"x\\.py', b"import django_prometheus\r\nx = 1"),
        ("caf\u00e9.py", b"import django_prometheus"),
    ],
)
def test_patches_apply_to_any_text_under_any_name(tmp_path: Path, name: str, content: bytes) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / name).write_bytes(content)
    git(root, "init")
    found = read(root)
    before = found.texts[name]
    after = before.replace("import django_prometheus", "import logemit")
    step = Step(Stage.CODE, {name: before}, {name: after}, (), {name: byte_order_mark(root / name).decode()})
    (tmp_path / "patch").write_bytes(step.patch.encode("utf-8", "surrogateescape"))
    git(root, "apply", "--verbose", str(tmp_path / "patch"))
    assert (root / name).read_bytes() == content.replace(b"import django_prometheus", b"import logemit")
