"""What expressions may stand for: things of prometheus_client, of the project, texts; or nobody knows."""

import re
from dataclasses import dataclass
from enum import Enum, auto

import libcst as cst

LIBRARY = "prometheus_client"
TYPES = ("Counter", "Gauge", "Histogram", "Summary", "Info", "Enum")
EXPORTED = frozenset(
    {
        *TYPES,
        *("CollectorRegistry", "REGISTRY", "Metric", "generate_latest", "CONTENT_TYPE_LATEST", "make_wsgi_app"),
        *("make_asgi_app", "start_http_server", "start_wsgi_server", "write_to_textfile", "push_to_gateway"),
        *("pushadd_to_gateway", "delete_from_gateway", "PROCESS_COLLECTOR", "PLATFORM_COLLECTOR", "GC_COLLECTOR"),
    }
)
"""What `from prometheus_client import *` brings that anybody uses."""

_INSTRUMENTS = {f"{LIBRARY}.{module}{name}": name for module in ("", "metrics.", "core.") for name in TYPES}
_MODULES = re.compile(rf"{LIBRARY}\.(?:core|metrics|registry|exposition|multiprocess|[a-z_]+_collector)\.")


class Sort(Enum):
    LIBRARY = auto()  # a thing of a library or built in, by its dotted name
    RESULT = auto()  # what a call of prometheus_client gave: an instrument, a registry
    FUNCTION = auto()
    CLASS = auto()
    INSTANCE = auto()
    TEXT = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Value:
    """`name`: dotted of a library, qualified in the `file` of the project, or the text itself.

    Of a thing of prometheus_client `file` is the one that imports it, and `spelled` how its text names it there; empty
    where that is a module that another file imported.
    """

    sort: Sort
    name: str = ""
    file: str = ""
    node: cst.CSTNode | None = None  # of the call, the function or the class
    spelled: str = ""
    maker: "Value | None" = None  # of a result, what was called
    derived: bool = False  # by a class of the project

    @property
    def is_clients(self) -> bool:
        """Of prometheus_client, or made by it."""
        return self.sort in {Sort.LIBRARY, Sort.RESULT} and is_clients(self.name)

    @property
    def short(self) -> str:
        """Of a thing of prometheus_client, its name wherever it was imported from: Counter, REGISTRY."""
        return _MODULES.sub("", self.name).removeprefix(f"{LIBRARY}.") if self.is_clients else ""

    @property
    def instrument_type(self) -> str:
        """Of an instrument or its class; empty for anything else."""
        return _INSTRUMENTS.get(self.name, "") if self.is_clients else ""

    @property
    def is_instrument(self) -> bool:
        return self.sort is Sort.RESULT and self.name in _INSTRUMENTS

    @property
    def is_instrument_class(self) -> bool:
        return self.sort is Sort.LIBRARY and self.name in _INSTRUMENTS


UNKNOWN = Value(Sort.UNKNOWN)
NONE = Value(Sort.LIBRARY, "builtins.None")
Values = frozenset[Value]
NOTHING: Values = frozenset()
NOBODY_KNOWS: Values = frozenset({UNKNOWN})


def is_clients(name: str) -> bool:
    return name == LIBRARY or name.startswith(f"{LIBRARY}.")


def texts(values: Values) -> frozenset[str] | None:
    """All that it may be, None where somebody else decides."""
    if not values or any(value.sort is not Sort.TEXT for value in values):
        return None
    return frozenset(value.name for value in values)
