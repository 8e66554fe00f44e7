"""How far each source was read. A source is known by what it begins with, a position by what stands before it.

A source is the SHA-256 of its first decompressed bytes (up to 1,024), a position the decompressed offset at a line end
and the hash of the 64 KiB before it. Name, inode and time are not trusted: so a file that was renamed, copied,
truncated or compressed since is recognised, and one that was rewritten is read from its start.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from . import rotation
from .content import FINGERPRINT_BYTES, Content, End, digest
from .streams import Stream

DAY = 86_400_000_000
FORGET_AFTER = 90 * DAY
"""Microseconds after which a source that was not met is forgotten."""

REMEMBERED = 10_000
"""Sources known at most; those met last stay."""

Key = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far one source was read: `offset` decompressed bytes, `lines` lines. Times are microseconds since 1970.

    What follows `lines` only helps to find a source again, and to tell what is lost when it goes away.
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
    """Nothing more is expected: it was renamed, copied or compressed."""
    gone: bool = False
    """Not there any more, and that was told."""
    origin: str = ""
    """Where it was written: rotated logs stand beside it."""
    target: str = ""
    """The file itself, where `path` leads to it by a link."""
    modified_at: int = 0
    partials: dict[str, str] = field(default_factory=dict)
    """Parts of lines that were read and wait for the rest, by stream within the source."""
    waits_since: int = 0

    @property
    def key(self) -> Key:
        return self.head, self.offset, self.tail

    @property
    def is_quiet(self) -> bool:
        """Had not grown for a day when it was last met."""
        return bool(self.modified_at) and self.met_at - self.modified_at >= DAY


@dataclass(frozen=True, slots=True)
class Look:
    """What a file was when it was opened."""

    path: str
    modified_at: int = 0
    packed: str = ""


class Positions:
    """The checkpoints of all sources, moved on as they are read."""

    def __init__(self, checkpoints: Iterable[Checkpoint] = (), now: int = 0) -> None:
        self._known: dict[Key, Checkpoint] = {}
        self._by_head: dict[str, dict[Key, None]] = {}
        self._by_packed: dict[str, Key] = {}
        self.now = now
        self._streams: dict[Key, Stream] = {}
        """Of what was read in this run."""
        self._stream_keys: dict[int, Key] = {}
        self._first: dict[Key, Checkpoint] = {}
        """What was met in this run, as it was before; if new, as it was met first."""
        for checkpoint in checkpoints:
            self._put(checkpoint)

    def __iter__(self) -> Iterator[Checkpoint]:
        return iter(list(self._known.values()))

    def _put(self, checkpoint: Checkpoint) -> None:
        self._known[checkpoint.key] = checkpoint
        self._by_head.setdefault(checkpoint.head, {})[checkpoint.key] = None
        if checkpoint.packed:
            self._by_packed[checkpoint.packed] = checkpoint.key

    def _drop(self, checkpoint: Checkpoint) -> None:
        del self._known[checkpoint.key]
        del self._by_head[checkpoint.head][checkpoint.key]

    def beginning(self, head: bytes) -> list[Checkpoint]:
        """The sources that a content with this head may be."""
        ends = [n for n in range(1, len(head) + 1) if head[n - 1 : n] == b"\n" or n == FINGERPRINT_BYTES]
        found = (self._known[key] for n in ends for key in self._by_head.get(digest(head[:n]), ()))
        return [checkpoint for checkpoint in found if checkpoint.offset]

    def alike(self, head: bytes, path: str) -> list[Checkpoint]:
        """The sources elsewhere that may go on where a content ends; what is too short to tell goes by its name."""
        found = self.beginning(head)
        if len(head) < FINGERPRINT_BYTES:
            names = {path, *rotation.bases(path)}
            found += [c for c in self._known.values() if c.path in names or c.origin in names]
        return [c for c in found if c.path not in ("", path)]

    def recognise(
        self, head: bytes, content: Content, path: str, also: Iterable[Checkpoint] = ()
    ) -> tuple[Checkpoint | None, bytes]:
        """The furthest checkpoint of a content, and the bytes before its offset; `also` may be one of it."""
        names = {path, *rotation.bases(path)}
        fitting = [*self.beginning(head), *(c for c in also if digest(head[: c.head_bytes]) == c.head)]
        likely = [c for c in fitting if content.is_packed or c.path in names or c.origin in names]
        best, before = _furthest(likely, content)
        other, tail = _furthest([c for c in fitting if best is None or c.offset > best.offset], content)
        return (other, tail) if other else (best, before)

    def unpacked(self, look: Look) -> bool:
        """Whether a compressed file was read whole before; it counts as met."""
        known = self._known.get(self._by_packed.get(look.packed, ("", 0, "")))
        if known is None or known.packed != look.packed:
            return False
        if known.key not in self._first:
            self._meet(replace(self._placed(known, look), closed=True, gone=False), known)
        return True

    def move(
        self,
        known: Checkpoint | None,
        look: Look,
        head: bytes,
        end: End,
        *,
        stream: Stream | None = None,
        torn: bool = False,
        copied: Checkpoint | None = None,
    ) -> None:
        """A source was read up to an end; `copied` is the one that holds all of it."""
        first = self._first.get(known.key, known) if known else None
        is_copy = known is not None and known.key in self._first
        if known is not None and is_copy and end.offset == known.offset and first and look.path != first.path:
            if look.packed and not torn:
                self._put(replace(known, packed=look.packed))
            return
        begin = head[: end.offset]
        whole = look.packed if not torn else ""
        before = copied or first
        origin = before.origin if before else ""
        if not os.path.isdir(os.path.dirname(origin)):  # new, or the whole folder stands elsewhere now
            origin = rotation.origin(look.path)
        checkpoint = Checkpoint(
            len(begin),
            digest(begin),
            end.offset,
            end.tail,
            end.lines,
            rest=0 if copied else end.rest,
            packed=whole or (known.packed if known and end.offset == known.offset else ""),
            closed=copied is not None or (not torn and (bool(whole) or origin != look.path)),
            origin=origin,
        )
        checkpoint = self._placed(checkpoint, look)
        if known is not None and not is_copy and known.key in self._known:
            self._drop(known)
        self._meet(checkpoint, first or checkpoint)
        if stream:
            self._keep_stream(checkpoint, stream)

    def count(self, key: Key, lines: int) -> None:
        """How many lines there are up to where a source was read, which was not known then."""
        if (checkpoint := self._known.get(key)) is not None:
            self._known[key] = replace(checkpoint, lines=lines)

    def _keep_stream(self, checkpoint: Checkpoint, stream: Stream) -> None:
        """What waits in it goes on with this source, not with the copy that was read before."""
        if (before := self._stream_keys.get(id(stream))) is not None:
            self._streams[before] = Stream()
        self._streams[checkpoint.key] = stream
        self._stream_keys[id(stream)] = checkpoint.key

    def stream(self, checkpoint: Checkpoint) -> Stream:
        """What goes on where a checkpoint stands."""
        found = self._streams.get(checkpoint.key)
        if found is None:
            pending = {name: part.encode("utf-8", "surrogateescape") for name, part in checkpoint.partials.items()}
            found = Stream(checkpoint.path, pending, checkpoint.waits_since)
            self._keep_stream(checkpoint, found)
        return found

    def read_now(self, checkpoint: Checkpoint) -> Stream | None:
        """The stream of what was read in this run."""
        return self._streams.get(checkpoint.key)

    def streams(self) -> list[tuple[Checkpoint, Stream]]:
        """Of what was read in this run, by what is known of it now."""
        return [(self._known[key], stream) for key, stream in self._streams.items() if key in self._known]

    def meet_unread(self, look: Look, head: bytes, rest: int) -> None:
        """Without a whole line a source can be told from another by its time only: this tail has no content."""
        tail = digest(f"{look.path} {look.modified_at}".encode("utf-8", "surrogateescape"))
        origin = rotation.origin(look.path)
        checkpoint = Checkpoint(len(head), digest(head), 0, tail, 0, rest=rest, packed=look.packed, origin=origin)
        checkpoint = self._placed(checkpoint, look)
        self._meet(checkpoint, checkpoint)

    def _placed(self, checkpoint: Checkpoint, look: Look) -> Checkpoint:
        target = os.path.realpath(look.path)
        target = target if target != look.path else ""
        return replace(checkpoint, path=look.path, target=target, modified_at=look.modified_at, met_at=self.now)

    def _meet(self, checkpoint: Checkpoint, first: Checkpoint) -> None:
        self._put(checkpoint)
        self._first[checkpoint.key] = first

    def is_met(self, checkpoint: Checkpoint) -> bool:
        return checkpoint.key in self._first

    @property
    def met(self) -> int:
        return len(self._first)

    def mark_gone(self, checkpoint: Checkpoint) -> None:
        self._put(replace(checkpoint, gone=True))

    def remembered(self) -> list[Checkpoint]:
        """What the next run shall know."""
        known = (c for c in self._known.values() if c.offset or not c.gone)
        late = [c for c in known if c.met_at >= self.now - FORGET_AFTER]
        late = sorted(late, key=lambda c: (-c.met_at, c.path, c.key))[:REMEMBERED]
        return [self._with_partials(checkpoint) for checkpoint in late]

    def _with_partials(self, checkpoint: Checkpoint) -> Checkpoint:
        stream = self._streams.get(checkpoint.key)
        if stream is None:
            return checkpoint
        partials = {name: part.decode("utf-8", "surrogateescape") for name, part in stream.pending.items()}
        return replace(checkpoint, partials=partials, waits_since=stream.waits_since if partials else 0)


def _furthest(checkpoints: list[Checkpoint], content: Content) -> tuple[Checkpoint | None, bytes]:
    by_place = {(c.offset, c.tail): c for c in checkpoints}
    found, before = None, b""
    for offset, tail in content.tails(c.offset for c in checkpoints):
        checkpoint = by_place.get((offset, digest(tail)))
        if checkpoint is not None:
            found, before = checkpoint, tail
    return found, before
