"""Labels that an instrument's family has of its own."""

from .declarations import Instrument
from .rows import BOUND

_RESERVED = {"histogram": BOUND, "summary": "quantile"}


def reserved(instrument: Instrument, *, service_label: bool) -> set[str]:
    """Labels that the family has of its own."""
    own = instrument.shown_name if instrument.kind == "enum" else _RESERVED.get(instrument.kind)
    return {label for label in (own, "service" if service_label else None) if label}
