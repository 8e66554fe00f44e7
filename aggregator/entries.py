"""One [[summary]] or [[metric]] of a catalogue's TOML, and what is common to reading both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from .definitions import PROC, Filter
from .errors import ConfigError


@dataclass(frozen=True, slots=True)
class Entry:
    """A table of the document. Every method raises ConfigError that names it."""

    origin: str
    kind: str
    table: Mapping[str, Any]

    @property
    def name(self) -> str:
        name = self.table.get("name")
        if not isinstance(name, str) or not name:
            self.fail("needs a name")
        return name

    def fail(self, message: str) -> NoReturn:
        raise ConfigError(f"{self.origin}: [[{self.kind}]] {self.table.get('name') or '?'}: {message}")

    def allow(self, known: str) -> None:
        """Keys, in one text."""
        if extra := sorted(set(self.table) - set(known.split())):
            self.fail(f"unknown key {extra[0]!r}; known are {', '.join(sorted(known.split()))}")

    def listed(self, key: str) -> list[Any]:
        given = self.table.get(key, [])
        if not isinstance(given, list):
            self.fail(f"{key} must be a list")
        return given

    def names(self, key: str) -> tuple[str, ...]:
        names = self.table.get(key, [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self.fail(f"{key} must be a list of names")
        return tuple(names)

    def filter(self, dimensions: tuple[str, ...], where: str, unless: str) -> Filter:
        return Filter(self._conditions(dimensions, where), self._conditions(dimensions, unless))

    def _conditions(self, dimensions: tuple[str, ...], key: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        given = self.table.get(key, {})
        if not isinstance(given, dict):
            self.fail(f'{key} must be a table such as {{ status = "error" }}')
        conditions = []
        for dimension, values in given.items():
            if dimension not in dimensions:
                self.fail(f"{key} names {dimension!r}, which is not a dimension of the summary")
            if dimension == PROC:
                self.fail(f"{key} names {PROC!r}: processes come and go, and totals do not keep them apart")
            listed = values if isinstance(values, list) else [values]
            if not all(isinstance(value, str) for value in listed):
                self.fail(f"{key}.{dimension} must be text or a list of texts")
            conditions.append((dimension, tuple(listed)))
        return tuple(conditions)
