"""What the emitter writes through, and what else of the instruments passes by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from ..writer import Line


@dataclass(frozen=True, slots=True)
class Declaration:
    """What an instrument is, whoever uses it."""

    kind: str
    """counter, gauge, histogram, summary, info, enum."""
    name: str
    """With namespace, subsystem and unit; a counter's without `_total`."""
    help: str
    label_names: tuple[str, ...] = ()
    unit: str = ""
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, ascending, +Inf last."""
    states: tuple[str, ...] = ()
    mode: str = ""
    """Of a gauge, its `multiprocess_mode` as given."""


class Operation(NamedTuple):
    """One call of an instrument's method, as it was made and before anything is folded."""

    instrument: Declaration
    labels: tuple[str, ...]
    """Values, in the order of the names; of `remove` and `clear`, which are of the whole instrument, none."""
    method: str
    """labels (the child is made), inc, set, set_function, observe, state, info, reset, remove."""
    value: Any
    """What it was called with; a `dec` is an `inc` of less than 0."""
    exemplar: Mapping[str, str] | None = None


class Backend(Protocol):
    """Where events go. Called by any thread, also from signal handlers and in forked children; must not block."""

    @property
    def last_error(self) -> Exception | None:
        """What was in the way when lines were dropped last."""

    def write(self, lines: Sequence[Line]) -> bool:
        """Take finished lines of one moment, in order; False when some were dropped."""

    def lose(self, lines: int) -> None:
        """So many lines could not even be made."""

    def close(self) -> None:
        """Nothing comes any more."""


@runtime_checkable
class Measuring(Protocol):
    """A backend that also wants each operation on an instrument, as its lines tell sums only."""

    def measure(self, operation: Operation) -> None:
        """Take one in, in the thread in which it is made."""
