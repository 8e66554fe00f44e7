"""Which files there are."""

import glob
import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from . import compression, rotation
from .compression import TornError
from .content import Content
from .errors import InputError, ReadWriteError, UsageError
from .remote import Object
from .urls import is_url

STDIN = "-"
TAR = "is a tar archive; unpack it (tar -xf) and name the logs that were in it"
Listed = Mapping[str, tuple[int, int] | None]
"""Names, with device and inode of those that are files."""


def find(patterns: Iterable[str]) -> list[str]:
    """The files that paths, folders and globs name, each once, in order; `-` is standard input. URLs are passed over.

    Raises InputError for a pattern that names nothing.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        if not pattern:
            raise UsageError("a source is empty; name log files, folders, globs, or - for standard input")
        try:
            found.update(dict.fromkeys(() if is_url(pattern) else _matches(pattern)))
        except (OSError, ValueError) as exc:  # too long a name, a folder on the way that may not be entered, a NUL
            raise InputError(f"{pattern}: {getattr(exc, 'strerror', None) or exc}; name log files or folders") from None
    return list(found)


def _matches(pattern: str) -> list[str]:
    if pattern == STDIN:
        return [STDIN]
    path = Path(pattern)
    if path.is_dir():
        if not os.access(path, os.R_OK | os.X_OK):
            raise ReadWriteError(f"{pattern}: this folder cannot be read; check its permissions")
        walked = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
        logs = sorted(str(file) for file in walked if _is_log(file, path))
        if not logs:
            raise InputError(f"{pattern}: no logs in this folder; expected names like *.log, *.jsonl, *.log.1, *.gz")
        return logs
    if path.exists():
        if compression.is_tar(head_of(pattern)):
            raise InputError(f"{pattern}: {TAR}")
        return [pattern]
    matches = sorted(name for name in glob.glob(pattern, recursive=True) if os.path.isfile(name))
    if not matches:
        what = "matches no file" if glob.has_magic(pattern) else "no such file or folder"
        raise InputError(f"{pattern}: {what}; name log files, folders, globs, or - for standard input")
    return matches


def _is_log(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    return not hidden and rotation.LOG_NAME.fullmatch(file.name) is not None and file.is_file()


def identities(names: Iterable[str]) -> Listed:
    """Which files have these names now."""
    return {name: _identity(name) for name in names}


def _identity(name: str) -> tuple[int, int] | None:
    if name != STDIN:
        with suppress(OSError):
            status = os.stat(name)
            return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None
    return None


def size(name: str | Object) -> int:
    """Bytes on disk or in the store, for progress; 0 where unknown."""
    if isinstance(name, Object):
        return name.size
    try:
        return 0 if name == STDIN else os.path.getsize(name)
    except OSError:
        return 0


def head_of(name: str) -> bytes:
    """What a file begins with; nothing where it cannot be read."""
    with suppress(OSError, TornError), opened(name) as file:
        return Content(file, os.fstat(file.fileno()).st_size).head()
    return b""


def opened(name: str) -> BinaryIO:
    """Raises OSError also for what is no file: to open a pipe could take for ever."""
    if not os.path.isfile(name):
        raise FileNotFoundError(name)
    return open(name, "rb")
