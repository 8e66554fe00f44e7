"""What one look at an output folder shows: panels, and from when they are."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from .. import datasets
from ..errors import InputError
from ..status import Status, status
from ..urls import shown
from .asked import Asked
from .panel import Panel
from .state import capped, checks, pipeline
from .summaries import of_summary
from .traffic import caches, models, queries, requests
from .work import commands, data_quality, feeds, imports, jobs, reports, tasks

PANELS: dict[str, Callable[[Asked], Panel]] = {
    "db_queries": queries,
    "cache_operations": caches,
    "model_changes": models,
    "tasks": tasks,
    "feed_polls": feeds,
    "bookmark_imports": imports,
    "jobs": jobs,
    "commands": commands,
    "reports": reports,
    "health_checks": checks,
    "data_quality": data_quality,
}
"""By summary, what there is beside requests and the state of the folder, in the order in which it is shown."""


@dataclass(frozen=True, slots=True)
class View:
    out: str
    """As users may see it."""
    since: datetime | None
    until: datetime | None
    newest_event: datetime | None
    """Of all, whatever span is asked for; None for none."""
    problem: str
    """Why the state of the folder cannot be read."""
    panels: tuple[Panel, ...]
    """Those that have something to show."""
    others: tuple[str, ...]
    """Summaries in the folder that no panel is of."""

    @property
    def has_events(self) -> bool:
        """In that span."""
        return any(panel.summary for panel in self.panels)

    def is_within(self, moment: datetime) -> bool:
        """That span."""
        return not ((self.since and moment < self.since) or (self.until and moment >= self.until))


def overview(asked: Asked, by: Sequence[str] = ("view",)) -> View:
    """All panels, the requests grouped by these dimensions. Raises UsageError, InputError for what is no output."""
    told = status(asked.out, sizes=False)
    of_requests: list[Callable[[Asked], Panel]] = [
        partial(requests, by=()),
        partial(requests, by=tuple(dict.fromkeys(by))),
    ]
    made = [panel for make in [*of_requests, *PANELS.values()] if (panel := found(asked, make)) is not None]
    made += [each for each in (capped(told), pipeline(told)) if not each.is_empty and not told.problem]
    others = set(datasets.present(asked.out)) - {"http_requests", *PANELS}
    return _view(asked, told, tuple(made), tuple(sorted(others)))


def found(asked: Asked, make: Callable[[Asked], Panel]) -> Panel | None:
    """A panel, or None where the folder has nothing for it in that span of time."""
    with suppress(InputError):
        made = make(asked)
        return None if made.is_empty else made
    return None


def single(asked: Asked, summary: str, by: Sequence[str] | None = None, measure: str | None = None) -> View:
    """One summary. Raises UsageError, and InputError for what is no output, or one without this summary."""
    told = status(asked.out, sizes=False)
    panel = of_summary(asked, summary, by, measure)
    return _view(asked, told, () if panel.table["count"].sum() == 0 else (panel,), ())


def _view(asked: Asked, told: Status, panels: tuple[Panel, ...], others: tuple[str, ...]) -> View:
    newest = datetime.fromtimestamp(told.newest_event, UTC) if told.newest_event else None
    out = shown(asked.out) if isinstance(asked.out, str) else str(asked.out)
    return View(out, asked.since, asked.until, newest, told.problem, panels, others)
