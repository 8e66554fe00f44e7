"""From turns to figures: medians, speeds, and ratios of what ran in the same round."""

from collections.abc import Callable, Sequence
from statistics import median

from .logs import MB
from .measure import Turns
from .running import Turn

Clock = Callable[[Turn], float]


def wall(turn: Turn) -> float:
    return turn.wall


def cpu(turn: Turn) -> float:
    return turn.cpu


def own(turn: Turn) -> float:
    """Beyond start-up, as the program itself tells."""
    return turn.seconds if turn.seconds is not None else turn.wall


def middle(turns: Sequence[Turn], clock: Clock) -> float:
    return median(map(clock, turns))


def peak(turns: Sequence[Turn]) -> float:
    """MB, of the worst turn."""
    return max(turn.peak for turn in turns) / MB


def speed(size: float, turns: Sequence[Turn], clock: Clock) -> float:
    """MB a second, where a turn is not too short to tell."""
    return size / max(middle(turns, clock), 1e-4)


def ratio(turns: Turns, slower: str, faster: str, clock: Clock) -> float | None:
    """How many times as long one took as another, in the middle of the rounds in which both ran."""
    pairs = zip(turns.get(slower, ()), turns.get(faster, ()), strict=False)
    found = [clock(one) / max(clock(other), 1e-4) for one, other in pairs]
    return median(found) if found else None
