"""The instruments of this process by name, each with its children: one of each, however many objects stand for it."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from . import emitter
from .backends.port import Declaration
from .fold import Lines
from .naming import bound_text, exposed_names, shortened

_TEXT_LIMIT = 1024
"""Bytes of a dimension that the batch side keeps."""


class Family:
    """An instrument: its declaration, and its children by their label values."""

    def __init__(self, declaration: Declaration, make: Callable[["Family", tuple[str, ...]], Any]) -> None:
        self.declaration = declaration
        self.children: dict[tuple[str, ...], Any] = {}
        self.is_set = False
        """Of a gauge: some child was set to a value, instead of only moved."""
        self._make = make

    def child(self, values: tuple[str, ...]) -> Any:
        """The one with these label values, made where there is none."""
        found = self.children.get(values)
        if found is None:
            made = self._make(self, values)
            found = self.children.setdefault(values, made)  # a lock would be inherited by a fork
            if found is made:
                made.begin()
        return found

    def lines(self) -> Lines:
        """What it is, once in each process."""
        return [("instrument", self._fields())] if emitter.first_time(self) else []

    def _fields(self) -> dict[str, Any]:
        what = self.declaration
        help_text = shortened(what.help, _TEXT_LIMIT)
        fields: dict[str, Any] = {"name": what.name, "kind": what.kind, "help": help_text, "declared": 1}
        if what.label_names:
            fields["label_names"] = ",".join(what.label_names)
        if what.buckets:
            fields["buckets"] = _bounds(what.buckets[:-1])
        if what.states and len(states := orjson.dumps(what.states)) <= _TEXT_LIMIT:
            fields["states"] = states.decode()
        return fields


def _bounds(bounds: tuple[float, ...]) -> str:
    """With commas between; every other where a line cannot hold them all, which adds up all the same."""
    while len(text := ",".join(map(bound_text, bounds))) > _TEXT_LIMIT:
        bounds = bounds[1::2]
    return text


_families: dict[str, Family] = {}
_exposed: dict[str, str] = {}
"""The family of each name that Prometheus will meet."""


def declared(declaration: Declaration, make: Callable[[Family, tuple[str, ...]], Any]) -> Family:
    """The family of this name; what declared it first counts.

    Raises ValueError where another type, or other labels or states, have the name by now.
    """
    family = _families.get(declaration.name)
    if family is None:
        names = exposed_names(declaration.kind, declaration.name)
        if taken := {name for name in names if name in _exposed}:
            raise ValueError(f"Duplicated timeseries: {taken} of {_exposed[min(taken)]}")
        family = _families.setdefault(declaration.name, Family(declaration, make))
        _exposed.update(dict.fromkeys(names, declaration.name))
    first = family.declaration
    for what in ("kind", "label_names", "states"):
        before, now = getattr(first, what), getattr(declaration, what)
        if before != now:
            raise ValueError(f"Duplicated timeseries: {declaration.name} has {what} {before!r} by now, not {now!r}")
    return family


def existing() -> Iterator[tuple[Declaration, list[tuple[str, ...]]]]:
    """Each instrument with the label values of its children."""
    for family in list(_families.values()):
        yield family.declaration, list(family.children)


def children_of(kind: str) -> Iterator[Any]:
    for family in list(_families.values()):
        if family.declaration.kind == kind:
            yield from list(family.children.values())
