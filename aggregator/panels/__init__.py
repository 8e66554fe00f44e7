"""Views of an output folder as small tables with units, for whatever shows them: a terminal, a page, a script.

Asked(out, since, until, catalogue) ──▶ a panel's function ──▶ Panel(table, columns with units) ──▶ formats
"""

from .asked import Asked
from .panel import Column, Panel, Unit
from .state import capped, pipeline
from .summaries import of_summary
from .traffic import requests
from .views import PANELS, View, found, overview, single

__all__ = [
    "PANELS",
    "Asked",
    "Column",
    "Panel",
    "Unit",
    "View",
    "capped",
    "found",
    "of_summary",
    "overview",
    "pipeline",
    "requests",
    "single",
]
