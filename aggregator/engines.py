"""Which way a block goes: the plain way, or the compiled one, which starts slowly and is many times as fast."""

import os
import time
from importlib.util import find_spec
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Self

from .compiled import kept
from .config import Config
from .errors import UsageError
from .intake import Intake
from .lines import Block
from .records import unwrap
from .streams import Stream

if TYPE_CHECKING:
    from .compiled.engine import Engine

PAYS_FROM = 8 << 20
"""Bytes to read from which on it pays to load numba and machine code that was made before."""

MAKING_PAYS_FROM = 16 << 20
"""And to make it: it takes ten seconds or more, once."""

MAKING_EACH_TIME_PAYS_FROM = 192 << 20
"""And where it cannot be kept."""

SLOW_FROM = 64 << 20
"""Bytes read the plain way from which on it is told that numba is missing."""

MOST_WORKERS = 3
"""Unless more are asked for: what is not scanning and adding up is one thread's work."""


class Engines:
    """Takes blocks in order. What was taken is in the intake once it is left without an error."""

    def __init__(self, intake: Intake, config: Config, workers: int) -> None:
        self._intake, self._config = intake, config
        self._workers = workers
        self._engine: Engine | None = None
        self._plain_bytes = 0
        self._pays_from: float | None = None
        self._is_told = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._engine is None:
            return
        try:
            if error is None:
                self._engine.finish()
        finally:
            self._engine.close()
            self._engine = None  # the rest of the run needs the memory

    def take(self, block: Block, stream: Stream, ahead: int) -> None:
        """`ahead` are the bytes of its source that are still to come, as far as they are known."""
        if self._engine is None and self._pays(self._plain_bytes + block.size + ahead):
            self._engine = self._started(block)
        if self._engine is None or block.too_long or not self._engine.reads(stream):
            self._take_plain(block, stream)
        else:
            self._engine.take(block, stream)

    def _pays(self, size: int) -> bool:
        """Whether to start the engine for so many bytes; what is made is looked for where there may be enough."""
        if size < PAYS_FROM:
            return False
        if self._pays_from is None:
            self._pays_from = pays_from()
        return size >= self._pays_from

    def _take_plain(self, block: Block, stream: Stream) -> None:
        if self._engine is not None:
            self._engine.settle()
        self._plain_bytes += block.size
        self._tell_if_slow()
        self._intake.take(unwrap(block, stream), stream.name)
        block.release()

    def _tell_if_slow(self) -> None:
        if self._plain_bytes > SLOW_FROM and not self._is_told and not is_installed():
            self._is_told = True
            self._intake.warnings.append("read the slow way: numba is missing; pip install 'logemit[aggregator]'")

    def _started(self, block: Block) -> "Engine | None":
        self._pays_from = inf
        try:
            began = time.monotonic()
            from .compiled.context import count_newlines
            from .compiled.engine import Engine
            from .compiled.judge import judged
            from .compiled.warm import warm

            warm()
        except Exception as exc:  # numba has its own ideas of which numpy and which processor it goes with
            if os.environ.get("LOGEMIT_DEBUG"):
                raise
            self._intake.warnings.append(f"read the slow way: {_cannot(exc)}")
            return None
        self._intake.report.loading = round(time.monotonic() - began, 3)
        if block.buffers:
            block.buffers.count_newlines = count_newlines
        intake, config = self._intake, self._config
        return Engine(
            config.catalogue,
            config.window_seconds,
            self._workers,
            lambda scanned: judged(intake, scanned),
            lambda part, is_late: intake.add(part, is_late=is_late),
            intake.exemplars,
        )


def default_workers() -> int:
    """As many as there are processors for this process, which not every system tells."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors, MOST_WORKERS)


def is_installed() -> bool:
    return find_spec("numba") is not None


def compile_now() -> str:
    """Make machine code, where it is not made yet: where it is kept. Raises UsageError where that cannot be."""
    if not is_installed():
        raise UsageError("numba is missing; pip install 'logemit[aggregator]'")
    if not kept.is_made() and not kept.can_be_kept():
        raise UsageError(f"{kept.folder()}: cannot be written; set NUMBA_CACHE_DIR to a folder that can")
    try:
        from .compiled.warm import warm

        warm()
    except Exception as exc:
        raise UsageError(_cannot(exc)) from exc
    return str(kept.folder())


def _cannot(exc: Exception) -> str:
    reason = str(exc).strip().partition("\n")[0]
    return f"numba cannot be used here: {type(exc).__name__}: {reason}; LOGEMIT_DEBUG=1 shows where"


def pays_from() -> float:
    """Bytes to read from which on the compiled way is the quicker one."""
    if not is_installed():
        return inf
    if kept.is_made():
        return PAYS_FROM
    return MAKING_PAYS_FROM if kept.can_be_kept() else MAKING_EACH_TIME_PAYS_FROM
