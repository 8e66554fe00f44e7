"""What stands on the page, in its order: headline numbers, then sections of charts and tables.

Its size has a bound, whatever the folder holds: so many rows of a table, so many buckets of time.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from ..errors import InputError
from ..panels import Asked, Panel, found, requests
from ..panels.state import capped, checks, pipeline
from ..panels.traffic import caches, models, queries
from ..panels.work import commands, data_quality, feeds, imports, jobs, reports, tasks
from ..status import Status, status
from . import figures
from .figures import Figure
from .headlines import Headline, headlines
from .timeline import Timeline, timeline
from .units import moment

ROWS = 25
"""Of a table."""
FEWER = 10
"""Of those that say more of what stands in another one, and bars of a chart."""

_FAILING = ("view", "requests", "errors", "error_share")
_SLOWEST = ("view", "requests", "p50", "p95", "p99")


@dataclass(frozen=True, slots=True)
class Listing:
    """The first rows of a panel, of how many."""

    panel: Panel
    rows: int


@dataclass(frozen=True, slots=True)
class Section:
    id: str
    title: str
    figures: tuple[Figure, ...] = ()
    listings: tuple[Listing, ...] = ()
    note: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.figures or self.listings or self.note)


@dataclass(frozen=True, slots=True)
class Contents:
    """`made` alone changes where the folder does not."""

    title: str
    made: str
    span: str
    """The time with requests, or that was asked for."""
    headlines: tuple[Headline, ...]
    sections: tuple[Section, ...]

    @property
    def charts(self) -> dict[str, object]:
        """By id."""
        return {figure.id: figure.spec for section in self.sections for figure in section.figures}


def gather(asked: Asked, title: str, made: float) -> Contents:
    """`made` in seconds since 1970. Raises InputError for what is no output."""
    state = status(asked.out, sizes=False)
    line = _timeline(asked)
    return Contents(
        title,
        moment(made),
        _span(asked, line),
        headlines(asked, state),
        tuple(section for section in _sections(asked, state, line) if not section.is_empty),
    )


def _timeline(asked: Asked) -> Timeline | None:
    with suppress(InputError):
        return timeline(asked)
    return None


def _span(asked: Asked, line: Timeline | None) -> str:
    since = asked.since.timestamp() if asked.since else line.buckets[0].start if line else None
    until = asked.until.timestamp() if asked.until else line.buckets[-1].start + line.width if line else None
    named = (("from", since), ("to", until))
    return " ".join(f"{name} {moment(value)}" for name, value in named if value is not None)


def _sections(asked: Asked, state: Status, line: Timeline | None) -> Iterable[Section]:
    if line is None:
        yield Section("requests", "Requests", note="There were no requests in this time.")
    else:
        yield Section("requests", "Requests", tuple(figures.traffic(line)))
        yield Section("latency", "Latency", tuple(figures.latency(line)))
    yield _views(found(asked, requests))
    yield _database(found(asked, queries), found(asked, models))
    for id, title, makes in _TABLES:
        yield Section(id, title, listings=tuple(_listings(asked, makes)))
    yield _trust(state, found(asked, data_quality))


_TABLES: tuple[tuple[str, str, tuple[Callable[[Asked], Panel], ...]], ...] = (
    ("caches", "Caches", (caches,)),
    ("feeds", "Feeds and imports", (feeds, imports)),
    ("tasks", "Tasks and jobs", (tasks, jobs, commands, reports)),
    ("health", "Health", (checks,)),
)


def _listings(asked: Asked, makes: Iterable[Callable[[Asked], Panel]]) -> Iterable[Listing]:
    return (_listing(panel) for make in makes if (panel := found(asked, make)) is not None)


def _views(panel: Panel | None) -> Section:
    title = "Where the time goes"
    if panel is None:
        return Section("views", title)
    listings = [_listing(panel)]
    for name, by, columns in (("Slowest views", "p95", _SLOWEST), ("Failing views", "errors", _FAILING)):
        few = panel.top(by, FEWER).only(*columns)
        if not few.is_empty:
            listings.append(Listing(replace(few, title=name), len(few.table)))
    return Section("views", title, (figures.most_time(panel, ("view",), "view-time", "Views", FEWER),), tuple(listings))


def _database(panel: Panel | None, changed: Panel | None) -> Section:
    charts = [] if panel is None else [figures.most_time(panel, ("alias", "operation"), "query-time", "Queries", FEWER)]
    listings = [_listing(each) for each in (panel, changed) if each is not None]
    return Section("database", "Database", tuple(charts), tuple(listings))


def _trust(state: Status, quality: Panel | None) -> Section:
    """Whether the numbers can be trusted."""
    hidden = capped(state)
    listings = [_listing(panel) for panel in (pipeline(state), hidden, quality) if panel and not panel.is_empty]
    note = "Nothing is capped: each value of a label is shown under its own name." if hidden.is_empty else ""
    return Section("quality", "Data quality", listings=tuple(listings), note=state.problem or note)


def _listing(panel: Panel) -> Listing:
    return Listing(replace(panel, table=panel.table.head(ROWS)), len(panel.table))
