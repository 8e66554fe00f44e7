"""Instruments of prometheus_client: where they are made, and whether logemit's can take their place."""

from collections.abc import Iterator

from ..metrics import Instrument
from .modules import Modules


def declared(modules: Modules) -> Iterator[Instrument]:
    yield from ()
