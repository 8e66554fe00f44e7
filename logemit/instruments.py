"""prometheus_client's instruments, which write lines: the same names, arguments, methods and refusals.

from logemit import Counter, Gauge, Histogram, Summary, Info, Enum

No value is kept that could be read back in the process, but for what a gauge is now. What is measured within a unit of
work is one line at its end. An operation on an instrument costs no more than an append, and whatever goes wrong behind
it never reaches the app.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any, Literal, TypeAlias

from .backends.port import Declaration
from .gauges import GaugeChild
from .instrument import Instrument
from .measured import BucketsChild, CounterChild, HistogramChild, LastChild, SummaryChild, info_state, is_on_grid
from .naming import check_exemplar
from .quantised import plain
from .timing import ExceptionCounter, InprogressTracker, Timer

Mode: TypeAlias = Literal[
    "all",
    "liveall",
    "min",
    "livemin",
    "max",
    "livemax",
    "sum",
    "livesum",
    "mostrecent",
    "livemostrecent",
]
_MODES = frozenset(Mode.__args__)  # type: ignore[attr-defined]


class Counter(Instrument):
    """What only grows: `c.inc()`, `c.inc(1.6)`."""

    _type = _kind = "counter"
    _child_type = CounterChild

    def inc(self, amount: float = 1, exemplar: Mapping[str, str] | None = None) -> None:
        """Add to it. Raises ValueError for less than 0."""
        if self._child is None:
            self._need_child()
        if amount < 0:
            raise ValueError("Counters can only be incremented by non-negative amounts.")
        self._child.take("inc", amount, plain(amount), exemplar)
        if exemplar:
            check_exemplar(exemplar)

    def reset(self) -> None:
        """Nothing, but in other backends: lines tell what was added, and their sum never falls."""
        self._need_child()
        self._child.hand_over("reset", None)

    def count_exceptions(
        self, exception: type[BaseException] | tuple[type[BaseException], ...] = Exception
    ) -> ExceptionCounter:
        """Count exceptions that leave a block or a function."""
        self._need_child()
        return ExceptionCounter(self, exception)


class Gauge(Instrument):
    """What goes up and down: `g.set(4.2)`, `g.inc()`, `g.dec(10)`. `multiprocess_mode` says how processes combine."""

    _type = _kind = "gauge"
    _child_type = GaugeChild

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: Any = None,
        _labelvalues: Sequence[str] | None = None,
        multiprocess_mode: Mode = "all",
    ) -> None:
        if multiprocess_mode not in _MODES:
            raise ValueError(f"Invalid multiprocess mode: {multiprocess_mode}")
        self._multiprocess_mode = multiprocess_mode
        super().__init__(name, documentation, labelnames, namespace, subsystem, unit, registry, _labelvalues)

    def _declaration(self, **_more: Any) -> Declaration:
        return super()._declaration(mode=self._multiprocess_mode)

    def inc(self, amount: float = 1) -> None:
        """Add to it. Raises RuntimeError where processes do not add up."""
        self._move("inc", plain(amount))

    def dec(self, amount: float = 1) -> None:
        """Take from it."""
        self._move("dec", -plain(amount))

    def _move(self, name: str, amount: float) -> None:
        if self._multiprocess_mode.endswith("mostrecent"):
            raise RuntimeError(f"{name} must not be used with the mostrecent mode")
        self._need_child()
        self._child.move(amount)

    def set(self, value: float) -> None:
        """What it is now."""
        self._need_child()
        self._child.set(float(value))

    def set_to_current_time(self) -> None:
        """Unix time."""
        self.set(time.time())

    def set_function(self, f: Callable[[], float]) -> None:
        """Ask a function for it, whenever the process tells what it uses, at `logemit.flush()` and at the exit."""
        self._need_child()
        self._child.set_function(f)

    def track_inprogress(self) -> InprogressTracker:
        """One more while a block or a function runs."""
        self._need_child()
        return InprogressTracker(self)

    def time(self) -> Timer:
        """Set it to the seconds that a block or a function takes."""
        return Timer(self, "set")


class Summary(Instrument):
    """How many there were, and their sum: `s.observe(512)`."""

    _type = _kind = "summary"
    _child_type = SummaryChild
    _reserved_labelname = "quantile"

    def observe(self, amount: float) -> None:
        """Take one in."""
        if self._child is None:
            self._need_child()
        self._child.take("observe", amount, plain(amount))

    def time(self) -> Timer:
        """Observe the seconds that a block or a function takes."""
        return Timer(self, "observe")


class Histogram(Instrument):
    """How many there were below each bound, and their sum: `h.observe(4.7)`."""

    _type = _kind = "histogram"
    _reserved_labelname = "le"
    DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, inf)

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: Any = None,
        _labelvalues: Sequence[str] | None = None,
        buckets: Sequence[float | str] = DEFAULT_BUCKETS,
    ) -> None:
        bounds = [float(bound) for bound in buckets]
        if bounds != sorted(bounds):
            raise ValueError("Buckets not in sorted order")
        if bounds and bounds[-1] != inf:
            bounds.append(inf)
        if len(bounds) < 2:
            raise ValueError("Must have at least two buckets")
        self._upper_bounds = tuple(bounds)
        self._child_type = HistogramChild if is_on_grid(self._upper_bounds) else BucketsChild
        super().__init__(name, documentation, labelnames, namespace, subsystem, unit, registry, _labelvalues)

    def _declaration(self, **_more: Any) -> Declaration:
        return super()._declaration(buckets=self._upper_bounds)

    def observe(self, amount: float, exemplar: Mapping[str, str] | None = None) -> None:
        """Take one in."""
        if self._child is None:
            self._need_child()
        self._child.take("observe", amount, plain(amount), exemplar)
        if exemplar:
            check_exemplar(exemplar)

    def time(self) -> Timer:
        """Observe the seconds that a block or a function takes."""
        return Timer(self, "observe")


class Info(Instrument):
    """Key-value pairs, such as a version: `i.info({"version": "1.2.3"})`."""

    _type = _kind = "info"
    _child_type = LastChild

    def info(self, val: Mapping[str, str]) -> None:
        """What it says from now on. Raises ValueError where a key is a label, or a value is None."""
        self._need_child()
        if not set(self._labelnames).isdisjoint(val):
            raise ValueError(f"Overlapping labels for Info metric, metric: {self._labelnames} child: {val}")
        if any(value is None for value in val.values()):
            raise ValueError("Label value cannot be None")
        self._child.say("info", dict(val), info_state(val))


class Enum(Instrument):
    """Which of a set of states it is in: `e.state("running")`. The first is that which it begins with."""

    _type = "stateset"
    _kind = "enum"
    _child_type = LastChild

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Sequence[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: Any = None,
        _labelvalues: Sequence[str] | None = None,
        states: Sequence[str] | None = None,
    ) -> None:
        if name in labelnames:
            raise ValueError(f"Overlapping labels for Enum metric: {name}")
        if not states:
            raise ValueError(f"No states provided for Enum metric: {name}")
        self._states = tuple(states)
        super().__init__(name, documentation, labelnames, namespace, subsystem, unit, registry, _labelvalues)

    def _declaration(self, **_more: Any) -> Declaration:
        return super()._declaration(states=self._states)

    def state(self, state: str) -> None:
        """The state that it is in now. Raises ValueError for one that it does not have."""
        self._need_child()
        if state not in self._states:
            raise ValueError(f"{state!r} is not in {list(self._states)}")
        self._child.say("state", state, state)
