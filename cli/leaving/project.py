"""A project's files as text. Nothing of it is imported or run, and git is asked without its hooks."""

import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase as fnmatch
from functools import cached_property
from pathlib import Path

from aggregator.errors import InputError

MOST_BYTES = 4 << 20
"""Of one file. Lock files reach some; what is larger is data."""

_NOT_THE_PROJECTS = frozenset(
    {
        *(".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "env", ".env.d", "node_modules", "__pycache__"),
        *("site-packages", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".eggs", "htmlcov"),
    }
)


@dataclass(frozen=True)
class Project:
    """`changed`: texts that differ from those on the disk, by path. Paths are relative, with slashes."""

    root: Path
    paths: tuple[str, ...]
    changed: Mapping[str, str] = field(default_factory=dict)
    passed_over: tuple[tuple[str, str], ...] = ()
    """Files that were not read, and why."""
    excluded: tuple[str, ...] = ()
    """Patterns of files whose traces stay; they are read all the same, as others may need what stands in them."""

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """Of all files that are text."""
        return {path: text for path in self.paths if (text := self._text(path)) is not None}

    def excludes(self, path: str) -> bool:
        """By its whole path, by its name, or by a folder that it is in."""
        name = path.rpartition("/")[2]
        return any(
            fnmatch(path, pattern) or fnmatch(name, pattern) or path.startswith(f"{pattern.rstrip('/')}/")
            for pattern in self.excluded
        )

    def _text(self, path: str) -> str | None:
        if path in self.changed:
            return self.changed[path]
        return _read(self.root / path)

    def with_texts(self, texts: Mapping[str, str]) -> "Project":
        """The same project, with these files changed or new."""
        new = [path for path in texts if path not in self.paths]
        return replace(self, paths=(*self.paths, *new), changed={**self.changed, **texts})


def read(root: Path) -> Project:
    """Of a folder. Raises InputError where it is none."""
    if not root.is_dir():
        found = "is not a folder" if root.exists() else "does not exist"
        raise InputError(f"{root}: {found}; name the folder of a Django project")
    kept: list[str] = []
    passed_over: list[tuple[str, str]] = []
    for path in sorted(_listed(root)):
        reason = _reason_to_pass_over(root / path)
        if reason is None:
            kept.append(path)
        elif reason:
            passed_over.append((path, reason))
    return Project(root, tuple(kept), passed_over=tuple(passed_over))


def _listed(root: Path) -> Iterator[str]:
    """What git knows or would add; without git all files, but for folders that hold others' code."""
    names = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if names is not None:
        yield from {name for name in names.split("\0") if name}
        return
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not _is_foreign(Path(folder, name))]
        for name in files:
            yield Path(folder, name).relative_to(root).as_posix()


def _is_foreign(folder: Path) -> bool:
    return folder.name in _NOT_THE_PROJECTS or (folder / "pyvenv.cfg").exists()


def _reason_to_pass_over(path: Path) -> str | None:
    """None for a file to read, empty for what is no file of the project."""
    try:
        found = path.lstat()
    except OSError:
        return ""  # known to git, and deleted
    if not stat.S_ISREG(found.st_mode):
        return ""  # what a link leads to is read where it stands, if it is the project's
    if found.st_size > MOST_BYTES:
        return f"larger than {MOST_BYTES >> 20} MiB"
    if not os.access(path, os.R_OK):
        return "may not be read"
    return None


def _read(path: Path) -> str | None:
    """None where it is no text. Line ends stay as they are."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("utf-8", "surrogateescape")  # whose bytes can be written again


def git(root: Path, *arguments: str) -> str | None:
    """What git says, None without git or outside a repository. No program that the repository names is run."""
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  no shell, and our own words
    except OSError:
        return None
    return os.fsdecode(done.stdout) if done.returncode == 0 else None
