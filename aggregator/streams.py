"""One source as a stream of texts: out of their envelopes, and joined where they came in parts."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .envelopes import BARE, ENVELOPES, Envelope, Part, named
from .envelopes.envelope import MARKER, WORD, json_object
from .lines import LINE_LIMIT, Block

MOST_LEVELS = 4
"""Envelopes in envelopes that are opened."""

MOST_PENDING = 16
"""Streams within a source, of which parts wait for the rest; beside these two, which every container has."""

STANDARD = ("stdout", "stderr")

LOOKED_AT, LOOKED_INTO = 50, 1 << 18
"""Lines and bytes of a source in which its envelope is looked for."""


class Head(NamedTuple):
    """The first text of a source, which may be the end of one that began in another."""

    line: int
    offset: int
    text: bytes


class Stand(NamedTuple):
    """Where a stream stands between two lines: what another process needs to go on there."""

    pending: dict[str, bytes]
    waits_since: int
    envelope: str
    is_forced: bool
    is_known: bool
    is_begin: bool
    begun: frozenset[str]

    def unknown(self) -> "Stand":
        """As it most likely stands further down: nothing waits, and nothing is the first of its source."""
        return self._replace(pending={}, waits_since=0, is_begin=False, begun=frozenset())

    def is_as(self, guess: "Stand", after: "Stand") -> bool:
        """Whether what was read from a guess is what would have been read from here; `after` is where it ended."""
        return self == guess or not (self.pending or (self.is_begin and after.begun - self.begun))


@dataclass(slots=True)
class Stream:
    """Lines are given to it in order."""

    name: str = ""
    """Of the source."""
    pending: dict[str, bytes] = field(default_factory=dict)
    """What waits for the rest of its line, by stream within the source."""
    waits_since: int = 0
    """Microseconds since 1970 at which a run first left something waiting; 0 before."""
    envelope: Envelope | None = None
    """Of most lines; None where they are bare, or not known yet."""
    is_forced: bool = False
    """The envelope is given, and no other is looked for."""
    is_begin: bool = False
    """Its first line is the first of its source, which may have been cut off another."""
    heads: dict[str, Head] = field(default_factory=dict)
    """First texts that no event begins with, by stream within the source: they wait for what was before them."""
    found: Counter[str] = field(default_factory=Counter)
    """Lines by the name of their envelope, of those that were looked at."""
    _is_known: bool = False
    _begun: set[str] = field(default_factory=set)

    @classmethod
    def at(cls, stand: Stand, name: str) -> "Stream":
        stream = cls(name, dict(stand.pending), stand.waits_since, named(stand.envelope), stand.is_forced)
        stream.is_begin, stream._is_known, stream._begun = stand.is_begin, stand.is_known, set(stand.begun)
        return stream

    @property
    def stand(self) -> Stand:
        envelope = self.envelope.name if self.envelope else BARE
        known, begun = self._is_known, frozenset(self._begun)
        return Stand(dict(self.pending), self.waits_since, envelope, self.is_forced, known, self.is_begin, begun)

    def come_to(self, stand: Stand, *, guessed: bool, heads: Mapping[str, Head]) -> None:
        """Another process read on, from here or from where it was guessed to stand."""
        self.pending, self.waits_since = dict(stand.pending), stand.waits_since
        self.envelope, self._is_known = named(stand.envelope), stand.is_known
        self._begun = {*stand.begun, *self._begun} if guessed else set(stand.begun)
        self.heads.update(heads)

    def learn(self, block: Block) -> None:
        """The envelope, of the first lines that are read."""
        if self._is_known or self.is_forced or block.too_long:
            return
        self._is_known = True
        beginning = bytes(memoryview(block.data)[: min(block.size, LOOKED_INTO)])
        for line in beginning.split(b"\n", LOOKED_AT)[:LOOKED_AT]:
            if line.startswith(MARKER):
                return
            if (opened := self._opened(line)) is not None:
                self.envelope = opened[0]
                return

    @property
    def words(self) -> tuple[bytes, ...]:
        """One of them stands in every line that may be an event, or part of one."""
        return (WORD,) if self.envelope is None else self.envelope.words

    @property
    def splits(self) -> bool:
        """Whether a line may be part of an event."""
        return self.envelope is not None and self.envelope.splits

    def texts(self, line: bytes, number: int = 0, offset: int = 0) -> Iterator[bytes]:
        """What was written, line by line; nothing where the rest of it is to come, or what was before it."""
        opened = None if line.startswith(MARKER) else self._opened(line)
        self.found[opened[0].name if opened else BARE] += 1
        if opened is None or not opened[1]:
            yield line
            return
        for part in opened[1]:
            whole = self._joined(part) if self.splits else part.text
            if whole is None or self._is_head(part.stream, whole, number, offset):
                continue
            yield from self.inner(whole)

    def inner(self, text: bytes, level: int = 1) -> Iterator[bytes]:
        """The lines of what an envelope held, out of further envelopes."""
        for line in text.split(b"\n"):
            wrapped = WORD in line and not line.startswith(MARKER) and level < MOST_LEVELS
            opened = self._opened(line) if wrapped else None
            if opened is None:
                yield line
            else:
                for part in opened[1]:
                    yield from self.inner(part.text, level + 1)

    def _opened(self, text: bytes) -> tuple[Envelope, list[Part]] | None:
        likely = () if self.envelope is None else (self.envelope,)
        fields = json_object(text) if text.startswith(b"{") else None
        for envelope in likely if self.is_forced else (*likely, *ENVELOPES):
            parts = envelope.of_object(fields) if envelope.of_object and fields is not None else None
            if parts is None and envelope.of_text:
                parts = envelope.of_text(text)
            if parts is not None:
                return envelope, list(parts)
        return None

    def _joined(self, part: Part) -> bytes | None:
        before = self.pending.pop(part.stream, b"")
        self.waits_since = 0
        # One byte more than a line may have tells that it was too long.
        whole = (before + part.text)[: LINE_LIMIT + 1]
        if part.ends or not self._has_room(part.stream):
            return whole
        self.pending[part.stream] = whole
        return None

    def _has_room(self, stream: str) -> bool:
        return stream in STANDARD or len(self.pending.keys() - STANDARD) < MOST_PENDING

    def goes_on(self, stream: str) -> bool:
        """Whether all that was read of a stream is one part of a line, which may have begun in another source."""
        return self.is_begin and stream in self.pending and stream not in self._begun

    def _is_head(self, stream: str, text: bytes, number: int, offset: int) -> bool:
        if not self.splits or stream in self._begun or len(self._begun) >= MOST_PENDING:
            return False
        self._begun.add(stream)
        if not self.is_begin or text.startswith(MARKER):
            return False
        self.heads[stream] = Head(number, offset, text)
        return True
