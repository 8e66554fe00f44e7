"""Celery's tasks: one `task` event for each run, from the one process that knows how it ended.

A run is told where it ran, when it ends. What no task can tell of itself is told by the worker's main process: that it
was revoked, that it met the hard time limit, that its process died. Celery is imported only where an app uses it.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any
from weakref import WeakValueDictionary

from structlog.contextvars import bind_contextvars, get_contextvars

from . import conf, outside
from .emitter import harmless, write_events
from .unit import Unit, current

_RUN = "_logemit_run"
_TOLD = "_logemit_told"
_SENT = "logemit_sent"
"""A message's header: the Unix time at which it was sent."""

_received: WeakValueDictionary[str, Any] = WeakValueDictionary()
"""Requests that this process, a worker's main one, has taken on."""

os.register_at_fork(after_in_child=_received.clear)


def connect() -> None:
    """Write events for tasks from now on. Under Django this happens by itself; idempotent."""
    from celery import signals  # noqa: PLC0415

    for signal, receiver in (
        (signals.before_task_publish, _stamp),
        (signals.task_received, _receive),
        (signals.task_prerun, _begin),
        (signals.task_postrun, _end),
        (signals.task_failure, _failed),
        (signals.task_retry, _retried),
        (signals.task_revoked, _revoked),
        (signals.worker_process_shutdown, _exit),  # such a process ends by os._exit
    ):
        signal.connect(receiver, dispatch_uid=f"logemit.{receiver.__name__}")


def connect_when_used() -> None:
    """The same as soon as something imports Celery, which for most processes is never."""
    if _SIGNALS in sys.modules:
        connect()
    elif not any(isinstance(finder, _Watch) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watch())


_SIGNALS = "celery.signals"


class _Watch(MetaPathFinder):
    """Finds nothing itself; once, has `connect` run after Celery's signals are there."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _SIGNALS:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            with harmless():
                connect()

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


# Where a task is sent.


def _stamp(headers: Any = None, **_kwargs: Any) -> None:
    with harmless():
        if _on() and isinstance(headers, dict):
            headers[_SENT] = time.time()  # a retry brings along the header of the run before


# Where it runs.


class _Run:
    """One run of a task, kept on its request.

    Its beginning and its end are two calls, so what was there before is put back by value: a context variable's token
    may not be valid any more.
    """

    def __init__(self, task_id: str) -> None:
        self.unit = Unit("task", task_id)
        self._start = time.perf_counter_ns()
        self._began_at = time.time()
        self._outer_unit = current.get()
        self._outer_task_id = get_contextvars().get("task_id", ...)  # structlog's own mark of what is not bound
        self._outer_exception = id(sys.exc_info()[1])
        self._was_terminated = _was_terminated()

    def enter(self) -> None:
        current.set(self.unit)
        bind_contextvars(task_id=self.unit.id)

    def leave(self) -> None:
        current.set(self._outer_unit)
        bind_contextvars(task_id=self._outer_task_id)

    def raised(self) -> BaseException | None:
        """What passes through the task's postrun; not what a caller of `apply()` is handling."""
        exception = sys.exc_info()[1]
        return exception if id(exception) != self._outer_exception else None

    def finish(self, task: Any, state: str, cause: Any, *, told_here: bool) -> None:
        microseconds = (time.perf_counter_ns() - self._start + 500) // 1000
        events = self.unit.close()
        if events is None:
            return
        if told_here:
            with harmless():  # what goes wrong here costs the queries nothing
                events = [*events, ("task", self._fields(task, state, cause, microseconds))]
        write_events(events, self.unit)

    def _fields(self, task: Any, state: str, cause: Any, microseconds: int) -> dict[str, Any]:
        fields = _fields(task, task.request, state, cause)
        fields["duration_seconds"] = microseconds / 1e6
        fields.update(_queue_seconds(task.request, self._began_at))
        return {**fields, **self.unit.query_fields()}

    def is_told_here(self, request: Any, raised: BaseException | None) -> bool:
        """False for the end of a child process, which its parent will tell, and for what is told already."""
        if request.is_eager:
            return True
        ends_process = raised is not None and not isinstance(raised, Exception)
        received = _received.get(request.id)
        if received is not None:  # threads, greenlets, solo
            is_killed = type(raised).__name__ == "GreenletExit"  # which a revoking worker will tell
            return not ends_process or (not is_killed and _claim(received._context))
        return not ends_process and self._was_terminated == _was_terminated()


def _begin(task: Any, task_id: str, **_kwargs: Any) -> None:
    with harmless():
        if _on():
            run = _Run(task_id)
            setattr(task.request, _RUN, run)  # first: a soft time limit may strike here
            run.enter()


def _end(task: Any, retval: Any = None, state: str | None = None, **_kwargs: Any) -> None:
    request = task.request
    run: _Run | None = request.__dict__.pop(_RUN, None)
    if run is None:
        return
    raised = run.raised()
    try:
        with harmless():
            ended, cause = _ended(raised) if raised is not None else ((state or "failure").lower(), retval)
            run.finish(task, ended, cause, told_here=run.is_told_here(request, raised))
    finally:
        run.leave()
    _flush()


def _ended(raised: BaseException) -> tuple[str, BaseException]:
    """How a run ended whose exception nothing in Celery caught."""
    from celery.exceptions import Ignore, Reject, Retry  # noqa: PLC0415

    states = ((Retry, "retry"), (Reject, "rejected"), (Ignore, "ignored"))
    return next((state for kind, state in states if isinstance(raised, kind)), "failure"), raised


def _flush(**_kwargs: Any) -> None:
    with harmless():
        outside.flush()


def _exit(**_kwargs: Any) -> None:
    with harmless():
        outside.at_exit()


def _was_terminated() -> bool:
    """This child of a worker was sent SIGTERM, mostly by its parent, which then tells what became of its task."""
    billiard = sys.modules.get("billiard.common")
    return billiard is not None and bool(getattr(billiard, "_should_have_exited", [False])[0])


# What only a worker's main process knows.


def _receive(request: Any = None, **_kwargs: Any) -> None:
    with harmless():
        if _on() and request is not None:
            _received[request.id] = request


def _failed(sender: Any, task_id: str, exception: Any = None, **_kwargs: Any) -> None:
    """The hard time limit, which Celery reports twice, or a lost process; other failures are told where they happen."""
    from celery.exceptions import TimeLimitExceeded, WorkerLostError  # noqa: PLC0415

    with harmless():
        is_cut_off = isinstance(exception, TimeLimitExceeded | WorkerLostError) or not isinstance(exception, Exception)
        if is_cut_off and not _is_running(sender.request, task_id):
            _tell(sender, _received.get(task_id), "failure", exception)


def _is_running(request: Any, task_id: str) -> bool:
    return request.id == task_id and hasattr(request, _RUN)


def _retried(sender: Any, request: Any = None, reason: Any = None, **_kwargs: Any) -> None:
    """Sent again by the main process, because the task's process was lost or the worker is to end."""
    with harmless():
        received = _received.get(getattr(request, "id", None) or "")
        if received is not None and received._context is request:
            _tell(sender, received, "retry", reason)


def _tell(task: Any, received: Any, state: str, cause: Any) -> None:
    if received is None or not _claim(received._context):
        return
    fields = _fields(task, received._context, state, cause)
    if received.time_start:
        fields["duration_seconds"] = round(max(time.time() - received.time_start, 0), 6)
        fields.update(_queue_seconds(received._context, received.time_start))
    write_events([("task", fields)], Unit("task", received.id))


def _revoked(sender: Any, request: Any = None, **_kwargs: Any) -> None:
    """Before it began, because it expired, or while it ran."""
    with harmless():
        if _on() and _claim(request):
            write_events([("task", _fields(sender, request, "revoked", None))], Unit("task", request.id))


def _claim(request: Any) -> bool:
    """The right to tell of a run, once."""
    if getattr(request, _TOLD, False):
        return False
    setattr(request, _TOLD, True)
    return True


# The fields.


def _on() -> bool:
    settings = conf.current()
    return settings.enabled and settings.celery


def _fields(task: Any, request: Any, state: str, cause: Any) -> dict[str, Any]:
    fields = {"name": task.name, "queue": _queue(task.app, request.delivery_info or {}), "state": state}
    if state == "retry":
        cause = _retried_for(cause)
    if state in {"failure", "retry"} and isinstance(cause, BaseException):
        fields["exception"] = type(cause).__name__
    fields["retries"] = request.retries or 0
    return fields


def _retried_for(retry: Any) -> Any:
    """The exception that a task is tried again for; `exc` may be a stand-in for one that cannot be pickled."""
    told, real = getattr(retry, "exc", None), getattr(retry, "__context__", None)
    return real if told is not None and isinstance(real, type(told)) else told


def _queue(app: Any, delivery_info: Mapping[str, Any]) -> str:
    """The queue's name, of which a message has only the exchange and the routing key; "" where they do not tell."""
    key = delivery_info.get("routing_key") or ""
    exchange = delivery_info.get("exchange") or ""
    if delivery_info.get("is_eager") or not exchange:
        return "" if delivery_info.get("is_eager") else str(key)
    bound = [queue for queue in app.amqp.queues.values() if queue.exchange.name == exchange]
    matching = [queue for queue in bound if queue.routing_key == key] or bound
    return str(matching[0].name) if len(matching) == 1 else ""


def _queue_seconds(request: Any, began_at: float) -> dict[str, float]:
    """From when the task was due; nothing where that is unknown, or in the future by another machine's clock."""
    due = getattr(request, _SENT, None)
    if not isinstance(due, int | float):
        return {}
    if isinstance(request.eta, str):
        eta = datetime.fromisoformat(request.eta)
        due = max(due, (eta if eta.tzinfo else eta.replace(tzinfo=UTC)).timestamp())
    waited = began_at - due
    return {"queue_seconds": round(waited, 6)} if 0 <= waited < float("inf") else {}
