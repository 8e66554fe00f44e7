"""Workers of a Dask cluster. Dask is loaded when it is used.

A task whose worker dies is run again elsewhere, which is Dask's to do; after a few workers it gives up, and so does the
run. Nothing was committed then.
"""

import concurrent.futures
import logging
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from math import inf
from typing import TYPE_CHECKING, Any

from ..errors import LogemitError, UnavailableError, UsageError
from . import versions
from .spec import Spec
from .workers import Handle, Workers, failed, line

if TYPE_CHECKING:
    from distributed import Client, Future

POLL_SECONDS = 5.0
LOST_SECONDS = 30.0
"""Without a scheduler, until the run gives up; without workers, as long as a cluster may need to start them."""

BRINGING_SECONDS = 600.0
"""For a result that is there."""

CLOSING_SECONDS = 5.0
URGENT = 10
ANSWER_SECONDS = 120.0
"""Within which each worker tells what it is."""

SHORT_OF_MEMORY = "there was too little memory for it; give workers about 1.5 GB a thread"


@contextmanager
def connected(spec: Spec, processes: int | None = None) -> Iterator[Workers]:
    """`processes` of this machine, one for each processor where it is None, do it where `spec` names no scheduler.

    Raises UsageError, UnavailableError.
    """
    try:
        from distributed import Client
    except ImportError:
        raise UsageError("--engine dask needs a library that is missing; pip install 'logemit[dask]'") from None
    with _quiet(), _cluster(spec, processes) as address:
        security = _security(spec)
        try:
            client = Client(address, timeout=spec.wait_seconds, set_as_default=False, security=security)
        except (OSError, TimeoutError, ValueError, RuntimeError) as exc:
            reason = str(exc).partition("\n")[0] or type(exc).__name__
            raise UnavailableError(f"{address}: no Dask scheduler answers: {reason}") from None
        try:
            workers = _Workers(client, spec)
            workers.wait_for_any()
            workers.check_dask()
            yield workers
        finally:
            with suppress(Exception):  # a scheduler that is gone
                client.close(CLOSING_SECONDS)


@contextmanager
def _cluster(spec: Spec, processes: int | None) -> Iterator[str]:
    """Its scheduler; one of this machine's own where none is given."""
    if spec.scheduler:
        yield spec.scheduler
        return
    from distributed import LocalCluster

    options = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.CRITICAL}
    try:
        with _deaf():
            cluster = LocalCluster(processes, **options)
    except (OSError, RuntimeError) as exc:
        raise UnavailableError(f"no cluster can be started here: {line(exc)}; leave --engine out") from None
    with cluster:
        yield cluster.scheduler_address


@contextmanager
def _deaf() -> Iterator[None]:
    """Ctrl-C reaches all processes of a terminal: those that are started now leave it to this one, which stops them.

    Until they are started it does nothing, which is about a second.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _security(spec: Spec) -> Any:
    """Of what the spec names, or of Dask's own configuration. Raises UsageError."""
    if not spec.is_tls:
        return None
    from distributed import Security

    files = {"tls_ca_file": spec.tls_ca, "tls_client_cert": spec.tls_cert, "tls_client_key": spec.tls_key}
    found = Security(**(files if spec.tls_ca else {}), require_encryption=True)
    try:
        is_whole = found.get_connection_args("client").get("ssl_context") is not None
    except (OSError, ValueError) as exc:
        raise UsageError(f"{spec.scheduler}: what TLS needs cannot be read: {line(exc)}") from None
    if not is_whole:
        raise UsageError(
            f"{spec.scheduler} needs tls_ca, tls_cert and tls_key; name them in a file, for --cluster-spec"
        )
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """What it logs of itself is not for users: they are told in one line."""
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in ("distributed", "tornado")]
    loggers = [logging.getLogger(name) for name in ("distributed", "asyncio", *names)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@dataclass(frozen=True, slots=True, eq=False)
class _Sent:
    future: "Future[Any]"
    about: str


class _Workers:
    def __init__(self, client: "Client", spec: Spec) -> None:
        self._client, self._spec = client, spec
        self._threads, self._asked_at = 0, float("-inf")

    @property
    def threads(self) -> int:
        if time.monotonic() - self._asked_at > POLL_SECONDS:
            self._threads, self._asked_at = self._counted(), time.monotonic()
        return max(1, self._threads)

    def _counted(self) -> int:
        with self._told("the cluster"):
            return sum(self._client.nthreads().values())

    def wait_for_any(self) -> None:
        try:
            self._client.wait_for_workers(self._spec.least_workers, timeout=self._spec.wait_seconds)
        except TimeoutError:
            wanted = f"fewer than {self._spec.least_workers} workers" if self._spec.least_workers > 1 else "no worker"
            raise UnavailableError(
                f"{self._address}: {wanted} came within {self._spec.wait_seconds:g} s; start some: dask worker …"
            ) from None

    def check_dask(self) -> None:
        """That it is the same everywhere. Raises UsageError."""
        here = _dask()
        for who, there in self.everywhere(_dask).items():
            versions.check(here, there, who)

    @property
    def _address(self) -> str:
        return self._spec.scheduler or "the cluster"

    def everywhere(self, task: Callable[..., Any], *args: Any) -> Mapping[str, Any]:
        found = self._answers(task, args)
        for worker, answer in found.items():
            if isinstance(answer, Exception) and not isinstance(answer, OSError):  # that of one that is gone
                raise UsageError(
                    f"the worker at {worker} has another logemit, or none: {_told_there(answer)}; install it there"
                )
        answers = {worker: answer for worker, answer in found.items() if not isinstance(answer, Exception)}
        return {f"the worker at {worker}": answer for worker, answer in answers.items()}

    def _answers(self, task: Callable[..., Any], args: tuple[Any, ...]) -> Mapping[str, Any]:
        """In a thread of its own, as Dask waits without an end for a worker that stands still."""
        answers: concurrent.futures.Future[Mapping[str, Any]] = concurrent.futures.Future()

        def ask() -> None:
            try:
                answers.set_result(self._client.run(task, *args, on_error="return"))
            except BaseException as exc:
                answers.set_exception(exc)

        threading.Thread(target=ask, daemon=True).start()
        if not concurrent.futures.wait([answers], ANSWER_SECONDS).done:
            raise UnavailableError(f"{self._address}: a worker does not answer; stop it, and run it again")
        with self._told("the cluster"):
            return answers.result()

    def submit(
        self, task: Callable[..., Any], *args: Any, urgent: bool = False, about: str = "", apart: Handle | None = None
    ) -> Handle:
        of = (arg.future if isinstance(arg, _Sent) else arg for arg in args)
        priority = URGENT if urgent else 0
        with self._told(about):
            others = self._others(apart) if apart else []
            future = self._client.submit(
                task, *of, pure=False, priority=priority, workers=others or None, allow_other_workers=bool(others)
            )
        return _Sent(future, about)

    def _others(self, handle: _Sent) -> list[str]:
        """Processes that are not at work on this, and do not have it."""
        key = handle.future.key
        at_work = {worker for worker, keys in self._client.processing().items() if key in keys}
        return sorted(set(self._client.nthreads()) - at_work - {*self._client.who_has([handle.future]).get(key, ())})

    def first(self, handles: Sequence[Handle], seconds: float = inf) -> Handle | None:
        from distributed import wait
        from distributed.client import FuturesCancelledError

        until, lost_at = time.monotonic() + seconds, inf
        while True:
            over = [sent for sent in handles if sent.future.done()]
            there = [sent for sent in over if sent.future.status == "finished"]
            if there or len(over) == len(handles):
                return (there or over)[0]
            now = time.monotonic()
            if now >= until:
                return None
            left = [sent.future for sent in handles if sent not in over]
            with self._client.as_current(), suppress(TimeoutError, FuturesCancelledError):
                wait(left, timeout=min(POLL_SECONDS, until - now), return_when="FIRST_COMPLETED")
                continue
            with self._told("the cluster"):
                lack = self._lack()
            lost_at = min(lost_at, time.monotonic()) if lack else inf
            if time.monotonic() - lost_at > LOST_SECONDS:
                raise self._gone(lack)

    def _lack(self) -> str:
        """Why nothing can run now, if so."""
        if self._client.status != "running":
            return "is gone"
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        if not workers:
            return "has no workers any more"
        is_idle = not any(worker["metrics"].get("task_counts", {}).get("executing") for worker in workers)
        if is_idle and all(worker["status"] == "paused" for worker in workers):
            return "has only workers whose memory is full; give them more"
        return ""

    def result(self, handle: Handle) -> Any:
        sent: _Sent = handle
        while True:
            self.first([sent])
            with self._told(sent.about):
                try:
                    return sent.future.result(timeout=BRINGING_SECONDS)
                except TimeoutError:
                    if sent.future.done():
                        raise

    def _gone(self, what: str) -> UnavailableError:
        return UnavailableError(f"{self._address}: the Dask cluster {what}; nothing has changed; run it again")

    @contextmanager
    def _told(self, about: str) -> Iterator[None]:
        """Dask's errors as ours; those of tasks stay."""
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError
        from distributed.comm.core import CommClosedError

        try:
            yield
        except LogemitError:
            raise
        except MemoryError:
            raise UnavailableError(f"{about}: {SHORT_OF_MEMORY}; nothing has changed") from None
        except KilledWorker as exc:
            times = f", {exc.allowed_failures + 1} times" if exc.allowed_failures else ""
            raise UnavailableError(
                f"{about}: the worker that read it died{times}; workers may need more memory; nothing has changed"
            ) from None
        except Exception as exc:
            is_cut_off = isinstance(exc, CommClosedError | FutureCancelledError)
            if is_cut_off or (isinstance(exc, OSError) and self._client.status != "running"):
                raise self._gone("is gone") from None
            raise failed(about, exc) from exc


def _told_there(answer: Exception) -> str:
    """Dask brings some errors as the text of another."""
    return line(answer).removeprefix("Exception: ")


def _dask() -> dict[str, str]:
    return {"distributed": version("distributed")}
