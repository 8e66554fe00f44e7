"""Feeds, bookmarks, jobs, reports and data: the events of apps that several of them share, named alike everywhere."""

import time
from collections.abc import Mapping
from typing import Any, Self

from .emitter import emit, harmless
from .spans import Span, Timed, ended_by

PROGRESS_SECONDS = 5.0
"""Between two lines about the progress of an import, at least."""

_ITEMS = ("items_total", "items_processed", "items_failed")


def feed_poll(feed_id: Any, **fields: Any) -> Span:
    """A poll of a feed: `with logemit.feed_poll(feed_id=7) as poll: poll.set(items_discovered=20, items_new=3)`."""
    return Span("feed_poll", {"feed_id": feed_id, **fields})


def feed_state(active: int, total: int | None = None, **fields: Any) -> None:
    """How many feeds are polled, and how many there are; told by whoever looks after them, now and then."""
    emit("feed_state", active=active, total=total, **fields)


def bookmark_change(
    operation: str, *, source: str | None = None, user_id: Any = None, count: int = 1, **fields: Any
) -> None:
    """Bookmarks were created, deleted or changed: `created`, `deleted`, or any word for how they were changed."""
    emit("bookmark_change", operation=operation, source=source, user_id=user_id, count=count, **fields)


class Import(Span):
    """A span that also tells how far it is."""

    id_field = "import_id"

    def __init__(self, event: str, fields: Mapping[str, Any]) -> None:
        super().__init__(event, fields)
        self._progress: dict[str, Any] = {}
        self._told_at = 0
        self._has_told = False

    def __enter__(self) -> Self:
        super().__enter__()
        self._told_at = self._start
        return self

    def progress(self, **items: int) -> Self:
        """Tell items_processed, items_total, items_failed so far: call it as often as you like, it writes seldom.

        What was told last stands in the import's event, too, where `set` says nothing else.
        """
        self._progress.update(items)
        now = time.perf_counter_ns()
        if now - self._told_at >= PROGRESS_SECONDS * 1e9:
            self._told_at, self._has_told = now, True
            emit("bookmark_import_progress", **{**self._fields, **self._progress})
        return self

    def _ending(self, exc: BaseException | None) -> dict[str, Any]:
        last = {**self._progress, **{name: self._results[name] for name in _ITEMS if name in self._results}}
        if self._has_told:
            emit("bookmark_import_progress", **{**self._fields, **last})
        return {**last, **super()._ending(exc)}


def bookmark_import(user_id: Any, format: Any, **fields: Any) -> Import:  # noqa: A002
    """An import: `with logemit.bookmark_import(user_id=1, format="opml") as job: job.set(items_processed=12)`."""
    return Import("bookmark_import", {"user_id": user_id, "format": format, **fields})


class Job(Timed):
    """A span with a line when it starts, too, so that one whose process died is known to have started."""

    id_field = "job_id"

    def __enter__(self) -> Self:
        super().__enter__()
        emit(self._event, **self._fields, state="started")
        return self

    def _ending(self, exc: BaseException | None) -> dict[str, Any]:
        given, ended = self._results.pop("state", None), ended_by(exc)
        if ended is None:
            return {"state": given or "success"}
        return {"state": "failure" if ended == "error" else ended, "exception": type(exc).__name__}


def job(name: Any, /, **fields: Any) -> Job:
    """A piece of work: `with logemit.job("rebuild_index"): …`, or as a decorator.

    Its end is a `success`, a `failure` where an exception passed, `aborted` where it was cancelled or told to exit, or
    what `set(state=…)` says.
    """
    return Job("job", {"name": name, **fields})


def report(name: Any, /, format: Any = None, **fields: Any) -> Timed:  # noqa: A002
    """A report: `with logemit.report("sales", format="pdf") as report: report.set(size_bytes=1024)`."""
    return Timed("report", {"name": name, "format": format, **fields})


def data_quality(
    dataset: str, *, score: float | None = None, checked: int | None = None, failed: int | None = None, **fields: Any
) -> None:
    """How good some data is: `score` from 0 to 1; without one, the share of those checked that did not fail."""
    with harmless():
        if score is None and checked and failed is not None:
            score = 1 - failed / checked
    emit("data_quality", dataset=dataset, score=score, checked=checked, failed=failed, **fields)
