"""URLs of objects and patterns of them: globs, and dates in the path.

A date is written as {YYYY}, {MM}, {DD} and {HH}: a percent sign, as strftime has it, means something else to cron, and
to systemd, which puts the name of the host for %H.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from .errors import UsageError

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PASSWORD = re.compile(r"//[^/@\s]*@")
_QUERY = re.compile(r"\?\S*")
_FIELDS = {"YYYY": r"\d{4}", "MM": r"\d\d", "DD": r"\d\d", "HH": r"\d\d"}
_TOKENS = re.compile(r"(\{[^{}/]*\}|\*\*/|\*\*|\*|\?|\[[^\]/]+\])")
_GLOBS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def is_url(name: str) -> bool:
    return _URL.match(name) is not None


def protocol(url: str) -> str:
    """In small letters."""
    found = _URL.match(url)
    return found[1].lower() if found else ""


def shown(text: str) -> str:
    """A text without what may be a password or a signature in an address."""
    return _QUERY.sub("", _PASSWORD.sub("//…@", text))


def refuse_password(url: str) -> None:
    """It would stand in the list of processes, and in the state. Raises UsageError."""
    if ":" in url.partition("://")[2].partition("/")[0].partition("@")[0] and "@" in url:
        raise UsageError(f"{shown(url)}: holds a password; give it as the environment variables of the store's library")


class Pattern:
    """Which objects are meant, by the path that follows `://`. Raises UsageError."""

    def __init__(self, path: str) -> None:
        path = path if "/" in path else f"{path}/"
        tokens = _TOKENS.split(path)
        for field in tokens[1::2]:
            if field.startswith("{") and field[1:-1] not in _FIELDS:
                raise UsageError(f"{path}: {field} is no part of a date; there are {{YYYY}}, {{MM}}, {{DD}} and {{HH}}")
        self._fields = {token[1:-1] for token in tokens[1::2] if token.startswith("{")}
        if self._fields and not self._is_order():
            raise UsageError(f"{path}: a date needs all that is greater, too: {{YYYY}}, then {{MM}}, {{DD}}, {{HH}}")
        self._tokens = tokens
        self._regex = re.compile(_regex(tokens), re.DOTALL)
        self._is_folder = path.endswith("/")

    def _is_order(self) -> bool:
        return self._fields == set(list(_FIELDS)[: len(self._fields)])

    @property
    def is_dated(self) -> bool:
        return bool(self._fields)

    def matches(self, path: str) -> bool:
        """In all that is below a prefix, names that begin with `.` or `_` are passed over, as in folders."""
        found = self._regex.fullmatch(path)
        if found is None or not self._is_folder:
            return found is not None
        return not any(part.startswith((".", "_")) for part in found["below"].split("/"))

    def date(self, path: str) -> datetime | None:
        """The beginning of an object's time; None where the path has none that is."""
        found = self._regex.fullmatch(path)
        if found is None or not self._fields:
            return None
        try:
            return _begin([int(found[name]) for name in _FIELDS if name in self._fields])
        except ValueError:
            return None

    def floor(self, when: datetime) -> datetime:
        """The beginning of the time that an object of this moment has."""
        return _begin([when.year, when.month, when.day, when.hour][: len(self._fields)])

    def prefixes(self, since: datetime | None, until: datetime) -> list[str]:
        """What to list to find all from one day to another; hours are found within their day."""
        if since is None:
            return ["".join(self._until("{"))]
        days = (since + timedelta(n) for n in range((until.date() - since.date()).days + 1))
        parts = list(self._until("{HH}"))
        return list(dict.fromkeys("".join(map(partial(_filled, day), parts)) for day in days))

    def _until(self, stop: str) -> Iterator[str]:
        """What all paths begin with, up to a glob, or a part of the date."""
        for at, token in enumerate(self._tokens):
            if at % 2 and (not token.startswith("{") or token.startswith(stop)):
                return
            yield token


def _begin(parts: list[int]) -> datetime:
    """Of a year, a month, a day or an hour, in the writer's zone, whichever that is. Raises ValueError."""
    year, month, day, hour = [*parts, *(1, 1, 1, 0)[len(parts) :]]
    return datetime(year, month, day, hour)


def _filled(day: datetime, token: str) -> str:
    values = {"{YYYY}": f"{day.year:04d}", "{MM}": f"{day.month:02d}", "{DD}": f"{day.day:02d}"}
    return values.get(token, token)


def _regex(tokens: list[str]) -> str:
    parts, seen = [], set()
    for at, token in enumerate(tokens):
        if at % 2 == 0:
            parts.append(re.escape(token))
        elif token.startswith("{"):
            name = token[1:-1]
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{_FIELDS[name]})")
            seen.add(name)
        else:
            parts.append(_GLOBS.get(token) or token.replace("[!", "[^", 1).replace("\\", r"\\"))
    if tokens[-1].endswith("/") or (not tokens[-1] and tokens[-2:-1] == ["**/"]):
        parts.append("(?P<below>.*)")
    return "".join(parts)
