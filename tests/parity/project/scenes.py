"""The scenes, in the order in which they are played. Each is compared on its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .drive import Drive

Play = Callable[["Drive"], None]
BOTH_VENDORS = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Scene:
    name: str
    play: Play
    runs: tuple[str, ...]
    vendors: tuple[str, ...]
    environ: dict[str, str]


SCENES: list[Scene] = []


def scene(*runs: str, vendors: tuple[str, ...] = BOTH_VENDORS, **environ: str) -> Callable[[Play], Play]:
    """Register one; `runs`: "together", "apart"; `environ`: of logemit."""

    def register(play: Play) -> Play:
        SCENES.append(Scene(play.__name__, play, runs or ("together",), vendors, environ))
        return play

    return register
