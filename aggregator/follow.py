"""Logs that were rotated since the last run: what is left of them is read, wherever they are now; what is gone is told.

A log that was read before and that stands no longer where it stood is looked for beside its old name, among the names
that rotation gives; with it everything there that was written since the last run. So a log is followed although only
its own name is given, and although it is rotated while a run is at work.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .positions import Checkpoint
from .sources import Reader

_ROTATED = r"[.-]\d[\w.-]*|(\.(old|bak))?(\.(gz|zst|bz2|xz))?"


@dataclass(frozen=True, slots=True)
class Gap:
    """A source that went away before it was surely read to its end."""

    path: str
    offset: int
    rest: int
    """Bytes known to have stood there unread; what may have followed is not known."""

    def __str__(self) -> str:
        known = f"{self.rest:,} bytes of an unfinished line" if self.rest else "an unknown number of bytes"
        return f"{self.path}: went away after {self.offset:,} bytes were read; lost with it: {known}"


def rotated(reader: Reader) -> Iterator[str]:
    """Files not read yet that hold what is left of logs which stand no longer where they stood."""
    paths: dict[str, list[Checkpoint]] = {}
    for checkpoint in _missed(reader):
        paths.setdefault(checkpoint.path, []).append(checkpoint)
    for path, checkpoints in sorted(paths.items()):
        since = max(checkpoint.met_at for checkpoint in checkpoints)
        for name in _beside(path):
            if reader.is_read(name):
                continue
            head = reader.head(name)
            if _modified_at(name) > since or any(reader.positions.begins(c, head) for c in checkpoints):
                yield name


def gaps(reader: Reader) -> list[Gap]:
    """What is gone; each is told once."""
    found = []
    for checkpoint in _missed(reader):
        reader.positions.mark_gone(checkpoint)
        if checkpoint.rest or not checkpoint.closed:
            found.append(Gap(checkpoint.path, checkpoint.offset, checkpoint.rest))
    return found


def _missed(reader: Reader) -> list[Checkpoint]:
    """Sources not met in this run, although what has their name was read, or nothing has it."""
    unmet = [c for c in reader.positions if c.path and not c.gone and not reader.positions.is_met(c)]
    return [c for c in unmet if reader.is_read(c.path)]


def _beside(path: str) -> list[str]:
    """Files in the folder of a log with the names that rotation gives, the newest first."""
    folder, base = os.path.split(path)
    stem, extension = os.path.splitext(base)
    names = re.compile(rf"{re.escape(base)}({_ROTATED})|{re.escape(stem)}[.-]\d[\w.-]*{re.escape(extension)}(\.\w+)?")
    try:
        found = [str(entry) for entry in Path(folder).iterdir() if names.fullmatch(entry.name) and entry.is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda name: (-_modified_at(name), name))


def _modified_at(name: str) -> int:
    try:
        return os.stat(name).st_mtime_ns // 1000
    except OSError:
        return 0
