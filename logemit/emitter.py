"""From (event, fields) to written lines. Nothing here ever raises into the app."""

import logging
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from structlog import DropEvent
from structlog.typing import EventDict, Processor

from . import conf
from .context import variable
from .line import STAMPED, add_timestamp, plain, render, render_all, short
from .unit import Unit, current
from .vocabulary import EVENTS
from .writer import Line

if TYPE_CHECKING:
    from .backends import Backend

logger = logging.getLogger("logemit")
Event = tuple[str, dict[str, Any]]
_OWN_IDS = {
    "": (),
    "none": ("request_id", "task_id"),  # wherever it is written, it belongs to neither
    "request": ("request_id",),
    "command": ("request_id",),
    "task": ("task_id",),
}
"""By the kind of a unit, the ids that it has itself, or none of."""
_NOTHING: frozenset[str] = frozenset()
_DECLARED = {event.name: frozenset(field.name for field in event.fields) for event in EVENTS}


class _Emitter:
    """The backend and the processors that the settings ask for, made at the first event."""

    def __init__(self, settings: conf.Settings) -> None:
        self.settings = settings
        self.backend: Backend = _diversion or _opened(settings)
        self.measure = getattr(self.backend, "measure", None)
        """Takes in each operation on an instrument, where a backend wants them."""
        self.pid = os.getpid()
        self.told: dict[object, object] = {}
        self._service = short(settings.service)
        self._let_through = {
            kind: [(name, variable(name)) for name in settings.context_fields if name not in ids]
            for kind, ids in _OWN_IDS.items()
        }
        self.processors: tuple[Processor, ...] = (add_timestamp, *settings.processors)

    def lines(self, events: Sequence[Event], unit: Unit | None, as_given: bool) -> list[Line]:
        """The lines of events of one moment and unit. What cannot be made is counted as lost."""
        if unit is not None:
            unit.take_id()
        context = self._context(unit)
        clash = context and not all(_DECLARED.get(event, _NOTHING).isdisjoint(context) for event, _ in events)
        if not (as_given or clash or self.settings.processors):
            try:
                return render_all(events, self._service, unit, context)
            except Exception as exc:
                if not swallowed(exc):
                    raise
        common = _of_unit(unit)
        lines = []
        for event, fields in events:
            lost = True
            with harmless():
                given = plain(fields, event) if as_given else fields
                line = self._processed(event, {**common, **_renamed(context, event)}, given)
                lost = False
                if line is not None:
                    lines.append(line)
            if lost:
                self.backend.lose(1)
        return lines

    def _context(self, unit: Unit | None) -> dict[str, Any]:
        """What the app bound and the settings let through, but for the unit's own id."""
        found = {}
        for name, bound_variable in self._let_through[unit.kind if unit is not None else ""]:
            value = bound_variable.get(None)
            if value is not None and value is not ...:
                found[name] = value
        return plain(found, "") if found else found

    def _processed(self, event: str, common: dict[str, Any], fields: dict[str, Any]) -> Line | None:
        event_dict: EventDict = {"event": event, "service": self.settings.service, **common, **fields}
        try:
            for processor in self.processors:
                event_dict = processor(None, "info", event_dict)  # type: ignore[assignment]
        except DropEvent:
            return None
        return render(None, "info", {name: value for name, value in event_dict.items() if name not in STAMPED})


def _renamed(context: dict[str, Any], event: str) -> dict[str, Any]:
    """Names that the event declares, or it would be told what only logemit can know, get a trailing underscore."""
    declared = _DECLARED.get(event, _NOTHING)
    return {f"{name}_" if name in declared else name: value for name, value in context.items()}


def _of_unit(unit: Unit | None) -> dict[str, Any]:
    if unit is None or not unit.id:
        return {"unit": unit.kind if unit is not None else "none"}
    return {"unit": unit.kind, "task_id" if unit.kind == "task" else "request_id": unit.id}


def _opened(settings: conf.Settings) -> "Backend":
    from .backends import opened  # noqa: PLC0415  backends tell their failures through this module

    return opened(settings)


_made: dict[str, _Emitter] = {}
"""The emitter, once made. Of two threads that make one at first, setdefault keeps one, without a lock to fork with."""


def _get() -> _Emitter:
    emitter = _made.get("emitter")
    return emitter if emitter is not None else _made.setdefault("emitter", _Emitter(conf.current()))


def active() -> _Emitter | None:
    """None where nothing is to be written at all."""
    emitter = _get()
    return emitter if emitter.settings.enabled else None


def first_time(what: object) -> bool:
    """Whether this process has not told it to this output yet: True once in each, also after a reset."""
    emitter = _get()
    if emitter.pid != os.getpid():
        emitter.pid, emitter.told = os.getpid(), {}
    mine = object()
    return emitter.told.setdefault(what, mine) is mine


def reset() -> None:
    """Read the settings again and open the output again, as a new process would."""
    old = _made.pop("emitter", None)
    conf.reload()
    if old is not None:
        old.backend.close()


def try_output(event: str, **fields: Any) -> Exception | None:
    """Write an event, and say what was in the way; None where nothing was."""
    emitter = _get()
    lines = emitter.lines([(event, fields)], None, as_given=True)
    return None if emitter.backend.write(lines) else emitter.backend.last_error


@contextmanager
def diverted(backend: "Backend") -> Iterator[None]:
    """Hand lines to another backend, whatever settings are read meanwhile."""
    global _diversion
    before, _diversion, kept = _diversion, backend, _made.pop("emitter", None)
    try:
        yield
    finally:
        _diversion = before
        _made.clear()
        if kept is not None and kept.settings is conf.current():
            _made["emitter"] = kept
        elif kept is not None:
            kept.backend.close()


_diversion: "Backend | None" = None


def emit(event: str, /, **fields: Any) -> None:
    """Write one event, of logemit's vocabulary or the app's own, at once.

    Values are flat: numbers, booleans and text; anything else is written as text, and None is left out.
    Never raises: what cannot be written is counted, and told to the `logemit` logger once.
    """
    write_events([(event, fields)], current.get(), as_given=True)


def write_events(events: Sequence[Event], unit: Unit | None, *, as_given: bool = False) -> None:
    """Write several events of one unit of work with as few writes as fit; `as_given`: fields come from the app."""
    try:
        emitter = _get()
        if not emitter.settings.enabled:
            return
        lines = emitter.lines(events, unit, as_given)
        if lines and not emitter.backend.write(lines):
            _tell_once("output", f"cannot write events: {emitter.backend.last_error}; they are dropped and counted")
    except Exception as exc:
        if not swallowed(exc):
            raise


def swallowed(exc: Exception) -> bool:
    """A metrics library never fails its app: an error of ours is told to the `logemit` logger, once.

    False for the app's own, which goes on. Where every query comes by, this stands in an `except`, which costs nothing.
    """
    if _is_from_a_signal(exc.__traceback__):
        return False
    _tell_once("event", f"an event was lost: {exc!r}", exc)
    return True


def failed(backend: object, exc: Exception) -> bool:
    """The same of a backend, which may be the app's own: told once for each."""
    if _is_from_a_signal(exc.__traceback__):
        return False
    name = getattr(backend, "__qualname__", type(backend).__qualname__)
    _tell_once(f"backend {name}", f"the backend {name} failed: {exc!r}; others go on", exc)
    return True


class harmless:  # noqa: N801  reads as a statement; a generator would cost a microsecond
    """The same as a block."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> bool:
        return isinstance(exc, Exception) and swallowed(exc)


def _is_from_a_signal(tb: TracebackType | None) -> bool:
    """The app's own exception, such as Celery's SoftTimeLimitExceeded, which a signal raised in the middle of ours."""
    handlers = {getattr(signal.getsignal(number), "__code__", None) for number in signal.valid_signals()} - {None}
    while tb is not None:
        if tb.tb_frame.f_code in handlers:
            return True
        tb = tb.tb_next
    return False


_told: set[str] = set()


def _tell_once(kind: str, message: str, exc: Exception | None = None) -> None:
    if kind not in _told:
        _told.add(kind)
        with suppress(Exception):  # a handler of the app's may fail, too
            logger.warning(message, exc_info=exc)
