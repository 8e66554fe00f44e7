"""Changed files put into a project, where git could bring back what was there."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from aggregator.errors import OutputError, UsageError

from .project import Project, byte_order_mark, git, is_in


def refuse_if_dirty(root: Path) -> None:
    """Raises UsageError where a change could not be undone by git."""
    changes = git(root, "status", "--porcelain", "--ignore-submodules=all", "--", ".")
    if changes is None:
        raise UsageError(f"{root} is in no git repository, which could undo this; --allow-dirty writes all the same")
    if changes:
        first = changes.splitlines()[0][3:]
        raise UsageError(
            f"{root} has changes that are not committed, such as {first}; commit or stash them; "
            "--allow-dirty writes all the same"
        )


def write(project: Project) -> None:
    """Each changed file whole or not at all, with the mode and the byte order mark that it had. Raises OutputError.

    What cannot be written is found before the first file is replaced. Nothing is written through a link.
    """
    made: dict[Path, str] = {}
    at = project.root
    try:
        for path, text in sorted(project.changed.items()):
            at = project.root / path
            made[at] = _beside(project.root, path, text.encode("utf-8", "surrogateescape"))
        for at in tuple(made):
            os.replace(made[at], at)
            del made[at]
    except OSError as exc:
        raise OutputError(f"{at}: {exc.strerror}; nothing of it was written") from None
    finally:
        for name in made.values():
            with suppress(OSError):
                os.unlink(name)


def _beside(root: Path, path: str, content: bytes) -> str:
    """The name of a file that is to take its place."""
    target = root / path
    if target.is_symlink() or not is_in(root, path):
        raise OutputError(f"{target}: a link leads to it, which was not read; nothing of it was written")
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
    handle, name = tempfile.mkstemp(prefix=".logemit.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(byte_order_mark(target) + content)
        os.chmod(name, mode)
    except OSError:
        with suppress(OSError):
            os.unlink(name)
        raise
    return name
