"""What stands on the page, in its order: headline numbers, then sections of charts and tables.

Its size has a bound, whatever the folder holds: so many rows of a table, so many buckets of time.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from ..errors import InputError
from ..panels import Asked, Panel, View, overview
from . import figures
from .figures import Figure, top
from .headlines import Headline, headlines
from .texts import moment, visible
from .timeline import Timeline, timeline

ROWS = 25
"""Of a table."""

_TABLES = {
    ("caches", "Caches"): ("caches",),
    ("feeds", "Feeds and imports"): ("feeds", "imports"),
    ("tasks", "Tasks and jobs"): ("tasks", "jobs", "commands", "reports"),
    ("health", "Health"): ("checks",),
    ("quality", "Data quality"): ("pipeline", "capped", "data_quality"),
}
"""Panels by the id and the title of their section."""


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
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.figures or self.listings or self.notes)


@dataclass(frozen=True, slots=True)
class Contents:
    """`made` alone changes where the folder does not."""

    title: str
    made: str
    span: str
    """The time with requests, or that was asked for."""
    problem: str
    """Why the state of the folder cannot be read."""
    headlines: tuple[Headline, ...]
    sections: tuple[Section, ...]

    @property
    def charts(self) -> dict[str, object]:
        """By id, each with what a screen reader says of it."""
        figures = (figure for section in self.sections for figure in section.figures)
        return {each.id: {**each.spec, "description": f"{each.title}. {each.caption}"} for each in figures}


def gather(asked: Asked, title: str, made: float) -> Contents:
    """`made` in seconds since 1970. Raises InputError for what is no output."""
    view, line = overview(asked), _timeline(asked)
    panels = {panel.name: _steady(panel) for panel in reversed(view.panels)}  # the first of requests is of all
    by_view = next((panel for panel in view.panels if panel.title == "Requests by view"), None)
    sections = (*_traffic(line), _views(by_view), _database(panels), *_tables(panels, view))
    return Contents(
        title,
        moment(made),
        _span(asked, line),
        view.problem,
        headlines(panels),
        tuple(section for section in sections if not section.is_empty),
    )


def _timeline(asked: Asked) -> Timeline | None:
    with suppress(InputError):
        return timeline(asked)
    return None


def _span(asked: Asked, line: Timeline | None) -> str:
    since = asked.since.timestamp() if asked.since else line.start if line else None
    until = asked.until.timestamp() if asked.until else line.end if line else None
    named = (("from", since), ("to", until))
    return " ".join(f"{name} {moment(value)}" for name, value in named if value is not None)


def _traffic(line: Timeline | None) -> Iterator[Section]:
    if line is None:
        yield Section("requests", "Requests", notes=("There were no requests in this time.",))
    else:
        yield Section("requests", "Requests", tuple(figures.traffic(line)))
        yield Section("latency", "Latency", tuple(figures.latency(line)))


def _views(panel: Panel | None) -> Section:
    title = "Where the time goes"
    if panel is None:
        return Section("views", title)
    slowest = top(panel, "p95", "view", "requests", "p50", "p95", "p99")
    failing = top(panel, "errors", "view", "requests", "errors", "error_share")
    few = (replace(slowest, title="Slowest views"), replace(failing, title="Failing views"))
    charts = tuple(figures.most_time(panel, ("view",), "view-time", "Views"))
    return Section("views", title, charts, (_listing(panel), *(_listing(each) for each in few if not each.is_empty)))


def _database(panels: Mapping[str, Panel]) -> Section:
    listings = tuple(_listing(panels[name]) for name in ("queries", "models") if name in panels)
    if "queries" not in panels:
        return Section("database", "Database", listings=listings)
    charts = tuple(figures.most_time(panels["queries"], ("alias", "operation"), "query-time", "Queries"))
    return Section("database", "Database", charts, listings)


def _tables(panels: Mapping[str, Panel], view: View) -> Iterator[Section]:
    for (name, title), names in _TABLES.items():
        notes = tuple(_quality_notes(panels, view)) if name == "quality" else ()
        listings = tuple(_listing(panels[each]) for each in names if each in panels)
        yield Section(name, title, listings=listings, notes=notes)


def _quality_notes(panels: Mapping[str, Panel], view: View) -> Iterator[str]:
    if "capped" not in panels and not view.problem:
        yield "Nothing is capped: each value of a label is shown under its own name."
    if view.others:
        others = ", ".join(map(visible, view.others[:ROWS]))
        yield f"The folder also holds {others}; logemit show --summary NAME tells of them."


def _steady(panel: Panel) -> Panel:
    """Without what changes by itself."""
    return panel.only(*(column.name for column in panel.columns if column.name != "age_seconds"))


def _listing(panel: Panel) -> Listing:
    return Listing(replace(panel, table=panel.table.head(ROWS)), len(panel.table))
