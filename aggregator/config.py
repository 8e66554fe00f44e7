"""logemit.toml: how to aggregate, and a user's own summaries and metrics."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .catalogue import read as catalogue_of
from .catalogue import shipped
from .definitions import Catalogue
from .errors import ConfigError, UsageError
from .limits import CAPS, DEFAULT, ROOM, Limits, limits_of
from .origin import DeclarationError, Origin, Problem, suggestion
from .retention import FOR_EVER, Retention
from .spans import UNITS

MOST_DAYS = 36_600
LONGEST_THRESHOLD = 1_000_000
"""Seconds: the last bound of histograms."""

_RETENTION = {"fold_after": "fold_days", "drop_after": "drop_days", "late_limit": "late_days"}
_DAYS = {"d": 1, "day": 1, "days": 1, "w": 7, "week": 7, "weeks": 7, "y": 366, "year": 366, "years": 366}
_KEYS = frozenset(
    {"window", "service_label", "exemplars_from", *_RETENTION, *CAPS, *ROOM, "caps", "buckets", "summary", "metric"}
)


@dataclass(frozen=True, slots=True)
class Config:
    """`service_label` puts the service on every family; leave it out only where there will ever be one."""

    catalogue: Catalogue
    window_seconds: int = 60
    service_label: bool = True
    retention: Retention = FOR_EVER
    limits: Limits = DEFAULT
    exemplars_from: float | None = 1.0
    """Seconds from which on an event may be an exemplar of a histogram; None for no exemplars."""


def load(path: Path | None, window: str | None = None) -> Config:
    """The shipped catalogue, what `path` adds, and `window` over both. Raises ConfigError, UsageError."""
    if path is None:
        config = Config(shipped())
    else:
        document, origin = document_of(path)
        config = read(document, origin)
        origin.settle()
    return config if window is None else replace(config, window_seconds=parse_window(window))


def document_of(path: Path) -> tuple[Mapping[str, Any], Origin]:
    """What stands in a file, and where. Raises ConfigError."""
    try:
        text = path.read_bytes().decode("utf-8")
        return tomllib.loads(text), Origin(str(path), text)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; expected a logemit.toml") from None
    except tomllib.TOMLDecodeError as exc:
        at = re.search(r"at line (\d+)", str(exc))
        line = int(at[1]) if at else text.count("\n") + 1
        raise DeclarationError(Problem(str(path), line, f"not TOML: {exc}")) from None
    except UnicodeDecodeError as exc:
        line = exc.object[: exc.start].count(b"\n") + 1
        raise DeclarationError(Problem(str(path), line, f"not TOML: not UTF-8: {exc.reason}")) from None
    except RecursionError:
        raise DeclarationError(Problem(str(path), 0, "not TOML: nested too deep")) from None
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path}: cannot be read: {getattr(exc, 'strerror', None) or exc}") from None


def read(document: Mapping[str, Any], origin: Origin) -> Config:
    """What a document says, over the shipped catalogue; what does not hold is noted in `origin`."""
    for key in document:
        if key not in _KEYS:
            origin.note(f"unknown key {key!r}; known are {', '.join(sorted(_KEYS))}{suggestion(key, _KEYS)}", (key,))
    service_label = document.get("service_label", True)
    if not isinstance(service_label, bool):
        origin.note(f"service_label is {service_label!r}, expected true or false", ("service_label",))
    catalogue = catalogue_of(shipped(), document, origin)
    limits = limits_of(document, {metric.name for metric in catalogue.metrics}, origin)
    config = Config(catalogue, service_label=service_label, limits=limits)
    if "exemplars_from" in document:
        with _noting(origin, "exemplars_from"):
            config = replace(config, exemplars_from=parse_threshold(document["exemplars_from"]))
    with _noting(origin, "window"):
        config = replace(config, window_seconds=parse_window(document.get("window", "1min")))
    for key in _RETENTION:
        if key in document:
            with _noting(origin, key):
                config = with_retention(config, {key: document[key]})
    return config


@contextmanager
def _noting(origin: Origin, key: str) -> Iterator[None]:
    """A value that cannot be meant is noted."""
    try:
        yield
    except UsageError as exc:
        origin.note(str(exc), (key,))


def with_retention(config: Config, spans: Mapping[str, Any]) -> Config:
    """The configuration with these of fold_after, drop_after and late_limit set. Raises UsageError."""
    days = {_RETENTION[key]: parse_days(span, key) for key, span in spans.items()}
    return replace(config, retention=replace(config.retention, **days))


def parse_days(text: Any, name: str) -> int:
    """Days of "30d", "12w", "2y"."""
    match = re.fullmatch(r"\s*(\d{1,5})\s*([a-z]+)\s*", text) if isinstance(text, str) else None
    days = int(match[1]) * _DAYS.get(match[2], 0) if match else 0
    if 0 < days <= MOST_DAYS:
        return days
    raise UsageError(f"{name} is {text!r}; expected a number of days, weeks or years, such as 30d, 12w, 2y")


def parse_threshold(given: Any) -> float | None:
    """Seconds, or None of `false`."""
    if given is False:
        return None
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 <= given <= LONGEST_THRESHOLD:
        return float(given)
    told = f"expected seconds from 0 to {LONGEST_THRESHOLD:,}, or false"
    raise UsageError(f"exemplars_from is {str(given).lower() if given is True else repr(given):.40}, {told}")


def parse_window(text: Any) -> int:
    """Seconds of "30s", "1min", "1h" …: a whole part of an hour, or of a day in whole hours."""
    match = re.fullmatch(r"\s*(\d{1,6})\s*([a-z]+)\s*", text) if isinstance(text, str) else None
    if match and match[2] in UNITS:
        seconds = int(match[1]) * UNITS[match[2]]
        if seconds and (3600 % seconds == 0 or (seconds % 3600 == 0 and 86400 % seconds == 0)):
            return seconds
    raise UsageError(f"window is {text!r}; expected a whole part of an hour or a day, such as 30s, 1min, 15min, 1h, 1d")
