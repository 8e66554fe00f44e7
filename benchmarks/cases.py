"""What is compared, and on what."""

from dataclasses import dataclass, field
from enum import StrEnum


class Handler(StrEnum):
    SYNC = "sync"
    ASYNC = "async"


class Output(StrEnum):
    NULL = "null"
    PIPE = "pipe"


@dataclass(frozen=True, slots=True)
class Contender:
    name: str
    settings: str
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    handler: Handler
    queries: int
    output: Output

    def __str__(self) -> str:
        output = "/dev/null" if self.output is Output.NULL else "pipe"
        return f"{self.handler}, {self.queries or 'no'} queries, {output}"


QUERIES = (0, 10, 100)

BARE = Contender("bare", "benchmarks.contenders.bare")
PROMETHEUS = Contender("django-prometheus", "benchmarks.contenders.prometheus")
LOGEMIT = Contender("logemit", "benchmarks.contenders.emitter")
CONTENDERS = (BARE, PROMETHEUS, LOGEMIT)

PARTS = (
    Contender("off (`ENABLED` false)", LOGEMIT.settings, {"LOGEMIT_ENABLED": "false"}),
    Contender("requests only (`QUERIES` off)", LOGEMIT.settings, {"LOGEMIT_QUERIES": "off"}),
    Contender(
        "folding, every event dropped before it is rendered",
        LOGEMIT.settings,
        {"LOGEMIT_PROCESSORS": f"{LOGEMIT.settings}.drop"},
    ),
    Contender("folding (the default)", LOGEMIT.settings),
    Contender("a line for each query (`QUERIES` each)", LOGEMIT.settings, {"LOGEMIT_QUERIES": "each"}),
)

TARGETS = {
    Case(Handler.SYNC, 0, Output.NULL): 0.5,
    Case(Handler.SYNC, 10, Output.NULL): 0.25,
    Case(Handler.SYNC, 0, Output.PIPE): 0.8,
    Case(Handler.SYNC, 10, Output.PIPE): 0.4,
}
"""What logemit may add, as a part of what django-prometheus adds. Aims, told beside the figures."""
