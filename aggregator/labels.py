"""The labels of a [[metric]]: which dimensions they show, and with which values."""

import re
from dataclasses import dataclass
from typing import Any, NoReturn

from .definitions import PROC, Column, Mapped, Summary
from .entries import Entry
from .origin import Path, suggestion

MOST_SEGMENTS = 100
_MAPPINGS = ("class", "segments", "values")
_KEYS = ("dimension", *_MAPPINGS, "default")
_RESERVED = ("le", "quantile", "service")


def labels_of(entry: Entry, summary: Summary) -> tuple[tuple[str, Column], ...]:
    """(label, column) of those that hold; what does not is noted."""
    given = entry.table.get("labels", [])
    named = given if isinstance(given, dict) else {}
    listed = given if isinstance(given, list) else []
    if (
        not isinstance(given, list | dict)
        or not all(isinstance(wanted, str | dict) for wanted in named.values())
        or not all(isinstance(label, str) for label in listed)
    ):
        entry.note('labels must be a list of dimensions or a table such as { label = "dimension" }', "labels")
        return ()
    found: dict[str, Column] = {}
    for place, label, wanted in (
        *((label, label, wanted) for label, wanted in named.items()),
        *((place, label, label) for place, label in enumerate(listed)),
    ):
        with entry.noting():
            column = _column(_Label(entry, label, ("labels", place)), summary, wanted)
            if label in found or not _is_label(label):
                entry.fail(f"{label!r} cannot be a label", "labels", place)
            found[label] = column
    return tuple(found.items())


def _is_label(label: str) -> bool:
    is_name = re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,99}", label)
    return is_name is not None and not label.startswith("__") and label not in _RESERVED


@dataclass(frozen=True, slots=True)
class _Label:
    entry: Entry
    name: str
    place: Path

    def fail(self, message: str, *keys: str) -> NoReturn:
        self.entry.fail(f"label {self.name!r} {message}", *self.place, *keys)


def _column(label: _Label, summary: Summary, wanted: Any) -> Column:
    """Raises ConfigError."""
    table = wanted if isinstance(wanted, dict) else {"dimension": wanted}
    for key in table:
        if key not in _KEYS:
            label.fail(f"has an unknown key {key!r}; known are {', '.join(_KEYS)}{suggestion(key, _KEYS)}", key)
    dimension = table.get("dimension")
    if not isinstance(dimension, str):
        label.fail('needs a dimension, e.g. { dimension = "status", class = true }')
    if dimension not in summary.dimensions:
        has = f"{summary.name} has {', '.join(summary.dimensions) or 'none'}"
        label.fail(f"wants dimension {dimension!r}; {has}{suggestion(dimension, summary.dimensions)}")
    if dimension == PROC:
        label.fail(f"wants {PROC!r}: processes come and go; a gauge combines those that live")
    return _mapped(label, dimension, table) if len(table) > 1 else dimension


def _mapped(label: _Label, dimension: str, table: dict[str, Any]) -> Mapped:
    given = [key for key in _MAPPINGS if key in table]
    if len(given) != 1:
        label.fail(f"has {' and '.join(given) or 'none'} of {', '.join(_MAPPINGS)}; it takes one")
    value, default = table[given[0]], table.get("default")
    if given == ["class"]:
        if value is not True:
            label.fail(f"has class {value!r}, expected true", "class")
    elif given == ["segments"]:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_SEGMENTS:
            label.fail(f"has segments {value!r:.40}, expected a whole number from 1 to {MOST_SEGMENTS}", "segments")
    elif not isinstance(value, dict) or not value or not all(isinstance(each, str) for each in value.values()):
        label.fail('has values that are no table of texts such as { "api-*" = "api" }', "values")
    if default is not None and (given != ["values"] or not isinstance(default, str)):
        label.fail(f"has default {default!r:.40}; a default is a text, beside values", "default")
    if given == ["class"]:
        return Mapped(dimension, by_class=True)
    if given == ["segments"]:
        return Mapped(dimension, segments=value)
    return Mapped(dimension, values=tuple(value.items()), default=default)
