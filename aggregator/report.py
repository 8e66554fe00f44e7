"""What a run tells of itself."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import LogemitError

Progress = Callable[[int, int], None]
"""Told what is done, and what there is to do in all."""


@dataclass(slots=True)
class Report:
    """What a run did, for people and scripts. Counts are of this run; `missing` and `lost` of all."""

    run: int = 0
    read: int = 0
    released: int = 0
    events: int = 0
    foreign: int = 0
    rejected: int = 0
    duplicates: int = 0
    held: int = 0
    missing: int = 0
    lost: int = 0
    conflicts: int = 0
    unchecked: int = 0
    fields_invalid: int = 0
    texts_cut: int = 0
    """Values of dimensions that were too long."""
    late: int = 0
    gaps: int = 0
    vanished: int = 0
    """Sources that were there when the run began and could not be read."""
    unfinished: int = 0
    sources: int = 0
    partitions: int = 0
    seconds: float = 0.0
    loading: float = 0.0
    """Of these seconds, those in which machine code was loaded, or made."""
    out: str = ""
    by_event: dict[str, int] = field(default_factory=dict)
    rejections: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def check_account(self) -> None:
        """read + released = events + foreign + rejected + duplicates + newly held."""
        accounted = self.events + self.foreign + self.rejected + self.duplicates + self.held
        if self.read + self.released != accounted:
            raise LogemitError(
                f"{self.read} + {self.released} records read, {accounted} accounted for; nothing changed"
            )
