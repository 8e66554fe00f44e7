"""What a task is given to read, and what it brings back: values that travel between processes.

No secret is among them: where a store is and who asks it, each process takes from its own environment.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from .. import rotation
from ..config import Config
from ..content import End
from ..exemplars import Bucket, Exemplar
from ..grouping import Array
from ..positions import Checkpoint
from ..records import Record
from ..streams import Head, Stand
from .claims import Claims
from .sums import Sums

PACKED = 8
"""A packed byte counts as so many."""


@dataclass(frozen=True, slots=True)
class Given:
    """What all tasks of a run share. Times are microseconds since 1970."""

    config: Config
    facts: dict[str, str]
    """What must be the same where a task runs."""
    held_after: int
    """Later events are dated ahead."""
    late_before: int
    keeps_rejects: bool
    checkpoints: tuple[Checkpoint, ...] = ()
    """Of files, which objects may be copies of."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of an object besides its address."""

    size: int
    version: str


@dataclass(frozen=True, slots=True)
class FilePart:
    """Lines of a file, or of an object that is large. Where it is not packed, whole ones."""

    name: str
    path: str
    is_packed: bool
    begin: int
    """In decompressed bytes."""
    length: int
    """Bytes on the disk that count, from the beginning of the file."""
    head: str
    """Digest of what it begins with, or of what it is packed as, by which it is known again."""
    tail: str
    """And of what stands before its end; "" where the head tells, or an object's address."""
    before: bytes
    """The up to 64 KiB before `begin`, where its task is to tell of the end."""
    stand: Stand
    stored: Stored | None = None
    is_last: bool = False
    """Of an object: its last line counts, whether it ends or not."""

    @property
    def size(self) -> int:
        return self.length if self.is_packed else self.length - self.begin

    @property
    def work(self) -> int:
        """As bytes that are not packed."""
        return self.size * (PACKED if self.is_packed else 1)


@dataclass(frozen=True, slots=True)
class ObjectPart:
    """All that is new of an object."""

    name: str
    path: str
    version: str
    size: int
    """Of the whole object."""
    before: tuple[Checkpoint, ...]
    stand: Stand

    @property
    def work(self) -> int:
        """As bytes that are not packed, by its name."""
        return self.size * (PACKED if rotation.unpacked(self.name) != self.name else 1)


Part = FilePart | ObjectPart
Slice = tuple[Part, ...]


class Read(NamedTuple):
    """How far a part was read. Lines count from its beginning, or of an object from the object's."""

    end: End
    stand: Stand
    heads: dict[str, Head]
    torn: str = ""
    """How it broke off."""
    head: bytes = b""
    """What an object begins with."""
    is_gone: bool = False


Ends = dict[str, End]
"""Where the parts of a slice end that was taken in, by their names; empty for what was merged."""


class Aside(NamedTuple):
    """A line that was rejected; or, without a reason, one that is dated ahead."""

    part: int
    record: Record
    kind: str = ""
    reason: str = ""


class Tally(NamedTuple):
    """Of events of one name that count."""

    events: int
    late: int
    newest: int


@dataclass(slots=True)
class Account:
    """All of what a task found but the sums: it goes to who decides."""

    reads: list[Read]
    claims: Claims
    asked: int
    """How many events were claimed, or asked about."""
    read: int
    foreign: int
    fields_invalid: int
    texts_cut: int
    loading: float
    seconds: float
    """That it took to read."""
    nbytes: int
    """Of the sums."""
    tallies: dict[str, Tally]
    """By name, in the order in which they came."""
    asides: list[Aside]
    rejected: dict[str, int]
    """By kind, rejected lines that are not among them."""
    exemplars: dict[Bucket, Exemplar]
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Found:
    """What a task found in a slice."""

    account: Account
    moments: Array
    """Of each of the events claimed."""
    sums: Sums

    def __sizeof__(self) -> int:
        return int(self.moments.nbytes + self.sums.__sizeof__() + len(self.account.claims.marks))
