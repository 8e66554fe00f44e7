"""A log as an application writes it and as it is rotated, and what must come out of it."""

import gzip
import json
import os
import random
import shutil
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

TOLERANCE = timedelta(minutes=5)
"""By which a clock may be ahead; what is dated later is held."""

Cell: TypeAlias = tuple[str, datetime, str, str]  # summary, minute, and two dimensions
DIMENSIONS = {"feed_polls": ("feed_id", "status"), "http_requests": ("view", "outcome")}


@dataclass(frozen=True, slots=True)
class Event:
    moment: datetime
    cell: Cell
    microseconds: int


class Log:
    """An application's log as it is written and rotated, and apart from it every line that was ever written."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.path, self.ledger = folder / "logs" / "app.log", folder / "ledger.log"
        self.path.parent.mkdir()
        self.events: dict[tuple[str, int], Event] = {}
        self._chance = chance
        self._numbers: Counter[str] = Counter()
        self._recent: list[bytes] = []
        self._delayed: list[bytes] = []
        self._half = b""

    def write(self, count: int) -> None:
        """A line may come late or twice, and the last one may be a part of a line."""
        self.finish_line()
        for _ in range(count):
            line = self._line()
            self._recent = [*self._recent[-50:], line]
            if self._chance.random() < 0.05:
                self._delayed.append(line)
                continue
            self._append(line)
            if self._chance.random() < 0.05:
                self._append(self._chance.choice([*self._recent, b"Traceback (most recent call last):\n"]))
        if self._delayed and self._chance.random() < 0.3:
            self._append(self._delayed.pop(0))
        line = self._line()
        cut = self._chance.randrange(len(line))
        self._half = line[cut:]
        self._append(line[:cut])

    def write_out(self) -> None:
        """Everything that is begun or delayed."""
        self.finish_line()
        self._append(b"".join(self._delayed))
        self._delayed.clear()

    def finish_line(self) -> None:
        self._append(self._half)
        self._half = b""

    def rotate(self) -> None:
        self.finish_line()
        for path in sorted(self.path.parent.glob("app.log.*"), key=_number, reverse=True):
            path.rename(path.with_name(f"app.log.{_number(path) + 1}{'.gz' if path.suffix == '.gz' else ''}"))
        first = self.path.with_name("app.log.1")
        if self._chance.random() < 0.5:
            self.path.rename(first)
            self.path.touch()
        else:
            shutil.copy2(self.path, first)  # nobody writes meanwhile: what is between copy and cut would be gone
            os.truncate(self.path, 0)
        older = [path for path in self.path.parent.glob("app.log.*") if path.suffix != ".gz"]
        for path in older if self._chance.random() < 0.5 else older[1:]:
            _compress(path)

    def drop_old(self) -> None:
        """What every run has read: the rotated but for the last two."""
        for path in sorted(self.path.parent.glob("app.log.*"), key=_number)[2:]:
            path.unlink()

    def _append(self, data: bytes) -> None:
        for path in (self.path, self.ledger):
            with path.open("ab") as file:
                file.write(data)

    def _line(self) -> bytes:
        chance, process = self._chance, f"process-{self._chance.randrange(4)}-{len(self.events) // 5000}"
        number = self._numbers[process]
        self._numbers[process] += 1
        moment, microseconds = self._moment(), chance.randrange(2_000_000)
        name, first, second = (
            ("feed_poll", str(chance.randrange(30)), chance.choice(["success", "error"]))
            if chance.random() < 0.6
            else ("http_request", f"view{chance.randrange(8)}", chance.choice(["ok", "error"]))
        )
        minute = moment.replace(second=0, microsecond=0)
        self.events[process, number] = Event(moment, (f"{name}s", minute, first, second), microseconds)
        fields = dict(zip(DIMENSIONS[f"{name}s"], (first, second), strict=True))
        event = {"logemit": 1, "event": name, "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}", "service": "s"}
        event |= {"proc": process, "seq": number, **fields, "duration_seconds": microseconds / 1e6}
        return json.dumps(event, separators=(",", ":")).encode() + b"\n"

    def _moment(self) -> datetime:
        """Mostly of this hour, some of old days, some of a clock that is ahead by a little or a lot."""
        chance, now = self._chance, datetime.now(UTC)
        kind = chance.random()
        if kind < 0.92:
            return now - timedelta(seconds=chance.random() * 900)
        if kind < 0.95:
            return now - timedelta(days=chance.randrange(1, 4), seconds=chance.random() * 60)
        return now + (TOLERANCE + timedelta(seconds=20 * chance.random()) if kind < 0.99 else timedelta(days=10))


def _number(path: Path) -> int:
    return int(path.name.split(".")[2])


def _compress(path: Path) -> None:
    """As gzip does: the copy has the time of the original."""
    packed, times = path.with_name(f"{path.name}.gz"), path.stat()
    packed.with_suffix(".part").write_bytes(gzip.compress(path.read_bytes()))
    os.utime(packed.with_suffix(".part"), ns=(times.st_atime_ns, times.st_mtime_ns))
    packed.with_suffix(".part").rename(packed)
    path.unlink()


def recounted(log: Log, now: int) -> dict[Cell, tuple[int, int]]:
    """(events, microseconds) of every cell at a time, of what was written and with nothing else."""
    limit = datetime.fromtimestamp(now / 1e9, UTC) + TOLERANCE
    cells: dict[Cell, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for event in log.events.values():
        if event.moment <= limit:
            events, microseconds = cells[event.cell]
            cells[event.cell] = events + 1, microseconds + event.microseconds
    return dict(cells)
