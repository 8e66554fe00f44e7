"""Backends: what the emitter writes through. The setting BACKENDS names them."""

from ..conf import Settings
from ..emitter import failed
from ..writer import Writer as LineWriter
from .memory import InMemory
from .port import Backend, Declaration, Measuring, Operation
from .prometheus import PrometheusClient
from .several import Several

__all__ = [
    "Backend",
    "Declaration",
    "InMemory",
    "LineWriter",
    "Measuring",
    "Operation",
    "PrometheusClient",
    "Several",
    "opened",
]


def opened(settings: Settings) -> Backend:
    """The backends of the settings as one: what is callable is called with the settings, the rest stands as it is."""
    made: list[Backend] = []
    for given in settings.backends:
        try:
            made.append(given(settings) if callable(given) else given)
        except Exception as exc:
            if not failed(given, exc):
                raise
    return made[0] if len(made) == 1 and type(made[0]) is LineWriter else Several(made)
