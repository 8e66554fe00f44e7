"""What is aimed at, and whether it was met in this run."""

from collections.abc import Iterator
from dataclasses import dataclass

from .figures import middle, own, peak, ratio, speed, wall
from .measure import Measured
from .programs import DUCKDB, DUCKDB_BINS, ONE_WORKER, OURS
from .tables import MISSING, Lines, table

FLAT = 1.15
"""Times as long per MB of the largest log as of a smaller one, at most."""


@dataclass(frozen=True, slots=True)
class Target:
    """`figure` is None where the section did not run."""

    name: str
    bound: float
    figure: float | None
    unit: str
    is_least: bool
    """Whether the bound is to be reached, not to be kept below."""

    @property
    def row(self) -> list[str]:
        if self.figure is None:
            return [self.name, MISSING, "not measured"]
        is_met = self.figure >= self.bound if self.is_least else self.figure < self.bound
        return [self.name, f"{self.figure:,.2f} {self.unit}".strip(), "met" if is_met else "not met"]


def targets(found: Measured) -> Lines:
    return table(["target", "measured", "met"], [target.row for target in _all(found)])


def _all(found: Measured) -> Iterator[Target]:
    for peer, of in ((DUCKDB, ""), (DUCKDB_BINS, " (the same roll-ups)")):
        for clock, name in ((wall, "whole process"), (own, "beyond start-up")):
            faster = ratio(found.main, peer, OURS, clock)
            yield Target(f"2 times as fast as {peer}{of}, {name}", 2, faster, "times", is_least=True)
            yield Target(f"the goal: 3 times{of}, {name}", 3, faster, "times", is_least=True)
    workers = ratio(found.main, ONE_WORKER, OURS, own)
    yield Target("all workers 1.7 times as fast as one, beyond start-up", 1.7, workers, "times", is_least=True)
    yield Target("foreign lines: 1,000 MB/s a core", 1000, _foreign(found), "MB/s", is_least=True)
    for name in ("docker", "cri"):
        share = ratio(found.envelopes, "bare", name, own)
        yield Target(
            f"lines in the envelope of {name}: half the speed of bare ones", 0.5, share, "times", is_least=True
        )
    yield Target("peak memory below 600 MB, on logs of all sizes", 600, _peak(found), "MB", is_least=False)
    yield Target(f"time per MB below {FLAT} times, largest log to 100 MB", FLAT, _flat(found), "times", is_least=False)
    for other, name in (("alone", "an empty folder"), ("appended", "no history")):
        more = ratio(found.increment, "with history", other, own)
        yield Target(f"1 MB more: below 1.5 times {name}", 1.5, more, "times", is_least=False)
    seconds = middle(turns, own) if (turns := found.increment.get("with history")) else None
    yield Target("1 MB more: below 1 s", 1, seconds, "s", is_least=False)


def _foreign(found: Measured) -> float | None:
    """Of one worker; where there is no such option, all is one process."""
    turns = found.foreign.get("one worker") or found.foreign.get(OURS)
    return speed(found.foreign_size, turns, own) if turns else None


def _peak(found: Measured) -> float | None:
    turns = [turn for name in (OURS, ONE_WORKER) for turn in found.main.get(name, ())]
    turns += [turn for each in found.scaling.values() for turn in each]
    return peak(turns) if turns else None


def _flat(found: Measured) -> float | None:
    sizes = sorted(found.scaling)
    if len(sizes) < 2:
        return None
    sizes = sizes[1:] if len(sizes) > 2 else sizes
    first, last = (middle(found.scaling[size], own) / size for size in (sizes[0], sizes[-1]))
    return last / first
