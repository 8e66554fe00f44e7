"""Logs that were rotated since the last run: what is left of them is read, wherever they are now; what is gone is told.

A log that was read before and that stands no longer where it stood is looked for beside its old name, among the names
that rotation gives; with it everything there that was written since the last run. So a log is followed although only
its own name is given, and although it is rotated while a run is at work.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from . import rotation
from .positions import REMEMBERED, Checkpoint
from .reading import Reader
from .sources import Listed, head_of

COMPARED = 20
"""Sources that are looked into, of many with the same beginning, before a gap is told."""


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
    """Files not read yet that hold what is left of logs which stand no longer where they stood, or grew there."""
    families: dict[str, list[Checkpoint]] = {}
    for checkpoint in _unmet(reader):
        origin = checkpoint.origin or checkpoint.path
        if reader.is_read(origin) and not _is_unchanged(checkpoint, reader):
            families.setdefault(origin, []).append(checkpoint)
    folders: dict[str, dict[str, list[str]]] = {}
    for origin, checkpoints in sorted(families.items()):
        since = max(checkpoint.modified_at or checkpoint.met_at for checkpoint in checkpoints)
        targets = {checkpoint.target for checkpoint in checkpoints if checkpoint.target}
        for name in sorted({*targets, *_beside({origin, *targets}, folders)}, key=lambda n: (-_modified_at(n), n)):
            if reader.is_read(name):
                continue
            if not os.access(name, os.R_OK):
                reader.warn(f"{name}: a rotated log that cannot be read; check its permissions")
            elif _modified_at(name) > since or _begins(reader, name, checkpoints):
                yield name


def displaced(reader: Reader, listed: Listed) -> Iterator[str]:
    """Where files stand now that were listed when the run began, and were renamed before they were opened."""
    for name, (_, inode) in reader.unread(listed).items():
        with suppress(OSError), os.scandir(os.path.dirname(name) or ".") as entries:
            yield from [entry.path for entry in entries if entry.inode() == inode and entry.is_file()][:1]
    reader.vanished = len(reader.unread(listed))


def gaps(reader: Reader) -> list[Gap]:
    """What is gone; each is told once."""
    found = []
    met = _met_by_origin(reader)
    for checkpoint in _unmet(reader):
        if not reader.is_read(checkpoint.path):
            continue
        reader.positions.mark_gone(checkpoint)
        if not checkpoint.rest and (checkpoint.closed or checkpoint.is_quiet or not checkpoint.offset):
            continue
        others = [*met[checkpoint.origin], *met[checkpoint.head]][:COMPARED]
        if not any(_goes_on(reader, checkpoint, other) for other in others):
            found.append(Gap(checkpoint.path, checkpoint.offset, checkpoint.rest))
    if reader.positions.met > REMEMBERED:
        reader.warn(
            f"{reader.positions.met:,} sources were read, and {REMEMBERED:,} are remembered: the next run reads the "
            "others again; name fewer"
        )
    return found


def _unmet(reader: Reader) -> list[Checkpoint]:
    return [c for c in reader.positions if c.path and not c.gone and not reader.positions.is_met(c)]


def _is_unchanged(checkpoint: Checkpoint, reader: Reader) -> bool:
    """Whether a log that was rotated before still stands where it was met, and nothing was added to it."""
    try:
        status = os.stat(checkpoint.path)
    except OSError:
        return False
    grown = not checkpoint.packed and status.st_size != checkpoint.offset + checkpoint.rest
    return status.st_mtime_ns // 1000 == checkpoint.modified_at and not grown and not reader.is_read(checkpoint.path)


def _met_by_origin(reader: Reader) -> dict[str, list[Checkpoint]]:
    """What was met in this run, by how it begins and by where it was written."""
    found: dict[str, list[Checkpoint]] = defaultdict(list)
    for checkpoint in reader.positions:
        if reader.positions.is_met(checkpoint):
            for key in (checkpoint.head, checkpoint.origin):
                found[key].append(checkpoint)
    return found


def _goes_on(reader: Reader, checkpoint: Checkpoint, other: Checkpoint) -> bool:
    """Whether all that was read of a source stands in another: it was a copy, or was copied."""
    if not checkpoint.offset:
        return reader.begins(other, checkpoint)
    return other.offset > checkpoint.offset and reader.holds(other.path, other, checkpoint.offset, checkpoint.tail)


def _begins(reader: Reader, name: str, checkpoints: list[Checkpoint]) -> bool:
    keys = {checkpoint.key for checkpoint in checkpoints}
    return any(checkpoint.key in keys for checkpoint in reader.positions.beginning(head_of(name)))


def _beside(bases: Iterable[str], folders: dict[str, dict[str, list[str]]]) -> Iterator[str]:
    """Files with the names that the rotation of these logs gives."""
    for base in bases:
        folder = os.path.dirname(base)
        if folder not in folders:
            folders[folder] = _rotated_in(folder)
        yield from folders[folder].get(base, ())


def _rotated_in(folder: str) -> dict[str, list[str]]:
    """The files of a folder by the logs that they may have been."""
    found: dict[str, list[str]] = defaultdict(list)
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            for base in rotation.bases(entry.path) if entry.is_file() else ():
                found[base].append(entry.path)
    return found


def _modified_at(name: str) -> int:
    try:
        return os.stat(name).st_mtime_ns // 1000
    except OSError:
        return 0
