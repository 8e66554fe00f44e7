"""Writes that outlast a power cut: every step of a commit is one of these, and nothing else changes the output."""

import hashlib
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o666
"""What the umask leaves."""

PUBLIC = 0o644
"""Whatever the umask is."""


def write(path: Path, pieces: Iterable[bytes], mode: int = PRIVATE) -> str:
    """Make a file of this content and bring it to the disk; its SHA-256."""
    digest = hashlib.sha256()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        for piece in pieces:
            digest.update(piece)
            view = memoryview(piece)
            while view:  # a system may take a part only
                view = view[os.write(fd, view) :]
        if mode != PRIVATE:
            os.fchmod(fd, mode)
        os.fsync(fd)
    finally:
        os.close(fd)
    return digest.hexdigest()


def write_whole(path: Path, data: bytes) -> None:
    """The same under a name that is there with all of its content or not at all."""
    temporary = path.with_suffix(".tmp")
    write(temporary, [data])
    rename(temporary, path)
    sync_folder(path.parent)


def rename(source: Path, target: Path) -> None:
    os.replace(source, target)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each known to the one that it is in."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        os.makedirs(path, exist_ok=True)
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def remove_empty(folder: Path) -> None:
    """Remove a folder if nothing is in it."""
    with suppress(OSError):
        os.rmdir(folder)


def remove_tree(folder: Path) -> None:
    """What cannot be removed stays; nobody reads it."""
    shutil.rmtree(folder, ignore_errors=True)


def digest(path: Path) -> str | None:
    """SHA-256 of a file; None where there is none."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
