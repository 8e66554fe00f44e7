"""Changed files put into a project, where git could bring back what was there."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from aggregator.errors import OutputError, UsageError

from .project import Project, git


def refuse_if_dirty(root: Path) -> None:
    """Raises UsageError where a change could not be undone by git."""
    changes = git(root, "status", "--porcelain", "--", ".")
    if changes is None:
        raise UsageError(f"{root} is in no git repository, which could undo this; --allow-dirty writes all the same")
    if changes:
        first = changes.splitlines()[0][3:]
        raise UsageError(
            f"{root} has changes that are not committed, such as {first}; commit or stash them; "
            "--allow-dirty writes all the same"
        )


def write(project: Project) -> None:
    """Each changed file whole or not at all, with the mode that it had. Raises OutputError."""
    for path, text in sorted(project.changed.items()):
        _replace(project.root / path, text.encode("utf-8", "surrogateescape"))


def _replace(path: Path, content: bytes) -> None:
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as exc:
        raise OutputError(f"{path}: {exc.strerror}; nothing of it was written") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, mode)
        os.replace(name, path)
    except OSError as exc:
        with suppress(OSError):
            os.unlink(name)
        raise OutputError(f"{path}: {exc.strerror}; it is as it was") from None
