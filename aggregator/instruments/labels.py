"""The names under which the labels of an instrument are shown."""

from collections.abc import Collection, Iterable

from ..fields import LABEL
from .declarations import Instrument
from .rows import BOUND

_RESERVED = {"histogram": BOUND, "summary": "quantile"}


def reserved(instrument: Instrument, *, service_label: bool) -> set[str]:
    """Labels that the family has of its own."""
    own = instrument.shown_name if instrument.kind == "enum" else _RESERVED.get(instrument.kind)
    return {label for label in (own, "service" if service_label else None) if label}


def shown_as(names: Iterable[str], own: Collection[str]) -> dict[str, str]:
    """Of names that are none, nothing; those that the family has of its own get exported_, as Prometheus gives it."""
    found = {name: name for name in names if LABEL.fullmatch(name)}
    taken = {*own, *found}
    for name in sorted(found.keys() & set(own)):
        while found[name] in taken:
            found[name] = f"exported_{found[name]}"
        taken.add(found[name])
    return found
