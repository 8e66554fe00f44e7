"""Workers of a Spark session, which whoever calls has made: by spark-submit, in a notebook, or with Spark Connect.

A handle is a DataFrame of one row, which stays with two executors. It remembers nothing of how it was made: plans that
grow with each merge take Spark longer than the merge itself.
"""

import pickle
import re
import socket
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import reduce
from itertools import count
from math import inf
from queue import PriorityQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..errors import LogemitError, UnavailableError, UsageError
from .workers import Handle, Workers, failed, line

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FIRST = "a first task"
ROW = "number long, value binary, error binary"
_ROW = pa.schema({"number": pa.int64(), "value": pa.binary(), "error": pa.binary()})
ANY_NUMBER = 1 << 16
"""Of rows, so that each core of the session gets some."""

_ERROR = re.compile(r"(?m)\b\w+(?:Error|Exception): (?!.*(?:Error|Exception): ).*$")


def on_spark(session: "SparkSession", tasks: int | None = None) -> AbstractContextManager[Workers]:
    """What `aggregate` takes as its `cluster`, of a session of Spark 4: `lambda: on_spark(spark)`.

    `tasks` can be at work at once: as many as the session has cores, where it is None; give it where executors come as
    they are needed. The session stays as it is. Raises UsageError where `tasks` is less than 1 or the executors lack
    logemit, UnavailableError where Spark fails.
    """
    if tasks is not None and tasks < 1:
        raise UsageError(f"tasks is {tasks}; expected 1 or more, or None for as many as the session has cores")
    return _connected(session, tasks)


@contextmanager
def _connected(session: "SparkSession", tasks: int | None) -> Iterator[Workers]:
    with warnings.catch_warnings():
        # which logemit does not use there
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        workers = _Workers(session, tasks)
        try:
            yield workers
        finally:
            workers.close()


@dataclass(frozen=True, slots=True)
class _Of:
    """Stands for a handle among the arguments of a call."""

    number: int


@dataclass(frozen=True, slots=True)
class _Call:
    """A task, as Spark has it run: rows of what it is given in, one row of what it gives out."""

    number: int
    task: Callable[..., Any]
    args: tuple[Any, ...]
    about: str

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        value = error = None
        try:
            given = _values(batches)
            args = (given[arg.number] if isinstance(arg, _Of) else arg for arg in self.args)
            value = pickle.dumps(self.task(*args), pickle.HIGHEST_PROTOCOL)
        except LogemitError as exc:  # Spark would try it again, and tell of it on many lines
            error = pickle.dumps(exc)
        except Exception as exc:
            error = pickle.dumps(failed(self.about, exc))
        yield pa.record_batch([[self.number], [value], [error]], schema=_ROW)


def _values(batches: Iterable[pa.RecordBatch]) -> dict[int, Any]:
    """By number. Raises what stands there in their place."""
    found = {}
    for batch in batches:
        if batch.schema.names == _ROW.names:  # else nothing is given
            for number, value, error in zip(*batch.columns, strict=True):
                if error.is_valid:
                    raise pickle.loads(error.as_buffer())  # noqa: S301
                found[number.as_py()] = pickle.loads(value.as_buffer())  # noqa: S301
    return found


def _on_host(task: Callable[..., Any], args: tuple[Any, ...]) -> tuple[str, Any]:
    return socket.gethostname(), task(*args)


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    number: int
    about: str
    frame: "Future[DataFrame]" = field(default_factory=Future)


@dataclass(order=True, slots=True)
class _Job:
    place: tuple[bool, int]
    """In the queue: what is urgent comes first."""
    call: _Call = field(compare=False)
    of: list[_Made] = field(compare=False)
    made: _Made | None = field(compare=False)
    """None for the last."""


class _Workers:
    def __init__(self, session: "SparkSession", tasks: int | None) -> None:
        self._session = session
        self._numbers = count()
        self._tag = f"logemit-{id(self)}"
        self._ready: PriorityQueue[_Job] = PriorityQueue()
        self._waiting: defaultdict[int, list[_Job]] = defaultdict(list)
        """By the number of what they wait for."""
        self._lock = Lock()
        self.threads = tasks or len(self._answers(lambda: session.range(ANY_NUMBER), int, ()))
        self._makers = [Thread(target=self._make_all, daemon=True) for _ in range(2 * self.threads)]
        for maker in self._makers:
            maker.start()

    def everywhere(self, task: Callable[..., Any], *args: Any) -> Mapping[str, Any]:
        """By host, as far as there are executors yet."""
        found = self._answers(lambda: self._session.range(0, self.threads, 1, self.threads), task, args)
        return {f"the worker on {host}": answer for host, answer in found}

    def _answers(
        self, rows: "Callable[[], DataFrame]", task: Callable[..., Any], args: tuple[Any, ...]
    ) -> list[tuple[str, Any]]:
        """One of each partition."""
        call = _Call(next(self._numbers), _on_host, (task, args), FIRST)
        try:
            with _told(FIRST):
                return [_value(row) for row in rows().mapInArrow(call, ROW).collect()]
        except UnavailableError as exc:
            if "ModuleNotFoundError" not in str(exc):
                raise
            raise UsageError(f"{exc}; install logemit where Spark's executors run") from None

    def submit(
        self, task: Callable[..., Any], *args: Any, urgent: bool = False, about: str = "", apart: Handle | None = None
    ) -> Handle:
        """Where, Spark decides."""
        number = next(self._numbers)
        of = [arg for arg in args if isinstance(arg, _Made)]
        given = tuple(_Of(arg.number) if isinstance(arg, _Made) else arg for arg in args)
        made = _Made(number, about or "a task")
        self._queue(_Job((not urgent, number), _Call(number, task, given, made.about), of, made))
        return made

    def first(self, handles: Sequence[Handle], seconds: float = inf) -> Handle | None:
        of = {handle.frame: handle for handle in handles}
        with suppress(TimeoutError):
            for frame in as_completed(of, None if seconds == inf else seconds):
                if not frame.exception():
                    return of[frame]
            return handles[0]
        return None

    def result(self, handle: Handle) -> Any:
        made: _Made = handle
        frame = made.frame.result()
        with _told(made.about):
            [row] = frame.collect()
        return _value(row)

    def close(self) -> None:
        last = _Job((False, -1), _Call(-1, int, (), ""), [], None)
        for _ in self._makers:
            self._ready.put(last)
        with suppress(Exception):  # a session that is gone
            self._session.interruptTag(self._tag)
        for maker in self._makers:
            maker.join()

    def _queue(self, job: _Job) -> None:
        """Once all is there that it is made of."""
        with self._lock:
            for each in job.of:
                if not each.frame.done():
                    self._waiting[each.number].append(job)
                    return
        self._ready.put(job)

    def _make_all(self) -> None:
        with suppress(Exception):  # a session that is gone: each job tells of it
            self._session.addTag(self._tag)  # to what this thread has Spark do
        while self._did(self._ready.get()):
            pass

    def _did(self, job: _Job) -> bool:
        """False for the last."""
        if job.made is None:
            return False
        try:
            job.made.frame.set_result(self._frame(job))
        except Exception as exc:
            job.made.frame.set_exception(exc)
        with self._lock:
            freed = self._waiting.pop(job.made.number, [])
        for each in freed:
            self._queue(each)
        return True

    def _frame(self, job: _Job) -> "DataFrame":
        from pyspark import StorageLevel

        frames = [each.frame.result() for each in job.of]
        with _told(job.call.about):
            given = reduce(lambda one, other: one.unionAll(other), frames or [self._session.range(0, 1, 1, 1)])
            made = given.coalesce(1).mapInArrow(job.call, ROW)
            return made.localCheckpoint(eager=True, storageLevel=StorageLevel.MEMORY_AND_DISK_2)


def _value(row: Any) -> Any:
    if row.error:
        raise pickle.loads(row.error)  # noqa: S301
    return pickle.loads(row.value)  # noqa: S301


@contextmanager
def _told(about: str) -> Iterator[None]:
    """Spark's errors as ours."""
    try:
        yield
    except LogemitError:
        raise
    except Exception as exc:
        raise _failed(about, exc) from exc


def _failed(about: str, exc: Exception) -> UnavailableError:
    return UnavailableError(f"{about}: Spark gave up: {_reason(exc)}; nothing has changed")


def _reason(exc: Exception) -> str:
    """Of what Spark tells on many lines, the first that names an error, and of that the innermost."""
    found = _ERROR.search(str(exc))
    return found[0].partition(". ")[0] if found else line(exc)
