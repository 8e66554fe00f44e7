"""Prometheus's rules for the families of logemit: rules.yml, with its numbers filled in."""

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from math import ceil

from ..errors import UsageError
from ..spans import DAY, parse_interval, shown
from .thresholds import RUNBOOKS, THRESHOLDS

MINUTE, HOUR = 60, 3600
_SHORTEST_RANGE = 5 * MINUTE
"""Holds several scrapes, also where files change more often."""

WORK = (
    *("django_http_requests_before_middlewares_total", "django_tasks_total", "django_commands_total"),
    *("jobs_total", "feed_polls_total", "bookmark_imports_total", "health_checks_total"),
)
"""Counters that tell that a service does something."""


def rules(
    interval: str = "5m",
    thresholds: Mapping[str, str] | None = None,
    services: Iterable[str] = (),
    runbooks: str = RUNBOOKS,
) -> str:
    """A file of rules, for runs every `interval`, with other values for some thresholds, by their name.

    With `services`, for these alone, and one of them that is missing is an alert. Raises UsageError.
    """
    given = thresholds or {}
    texts = {each.name: given.get(each.name, each.default) for each in THRESHOLDS}
    numbers = {each.name: each.number(texts[each.name]) for each in THRESHOLDS}
    told = {f"{each.name}_shown": each.shown(texts[each.name]) for each in THRESHOLDS}
    seconds = parse_interval(interval)
    silence = max(ceil(float(numbers["silent_after"])), _range(seconds))
    return _filled("rules.yml", numbers | told | _spans(seconds, silence) | _selectors(services) | _links(runbooks))


def alertmanager(interval: str = "5m") -> str:
    """An example of an alertmanager.yml that routes these alerts. Raises UsageError."""
    seconds = parse_interval(interval)
    return _filled("alertmanager.yml", {"group_interval": shown(max(seconds, _SHORTEST_RANGE))})


def _range(interval: int) -> int:
    """Two runs are the least that a rate can be made of; one more, as a run may come late."""
    return max(3 * interval, _SHORTEST_RANGE)


def _spans(interval: int, silence: int) -> dict[str, str]:
    span, step = _range(interval), min(max(interval // 5, 1), 15 * MINUTE)
    return {
        "interval": shown(interval),
        "stale": str(3 * interval),
        "range": shown(span),
        "range_seconds": str(span),
        "step": shown(step),
        "hour": shown(max(span, HOUR)),
        "day": shown(max(span, DAY)),
        "coarse": shown(max(step, 5 * MINUTE)),
        "silence": shown(silence),
        "before": shown(ceil(silence / DAY) * DAY),
    }


def _selectors(services: Iterable[str]) -> dict[str, str]:
    names = tuple(dict.fromkeys(services))
    work = "|".join(WORK)
    absent = [f'absent({{__name__=~"{work}",service="{_text(name)}"}})' for name in names]
    matcher = f'service=~"{_text("|".join(map(_literally, names)))}"' if names else ""
    return {
        "work": work,
        "where": f"{{{matcher}}}" if names else "",
        "and": f",{matcher}" if names else "",
        "missing": "|\n          " + "\n            or ".join(absent or [f'absent({{__name__=~"{work}"}})']),
    }


def _text(value: str) -> str:
    """Inside the quotes of PromQL."""
    if not value or not value.isprintable():
        raise UsageError(f"--service is {value!r}; expected the name of a service, as on its lines")
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _literally(value: str) -> str:
    """As a regular expression of RE2."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", value)


def _links(prefix: str) -> dict[str, str]:
    if not re.fullmatch(r"[A-Za-z0-9:/?&=%@~._+,;!()\[\]*-]+", prefix):
        raise UsageError(f"--runbooks is {prefix!r}; expected a URL to which #name-of-an-alert can be added")
    return {"runbooks": prefix}


def _filled(name: str, values: Mapping[str, str]) -> str:
    text = files(__package__).joinpath(name).read_text("utf-8")
    return re.sub(r"<(\w+)>", lambda match: values[match[1]], text)
