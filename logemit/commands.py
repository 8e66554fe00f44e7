"""Management commands as units of work: a patch of the one place where Django runs them."""

import functools
import os
import time
from typing import Any

from django.core.management.base import BaseCommand
from structlog.contextvars import bind_contextvars, reset_contextvars

from . import conf, outside, process
from .emitter import harmless, write_events
from .spans import ended_by
from .unit import Unit, current

SERVERS = frozenset({"runserver", "runserver_plus", "testserver", "daphne", "shell", "shell_plus", "dbshell", "test"})
"""Commands that are no work themselves, but a place to work in."""


def install() -> None:
    """Idempotent."""
    original = BaseCommand.execute
    if hasattr(original, "logemit"):
        return

    @functools.wraps(original)
    def execute(self: BaseCommand, *args: Any, **options: Any) -> Any:
        name = type(self).__module__.rpartition(".")[2]
        settings = conf.current()
        # One that is called within a request, a task or another command is part of that.
        outer = current.get()
        if not (settings.enabled and settings.commands) or name in SERVERS or (outer is not None and outer.is_open):
            return original(self, *args, **options)
        return _run(name, functools.partial(original, self, *args, **options))

    execute.logemit = True  # type: ignore[attr-defined]
    BaseCommand.execute = execute  # type: ignore[method-assign]


def _run(name: str, execute: functools.partial[Any]) -> Any:
    unit = Unit("command", os.urandom(8).hex())
    bound = bind_contextvars(request_id=unit.id)
    token = current.set(unit)
    status = "ok"
    start = time.perf_counter_ns()
    try:
        return execute()
    except BaseException as exc:
        status = ended_by(exc) or "ok"
        unit.exception = type(exc).__name__ if status != "ok" else None
        raise
    finally:
        current.reset(token)
        with harmless():
            _finish(unit, name, status, (time.perf_counter_ns() - start + 500) // 1000)
        reset_contextvars(**bound)


def _finish(unit: Unit, name: str, status: str, microseconds: int) -> None:
    folded = unit.close()
    if folded is None:  # a child that the command forked
        return
    fields: dict[str, Any] = {"name": name, "status": status, "duration_seconds": microseconds / 1e6}
    if unit.exception:
        fields["exception"] = unit.exception
    write_events([*folded, ("command", {**fields, **unit.query_fields()})], unit)
    outside.flush_fold()
    process.owe()  # the exit, which mostly comes next, tells all at once
