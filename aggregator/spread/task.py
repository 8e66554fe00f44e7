"""A task: one slice, from lines to what they add up to. Runs anywhere, knows no state, and gives the same each time."""

import os
import socket
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, BinaryIO

from .. import remote
from ..compression import TornError
from ..content import Content, End
from ..decode import Rejection
from ..engines import Engines
from ..errors import ReadWriteError
from ..grouping import Array
from ..held import CAPACITY, TOLERANCE, Held
from ..intake import REJECTIONS, Intake
from ..lines import Block, Buffers, Lines
from ..plans import EventPlan
from ..positions import Positions
from ..reading import new_blocks
from ..records import Record
from ..rejects import MOST_BYTES, MOST_TEXT
from ..remote import Object
from ..report import Report
from ..streams import Stream
from . import versions
from .claims import Claims, Decided, Noted, Refused
from .moved import content_of
from .slices import Account, Aside, Ends, FilePart, Found, Given, ObjectPart, Part, Read, Slice, Stored, Tally
from .sums import Sums, merged

CHANGED = "changed while it was read, or is another file where it is read; run it again"


class ChangedError(ReadWriteError):
    """A file is not what it was when its slice was made; that may stand elsewhere."""


def read(given: Given, parts: Slice, refused: list[Refused] | None = None) -> Found:
    """Raises ReadWriteError, ChangedError where it may be elsewhere now, UsageError."""
    began = time.monotonic()
    versions.check(given.facts, versions.facts(given.config), f"a worker on {socket.gethostname()}")
    seen = Noted() if refused is None else Decided(refused)
    intake = _Intake(given, seen)
    with Engines(intake, given.config, workers=1) as engines:
        opened = [_Opened(given, part, str(number)) for number, part in enumerate(parts)]
        buffers = Buffers()
        for each in opened:
            for block in each.blocks(buffers):
                each.stream.learn(block)
                engines.take(block, each.stream, each.ahead)
    claims, moments = seen.claims()
    sums = Sums.of(given.config.catalogue, intake.in_time, intake.late)
    reads = [each.read() for each in opened]
    account = intake.account(reads, claims, seen.asked, sums.nbytes, time.monotonic() - began)
    return Found(account, moments, sums)


def account_of(found: Found) -> Account:
    return found.account


def of_summary(part: Found | Sums, ends: Ends, name: str) -> Sums:
    return Sums({place: cube for place, cube in _sums(part, ends) if place.summary == name})


def moments_of(found: Found, ends: Ends) -> Array:
    return _same(found, ends).moments


def nbytes_of(sums: Sums) -> int:
    return sums.nbytes


def merge(ends: list[Ends], *parts: Found | Sums) -> Sums:
    return merged(*map(_sums, parts, ends))


def _sums(part: Found | Sums, ends: Ends) -> Sums:
    return _same(part, ends).sums if isinstance(part, Found) else part


def _same(found: Found, ends: Ends) -> Found:
    """What was lost with its worker was read again: an object may be gone by then, or another."""
    for (name, end), read in zip(ends.items(), found.account.reads, strict=True):
        if read.end != end:
            raise ReadWriteError(f"{name}: {CHANGED}")
    return found


class _Intake(Intake):
    """Notes what only the run can decide: what does not count, what is held, which names are counted apart."""

    def __init__(self, given: Given, seen: Noted) -> None:
        held = Held([], given.held_after - TOLERANCE)
        super().__init__(given.config, seen, held, Report(), set())
        self.late_before = given.late_before
        self._tallies: dict[str, Tally] = {}
        self._asides: list[Aside] = []
        self._left_out: Counter[str] = Counter()
        self._rejections = 0
        self._most, self._room = (MOST_BYTES, MOST_BYTES) if given.keeps_rejects else (REJECTIONS, MOST_BYTES)
        self._room_ahead = CAPACITY

    def hold(self, record: Record, name: str) -> None:
        if len(record.text) > self._room_ahead:
            self.reject(Rejection(record, "future", "dated ahead, and no more such events can be held"), name)
            return
        self._room_ahead -= len(record.text)
        self._asides.append(Aside(int(name), record))

    def reject(self, rejection: Rejection, name: str) -> None:
        record = rejection.record._replace(text=rejection.record.text[:MOST_TEXT])
        size = len(record.text) + len(rejection.reason)
        if self._rejections < self._most and size <= self._room:
            self._rejections += 1
            self._room -= size
            self._asides.append(Aside(int(name), record, rejection.kind, rejection.reason))
        else:
            self._left_out[rejection.kind] += 1

    def count(self, plan: EventPlan, events: int, late: int, newest: int) -> None:
        before = self._tallies.get(plan.name, Tally(0, 0, 0))
        tally = Tally(before.events + events, before.late + late, max(before.newest, newest))
        self._tallies[plan.name] = tally

    def account(self, reads: list[Read], claims: Claims, asked: int, nbytes: int, seconds: float) -> Account:
        return Account(
            reads=reads,
            claims=claims,
            asked=asked,
            nbytes=nbytes,
            seconds=seconds,
            read=self.report.read,
            foreign=self.report.foreign,
            fields_invalid=self.report.fields_invalid,
            texts_cut=self.report.texts_cut,
            loading=self.report.loading,
            tallies=self._tallies,
            asides=self._asides,
            rejected=dict(self._left_out),
            exemplars=self.exemplars.newest,
            warnings=self.warnings,
        )


class _Opened:
    """A part as it is read; `name` is that of its stream."""

    def __init__(self, given: Given, part: Part, name: str) -> None:
        self._given, self._part = given, part
        self.stream = Stream.at(part.stand, name)
        self.ahead = 0
        self._end = End(0, 0, "")
        self._torn, self._head, self._is_gone = "", b"", False

    def read(self) -> Read:
        """Once all that was taken of it is through."""
        return Read(self._end, self.stream.stand, dict(self.stream.heads), self._torn, self._head, self._is_gone)

    def blocks(self, buffers: Buffers) -> Iterator[Block]:
        part = self._part
        lines = (
            yield from self._of_file(part, buffers) if isinstance(part, FilePart) else self._of_object(part, buffers)
        )
        self._end = End.of(lines)
        lines.close()

    def _new_blocks(self, content: Content, lines: Lines) -> Iterator[Block]:
        for block in new_blocks(content, lines):
            self.ahead = content.length - content.position
            yield block

    def _of_file(self, part: FilePart, buffers: Buffers) -> Generator[Block, None, Lines]:
        lines = Lines(part.begin, 0, part.before, buffers)
        try:
            with _file(part) as file:
                content = content_of(file, part)
                if not content:
                    raise ChangedError(f"{part.name}: {CHANGED}")
                try:
                    yield from self._new_blocks(content, lines)
                except TornError as exc:
                    self._torn = str(exc)
                yield from lines.end() if part.is_last else lines.flush()
        except FileNotFoundError:
            if part.stored:
                raise ReadWriteError(f"{part.name}: vanished while it was read; run it again") from None
            raise ChangedError(
                f"{part.path}: is not there any more, or not for the process that reads it; "
                "workers need the same files under the same names, or name URLs"
            ) from None
        except OSError as exc:
            raise ReadWriteError(f"{part.path}: cannot be read: {exc.strerror or exc}; check its permissions") from None
        if not part.is_packed and lines.offset not in (part.length, part.length + part.is_last):
            raise ReadWriteError(f"{part.name}: {CHANGED}")
        return lines

    def _of_object(self, part: ObjectPart, buffers: Buffers) -> Generator[Block, None, Lines]:
        source = _object(part, Stored(part.size, part.version))
        positions, lines = Positions(self._given.checkpoints), Lines(buffers=buffers)
        try:
            with source.opened() as file:
                content = Content(file, file.seek(0, os.SEEK_END))
                self._head = content.head()
                known, tail = positions.recognise(self._head, content, part.name, part.before)
                if known:
                    lines.close()
                    lines = Lines(known.offset, known.lines, tail, buffers)
                yield from self._new_blocks(content, lines)
                yield from lines.end()
        except TornError as exc:
            self._torn = str(exc)
            yield from lines.flush()
        except FileNotFoundError:
            self._is_gone = True
        return lines


def _object(part: Part, stored: Stored) -> Object:
    return Object(part.name, stored.size, stored.version, part.path, _filesystem(part.name.partition("://")[0]))


def _file(part: FilePart) -> AbstractContextManager[BinaryIO]:
    return _object(part, part.stored).opened() if part.stored else open(part.path, "rb")


@lru_cache(maxsize=8)
def _filesystem(protocol: str) -> Any:
    """One for each store that a process reads, by its own environment."""
    return remote.filesystem(f"{protocol}://")
