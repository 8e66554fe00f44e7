"""How far each source was read. A source is known by what it begins with, a position by what stands before it.

A source is the SHA-256 of its first decompressed bytes (up to 1,024), a position the decompressed offset at a line end
and the hash of the 64 KiB before it. Name, inode and time are not trusted: so a file that was renamed, copied,
truncated or compressed since is recognised, and one that was rewritten is read from its start.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from .lines import Lines

FINGERPRINT_BYTES = 1024
DAY = 86_400_000_000
FORGET_AFTER = 90 * DAY
"""Microseconds after which a source that was not met is forgotten."""

REMEMBERED = 10_000
"""Sources known at most; those met last stay."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far one source was read: `offset` decompressed bytes, `lines` lines. Times are microseconds since 1970.

    What follows `lines` only helps to tell what is lost when a source goes away.
    """

    head_bytes: int
    head: str
    offset: int
    tail: str
    lines: int
    path: str = ""
    met_at: int = 0
    rest: int = 0
    """Bytes of a last line without its end."""
    packed: str = ""
    """Digest of a compressed file, which need not be unpacked again while it is the same."""
    closed: bool = False
    """Nothing more is expected: it was compressed or renamed, or has not grown for a day."""
    gone: bool = False
    """Not there any more, and that was told."""

    @property
    def key(self) -> tuple[str, int, str]:
        return self.head, self.offset, self.tail


@dataclass(frozen=True, slots=True)
class Look:
    """What a file was when it was opened."""

    path: str
    modified_at: int
    packed: str


class Positions:
    """The checkpoints of all sources, moved on as they are read."""

    def __init__(self, checkpoints: Iterable[Checkpoint] = (), now: int = 0) -> None:
        self._known = {c.key: c for c in checkpoints}
        self._now = now
        self._met: set[tuple[str, int, str]] = set()

    def __iter__(self) -> Iterator[Checkpoint]:
        return iter(list(self._known.values()))

    def recognise(self, head: bytes, tail_before: Callable[[int], bytes]) -> tuple[Checkpoint | None, bytes]:
        """The furthest checkpoint of a content that begins with `head`, and the bytes before its offset."""
        digests = {n: digest(head[:n]) for n in {c.head_bytes for c in self._known.values()} if n <= len(head)}
        fitting = [c for c in self._known.values() if digests.get(c.head_bytes) == c.head]
        for checkpoint in sorted(fitting, key=lambda c: c.offset, reverse=True):
            tail = tail_before(checkpoint.offset)
            if digest(tail) == checkpoint.tail:
                return checkpoint, tail
        return None, b""

    def begins(self, checkpoint: Checkpoint, head: bytes) -> bool:
        return digest(head[: checkpoint.head_bytes]) == checkpoint.head

    def unpacked(self, look: Look) -> bool:
        """Whether a compressed file was read whole before; it counts as met."""
        known = next((c for c in self._known.values() if look.packed and c.packed == look.packed), None)
        if known is not None:
            self._meet(replace(known, path=look.path, met_at=self._now, closed=True, gone=False))
        return known is not None

    def move(self, known: Checkpoint | None, look: Look, head: bytes, lines: Lines, *, torn: bool) -> None:
        """A source was read up to where `lines` ends."""
        if known is not None and known.key in self._known:
            del self._known[known.key]
            self._met.discard(known.key)
        begin = head[: lines.offset]
        grown = known is None or lines.offset > known.offset
        whole = bool(look.packed) and not torn
        moved = known is not None and bool(known.path) and known.path != look.path
        quiet = self._now - look.modified_at >= DAY
        kept_closed = known is not None and known.closed and not grown
        self._meet(
            Checkpoint(
                len(begin),
                digest(begin),
                lines.offset,
                digest(lines.tail),
                lines.lines,
                path=look.path,
                met_at=self._now,
                rest=lines.rest_bytes,
                packed=look.packed if whole else "",
                closed=whole or (not torn and (moved or quiet or kept_closed)),
            )
        )

    def _meet(self, checkpoint: Checkpoint) -> None:
        self._known[checkpoint.key] = checkpoint
        self._met.add(checkpoint.key)

    def is_met(self, checkpoint: Checkpoint) -> bool:
        return checkpoint.key in self._met

    def mark_gone(self, checkpoint: Checkpoint) -> None:
        self._known[checkpoint.key] = replace(checkpoint, gone=True)

    def remembered(self) -> list[Checkpoint]:
        """What the next run shall know."""
        late = [c for c in self._known.values() if c.met_at >= self._now - FORGET_AFTER]
        return sorted(late, key=lambda c: (-c.met_at, c.path, c.key))[:REMEMBERED]


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def absolute(name: str) -> str:
    return os.path.abspath(name)
