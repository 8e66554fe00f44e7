"""How many values of a label and series of a metric are shown, and how many cells a summary holds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from .origin import Origin, Path, suggestion

MOST = 100_000_000
T = TypeVar("T", "Caps", "Room")


@dataclass(frozen=True, slots=True)
class Caps:
    """Of one metric: values of each label, and label sets; a histogram's buckets are of one label set."""

    max_label_values: int = 1000
    max_series: int = 10_000

    def values(self, dimension: str) -> int:
        """Of services no more than there may be series: a family of no other label is capped by them alone."""
        return min(self.max_label_values, self.max_series) if dimension == "service" else self.max_label_values


CAPS = tuple(field.name for field in fields(Caps))


@dataclass(frozen=True, slots=True)
class Room:
    """Of one partition, and of the totals of one summary: combinations of dimensions, and these by window."""

    max_combinations: int = 100_000
    max_cells: int = 1_000_000


ROOM = tuple(field.name for field in fields(Room))


@dataclass(frozen=True, slots=True)
class Limits:
    caps: Caps = Caps()
    of_metric: Mapping[str, Caps] = field(default_factory=dict)
    room: Room = Room()

    def of(self, metric: str) -> Caps:
        return self.of_metric.get(metric, self.caps)


DEFAULT = Limits()


def limits_of(document: Mapping[str, Any], metrics: Collection[str], origin: Origin) -> Limits:
    """Of a parsed logemit.toml whose catalogue has these metrics; what does not hold is noted in `origin`."""
    caps = _given(DEFAULT.caps, document, origin)
    tables = document.get("caps", {})
    if not isinstance(tables, dict):
        origin.note("caps must be tables by metric; write [caps.feed_polls_total]", ("caps",))
        tables = {}
    of_metric = {name: _of_metric(caps, name, table, metrics, origin) for name, table in tables.items()}
    return Limits(caps, of_metric, _given(DEFAULT.room, document, origin))


def _of_metric(caps: Caps, name: str, table: Any, metrics: Collection[str], origin: Origin) -> Caps:
    place = ("caps", name)
    if name not in metrics:
        near = suggestion(name, metrics)
        origin.note(f"[caps.{name}]: no metric of this name; logemit metrics lists them{near}", place)
    if not isinstance(table, dict):
        origin.note(f"[caps.{name}]: is {table!r:.40}; expected {' and '.join(CAPS)}", place)
        return caps
    for key in table:
        if key not in CAPS:
            expected = f"expected {' and '.join(CAPS)}{suggestion(key, CAPS)}"
            origin.note(f"[caps.{name}]: unknown key {key!r}; {expected}", (*place, key))
    return _given(caps, table, origin, f"[caps.{name}]: ", place)


def _given(base: T, table: Mapping[str, Any], origin: Origin, told: str = "", place: Path = ()) -> T:
    """With what the table says of it."""
    given = {each.name: table[each.name] for each in fields(base) if each.name in table}
    for key, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST:
            found = f"{key} is {value!r:.40}, expected a whole number from 1 to {MOST:,}"
            origin.note(f"{told}{found}", (*place, key))
    return replace(base, **given)
