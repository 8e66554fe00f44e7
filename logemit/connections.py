"""New database connections: a patch of the one place where Django opens them.

The signal connection_created never fires for an attempt that fails.
"""

import functools
import time
from typing import Any

from django.core.exceptions import SynchronousOnlyOperation
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from . import conf, outside, queries
from .emitter import harmless
from .kinds import connection_kind


def install() -> None:
    """Fit the connections that are open, and see all attempts from now on. Idempotent."""
    for connection in connections.all(initialized_only=True):
        queries.install(connection)
    original = BaseDatabaseWrapper.connect
    if hasattr(original, "logemit"):
        return

    @functools.wraps(original)
    def connect(self: BaseDatabaseWrapper) -> None:
        try:
            original(self)
        except SynchronousOnlyOperation:  # no attempt was made
            raise
        except BaseException as exc:
            _record(self, _type_of(exc))
            raise
        _record(self)

    connect.logemit = True  # type: ignore[attr-defined]
    BaseDatabaseWrapper.connect = connect  # type: ignore[method-assign]


def _type_of(exc: BaseException) -> str:
    """Of the driver's exception: Django's has it as its cause, a driver's may have one of its own."""
    return type(exc.__cause__ if isinstance(exc, Error) and exc.__cause__ else exc).__name__


def _record(connection: Any, error: str = "") -> None:
    with harmless():
        if conf.current().enabled:
            kind = connection_kind(connection.alias, queries.vendor_of(connection), error)
            outside.fold(kind, None, time.perf_counter_ns())
