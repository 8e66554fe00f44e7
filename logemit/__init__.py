"""Metrics for Django apps whose processes cannot keep any: JSON events on stdout."""

from .emitter import emit
from .spans import bookmark_import, feed_poll

__version__ = "0.1.0"

__all__ = ["__version__", "bookmark_import", "emit", "feed_poll"]
