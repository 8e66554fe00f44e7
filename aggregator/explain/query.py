"""What a user asks for: a sample by its name and labels, and a span of time."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from ..errors import UsageError
from ..history.arguments import moment
from ..promtext import number
from ..spans import DAY, parse_seconds

_VALUE = r"[-+]?(?:\d[-+.\de]*|Inf|NaN)"
_SAMPLE = re.compile(rf"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{{(.*)\}})?(?:\s+{_VALUE})?\s*", re.DOTALL)
_PAIR = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|$)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_EXPECTED = (
    "expected a sample as in metrics.prom, in single quotes for the shell: "
    "'http_total' or 'http_total{view=\"home\",method=\"GET\"}'"
)


class Sample(NamedTuple):
    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Query:
    """A sample; labels that are left out may have any value."""

    name: str
    labels: Mapping[str, str]

    def fits(self, name: str, labels: Mapping[str, str]) -> bool:
        return name == self.name and all(labels.get(label, "") == value for label, value in self.labels.items())

    def among(self, text: Iterable[str]) -> Iterator[Sample]:
        """The samples in lines of Prometheus text that fit."""
        for line in text:
            if line.startswith((f"{self.name} ", f"{self.name}{{")):
                sample, _, value = line.rpartition(" ")
                found = parsed(sample)
                if self.fits(found.name, found.labels):
                    yield Sample(found.name, found.labels, float(value))


def parsed(text: str) -> Query:
    """Of a sample, with its value or without, which says nothing here. Raises UsageError."""
    match = _SAMPLE.fullmatch(text)
    if match is None:
        raise UsageError(f"METRIC is {text!r:.200}, {_EXPECTED}")
    labels: dict[str, str] = {}
    given, at = match[2] or "", 0
    while given[at:].strip():
        pair = _PAIR.match(given, at)
        if pair is None:
            raise UsageError(f"METRIC is {text!r:.200}: labels end at {given[at:]!r:.60}, {_EXPECTED}")
        if pair[1] in labels:
            raise UsageError(f"METRIC is {text!r:.200}: names {pair[1]} twice, {_EXPECTED}")
        labels[pair[1]], at = _ESCAPED.sub(lambda found: {"n": "\n"}.get(found[1], found[1]), pair[2]), pair.end()
    if "le" in labels:
        labels["le"] = _bound(labels["le"])
    return Query(match[1], labels)


def _bound(text: str) -> str:
    """As metrics.prom spells it: 1 is 1.0."""
    try:
        return number(float(text))
    except ValueError:
        raise UsageError(f'le is {text!r}, expected the bound of a bucket: le="0.25", le="+Inf"') from None


@dataclass(frozen=True, slots=True)
class Span:
    """From `begin` until before `end`, in seconds since 1970."""

    begin: int
    end: int

    def __str__(self) -> str:
        begin, end = (datetime.fromtimestamp(at, UTC) for at in (self.begin, self.end))
        return f"{begin:%Y-%m-%dT%H:%M:%S}Z until {end:%Y-%m-%dT%H:%M:%S}Z"

    def holds(self, moment: int) -> bool:
        """Of microseconds since 1970."""
        return self.begin * 1_000_000 <= moment < self.end * 1_000_000


def spanned(text: str, window_seconds: int) -> Span:
    """Of "2026-11-20T12:00", a window; "2026-11-20T12:00/1h"; "2026-11-20", a day. Raises UsageError."""
    time, slash, width = text.partition("/")
    begin = moment(time, "--at") or 0
    is_date = re.fullmatch(r"\d{4}-?\d\d-?\d\d", time) is not None
    seconds = parse_seconds(width, "--at") if slash else DAY if is_date else window_seconds
    if seconds <= 0 or seconds % window_seconds or begin % window_seconds:
        raise UsageError(
            f"--at is {text!r}, expected whole windows, which are {window_seconds} seconds wide here; "
            "--window says how wide they are"
        )
    if not 0 <= begin <= begin + seconds < 253_402_300_800:
        raise UsageError(f"--at is {text!r}, expected a time from 1970 to 9999")
    return Span(begin, begin + seconds)
