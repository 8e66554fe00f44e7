"""Grafana's dashboards: what stands on them as data, a file for each; made into JSON by Grafana's own SDK."""

from .definitions import NAMES, Dashboard, Panel, Row, load
from .intervals import Schedule

__all__ = ["NAMES", "Dashboard", "Panel", "Row", "Schedule", "load"]
