"""Where the keys, elements and tables of a TOML text stand. The text is known to be TOML: tomllib has read it."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_STRING = re.compile(
    r"""\"\"\"(?:[^\\]|\\.)*?\"{3,5}|'''.*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\r\n]*[^,\]}#\s]")


@dataclass(frozen=True, slots=True)
class Place:
    """An element, a key with its value, or a table from its header to its last value. Characters [start, end)."""

    path: Path
    start: int
    end: int
    value: str | None = None
    is_table: bool = False


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0
        self.found: list[Place] = []

    def document(self) -> list[Place]:
        table: Place | None = None
        counts: dict[Path, int] = {}
        prefix: Path = ()
        while self._blank() < len(self.text):
            start = self.place
            if self.text[start] == "[":
                if table is not None:
                    self.found.append(table)
                is_array = self.text.startswith("[[", start)
                self.place += 2 if is_array else 1
                self._blank()
                prefix = _in_arrays(self._key(), counts)
                if is_array:
                    counts[prefix] = counts.get(prefix, -1) + 1
                    prefix = (*prefix, counts[prefix])
                else:
                    prefix = (*prefix, counts[prefix]) if prefix in counts else prefix
                self._blank()
                self.place += 2 if is_array else 1
                table = Place(prefix, start, self.place, is_table=True)
            else:
                self._pair(prefix)
                table = replace(table, end=self.place) if table is not None else None
        return [*self.found, table] if table is not None else self.found

    def _blank(self) -> int:
        found = _BLANK.match(self.text, self.place)
        self.place = found.end() if found else self.place
        return self.place

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.place)
        if found is None:
            raise ValueError(f"no {pattern.pattern} at {self.place}")
        self.place = found.end()
        return found[0]

    def _key(self) -> Path:
        parts: list[str | int] = []
        while True:
            part = self._take(_KEY)
            parts.append(_read(part) if part[0] in "\"'" else part)
            if not _DOT.match(self.text, self.place):
                return tuple(parts)
            self._take(_DOT)

    def _pair(self, prefix: Path) -> None:
        start = self.place
        path = (*prefix, *self._key())
        self._blank()
        self.place += 1  # =
        self._blank()
        value = self._value(path)
        self.found.append(Place(path, start, self.place, value))

    def _value(self, path: Path) -> str | None:
        """What it is, of a string."""
        first = self.text[self.place]
        if first in "\"'":
            value = _read(self._take(_STRING))
            return value if isinstance(value, str) else None
        if first not in "[{":
            self._take(_PLAIN)
            return None
        self.place += 1
        count = 0
        while self.text[self._blank()] not in "]}":
            start = self.place
            if first == "{":
                self._pair(path)
            else:
                value = self._value((*path, count))
                self.found.append(Place((*path, count), start, self.place, value))
            count += 1
            self._blank()
            self.place += self.text[self.place] == ","
        self.place += 1
        return None


def _in_arrays(key: Path, counts: dict[Path, int]) -> Path:
    """A key under the last table of the arrays that it goes through."""
    path: Path = ()
    for part in key[:-1]:
        path = (*path, part)
        path = (*path, counts[path]) if path in counts else path
    return (*path, *key[-1:])


def _read(value: str) -> Any:
    return tomllib.loads(f"value = {value}")["value"]


def places(text: str) -> Iterator[Place]:
    """Raises ValueError, IndexError, RecursionError for what tomllib does not read."""
    yield from sorted(_Scanner(text).document(), key=lambda each: (each.start, -each.end))


def without(data: Any, doomed: set[Path], path: Path = ()) -> Any:
    """A copy of what tomllib read, without the values at these paths."""
    if isinstance(data, dict):
        return {k: without(v, doomed, (*path, k)) for k, v in data.items() if (*path, k) not in doomed}
    if isinstance(data, list):
        return [without(v, doomed, (*path, n)) for n, v in enumerate(data) if (*path, n) not in doomed]
    return data
