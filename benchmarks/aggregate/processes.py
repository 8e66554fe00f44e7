"""Processes that live for a while and write in turns: web and task workers, and one for each command."""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from .draw import Draw
from .recorded import Recorded, Write, recorded
from .variation import told, varied

LIVING = {"request": 8, "task": 4}
"""How many processes of a kind there are at a time."""

LIFE = (20_000, 40_000)
"""Lines after which a process is replaced."""

COMMAND_CHANCE = 0.004
"""That a turn is the start of a command, which has a process of its own."""

TELL_EVERY = 15_000_000
"""Microseconds from one line that a process writes about itself to the next."""

DELAY = 12_000
"""Microseconds from an event to its line, in the middle: lines are not quite in the order of their times."""


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def stamp(microseconds: int) -> str:
    """ISO 8601 as the emitter writes it."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{_second(seconds)}.{rest:06d}Z"


class Process:
    def __init__(self, kind: str, draw: Draw, now: int, life: int) -> None:
        self.kind = kind
        self._draw = draw
        self._id = draw.hex()
        self._seq = 0
        self._life = life
        self._started = now
        self._last = now
        self._told = now - draw.random.randrange(TELL_EVERY)
        self._pending: deque[Write] = deque()

    @property
    def is_done(self) -> bool:
        return self._seq >= self._life and not self._pending

    def lines(self, clock: int, source: Recorded) -> Iterator[tuple[str, bytes]]:
        """(event, line) of its next write."""
        moment = max(self._last + 1, clock - int(DELAY * self._draw.factor()))
        self._last = moment
        text = stamp(moment)
        for event in self._next(moment, source):
            event["timestamp"], event["proc"], event["seq"] = text, self._id, self._seq
            self._seq += 1
            yield event["event"], orjson.dumps(event)

    def _next(self, moment: int, source: Recorded) -> Write:
        if not self._pending:
            if moment - self._told >= TELL_EVERY:
                self._told = moment
                return told(self._draw.random.choice(source.told[self.kind]), self._draw, self._started / 1_000_000)
            self._pending.extend(varied(self._draw.random.choice(source.units[self.kind]), self._draw))
            if self._seq + sum(map(len, self._pending)) >= self._life:
                self._pending.append(told(self._draw.random.choice(source.last[self.kind]), self._draw, 0.0))
        return self._pending.popleft()


class Fleet:
    """All processes that live at a time."""

    def __init__(self, draw: Draw, start: int) -> None:
        self._draw = draw
        self._source = recorded()
        self._living = [
            Process(kind, draw, start, draw.random.randrange(*LIFE))
            for kind, count in LIVING.items()
            for _ in range(count)
        ]

    def lines(self, clock: int) -> Iterator[tuple[str, bytes]]:
        """(event, line) of what some process writes now."""
        random = self._draw.random
        if random.random() < COMMAND_CHANCE:
            self._living.append(Process("command", self._draw, clock, 1))
        place = random.randrange(len(self._living))
        process = self._living[place]
        yield from process.lines(clock, self._source)
        if process.is_done:
            if process.kind == "command":
                self._living.pop(place)
            else:
                self._living[place] = Process(process.kind, self._draw, clock, random.randrange(*LIFE))
