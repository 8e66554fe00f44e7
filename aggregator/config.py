"""logemit.toml: how to aggregate, and a user's own summaries and metrics."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .catalogue import extend, shipped
from .definitions import Catalogue
from .errors import ConfigError, UsageError
from .retention import FOR_EVER, Retention

_UNITS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}
MOST_DAYS = 36_600
_RETENTION = {"fold_after": "fold_days", "drop_after": "drop_days", "late_limit": "late_days"}
_DAYS = {"d": 1, "day": 1, "days": 1, "w": 7, "week": 7, "weeks": 7, "y": 366, "year": 366, "years": 366}
_KEYS = frozenset({"window", "service_label", "fold_after", "drop_after", "late_limit", "buckets", "summary", "metric"})


@dataclass(frozen=True, slots=True)
class Config:
    """`service_label` puts the service on every family; leave it out only where there will ever be one."""

    catalogue: Catalogue
    window_seconds: int = 60
    service_label: bool = True
    retention: Retention = FOR_EVER


def load(path: Path | None, window: str | None = None) -> Config:
    """The shipped catalogue, what `path` adds, and `window` over both. Raises ConfigError, UsageError."""
    document = _document(path) if path else {}
    origin = str(path)
    if extra := sorted(set(document) - _KEYS):
        raise ConfigError(f"{origin}: unknown key {extra[0]!r}; known are {', '.join(sorted(_KEYS))}")
    service_label = document.get("service_label", True)
    if not isinstance(service_label, bool):
        raise ConfigError(f"{origin}: service_label is {service_label!r}, expected true or false")
    try:
        seconds = parse_window(document.get("window", "1min"))
    except UsageError as exc:
        raise ConfigError(f"{origin}: {exc}") from None
    if window is not None:
        seconds = parse_window(window)
    config = Config(extend(shipped(), document, origin), seconds, service_label)
    try:
        return with_retention(config, {key: document[key] for key in _RETENTION if key in document})
    except UsageError as exc:
        raise ConfigError(f"{origin}: {exc}") from None


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


def _document(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; leave --config out to use the shipped catalogue") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: not TOML: {exc}") from None
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path}: cannot be read: {getattr(exc, 'strerror', None) or exc}") from None


def parse_window(text: Any) -> int:
    """Seconds of "30s", "1min", "1h" …: a whole part of an hour, or of a day in whole hours."""
    match = re.fullmatch(r"\s*(\d{1,6})\s*([a-z]+)\s*", text) if isinstance(text, str) else None
    if match and match[2] in _UNITS:
        seconds = int(match[1]) * _UNITS[match[2]]
        if seconds and (3600 % seconds == 0 or (seconds % 3600 == 0 and 86400 % seconds == 0)):
            return seconds
    raise UsageError(f"window is {text!r}; expected a whole part of an hour or a day, such as 30s, 1min, 15min, 1h, 1d")
