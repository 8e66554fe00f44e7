"""Dashboards as their files tell them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from typing import Any, Literal

from ...errors import UsageError

NAMES = ("overview", "requests", "database", "cache", "celery", "feeds", "system", "pipeline")
"""In the order in which one would look at them."""


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    kind: Literal["stat", "series", "table"]
    unit: str
    """Of Grafana's: reqps, percentunit, s …"""
    description: str
    queries: Mapping[str, str]
    """Expressions by their legend; of a table, by the name of a column."""
    thresholds: tuple[float, float] | None = None
    """From where on it is doubtful, and bad; the greater first where it is little that is bad."""
    of: Literal["", "interval"] = ""
    """What thresholds count in, where not in the unit."""
    dashboard: str = ""
    """Which one tells more."""
    quiet: str = ""
    """When it has nothing to show, or zeros."""


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    name: str
    title: str
    description: str
    variables: Mapping[str, str]
    """Which series each takes its values from: those of the label with its name."""
    rows: tuple[Row, ...]

    @property
    def uid(self) -> str:
        """The same for ever: what is imported or provisioned again replaces what was there."""
        return f"logemit-{self.name}"

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)


def load(name: str) -> Dashboard:
    """Raises UsageError for a name that is none."""
    if name not in NAMES:
        near = get_close_matches(name, NAMES, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"there is no dashboard {name!r} among {', '.join(NAMES)}{meant}")
    entry = tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))
    rows = tuple(Row(row["title"], tuple(map(_panel, row["panel"]))) for row in entry["row"])
    return Dashboard(name, entry["title"], entry["description"], entry["variables"], rows)


def _panel(entry: dict[str, Any]) -> Panel:
    thresholds = entry.pop("thresholds", None)
    queries = {legend: expression.strip() for legend, expression in entry.pop("queries").items()}
    return Panel(queries=queries, thresholds=tuple(thresholds) if thresholds else None, **entry)
