"""Which form of the text a client gets, by its Accept and Accept-Encoding: RFC 9110, with versions as Prometheus's."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")


@dataclass(frozen=True, slots=True)
class Format:
    type: str
    version: str

    @property
    def content_type(self) -> str:
        return f"{self.type}; version={self.version}; charset=utf-8"

    @property
    def is_openmetrics(self) -> bool:
        return self.type == "application/openmetrics-text"


TEXT = Format("text/plain", "0.0.4")
OPENMETRICS = Format("application/openmetrics-text", "1.0.0")
OFFERED = (TEXT, OPENMETRICS, Format(OPENMETRICS.type, "0.0.1"), Format(TEXT.type, "1.0.0"))
"""What comes first is given where a client likes several as much. Our names are the same in all of them."""


@dataclass(frozen=True, slots=True)
class _Range:
    """One entry of an Accept header."""

    type: str
    version: str
    quality: float
    place: int

    def fits(self, offer: Format) -> bool:
        wanted, _, rest = self.type.partition("/")
        kind = self.type in (offer.type, "*/*") or (rest == "*" and offer.type.startswith(f"{wanted}/"))
        return kind and self.version in ("", offer.version)

    @property
    def rank(self) -> tuple[int, int]:
        """The more exact one counts, and of equals the one that came first."""
        exactness = 0 if self.type == "*/*" else 1 if self.type.endswith("/*") else 3 if self.version else 2
        return exactness, -self.place


def chosen(accept: str) -> Format:
    """Text 0.0.4 where nothing else is asked for, or nothing that there is: a scrape that shows a page is no use."""
    ranges = list(_ranges(accept))
    best, liked = TEXT, (0.0, (0, 0))
    for offer in OFFERED:
        fitting = [each for each in ranges if each.fits(offer)]
        if not fitting:
            continue
        closest = max(fitting, key=lambda each: each.rank)
        if closest.quality > 0 and (closest.quality, closest.rank) > liked:
            best, liked = offer, (closest.quality, closest.rank)
    return best


def takes_gzip(accept_encoding: str) -> bool:
    """`identity` is always there; gzip where it is liked at least as much."""
    qualities = {name: quality for name, _, quality in _entries(accept_encoding)}
    quality = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0)))
    return quality > 0 and quality >= qualities.get("identity", 0.0)


def _ranges(accept: str) -> Iterator[_Range]:
    for place, (name, parameters, quality) in enumerate(_entries(accept)):
        yield _Range(name, parameters.get("version", ""), quality, place)


def _entries(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Names in small letters, their parameters and quality; what cannot be read is passed over."""
    for entry in header.split(","):
        name, *rest = (part.strip() for part in entry.split(";"))
        pairs = (part.partition("=") for part in rest)
        parameters = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
        quality = parameters.get("q", "1")
        if name and _QUALITY.fullmatch(quality):
            yield name.lower(), parameters, float(quality)
