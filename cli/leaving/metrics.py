"""What a project measures, as its code declares it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Instrument:
    """One of prometheus_client. `name` is the family's as it is exposed, without _total, _bucket and the like.

    `labels` is None where they are not written out; `doubt` says why it is not replaced, or is empty.
    """

    name: str
    type: str  # Counter, Gauge, Histogram, Summary, Info, Enum
    labels: tuple[str, ...] | None
    file: str
    line: int
    multiprocess_mode: str = ""
    doubt: str = ""
