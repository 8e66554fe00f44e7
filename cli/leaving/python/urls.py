"""Routes at which metrics are served."""

from .modules import Modules


def routes(modules: Modules) -> frozenset[str]:
    """Paths without a leading slash: metrics, internal/metrics."""
    return frozenset()
