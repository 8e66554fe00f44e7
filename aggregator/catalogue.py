"""The catalogue's file format, and the check that every reference in it holds.

The shipped summaries and metrics stand in catalogue.toml; a user's logemit.toml adds more in the same words.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from .definitions import Catalogue
from .entries import Entry
from .errors import ConfigError
from .families import metric_of
from .summaries import summary_of


@cache
def shipped() -> Catalogue:
    """The catalogue that comes with logemit."""
    text = files(__package__).joinpath("catalogue.toml").read_text("utf-8")
    return extend(Catalogue(), tomllib.loads(text), "catalogue.toml")


def extend(base: Catalogue, document: Mapping[str, Any], origin: str) -> Catalogue:
    """`base` with the [[summary]], [[metric]] and [buckets] of a parsed TOML document.

    Raises ConfigError naming `origin` and the entry for the first thing that does not hold.
    """
    summaries = {summary.name: summary for summary in base.summaries}
    for entry in _entries(document, origin, "summary"):
        summaries[entry.name] = summary_of(entry, summaries.values())
    metrics = list(base.metrics)
    for entry in _entries(document, origin, "metric"):
        metrics.append(metric_of(entry, metrics, summaries, document.get("buckets", {})))
    return Catalogue(tuple(summaries.values()), tuple(metrics))


def _entries(document: Mapping[str, Any], origin: str, kind: str) -> Iterator[Entry]:
    tables = document.get(kind, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(f"{origin}: {kind} must be a list of tables; write [[{kind}]]")
    return (Entry(origin, kind, table) for table in tables)
