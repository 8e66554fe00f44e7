"""Time in a simulation: what is due next happens, and no other time passes."""

import heapq
from collections.abc import Callable
from itertools import count


class Clock:
    """Timers, and work that shares cores: it is through when so much was done for each that is at work."""

    def __init__(self, cores: int | None) -> None:
        self.now = 0.0
        self._cores, self._done, self._active, self._number = cores, 0.0, 0, count()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._work: list[tuple[float, int, Callable[[], bool]]] = []

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (self.now + seconds, next(self._number), then))

    def work(self, seconds: float, then: Callable[[], bool]) -> None:
        """`then` says whether it was still wanted."""
        self._active += 1
        heapq.heappush(self._work, (self._done + seconds, next(self._number), then))

    def give_up(self) -> None:
        """One that is at work is not any more."""
        self._active -= 1

    def step(self) -> None:
        speed = min(1.0, self._cores / self._active) if self._cores and self._active else 1.0
        worked = self.now + (self._work[0][0] - self._done) / speed if self._work else float("inf")
        if self._timers and self._timers[0][0] <= worked:
            at, _, ring = heapq.heappop(self._timers)
            self._done += (at - self.now) * speed
            self.now = at
            ring()
            return
        done, _, then = heapq.heappop(self._work)
        self._done, self.now = done, worked
        if then():
            self._active -= 1
