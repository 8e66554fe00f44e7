"""A log as large as wanted, of units of work like the recorded ones, the same for a seed.

Lines stand as the emitter writes them, `--rate` a second, those of several processes in turns, with foreign lines
between them. Beyond 600 MB or 2,000,000 lines the first part is repeated, with other processes at later hours.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from sys import maxsize
from typing import IO, Annotated, Any

import typer

from .draw import Draw
from .envelopes import ENVELOPES
from .foreign import Foreign
from .processes import Fleet, stamp
from .repeat import Chunk, repetitions

START = "2026-11-20T00:00:00Z"
PART_BYTES = 600_000_000
PART_LINES = 2_000_000
_BUFFER = 1 << 20
_EVENT = re.compile(rb'"logemit\\?":1,\\?"event\\?":\\?"(\w+)')
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}


class Kind(StrEnum):
    BARE = "bare"
    DOCKER = "docker"
    CRI = "cri"


class FutureError(Exception):
    """A log that has not been written yet: its events would be held back."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A log of so many lines or, where that is None, of so many bytes with at most a line more."""

    lines: int | None = None
    size: int | None = None
    seed: int = 1
    rate: float = 100.0
    start: str = START
    foreign: float = 0.1
    envelope: str = "bare"


@dataclass(slots=True)
class Generated:
    """What stands in a log."""

    lines: int = 0
    bytes: int = 0
    foreign: int = 0
    events: Counter[str] = field(default_factory=Counter)
    first: str = ""
    last: str = ""

    def told(self) -> dict[str, Any]:
        numbers = {"lines": self.lines, "bytes": self.bytes, "foreign": self.foreign}
        return {**numbers, "events": dict(self.events), "first": self.first, "last": self.last}


def generate(wanted: Wanted, path: Path) -> Generated:
    """Write a log. Raises FutureError where its last line would be of the future."""
    start = int(datetime.fromisoformat(wanted.start).timestamp()) * 1_000_000
    part = _Part(wanted, start, Generated(first=stamp(start)))
    with path.open("wb") as file:
        part.write(file)
    _check_past(part.made)
    if not part.is_whole:
        with path.open("ab") as file:
            _go_on(file, repetitions(path, stamp, start, part.clock), part)
    return part.made


def _go_on(file: IO[bytes], chunks: Iterator[Chunk], part: "_Part") -> None:
    made = part.made
    while not part.is_whole:
        data, until = next(chunks)
        data = part.cut(data)
        file.write(data)
        made.last = stamp(until)
        _check_past(made)
        names = Counter(name.decode() for name in _EVENT.findall(data))
        lines = data.count(b"\n")
        made.events += names
        made.lines, made.bytes, made.foreign = (
            made.lines + lines,
            made.bytes + len(data),
            made.foreign + lines - names.total(),
        )


def _check_past(made: Generated) -> None:
    if datetime.fromisoformat(made.last) > datetime.now(UTC):
        raise FutureError(f"the last line would be of {made.last}; start earlier or write more lines a second")


class _Part:
    """The log or, where it is long, its first part."""

    def __init__(self, wanted: Wanted, start: int, made: Generated) -> None:
        self.made = made
        self.clock = start
        self._wanted = wanted
        self._start = start
        draw = Draw(wanted.seed)
        self._fleet = Fleet(draw, start)
        self._foreign = Foreign(draw, only_access=wanted.foreign >= 1)
        self._wrap = ENVELOPES[wanted.envelope]
        self._most_lines = maxsize if wanted.lines is None else min(PART_LINES, wanted.lines)
        self._most_bytes = maxsize if wanted.size is None else min(PART_BYTES, wanted.size)

    @property
    def is_whole(self) -> bool:
        wanted, made = self._wanted, self.made
        return made.lines >= wanted.lines if wanted.lines is not None else made.bytes >= (wanted.size or 0)

    def cut(self, data: bytes) -> bytes:
        """As many of these lines as are wanted yet."""
        if self._wanted.lines is not None:
            rows = data.split(b"\n", self._wanted.lines - self.made.lines)
            return data[: len(data) - len(rows[-1])]
        end = data.find(b"\n", (self._wanted.size or 0) - self.made.bytes - 1)
        return data if end < 0 else data[: end + 1]

    def write(self, file: IO[bytes]) -> None:
        made, step = self.made, 1_000_000 / self._wanted.rate
        while not self._is_full():
            buffer: list[bytes] = []
            size = 0
            while size < _BUFFER and not self._is_full(size):
                self.clock = self._start + int(made.lines * step)
                before = len(buffer)
                self._turn(buffer)
                size += sum(map(len, buffer[before:])) + len(buffer) - before
            file.write(b"\n".join([*buffer, b""]))
            made.bytes += size
        made.last = stamp(self.clock)

    def _is_full(self, waiting: int = 0) -> bool:
        return self.made.lines >= self._most_lines or self.made.bytes + waiting >= self._most_bytes

    def _turn(self, buffer: list[bytes]) -> None:
        """What one process writes, or the foreign lines that are due."""
        made, wrap, moment = self.made, self._wrap, stamp(self.clock).encode()
        room = self._most_lines - made.lines
        if made.foreign < self._wanted.foreign * (made.lines + 1):
            for _, line in zip(range(room), self._foreign.lines(self.clock), strict=False):
                buffer.append(wrap(line, moment))
                made.foreign += 1
                made.lines += 1
            return
        for _, (event, line) in zip(range(room), self._fleet.lines(self.clock), strict=False):
            buffer.append(wrap(line, moment))
            made.events[event] += 1
            made.lines += 1


def parse_size(text: str) -> int:
    """Bytes of "592MB"."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?B)?", text.strip(), re.IGNORECASE)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no size; write 592MB or 5GB")
    return int(float(found[1]) * _UNITS[(found[2] or "").upper()])


def main(
    output: Annotated[Path, typer.Option(dir_okay=False, help="Where to.")],
    lines: Annotated[int | None, typer.Option(min=1, help="So many.")] = None,
    size: Annotated[str | None, typer.Option(help="Instead: so many bytes, 592MB or 5GB.")] = None,
    seed: Annotated[int, typer.Option(help="The same makes the same log.")] = 1,
    rate: Annotated[float, typer.Option(min=0.001, help="Lines a second, by their times.")] = 100.0,
    start: Annotated[str, typer.Option(help="When the first line was written.")] = START,
    foreign: Annotated[float, typer.Option(min=0, max=1, help="Share of foreign lines; 1: an access log.")] = 0.1,
    envelope: Annotated[Kind, typer.Option(help="As a container runtime keeps lines.")] = Kind.BARE,
) -> None:
    if (lines is None) == (size is None):
        raise typer.BadParameter("say --lines or --size")
    wanted = Wanted(lines, parse_size(size) if size else None, seed, rate, start, foreign, envelope.value)
    began = time.monotonic()
    try:
        made = generate(wanted, output)
    except FutureError as exc:
        raise typer.BadParameter(str(exc)) from None
    print(json.dumps({**made.told(), "seconds": round(time.monotonic() - began, 2)}))


if __name__ == "__main__":
    typer.run(main)
