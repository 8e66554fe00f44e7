"""The same run played through, event by event: the driver, workers one after the other, the tree, and what goes wrong.

Where processes share cores, all that are at work go on equally fast.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from random import Random
from statistics import mean

from aggregator.spread.driver import AHEAD
from aggregator.spread.tree import FAN_IN, MOST_BYTES

from .clock import Clock
from .costs import Costs
from .model import Given, sliced


@dataclass(frozen=True, slots=True)
class Unevenness:
    """`slow` workers take `times` as long; tasks vary by a log-normal factor of this `sigma`."""

    slow: int = 0
    times: float = 1.0
    sigma: float = 0.0


@dataclass(frozen=True, slots=True)
class Played:
    wall: float
    to_driver: float
    """Bytes."""
    shuffled: float
    """Bytes between workers."""
    again: float
    """Slices that were read again."""
    gone: float
    """Workers that were interrupted."""


@dataclass(eq=False, slots=True)
class _Worker:
    times: float
    is_gone: bool = False
    job: "_Job | None" = None
    held: "dict[_Node, None]" = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class _Node:
    """The sums of so many slices: of one that was read, or of others merged."""

    slices: int
    size: float
    inputs: "list[_Node]" = field(default_factory=list)
    holder: _Worker | None = None
    then: Callable[[], None] | None = None
    """What waits for it."""
    missing: int = 0
    """Slices to be read again, until it is there once more."""


@dataclass(eq=False, slots=True)
class _Job:
    work: float
    done: Callable[[_Worker], None]
    is_given_up: bool = False


class _Play:
    def __init__(self, costs: Costs, run: Given, uneven: Unevenness, seed: int) -> None:
        self._costs, self._run, self._uneven, self._random = costs, run, uneven, Random(seed)
        self._parts = sliced(costs, run)
        self._time = Clock(run.cores)
        self._idle: deque[_Worker] = deque()
        self._queue: deque[_Job] = deque()
        self._urgent: deque[_Job] = deque()
        self._sent: deque[_Node] = deque()
        self._told: deque[tuple[_Node, _Worker]] = deque()
        """Of what was read the scheduler has heard."""
        self._levels: list[list[_Node]] = []
        self._to_send, self._to_take = self._parts.slices, self._parts.slices
        self._is_taking = self._is_over = False
        self._to_driver = self._shuffled = self._brought = 0.0
        self._is_read, self._awaited = False, 0
        self._again = self._gone = 0

    def play(self) -> Played:
        self._time.after(self._costs.start, self._start)
        while not self._is_over:
            self._time.step()
        return Played(self._time.now, self._to_driver, self._shuffled, self._again, self._gone)

    def _start(self) -> None:
        for number in range(self._run.workers):
            self._join(self._uneven.times if number < self._uneven.slow else 1.0)
        self._drive()

    # Workers.

    def _join(self, times: float) -> None:
        worker = _Worker(times)
        self._idle.append(worker)
        if self._run.interruptions:
            self._time.after(self._random.expovariate(self._run.interruptions / 3600), lambda: self._leave(worker))
        self._assign()

    def _leave(self, worker: _Worker) -> None:
        self._gone += 1
        worker.is_gone = True
        if worker in self._idle:
            self._idle.remove(worker)
        if worker.job:
            worker.job.is_given_up = True
            self._time.give_up()
            self._urgent.appendleft(_Job(worker.job.work, worker.job.done))
        for node in worker.held:
            node.holder, node.missing = None, node.slices
            for _ in range(node.slices):
                self._again += 1
                self._put(self._parts.read, self._restored(node))
        self._time.after(self._run.restart, lambda: self._join(1.0))
        self._assign()

    def _restored(self, node: _Node) -> Callable[[_Worker], None]:
        def done(worker: _Worker) -> None:
            node.missing -= 1
            if not node.missing:
                self._hold(node, worker)

        return done

    def _hold(self, node: _Node, worker: _Worker) -> None:
        node.holder = worker
        worker.held[node] = None
        if node.then:
            then, node.then = node.then, None
            then()

    def _put(self, work: float, done: Callable[[_Worker], None], *, urgent: bool = False) -> None:
        factor = self._random.lognormvariate(0.0, self._uneven.sigma) if self._uneven.sigma else 1.0
        (self._urgent if urgent else self._queue).append(_Job(work * factor, done))
        self._assign()

    def _assign(self) -> None:
        while self._idle and (queue := self._urgent or self._queue):
            worker, job = self._idle.popleft(), queue.popleft()
            worker.job = job
            self._time.work(job.work * worker.times, partial(self._ended, worker, job))

    def _ended(self, worker: _Worker, job: _Job) -> bool:
        if job.is_given_up:
            return False
        worker.job = None
        self._idle.append(worker)
        job.done(worker)
        self._assign()
        return True

    # The driver.

    def _drive(self) -> None:
        """Slices are sent as far ahead as may be; the first of them is taken in, once it is there."""
        while self._to_send and len(self._sent) < AHEAD * self._run.workers:
            self._to_send -= 1
            node = _Node(1, self._parts.sums)
            self._sent.append(node)
            self._put(self._parts.read, partial(self._read, node))
        if self._sent and not self._is_taking:
            node = self._sent[0]
            if node.holder:
                self._take(node)
            else:
                node.then = self._drive
        elif not self._to_take:
            self._finish()

    def _read(self, node: _Node, worker: _Worker) -> None:
        """The scheduler, too, does one thing after the other."""
        self._told.append((node, worker))
        if len(self._told) == 1:
            self._time.work(self._costs.scheduler, self._scheduled)

    def _scheduled(self) -> bool:
        node, worker = self._told.popleft()
        if self._told:
            self._time.work(self._costs.scheduler, self._scheduled)
        if worker.is_gone:
            self._again += 1
            self._put(self._parts.read, partial(self._read, node))
        else:
            self._hold(node, worker)
        return True

    def _take(self, node: _Node) -> None:
        self._is_taking = True
        self._to_driver += self._parts.account
        seconds = self._run.latency + self._parts.account / self._run.bandwidth
        self._time.after(seconds, lambda: self._time.work(self._parts.take, lambda: self._taken(node)))

    def _taken(self, node: _Node) -> bool:
        self._is_taking = False
        self._to_take -= 1
        self._sent.popleft()
        self._add(node, 0)
        self._drive()
        return True

    # The tree.

    def _add(self, node: _Node, level: int) -> None:
        """What is large goes to the driver, as soon as it is there."""
        if node.size > MOST_BYTES:
            self._awaited += 1
            node.then = partial(self._large, node)
            if node.holder:
                self._hold(node, node.holder)
            return
        if level == len(self._levels):
            self._levels.append([])
        waiting = self._levels[level]
        waiting.append(node)
        if len(waiting) == FAN_IN:
            self._levels[level] = []
            merged = _Node(sum(each.slices for each in waiting), self._parts.level(level + 1), waiting)
            self._merge(merged)
            self._add(merged, level + 1)

    def _merge(self, node: _Node) -> None:
        """Once all its inputs are there, and were sent to where it runs."""
        for each in node.inputs:
            if not each.holder:
                each.then = lambda: self._merge(node)
                return
        size = sum(each.size for each in node.inputs)
        self._shuffled += size
        self._time.after(
            size / self._run.bandwidth,
            lambda: self._put(self._costs.merge * size, partial(self._merged, node), urgent=True),
        )

    def _merged(self, node: _Node, worker: _Worker) -> None:
        for each in node.inputs:
            each.slices = 0  # nobody needs it any more
            if each.holder:
                each.holder.held.pop(each, None)
        node.inputs = []
        self._hold(node, worker)

    def _bring_one(self, node: _Node) -> None:
        self._brought += node.size
        node.slices = 0
        if node.holder:
            node.holder.held.pop(node, None)

    def _large(self, node: _Node) -> None:
        self._bring_one(node)
        self._awaited -= 1
        if self._is_read and not self._awaited:
            self._finish()

    def _finish(self) -> None:
        self._is_read = True
        if self._awaited:
            return
        left = [node for level in self._levels for node in level]
        self._levels = []
        size = min(sum(node.size for node in left), self._parts.root)
        whole = _Node(sum(node.slices for node in left), size, left)
        whole.then = partial(self._bring, whole)
        self._merge(whole)

    def _bring(self, whole: _Node) -> None:
        self._bring_one(whole)
        self._to_driver += self._brought
        end = self._parts.end + self._costs.end_sums * self._brought
        self._time.after(self._brought / self._run.bandwidth, lambda: self._time.work(end, self._end))

    def _end(self) -> bool:
        self._is_over = True
        return True


EVEN = Unevenness()


def simulate(costs: Costs, run: Given, uneven: Unevenness = EVEN, seed: int = 1) -> Played:
    return _Play(costs, run, uneven, seed).play()


def repeated(costs: Costs, run: Given, uneven: Unevenness = EVEN, seeds: int = 10) -> Played:
    """The mean, where chance has a part in it."""
    is_chance = run.interruptions or uneven.sigma
    played = [simulate(costs, run, uneven, seed) for seed in range(seeds if is_chance else 1)]
    return Played(*(mean(getattr(each, name.name) for each in played) for name in fields(Played)))
