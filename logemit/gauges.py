"""Gauges: what they are now in this process, and by how much they moved since it told them last.

A value is looked up when a line is made, not when it was set: of several units of one process that end in any order,
the line written last has what is so then, and all steps add up to it.
"""

import os
from collections.abc import Callable
from math import isfinite
from threading import RLock
from typing import Any

from .emitter import harmless
from .families import Family, children_of
from .fold import Lines
from .measured import Child
from .quantised import NANO, exact, nanos, nearest

_RECENT = frozenset({"mostrecent", "livemostrecent"})
_MODES = {"min": "livemin", "max": "livemax", "livesum": "livesum", "livemin": "livemin", "livemax": "livemax"} | {
    mode: mode for mode in ("sum", *_RECENT)
}
"""How processes combine where the given mode alone says it; `all` and `liveall` depend on what the app does."""
_MOVED = True
"""What stands for an operation among the amounts of a fold: the value is elsewhere."""
_ODD = False
"""One with what is not finite, which leaves the value as it is."""


class GaugeChild(Child):
    """A forked child begins at 0, as with prometheus_client's files of several processes."""

    __slots__ = ("_function", "_lock", "_pid", "_told", "_told_mode", "_used", "_value")

    def __init__(self, family: Family, values: tuple[str, ...]) -> None:
        super().__init__(family, values)
        self._function: Callable[[], float] | None = None
        self._start()

    def _start(self) -> None:
        self._lock = RLock()  # a signal handler may come by
        self._pid = os.getpid()
        self._value = 0.0
        self._told = 0
        """Nanos that the steps told so far add up to."""
        self._told_mode = ""
        self._used = False

    def set(self, value: float) -> None:
        self._follow_fork()
        self.family.is_set = self._used = True
        finite = isfinite(value)
        if finite:
            self._value = value
        self.take("set", value, _MOVED if finite else _ODD)

    def move(self, amount: float) -> None:
        self._follow_fork()
        self._used = True
        finite = isfinite(amount)
        if finite:
            with self._lock:
                self._value += amount
        self.take("inc", amount, _MOVED if finite else _ODD)

    def set_function(self, function: Callable[[], float]) -> None:
        self._follow_fork()
        self._function = function
        self.family.is_set = self._used = True
        self.take("set_function", function, None)

    def forget(self) -> None:
        """It was removed: sums are without it from now on."""
        self._function = None
        if self._used and self._pid == os.getpid() and self.mode().endswith("sum"):
            self._value = 0.0
            self.take("remove", None, _MOVED)
        else:
            self.hand_over("remove", None)

    @property
    def has_function(self) -> bool:
        return self._function is not None

    def mode(self) -> str:
        """How processes combine; "" where nothing says it yet."""
        given = _MODES.get(self.family.declaration.mode)
        if given is not None:
            return given
        return "mostrecent" if self.family.is_set else "livesum" if self._used else ""

    def told(self, amounts: list[Any]) -> Lines:
        self._follow_fork()
        mode = self.mode()
        if self._function is not None:
            return []
        # One that was only made shows its 0 where that changes nothing for others.
        made = not amounts and self.values and mode and mode not in _RECENT
        lines = self._now(mode) if made or _MOVED in amounts else []
        return [*lines, self._line("gauge", mode=mode)] if _ODD in amounts else lines

    def told_again(self) -> Lines:
        """With what the process uses: the app's functions are asked, and live gauges told anew."""
        self._follow_fork()
        if self._function is not None:
            with harmless():
                self._value = float(self._function())
                return [*self.family.lines(), *self._now(self.mode())]
            return []
        is_live = self._used and self.mode().startswith("live")
        return [*self.family.lines(), *self._now(self.mode())] if is_live else []

    def ended(self) -> Lines:
        """At the end of the process."""
        if self._pid != os.getpid():
            return []
        if self._function is not None and not self.mode().startswith("live"):
            return self.told_again()
        if self._told_mode == "livesum" and self._told:
            self._function, self._value = None, 0.0
            return self._now("livesum")
        return []

    def _follow_fork(self) -> None:
        if self._pid != os.getpid():
            self._start()
            self._used = self._function is not None

    def _now(self, mode: str) -> Lines:
        with self._lock:
            lines = []
            if self._told_mode == "livesum" != mode and self._told:  # it moved, and now it was set
                lines.append(self._told_as("livesum", 0.0))
            self._told_mode = mode
            lines.append(self._told_as(mode, self._value))
            return lines

    def _told_as(self, mode: str, value: float) -> tuple[str, dict[str, Any]]:
        fields: dict[str, Any] = {"mode": mode}
        if isfinite(value):
            fields["value"] = value
        nano = nanos(value)
        if nano is not None:
            numbers = exact(nano - self._told)
            step = numbers[0] if len(numbers) == 1 else (nano - self._told) / NANO
            self._told += nearest(step)  # what a rounded step leaves is told with the next
            fields["step"] = step
        return self._line("gauge", **fields)


def told_again() -> Lines:
    return [line for child in children_of("gauge") for line in child.told_again()]


def functions() -> Lines:
    """What the app's functions say now."""
    return [line for child in children_of("gauge") if child.has_function for line in child.told_again()]


def ended() -> Lines:
    return [line for child in children_of("gauge") for line in child.ended()]
