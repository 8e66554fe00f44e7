"""A project's files as text. Nothing of it is imported or run, and git is asked without its hooks."""

import codecs
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase as fnmatch
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from aggregator.errors import InputError

MOST_BYTES = 4 << 20
"""Of one file. Lock files reach some; what is larger is data."""

MOST_SECONDS = 60
"""For git, which can be made to wait: a pipe in the place of a .gitignore has no end."""

_OF_ANOTHER_REPOSITORY = frozenset(
    "GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX GIT_COMMON_DIR GIT_OBJECT_DIRECTORY GIT_NAMESPACE".split()
)
"""Which a hook of git's sets for what it runs."""

_NOT_THE_PROJECTS = frozenset(
    {
        *(".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "env", ".env.d", "node_modules", "__pycache__"),
        *("site-packages", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".eggs", "htmlcov"),
    }
)


@dataclass(frozen=True, eq=False)
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
        """Of all files that are text, without byte order marks."""
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
        made = replace(self, paths=(*self.paths, *new), changed={**self.changed, **texts})
        vars(made)["as_found"] = self.as_found  # which is read once
        return made

    @cached_property
    def as_found(self) -> "Project":
        """As it is on the disk."""
        return replace(self, changed={}) if self.changed else self


def read(root: Path) -> Project:
    """Of a folder. Raises InputError where it is none."""
    if not root.is_dir():
        found = "is not a folder" if root.exists() else "does not exist"
        raise InputError(f"{root}: {found}; name the folder of a Django project")
    kept: list[str] = []
    passed_over: list[tuple[str, str]] = []
    for path in sorted(_listed(root)):
        reason = _reason_to_pass_over(root, path)
        if reason is None:
            kept.append(path)
        elif reason:
            passed_over.append((path, reason))
    return Project(root, tuple(kept), passed_over=tuple(passed_over))


def _listed(root: Path) -> Iterator[str]:
    """What git knows or would add; without git all files, but for folders that hold others' code."""
    names = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if names:
        yield from {name for name in names.split("\0") if name}
        return
    waiting = [root]  # not in a repository, or ignored by the one around it
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                found = list(entries)
        except OSError:
            continue
        for entry in found:
            if not entry.is_dir(follow_symlinks=False):
                yield Path(entry.path).relative_to(root).as_posix()
            elif not _is_foreign(Path(entry.path)):
                waiting.append(Path(entry.path))


def _is_foreign(folder: Path) -> bool:
    return folder.name in _NOT_THE_PROJECTS or (folder / "pyvenv.cfg").exists()


def _reason_to_pass_over(root: Path, path: str) -> str | None:
    """None for a file to read, empty for what is no file of the project."""
    if not is_in(root, path):
        return ""
    try:
        found = (root / path).lstat()
    except OSError:
        return ""  # known to git, and deleted
    if not stat.S_ISREG(found.st_mode):
        return ""  # what a link leads to is read where it stands, if it is the project's
    if found.st_size > MOST_BYTES:
        return f"larger than {MOST_BYTES >> 20} MiB"
    try:
        with _opened(root / path) as file:
            start = file.read(2)
    except OSError:
        return "may not be read"
    return "written in UTF-16; save it as UTF-8" if start in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} else None


def is_in(root: Path, path: str) -> bool:
    """Whether no link leads to where it stands: one could lead out of the project."""
    folder = (root / path).parent
    try:
        return folder.resolve() == root.resolve() / folder.relative_to(root)
    except (OSError, RuntimeError, ValueError):
        return False


def byte_order_mark(path: Path) -> bytes:
    """With which a file begins, which is no part of its text."""
    try:
        with _opened(path) as file:
            return codecs.BOM_UTF8 if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else b""
    except OSError:
        return b""


def _opened(path: Path) -> BinaryIO:
    """For reading; fails for a link, and does not wait where something else took the file's place."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")


def _read(path: Path) -> str | None:
    """None where it is no text. Line ends stay as they are, and bytes that are not UTF-8 can be written again."""
    try:
        with _opened(path) as file:
            content = file.read(MOST_BYTES + 1)
    except OSError:
        return None
    if b"\0" in content or len(content) > MOST_BYTES:
        return None
    return content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")


def git(root: Path, *arguments: str) -> str | None:
    """What git says, None without git (2.31 or later) or outside a repository.

    No program that the repository names is run: what could name one is set to nothing, by a way that earlier ones lack.
    """
    scopes = _run_git(root, "config", "--list", "--show-scope", "--name-only", "-z", "--includes")
    if scopes is None:
        return None
    words = scopes.split("\0")
    if "command" not in words[::2]:
        return None
    filters = {
        key.rpartition(".")[0]
        for scope, key in zip(words[::2], words[1::2], strict=False)
        if scope not in {"system", "global", "command"} and key.startswith("filter.")
    }
    off = [f"{name}.{key}" for name in sorted(filters) for key in ("clean", "smudge", "process")]
    return _run_git(
        root, *arguments, settings={**dict.fromkeys(off, ""), **{f"{f}.required": "false" for f in filters}}
    )


def _run_git(root: Path, *arguments: str, settings: Mapping[str, str] = MappingProxyType({})) -> str | None:
    """`settings` outdo those of the repository, whatever their names."""
    every = {"core.fsmonitor": "false", "core.hooksPath": os.devnull, "protocol.allow": "never", **settings}
    environment = {
        **{name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_REPOSITORY},
        **{f"GIT_CONFIG_KEY_{number}": name for number, name in enumerate(every)},
        **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(every.values())},
        "GIT_CONFIG_COUNT": str(len(every)),
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
    }
    try:
        done = subprocess.run(  # noqa: S603  no shell, and our own words
            ["git", "--no-optional-locks", "-C", str(root), *arguments],  # noqa: S607  the user's git
            capture_output=True,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=MOST_SECONDS,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return os.fsdecode(done.stdout) if done.returncode == 0 else None
