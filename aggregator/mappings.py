"""Values of a dimension as a label shows them: mapped by their distinct values, once each."""

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase, translate
from functools import lru_cache

import pyarrow as pa

from .admission import OTHER
from .definitions import Column, Mapped
from .grouping import Key


def mapped(key: Key, mapping: Mapped) -> Key:
    """The column with other values, of which several may have become one."""
    values = pa.array(map(mapper(mapping), key.values.to_pylist()), pa.string())
    return Key.of(pa.chunked_array([pa.DictionaryArray.from_arrays(key.codes.astype("int32"), values)]))


@lru_cache(maxsize=256)
def mapper(mapping: Mapped) -> Callable[[str], str]:
    """What each value is shown as; `__other__` stays."""
    as_ = _mapper(mapping)
    return lambda value: value if value == OTHER else as_(value)


def _mapper(mapping: Mapped) -> Callable[[str], str]:
    if mapping.by_class:
        return _class
    if mapping.segments:
        return lambda value: _first_segments(value, mapping.segments)
    patterns = [(re.compile(translate(pattern)).match, value) for pattern, value in mapping.values]
    default = mapping.default

    def of_patterns(value: str) -> str:
        found = (as_ for fits, as_ in patterns if fits(value))
        return next(found, value if default is None else default)

    return of_patterns


def _class(value: str) -> str:
    return f"{value[0]}xx" if re.fullmatch("[1-9][0-9][0-9]", value) else value


def _first_segments(value: str, number: int) -> str:
    """A slash before the first is kept, one after the last is not."""
    begin = "/" if value.startswith("/") else ""
    return begin + "/".join(value.removeprefix("/").split("/")[:number]).rstrip("/")


def unreachable(column: Column) -> Iterator[tuple[str, str]]:
    """Patterns, each with one before it that fits whatever it fits, as far as that is plain to see."""
    patterns = [pattern for pattern, _ in column.values] if isinstance(column, Mapped) else []
    for number, pattern in enumerate(patterns):
        for before in patterns[:number]:
            if not set("?[") & set(before) and fnmatchcase(pattern, before):
                yield pattern, before
                break


def told(column: Column) -> str:
    """For people: what a label shows."""
    if isinstance(column, str):
        return column
    if column.by_class:
        return f"class of {column.dimension}"
    if column.segments:
        return f"first {column.segments} segments of {column.dimension}".replace("first 1 segments", "first segment")
    values = ", ".join(f"{pattern!r} as {value!r}" for pattern, value in column.values)
    return f"{column.dimension}: {values}{'' if column.default is None else f', else {column.default!r}'}"
