"""Spans of time as users write them in options, and as Prometheus and Grafana read them."""

import re
from datetime import UTC, datetime, timedelta

from .errors import UsageError

DAY = 86_400
UNITS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "d": DAY, "day": DAY}
"""Seconds."""

_ALL_UNITS = {"ms": 0.001, **UNITS, "w": 7 * DAY}
_LONGEST = 366 * DAY
_LONGEST_INTERVAL = 31 * DAY


def parse_span(text: str, name: str) -> float:
    """Seconds of "250ms", "90s", "15min", "36h", "2d"; more than none. Raises UsageError."""
    seconds = _seconds(text)
    if 0 < seconds <= _LONGEST:
        return seconds
    raise UsageError(f"{name} is {text!r}; expected a span of time of up to a year, such as 250ms, 90s, 15min, 36h, 2d")


def parse_seconds(text: str, name: str) -> int:
    """Whole seconds, also none, of "0s", "90s", "6h". Raises UsageError."""
    seconds = _seconds(text)
    if 0 <= seconds <= _LONGEST and seconds == int(seconds):
        return int(seconds)
    raise UsageError(f"{name} is {text!r}; expected whole seconds, up to a year, such as 0s, 90s, 15min, 36h, 2d")


def parse_interval(text: str) -> int:
    """Seconds between two runs. Raises UsageError."""
    seconds = _seconds(text)
    if 1 <= seconds <= _LONGEST_INTERVAL and seconds == int(seconds):
        return int(seconds)
    raise UsageError(f"--interval is {text!r}; expected the time between two runs, such as 30s, 5m, 1h, 1d; up to 31d")


def parse_moment(text: str, name: str, now: datetime) -> datetime:
    """A moment of "2026-11-20", "2026-11-20T12:30Z", or "24h", which is so long before `now`; in UTC.

    What has no zone is in UTC. Raises UsageError.
    """
    if _seconds(text) >= 0:
        return now - timedelta(seconds=parse_span(text, name))
    try:
        return in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise UsageError(
            f"{name} is {text!r}; expected a span back from now, such as 90min, 24h, 7d, or a date or a time: "
            "2026-11-20, 2026-11-20T12:30Z"
        ) from None


def parse_time(text: str, name: str) -> datetime:
    """A moment of "2026-11-20", "2026-11-20T12:30:00Z", in UTC. What has no zone is in UTC. Raises UsageError."""
    try:
        return in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise UsageError(f"{name} is {text!r}, expected a date or a time: 2026-11-20, 2026-11-20T12:30:00Z") from None


def in_utc(moment: datetime) -> datetime:
    """What has no zone is in UTC. Raises OverflowError, near the ends of the calendar."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _seconds(text: str) -> float:
    """-1 for what is no span."""
    match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([a-z]+)\s*", text, re.ASCII)
    return float(match[1]) * _ALL_UNITS[match[2]] if match and match[2] in _ALL_UNITS else -1.0


def shown(seconds: int) -> str:
    """ "15m" of 900, "90m" of 5400: in its largest unit, as Grafana takes no other."""
    unit, size = next(
        (unit, size) for unit, size in (("d", DAY), ("h", 3600), ("m", 60), ("s", 1)) if seconds % size == 0
    )
    return f"{seconds // size}{unit}"
