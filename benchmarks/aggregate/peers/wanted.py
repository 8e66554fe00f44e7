"""What a peer computes: of each shipped summary the cells without gauges, and of some peers the bins."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MARK = '{"logemit":1,'
"""Every line of an event begins so."""


@dataclass(frozen=True, slots=True)
class Measured:
    """`least`, `most` and `bins` are the fields with the extremes and the bins of a fold; "" where there are none.

    `grid` is that of its bins, seconds or counts; "" where it has no bins.
    """

    name: str
    is_seconds: bool
    least: str
    most: str
    grid: str
    bins: str

    @property
    def fields(self) -> list[str]:
        return [name for name in (self.name, self.least, self.most) if name]


@dataclass(frozen=True, slots=True)
class Rollup:
    """Rows by `window_start` (the minute, UTC), service and dimensions, as texts; a missing value is "".

    `events`, and of each measure `_sum`, `_min` and `_max`, of seconds in whole microseconds. `dimensions` are names
    with their types in the log: string, integer or boolean.
    """

    name: str
    event: str
    dimensions: dict[str, str]
    measures: tuple[Measured, ...]
    is_folded: bool

    @property
    def start(self) -> str:
        """What its lines begin with."""
        return f'{MARK}"event":"{self.event}"'

    @property
    def keys(self) -> list[str]:
        return ["window_start", "service", *self.dimensions]

    @property
    def columns(self) -> list[str]:
        measured = [f"{measure.name}_{suffix}" for measure in self.measures for suffix in ("sum", "min", "max")]
        return [*self.keys, "events", *measured]

    @property
    def numbers(self) -> dict[str, bool]:
        """The fields that are measured, and whether they are seconds."""
        counts = {"count": False} if self.is_folded else {}
        return counts | {name: measure.is_seconds for measure in self.measures for name in measure.fields}


def derived() -> list[Rollup]:
    """From the catalogue as it is now."""
    from aggregator.catalogue import shipped  # noqa: PLC0415
    from logemit.vocabulary import BY_NAME  # noqa: PLC0415

    found = []
    for summary in shipped().summaries:
        known = BY_NAME.get(summary.event)
        fields: dict[str, str] = {field.name: field.type for field in known.fields} if known else {}
        measures = []
        for measure in summary.measures:
            stem, _, unit = measure.name.rpartition("_")
            least, most = f"{stem}_min_{unit}", f"{stem}_max_{unit}"
            ends = (least, most) if least in fields and most in fields else ("", "")
            is_seconds = measure.unit == "seconds"
            grid = ("seconds" if is_seconds else "counts") if measure.bins else ""
            bins = "bins" if grid and "bins" in fields else ""
            measures.append(Measured(measure.name, is_seconds, *ends, grid, bins))
        types = {name: fields.get(name, "string") for name in summary.dimensions}
        dimensions = {name: "string" if type_ == "object" else type_ for name, type_ in types.items()}
        found.append(Rollup(summary.name, summary.event, dimensions, tuple(measures), "count" in fields))
    return found


def save(path: Path) -> None:
    """Keep them for peers: what imports they would need to derive them is none of their work."""
    path.write_text(json.dumps([asdict(rollup) for rollup in derived()]))


def _loaded(path: Path) -> list[Rollup]:
    def rollup(found: dict[str, Any]) -> Rollup:
        return Rollup(**{**found, "measures": tuple(Measured(**measure) for measure in found["measures"])})

    return [rollup(found) for found in json.loads(path.read_text())]


def run(compute: Callable[[Path, Path, list[Rollup]], None]) -> None:
    """A peer's main: LOG OUT and, where it is not to be derived, the file of what is wanted. Prints its seconds."""
    log, out, *saved = map(Path, sys.argv[1:])
    wanted = None if saved else derived()
    began = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    compute(log, out, wanted or _loaded(saved[0]))
    print(json.dumps({"seconds": round(time.perf_counter() - began, 4)}))
