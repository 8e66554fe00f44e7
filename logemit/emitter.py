"""From (event, fields) to written lines. Nothing here ever raises into the app."""

import logging
import signal
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from structlog import DropEvent
from structlog.contextvars import get_contextvars
from structlog.typing import EventDict, Processor

from . import conf
from .line import STAMPED, add_timestamp, plain, render
from .unit import Unit, current
from .writer import Line, Writer

logger = logging.getLogger("logemit")


class _Emitter:
    """The writer and the processors that the settings ask for, made at the first event."""

    def __init__(self, settings: conf.Settings) -> None:
        self.settings = settings
        self.writer = Writer(settings)
        self.processors: tuple[Processor, ...] = (add_timestamp, *settings.processors)

    def line(self, event: str, fields: dict[str, Any], unit: Unit | None) -> Line | None:
        event_dict: EventDict = {"event": event, "service": self.settings.service, "unit": "none"}
        if unit is not None and unit.kind != "none":
            event_dict["unit"] = unit.kind
            event_dict["task_id" if unit.kind == "task" else "request_id"] = unit.id
        bound = get_contextvars()
        if bound:
            names = (name for name in self.settings.context_fields if bound.get(name) is not None)
            event_dict.update(plain({name: bound[name] for name in names}, event))
        event_dict.update(fields)
        try:
            for processor in self.processors:
                event_dict = processor(None, "info", event_dict)  # type: ignore[assignment]
        except DropEvent:
            return None
        if len(self.processors) > 1:
            event_dict = {name: value for name, value in event_dict.items() if name not in STAMPED}
        return render(None, "info", event_dict)


_made: dict[str, _Emitter] = {}
"""The emitter, once made. Of two threads that make one at first, setdefault keeps one, without a lock to fork with."""


def _get() -> _Emitter:
    emitter = _made.get("emitter")
    return emitter if emitter is not None else _made.setdefault("emitter", _Emitter(conf.current()))


def reset() -> None:
    """Read the settings again and open the output again, as a new process would."""
    old = _made.pop("emitter", None)
    conf.reload()
    if old is not None:
        old.writer.close()


def emit(event: str, /, **fields: Any) -> None:
    """Write one event, of logemit's vocabulary or the app's own, at once.

    Values are flat: numbers, booleans and text; anything else is written as text, and None is left out.
    Never raises: what cannot be written is counted, and told to the `logemit` logger once.
    """
    write_events([(event, fields)], current.get(), as_given=True)


def write_events(events: Iterable[tuple[str, dict[str, Any]]], unit: Unit | None, *, as_given: bool = False) -> None:
    """Write several events of one unit of work with as few writes as fit; `as_given`: fields come from the app."""
    with harmless():
        emitter = _get()
        if not emitter.settings.enabled:
            return
        lines = []
        for event, fields in events:
            lost = True
            with harmless():
                line = emitter.line(event, plain(fields, event) if as_given else fields, unit)
                lost = False
                if line is not None:
                    lines.append(line)
            if lost:
                emitter.writer.lose(1)
        if lines and not emitter.writer.write(lines):
            _tell_once("output", f"cannot write events: {emitter.writer.last_error}; they are dropped and counted")


class harmless:  # noqa: N801  reads as a statement; a generator would cost a microsecond for each query
    """A metrics library never fails its app: an error of ours is told to the `logemit` logger, once."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> bool:
        if not isinstance(exc, Exception) or _is_from_a_signal(tb):
            return False
        _tell_once("event", f"an event was lost: {exc!r}", exc)
        return True


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
        logger.warning(message, exc_info=exc)
