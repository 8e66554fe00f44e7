"""Names and labels as prometheus_client takes and refuses them, and as they stand in a line."""

import os
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import inf

import orjson

LABELS_LIMIT = 1023
"""Bytes of the labels of one child as JSON: one dimension, which the batch side would cut."""

_LEGACY = os.environ.get("PROMETHEUS_LEGACY_NAME_VALIDATION", "").lower() in {"true", "1", "t"}
_LEGACY_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LEGACY_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_EXEMPLAR_LIMIT = 128
_CUTS = (512, 256, 128, 64, 32, 16, 8, 4, 0)
_SUFFIXES = {
    "counter": ("_total",),
    "summary": ("_sum", "_count"),
    "histogram": ("_bucket", "_sum", "_count"),
    "info": ("_info",),
}


def full_name(kind: str, name: str, namespace: str, subsystem: str, unit: str) -> str:
    """Without `_total`. Raises ValueError for a name that is none, or a unit where none can be."""
    if not name:
        raise ValueError("Metric name should not be empty")
    joined = "_".join(part for part in (namespace, subsystem, name) if part)
    if kind == "counter":
        joined = joined.removesuffix("_total")
    if unit and not joined.endswith(f"_{unit}"):
        joined += f"_{unit}"
    if unit and kind in {"info", "enum"}:
        raise ValueError(f"Metric name is of a type that cannot have a unit: {joined}")
    if not joined:
        raise ValueError("metric name cannot be empty")
    if _LEGACY and not _LEGACY_NAME.fullmatch(joined):
        raise ValueError(f"invalid metric name {joined}")
    joined.encode()  # a lone surrogate is a ValueError
    return joined


def exposed_names(kind: str, name: str) -> set[str]:
    """All names under which Prometheus meets an instrument."""
    return {name, *(name + suffix for suffix in _SUFFIXES.get(kind, ()))}


def label_names(names: Iterable[str], reserved: str | None = None) -> tuple[str, ...]:
    """Raises ValueError for one that Prometheus keeps for itself."""
    found = tuple(names)
    for name in found:
        _check_label(name)
        if name == reserved:
            raise ValueError(f"Reserved label metric name: {name}")
    return found


def _check_label(name: str) -> None:
    if _LEGACY and not _LEGACY_LABEL.fullmatch(name):
        raise ValueError(f"Invalid label metric name: {name}")
    name.encode()
    if name.startswith("__"):
        raise ValueError(f"Reserved label metric name: {name}")


def check_exemplar(exemplar: Mapping[str, str]) -> None:
    """Raises ValueError for labels that are none, or too long."""
    for name in exemplar:
        _check_label(name)
    size = sum(len(name) + len(value) for name, value in exemplar.items())
    if size > _EXEMPLAR_LIMIT:
        raise ValueError(f"Exemplar labels have {size} UTF-8 characters, exceeding the limit of {_EXEMPLAR_LIMIT}")


def fitted(pairs: Mapping[str, str], limit: int = LABELS_LIMIT) -> dict[str, str]:
    """Texts that JSON can hold, the longest of them cut until all take no more bytes than `limit`."""
    clean = {_text(name): _text(value) for name, value in pairs.items()}
    for longest in _CUTS:
        if len(as_json(clean)) <= limit:
            return clean
        clean = {name: shortened(value, longest) for name, value in clean.items()}
    while len(as_json(clean)) > limit:
        clean.popitem()
    return clean


def as_json(pairs: Mapping[str, str]) -> bytes:
    return orjson.dumps(pairs, option=orjson.OPT_SORT_KEYS)


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode()


def shortened(value: str, longest: int) -> str:
    """A text of at most so many bytes, `…` at its end where it was cut."""
    encoded = value.encode("utf-8", "replace")
    if len(encoded) <= longest:
        return encoded.decode()
    return encoded[: max(longest - 3, 0)].decode("utf-8", "ignore") + "…" * (longest >= 3)


def bound_text(bound: float) -> str:
    """An upper bound as Prometheus writes it: Go's spelling, which turns to exponents sooner than Python's."""
    if bound in {inf, -inf}:
        return "+Inf" if bound > 0 else "-Inf"
    text = repr(bound)
    if bound < 1e6 or "e" in text:
        return text
    digits, _, exponent = format(Decimal(text).normalize(), "e").partition("e")
    return f"{digits}e{int(exponent):+03d}"
