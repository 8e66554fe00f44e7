"""What django-prometheus and prometheus_client show by themselves, as families.toml has it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

_DATA: Mapping[str, Any] = tomllib.loads(files(__package__).joinpath("families.toml").read_text("utf-8"))

CORRECTIONS: Mapping[str, str] = _DATA["corrections"]
LIMITS: Mapping[str, str] = _DATA["limits"]
REASONS: Mapping[str, str] = {**CORRECTIONS, **LIMITS, **_DATA["meanings"]}
"""What logemit counts, by the name of a difference."""

INSTRUMENTS: Mapping[str, str] = _DATA["instruments"]
"""What is shown of those of an app, by type; of gauges see GAUGES."""

GAUGES: Mapping[str, str] = _DATA["gauges"]
"""By multiprocess_mode."""


@dataclass(frozen=True, slots=True)
class Family:
    """`name` is that of its samples, of a counter with _total. `source`: what in a project makes it appear."""

    name: str
    type: str
    source: str
    labels: tuple[str, ...]
    differences: tuple[str, ...]


FAMILIES = tuple(
    Family(
        table["name"],
        table["type"],
        table["source"],
        tuple(table.get("labels", ())),
        tuple(table.get("differences", ())),
    )
    for table in _DATA["family"]
)
