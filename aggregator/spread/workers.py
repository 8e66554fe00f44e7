"""Where tasks run: the seam between a run and a cluster. All else of a spread run is built on these calls."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from math import inf
from typing import Any, Protocol

from ..errors import LogemitError, UnavailableError

Handle = Any
"""Of what a task will give; it stays where it was made until it is asked for. Who forgets it, gives it up."""


class Workers(Protocol):
    """Tasks give the same each time, so one that is lost may be run again."""

    @property
    def threads(self) -> int:
        """Tasks that can be at work at once."""

    def everywhere(self, task: Callable[..., Any], *args: Any) -> Mapping[str, Any]:
        """What a task gives in each process, by what to call that. Raises UsageError where it cannot run."""

    def submit(
        self, task: Callable[..., Any], *args: Any, urgent: bool = False, about: str = "", apart: Handle | None = None
    ) -> Handle:
        """Have it run; handles among the arguments stand for what they are of. Errors speak of `about`.

        Where it can be it runs in another process than what `apart` is of.
        """

    def first(self, handles: Sequence[Handle], seconds: float = inf) -> Handle | None:
        """One of what is there, or of what failed where all of them did; None where that takes longer."""

    def result(self, handle: Handle) -> Any:
        """Brought here, once it is there. Raises what the task raised; UnavailableError where nothing can run it."""


def line(exc: BaseException) -> str:
    """What an error of somebody else's says first."""
    return f"{type(exc).__name__}: {str(exc).strip().partition(chr(10))[0]}"


def failed(about: str, exc: BaseException) -> UnavailableError:
    """A task's own error that nobody foresaw."""
    return UnavailableError(f"{about}: a worker failed: {line(exc)}; nothing has changed")


class Here:
    """In this process, one after the other, when they are sent."""

    threads = 1

    def everywhere(self, task: Callable[..., Any], *args: Any) -> Mapping[str, Any]:
        return {"this process": task(*args)}

    def submit(
        self, task: Callable[..., Any], *args: Any, urgent: bool = False, about: str = "", apart: Handle | None = None
    ) -> Handle:
        done: Future[Any] = Future()
        try:
            done.set_result(task(*(arg.result() if isinstance(arg, Future) else arg for arg in args)))
        except LogemitError as exc:
            done.set_exception(exc)
        return done

    def first(self, handles: Sequence[Handle], seconds: float = inf) -> Handle | None:
        return handles[0]

    def result(self, handle: Handle) -> Any:
        return handle.result()
