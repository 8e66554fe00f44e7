"""What a run must know of all runs before it. Small; part of every commit."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from ..errors import LogemitError, StateError
from ..positions import Checkpoint


@dataclass(slots=True)
class State:
    """Counts are over all runs; times are microseconds since 1970."""

    commit: int = 0
    runs: int = 0
    read: int = 0
    released: int = 0
    """Records that were held and came due."""
    foreign: int = 0
    duplicates: int = 0
    newly_held: int = 0
    events: dict[str, int] = field(default_factory=dict)
    """Lines by event."""
    rejected: dict[str, int] = field(default_factory=dict)
    """Lines by kind of fault."""
    fields_invalid: int = 0
    conflicts: int = 0
    unchecked: int = 0
    lost: int = 0
    recovered: int = 0
    late: int = 0
    """Events that came after their limit, and are in the totals only."""
    gaps: int = 0
    """Sources that went away before they were read to their end."""
    gap_bytes: int = 0
    """What is known to have stood in them unread."""
    missing: int = 0
    newest_event: int = 0
    finished: int = 0
    seconds: float = 0.0
    checked_from: str = ""
    """The first date whose duplicates are known; "" where no date was given up yet."""
    seen_dates: list[str] = field(default_factory=list)
    folded_before: str = ""
    """Windows of earlier dates are hours."""
    partitions_lost: int = 0
    """Partitions that were gone or given up, or may be; what they held is in the totals only."""
    unmarked_before: str = ""
    """Of earlier dates, the marks of the numbers seen are not kept any more."""
    dropped_before: str = ""
    """Partitions of earlier dates are empty."""
    folded: dict[str, int] = field(default_factory=dict)
    """By summary, events that count as `__other__` in a partition or in the totals, as these were full."""
    texts_cut: int = 0
    """Values of dimensions that were too long."""
    capped: dict[str, dict[str, int]] = field(default_factory=dict)
    """By metric and label ("" for its series), how many values are shown as `__other__`."""
    history_until: int = 0
    """Seconds since 1970: the last sample that was exported as history."""
    history_amended: int = 0
    """Events that came for windows after these were exported."""
    checkpoints: list[Checkpoint] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the files of the state that have no date, by their path."""

    @property
    def held(self) -> int:
        return self.newly_held - self.released

    def check_account(self) -> None:
        """Σread = Σevents + Σforeign + Σrejected + Σduplicates + held, over all runs."""
        events, rejected = sum(self.events.values()), sum(self.rejected.values())
        accounted = events + self.foreign + rejected + self.duplicates + self.held
        if self.read != accounted:
            raise LogemitError(f"{self.read} records read in all runs, {accounted} accounted for; nothing changed")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Raises StateError for anything that `to_json` does not write."""
        try:
            given = {f.name: document[f.name] for f in fields(cls)}
            given["checkpoints"] = [Checkpoint(**checkpoint) for checkpoint in given["checkpoints"]]
            return cls(**given)
        except (KeyError, TypeError) as exc:
            raise StateError(f"the last commit lacks or mangles {exc}; see logemit repair") from None
