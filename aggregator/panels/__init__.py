"""Views of an output folder as small tables with units, for whatever shows them: a terminal, a page, a script.

Asked(out, since, until, catalogue) ──▶ a panel's function ──▶ Panel(table, columns with units) ──▶ formats
"""

from collections.abc import Callable
from contextlib import suppress

from ..errors import InputError
from .asked import Asked
from .panel import Column, Panel, Unit
from .state import capped, checks, pipeline
from .summaries import of_summary
from .traffic import caches, models, queries, requests
from .work import commands, data_quality, feeds, imports, jobs, reports, tasks

__all__ = ["PANELS", "Asked", "Column", "Panel", "Unit", "capped", "found", "of_summary", "pipeline", "requests"]

PANELS: tuple[Callable[[Asked], Panel], ...] = (
    *(queries, caches, models, tasks, feeds, imports),
    *(jobs, commands, reports, checks, data_quality),
)
"""What there is beside requests and the state of the folder, in the order in which it is shown."""


def found(asked: Asked, make: Callable[[Asked], Panel]) -> Panel | None:
    """A panel, or None where the folder has nothing for it in that span of time."""
    with suppress(InputError):
        made = make(asked)
        return None if made.is_empty else made
    return None
