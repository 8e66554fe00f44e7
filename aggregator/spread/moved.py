"""Files that were renamed after their slices were made, as rotation does."""

import os
from contextlib import suppress
from dataclasses import replace
from typing import BinaryIO

from .. import rotation
from ..content import Content, digest
from .slices import FilePart, Part, Slice


def content_of(file: BinaryIO, part: FilePart) -> Content | None:
    """Of the file that a part is of; None of another."""
    is_there = file.seek(0, os.SEEK_END) >= part.length
    content = Content(file, part.length)
    if not is_there or content.is_packed != part.is_packed:
        return None
    head = content.packed() or digest(content.head())
    is_it = head == part.head and (not part.tail or tail_of(content, part.length) == part.tail)
    return content if is_it else None


def tail_of(content: Content, offset: int) -> str:
    """Digest of what stands before that; "" where it ends before."""
    return next((digest(tail) for _, tail in content.tails([offset])), "")


def followed(parts: Slice) -> Slice:
    """The same parts, by where they stand now."""
    return tuple(_followed(part) if isinstance(part, FilePart) and not part.stored else part for part in parts)


def _followed(part: FilePart) -> Part:
    for path in [part.path, *_rotated(part.path)]:
        with suppress(OSError), open(path, "rb") as file:
            if content_of(file, part):
                return replace(part, path=path)
    return part


def _rotated(path: str) -> list[str]:
    """Files beside it that may have been it."""
    with suppress(OSError), os.scandir(os.path.dirname(path)) as entries:
        return sorted(entry.path for entry in entries if entry.is_file() and path in rotation.bases(entry.path))
    return []
