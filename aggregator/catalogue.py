"""The catalogue's file format, and the check that every reference in it holds.

The shipped summaries and metrics stand in shipped/; a user's logemit.toml adds more in the same words.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from .definitions import Catalogue
from .entries import Entry
from .families import metric_of
from .origin import Origin
from .summaries import summary_of

PARTS = (
    *("buckets", "requests", "databases", "caches", "models", "tasks", "processes", "systems", "feeds"),
    *("jobs", "alerting", "bot", "instruments"),
)
"""Files of shipped/, in the order in which their metrics are shown."""


@cache
def shipped() -> Catalogue:
    """The catalogue that comes with logemit."""
    folder = files(__package__).joinpath("shipped")
    text = "\n".join(folder.joinpath(f"{part}.toml").read_text("utf-8") for part in PARTS)
    return extend(Catalogue(), tomllib.loads(text), "the shipped catalogue")


def extend(base: Catalogue, document: Mapping[str, Any], origin: str) -> Catalogue:
    """`base` with the [[summary]], [[metric]] and [buckets] of a parsed TOML document.

    Raises ConfigError naming `origin` and the entry for the first thing that does not hold.
    """
    found = Origin(origin)
    extended = read(base, document, found)
    found.settle()
    return extended


def read(base: Catalogue, document: Mapping[str, Any], origin: Origin) -> Catalogue:
    """The same as far as it holds; what does not is noted in `origin`."""
    summaries = {summary.name: summary for summary in base.summaries}
    for entry in _entries(document, origin, "summary"):
        with origin.noting():
            summary = summary_of(entry, summaries.values())
            summaries[summary.name] = summary
    metrics, buckets = list(base.metrics), document.get("buckets", {})
    for entry in _entries(document, origin, "metric"):
        with origin.noting():
            metric = metric_of(entry, metrics, summaries, buckets)
            metrics += [metric] if metric else []
    if not isinstance(buckets, dict):
        origin.note("buckets must be a table of lists; write [buckets]", ("buckets",))
    return Catalogue(tuple(summaries.values()), tuple(metrics))


def _entries(document: Mapping[str, Any], origin: Origin, kind: str) -> Iterator[Entry]:
    tables = document.get(kind, [])
    if isinstance(tables, list) and all(isinstance(table, dict) for table in tables):
        return (Entry(origin, kind, number, table) for number, table in enumerate(tables))
    origin.note(f"{kind} must be a list of tables; write [[{kind}]]", (kind,))
    return iter(())
