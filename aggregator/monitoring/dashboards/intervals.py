"""The interval between two runs, and what follows from it."""

from dataclasses import dataclass

from ...spans import shown

_LEAST_REFRESH = 5
"""Grafana takes no dashboard that asks more often, unless it is told to."""
_RANGES = (60, 300, 600, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400)


@dataclass(frozen=True, slots=True)
class Schedule:
    seconds: int
    """Between two runs."""

    @property
    def interval(self) -> str:
        return shown(self.seconds)

    @property
    def range(self) -> str:
        """What rates are taken over: three runs, as with two one scrape that comes late leaves one step."""
        return shown(3 * self.seconds)

    @property
    def ranges(self) -> list[str]:
        """Those to choose from, the default first; none is shorter than two intervals."""
        return [shown(span) for span in (3 * self.seconds, *(r for r in _RANGES if r > 3 * self.seconds))]

    @property
    def refresh(self) -> str:
        return shown(max(self.seconds, _LEAST_REFRESH))

    @property
    def shown(self) -> str:
        """What a dashboard shows when it is opened: enough runs to see a line."""
        return shown(max(6 * 3600, 48 * self.seconds))
