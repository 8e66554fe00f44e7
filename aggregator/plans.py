"""What the catalogue wants of each event: the fields to read, and how."""

from dataclasses import dataclass, field

from logemit.vocabulary import BY_NAME

from .definitions import PROC, Catalogue
from .fields import Reader, any_text, gauge_reader, measure_reader, readers

BASE_COLUMNS = ("timestamp", "service", "proc", "seq", "count")


@dataclass(frozen=True, slots=True)
class EventPlan:
    """What the catalogue wants of one event."""

    name: str
    known: bool
    wanted: bool
    """A summary takes it in."""
    readers: dict[str, Reader]
    dimensions: tuple[str, ...]
    """Those among the event's own fields."""
    measures: tuple[str, ...]
    extremes: dict[str, tuple[str, str]]
    """The fields with the least and the greatest of a fold, of the measures that have them."""
    binned: tuple[str, ...]
    gauges: dict[str, Reader]
    values: frozenset[str]
    """Those of the measures that may be any number."""
    objects: frozenset[str]
    """Those of the dimensions that are the JSON of an object."""
    columns: tuple[str, ...] = field(init=False)

    @property
    def warning(self) -> str | None:
        """What to tell of an app's own event that nothing is made of."""
        if self.known or self.wanted:
            return None
        return f"{self.name}: no summary takes in this event; it is only counted. Add a [[summary]] to logemit.toml"

    def __post_init__(self) -> None:
        of_measures = (f"{name}{suffix}" for name in self.measures for suffix in ("", "_low", "_high"))
        of_gauges = (f"{name}_last" for name in self.gauges)
        bins = (f"{name}_bins" for name in self.binned)
        columns = (*BASE_COLUMNS, *self.dimensions, *of_measures, *of_gauges, *bins)
        object.__setattr__(self, "columns", columns)


def plan_event(name: str, catalogue: Catalogue) -> EventPlan:
    summaries = catalogue.of_event(name)
    dimensions = tuple(dict.fromkeys(d for summary in summaries for d in summary.dimensions if d != PROC))
    measures = {m.name: m for summary in summaries for m in summary.measures}
    binned = tuple(dict.fromkeys(m.name for summary in summaries for m in summary.binned))
    known = BY_NAME.get(name)
    gauges = {g: gauge_reader(known.field(g) if known else None) for summary in summaries for g in summary.gauges}
    of_event: dict[str, Reader] = readers(known) if known else dict.fromkeys(dimensions, any_text)
    by_name = {field: read for field, read in of_event.items() if field not in gauges or field in dimensions}
    by_name.update({m.name: measure_reader(m) for m in measures.values()})
    extremes = {m: ends for m in measures if (ends := _extremes(m)) and known and set(ends) <= set(of_event)}
    values = frozenset(name for name, measure in measures.items() if measure.is_value)
    objects = frozenset(field.name for field in known.fields if field.type == "object") if known else frozenset()
    return EventPlan(
        name,
        known is not None,
        bool(summaries),
        by_name,
        dimensions,
        tuple(measures),
        extremes,
        binned,
        gauges,
        values,
        objects,
    )


def _extremes(measure: str) -> tuple[str, str]:
    """Names of the fields that hold them, such as duration_min_seconds, or value_min."""
    stem, mark, unit = measure.rpartition("_")
    return (f"{stem}_min_{unit}", f"{stem}_max_{unit}") if mark else (f"{measure}_min", f"{measure}_max")
