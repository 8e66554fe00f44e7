"""One [[summary]] or [[metric]] of a catalogue's TOML, and what is common to reading both."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NoReturn

from .definitions import PROC, Filter
from .origin import Origin, Path, suggestion


@dataclass(frozen=True, slots=True)
class Entry:
    """A table of the document, the `number`th of its kind.

    `fail` raises ConfigError, `note` goes on; both tell the file, the line and the entry. `keys` say where in it.
    """

    origin: Origin
    kind: str
    number: int
    table: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Raises ConfigError."""
        name = self.table.get("name")
        if not isinstance(name, str) or not name:
            self.fail("needs a name")
        return name

    def at(self, *keys: str | int) -> Path:
        return (self.kind, self.number, *keys)

    def told(self, message: str) -> str:
        return f"[[{self.kind}]] {self.table.get('name') or '?'}: {message}"

    def fail(self, message: str, *keys: str | int) -> NoReturn:
        self.origin.fail(self.told(message), self.at(*keys))

    def note(self, message: str, *keys: str | int) -> None:
        self.origin.note(self.told(message), self.at(*keys))

    def noting(self) -> AbstractContextManager[None]:
        return self.origin.noting()

    def allow(self, known: str) -> None:
        """Keys, in one text; others are noted."""
        names = sorted(known.split())
        for key in self.table:
            if key not in names:
                self.note(f"unknown key {key!r}; known are {', '.join(names)}{suggestion(key, names)}", key)

    def listed(self, key: str) -> list[Any]:
        """Empty, and noted, where it is no list."""
        given = self.table.get(key, [])
        if isinstance(given, list):
            return given
        self.note(f"{key} must be a list", key)
        return []

    def names(self, key: str) -> tuple[str, ...]:
        """Empty, and noted, where it is no list of names."""
        names = self.table.get(key, [])
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return tuple(names)
        self.note(f"{key} must be a list of names", key)
        return ()

    def filter(self, dimensions: Collection[str], where: str, unless: str) -> Filter:
        """Of the conditions that hold; others are noted."""
        return Filter(self._conditions(dimensions, where), self._conditions(dimensions, unless))

    def _conditions(self, dimensions: Collection[str], key: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        given = self.table.get(key, {})
        if not isinstance(given, dict):
            self.note(f'{key} must be a table such as {{ status = "error" }}', key)
            return ()
        conditions = []
        for dimension, values in given.items():
            with self.noting():
                conditions.append((dimension, self._values(dimensions, key, dimension, values)))
        return tuple(conditions)

    def _values(self, dimensions: Collection[str], key: str, dimension: str, values: Any) -> tuple[str, ...]:
        if dimension not in dimensions:
            near = suggestion(dimension, dimensions)
            self.fail(f"{key} names {dimension!r}, which is not a dimension of the summary{near}", key, dimension)
        if dimension == PROC:
            reason = "processes come and go, and totals do not keep them apart"
            self.fail(f"{key} names {PROC!r}: {reason}", key, dimension)
        listed = values if isinstance(values, list) else [values]
        if not all(isinstance(value, str) for value in listed):
            self.fail(f"{key}.{dimension} must be text or a list of texts", key, dimension)
        return tuple(listed)
