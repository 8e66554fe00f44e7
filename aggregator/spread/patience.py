"""How long a task is waited for until it is sent a second time, elsewhere; what comes first is taken.

Tasks give the same each time, so it is all one which of both that is.
"""

from collections import deque
from collections.abc import Callable
from math import inf
from statistics import median
from typing import TypeVar

from .slices import Slice
from .workers import Handle, Workers

T = TypeVar("T")

LEAST_SECONDS = 10.0
TIMES = 5
"""As long as the others took."""

UNKNOWN_SECONDS = 60.0
"""While few are known: machine code may have to be made first."""

COPIES = 3
"""At most, in all. By then it is what they read that is slow, and that has limits of its own."""

FEW = 3
KNOWN = 1000


class Patience:
    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._paces: deque[float] = deque(maxlen=KNOWN)
        """Seconds for each byte, of slices."""
        self._late: list[Handle] = []
        """What is not waited for any more. It is not given up: its worker is still busy with it."""

    def learn(self, parts: Slice, seconds: float) -> None:
        self._paces.append(seconds / _work(parts))

    def seconds(self, parts: Slice = ()) -> float:
        """For a slice, or for what takes less than any."""
        if len(self._paces) < FEW:
            return UNKNOWN_SECONDS
        return max(LEAST_SECONDS, TIMES * median(self._paces) * _work(parts))

    def wait(self, sent: T, answer: Callable[[T], Handle], again: Callable[[], T], seconds: float) -> T:
        """What was sent, or what is then sent again: whose answer is there first."""
        self._late = [handle for handle in self._late if not self._workers.first([handle], 0)]
        copies = [sent]
        while True:
            answers = [answer(each) for each in copies]
            first = self._workers.first(answers, seconds if len(copies) < COPIES else inf)
            if first is not None:
                place = answers.index(first)
                self._late += answers[:place] + answers[place + 1 :]
                return copies[place]
            copies.append(again())
            seconds *= 2


def _work(parts: Slice) -> int:
    return max(1, sum(part.work for part in parts))
