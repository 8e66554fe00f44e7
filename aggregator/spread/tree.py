"""Sums of many slices merged where they are, a few at a time, so that only the whole of them comes here."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from .patience import Patience
from .slices import Ends
from .sums import Sums
from .task import merge, nbytes_of, of_summary
from .workers import Handle, Workers

FAN_IN = 8
MOST_BYTES = 64 << 20
"""Of sums that are merged further; larger ones come here at once, where the disk has room for them."""

WHOLE = "the sums of all slices"


class _Part(NamedTuple):
    handle: Handle
    ends: Ends


@dataclass(frozen=True, slots=True, eq=False)
class _Merge:
    parts: list[_Part]
    """Kept until it is done, as it may be sent again."""
    level: int
    sums: Handle
    nbytes: Handle


class Tree:
    """`take` is given all of it, a summary at a time."""

    def __init__(self, workers: Workers, patience: Patience, names: list[str], take: Callable[[Sums], None]) -> None:
        """`names` are those of all summaries."""
        self._workers, self._patience, self._names, self._take = workers, patience, names, take
        self._levels: list[list[_Part]] = []
        """What waits to be merged, by how many merges it went through."""
        self._at_work: list[_Merge] = []

    def add(self, found: Handle, ends: Ends, nbytes: int) -> None:
        """Of what a task found, which read as far as that, and whose sums are as large as that."""
        for each in list(self._at_work):
            if self._workers.first([each.nbytes], 0):
                self._end(each)
        self._put(_Part(found, ends), nbytes, 0)

    def _put(self, part: _Part, nbytes: int, level: int) -> None:
        if nbytes > MOST_BYTES:
            self._bring(part)
            return
        if level == len(self._levels):
            self._levels.append([])
        waiting = self._levels[level]
        waiting.append(part)
        if len(waiting) == FAN_IN:
            self._levels[level] = []
            self._at_work.append(self._merge(waiting, level + 1))

    def _merge(self, parts: list[_Part], level: int, apart: Handle | None = None) -> _Merge:
        handles, ends = zip(*parts, strict=True)
        sums = self._workers.submit(merge, [*ends], *handles, urgent=True, about=WHOLE, apart=apart)
        return _Merge(parts, level, sums, self._workers.submit(nbytes_of, sums, urgent=True, about=WHOLE))

    def _end(self, done: _Merge) -> None:
        self._at_work.remove(done)
        self._put(_Part(done.sums, {}), self._workers.result(done.nbytes), done.level)

    def finish(self) -> None:
        while self._at_work or sum(map(len, self._levels)) > 1:
            if not self._at_work:
                self._at_work.append(self._merge(self._some(), 0))
            sent = self._at_work[0]
            self._at_work[0] = self._patience.wait(
                sent,
                lambda each: each.nbytes,
                partial(self._merge, sent.parts, sent.level, apart=sent.sums),
                self._patience.seconds(),
            )
            self._end(self._at_work[0])
        for part in self._some():
            self._bring(part)

    def _some(self) -> list[_Part]:
        """Of what waits, as many as are merged at once."""
        waiting = [part for level in self._levels for part in level]
        self._levels = [waiting[FAN_IN:]]
        return waiting[:FAN_IN]

    def _bring(self, whole: _Part) -> None:
        def sent(name: str, apart: Handle | None = None) -> Handle:
            return self._workers.submit(of_summary, *whole, name, urgent=True, about=WHOLE, apart=apart)

        parts = [(name, sent(name)) for name in self._names]
        while parts:
            name, part = parts.pop()
            again = partial(sent, name, apart=whole.handle)
            self._take(self._workers.result(self._patience.wait(part, _itself, again, self._patience.seconds())))


def _itself(handle: Handle) -> Handle:
    return handle
