"""Metrics for Django apps whose processes cannot keep any: JSON events on stdout."""

from .domain import bookmark_change, bookmark_import, data_quality, feed_poll, feed_state, job, report
from .emitter import emit
from .health import Unhealthy, health_check, run_health_checks
from .instruments import Counter, Enum, Gauge, Histogram, Info, Summary
from .outside import flush_all as flush
from .spans import timed
from .system import system_stats

__version__ = "0.1.0"

__all__ = [
    "Counter",
    "Enum",
    "Gauge",
    "Histogram",
    "Info",
    "Summary",
    "Unhealthy",
    "__version__",
    "bookmark_change",
    "bookmark_import",
    "data_quality",
    "emit",
    "feed_poll",
    "feed_state",
    "flush",
    "health_check",
    "job",
    "report",
    "run_health_checks",
    "system_stats",
    "timed",
]
