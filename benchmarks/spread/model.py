"""A run on a cluster as plain formulas: how long, how much over the network, what it costs, and what limits it."""

from dataclasses import dataclass, replace
from math import ceil

from aggregator.spread.driver import AHEAD
from aggregator.spread.slicing import slice_bytes
from aggregator.spread.tree import FAN_IN, MOST_BYTES

from .costs import WINDOW, Costs

DAY = 86_400.0
MOST_SHARDS = 100_000
COPIES = 2
"""Of the sums of a summary in the driver: as they come, and unpacked."""


@dataclass(frozen=True, slots=True)
class Given:
    """A run, and what it runs on. What is not measured is assumed, here and nowhere else."""

    size: float
    """Bytes of logs."""
    workers: int
    span: float = DAY
    """Seconds in which they were written."""
    files: int = 1
    """That grow at once: a slice is of one of them."""
    cores: int | None = None
    """That all processes share; None for one each."""
    bandwidth: float = 1.25e9
    """Bytes a second that a process sends or gets: 10 Gbit/s."""
    latency: float = 0.005
    """Seconds from the driver's asking for an account until it comes."""
    interruptions: float = 0.0
    """A worker, an hour."""
    restart: float = 120.0
    """Seconds until another worker takes the place of one that is gone."""
    price: float = 0.01
    """Dollars for an hour of a processor."""


@dataclass(frozen=True, slots=True)
class Sliced:
    """A run as tasks. Seconds of CPU, and bytes, of one slice each."""

    slices: int
    read: float
    take: float
    account: float
    sums: float
    root: float
    """Bytes of the sums of all."""
    end: float
    """Of the driver, once it has all, but for the sums."""

    def level(self, number: int) -> float:
        """Bytes of sums that were merged so often."""
        return float(min(self.sums * FAN_IN**number, self.root))


def sliced(costs: Costs, run: Given) -> Sliced:
    size = min(slice_bytes(int(run.size), run.workers), int(run.size))
    slices = max(1, round(run.size / size))
    events = run.size / costs.event_bytes
    windows = run.span / WINDOW
    sums = min(costs.slice_sums, costs.window_sums * (1 + windows * size * run.files / run.size))
    root = min(slices * sums, windows * costs.window_sums)
    account = costs.account * events / slices
    return Sliced(
        slices,
        costs.read * run.size / slices,
        costs.take * run.size / slices,
        account,
        sums,
        root,
        costs.end * run.size,
    )


@dataclass(frozen=True, slots=True)
class Predicted:
    slices: int
    wall: float
    driver: float
    """Seconds that the driver is at work while others read: below that no number of workers brings the run."""
    useful: int
    """Workers; with more the driver, or the scheduler, is behind."""
    depth: int
    """Merges that the sums of a slice go through."""
    to_driver: float
    """Bytes: accounts, and the sums of all."""
    shuffled: float
    """Bytes of sums between workers, at most."""
    memory: float
    """Of the driver, bytes."""
    money: float
    """Dollars: workers, scheduler and driver, as long as the run takes."""


def predict(costs: Costs, run: Given) -> Predicted:
    parts = sliced(costs, run)
    merged = _merged(parts)
    merging = costs.merge * merged.inside / parts.slices
    each, take = parts.read + merging, parts.take + run.latency + parts.account / run.bandwidth
    by_workers = (
        ceil(parts.slices / run.workers) * each * _lost(run, parts, merged.depth, each) + costs.scheduler + take
    )
    serial = max(take, costs.scheduler)
    by_one = each + costs.scheduler + take + (parts.slices - 1) * serial
    cpu = parts.slices * (each + parts.take + costs.scheduler)
    by_cores = cpu / run.cores if run.cores else 0.0
    reading = max(by_workers, by_one, by_cores)
    byte = costs.merge + 1 / run.bandwidth
    tail = _pending(parts, reading, byte) + merged.last * byte + merged.brought / run.bandwidth
    tail += parts.end + costs.end_sums * merged.brought
    wall = costs.start + reading + tail
    return Predicted(
        parts.slices,
        wall,
        parts.slices * take,
        ceil(each / serial),
        merged.depth,
        parts.slices * parts.account + merged.brought,
        merged.inside + merged.last,
        costs.driver_memory
        + costs.driver_memory_event * run.size / costs.event_bytes
        + COPIES * costs.summary * merged.most,
        (run.workers + 2) * wall / 3600 * run.price,
    )


@dataclass(frozen=True, slots=True)
class _Merged:
    """Bytes that go into merges while slices are read, and into the last one; that the driver gets, and at once."""

    inside: float
    last: float
    brought: float
    most: float
    depth: int


def _merged(parts: Sliced) -> _Merged:
    """As a number in base FAN_IN: what is a full digit is merged at once, what is left in the end.

    What is large is not merged further.
    """
    number, level, inside, last, large = parts.slices, 0, 0.0, 0.0, 0.0
    while number:
        if parts.level(level) > MOST_BYTES:
            large = number * parts.level(level)
            break
        number, left = divmod(number, FAN_IN)
        last += left * parts.level(level)
        inside += number * FAN_IN * parts.level(level)
        level += 1
    whole = min(last, parts.root)
    return _Merged(inside, last, large + whole, max(whole, parts.level(level) if large else 0.0), level)


def _pending(parts: Sliced, reading: float, byte: float) -> float:
    """Seconds that merges still take when all is read: a slice that fills up levels sets off merges one by one."""
    level, chain, latest = 1, 0.0, reading
    while FAN_IN**level <= parts.slices and parts.level(level - 1) <= MOST_BYTES:
        chain += FAN_IN * parts.level(level - 1) * byte
        last = parts.slices - parts.slices % FAN_IN**level
        latest = max(latest, reading * last / parts.slices + chain)
        level += 1
    return latest - reading


def _lost(run: Given, parts: Sliced, depth: int, each: float) -> float:
    """How much longer workers take where some go away: what a worker holds is made again, and it holds its share.

    That is of what was read ahead, and of what waits to be merged: on average half of what is merged into one.
    """
    rate = run.interruptions / 3600
    waiting = (min(parts.slices, float(FAN_IN**depth)) + AHEAD * run.workers) / 2
    return 1 + rate * (waiting * each / run.workers + each / 2 + run.restart)


def shards(costs: Costs, run: Given, seconds: float, memory: float) -> int:
    """The fewest outputs, each with its own driver, by which the run takes so long and needs so much at most.

    Raises ValueError where no number is enough.
    """
    count = 1
    while count < MOST_SHARDS:
        part = predict(costs, replace(run, size=run.size / count, files=max(1, run.files // count)))
        if part.wall <= seconds and part.memory <= memory:
            return count
        count += max(1, count // 20)
    raise ValueError(f"not within {seconds:g} s and {memory:g} bytes")
