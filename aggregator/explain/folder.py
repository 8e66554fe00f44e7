"""The same number in an output folder, and what may make it another one than the logs give."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..admission import ADMITTED_PATH, Admission
from ..cube import Cube
from ..definitions import Summary
from ..errors import StateError, UsageError
from ..exposition import Source
from ..filters import of_rows
from ..history.windows import begin_of, ends, span_of, starts
from ..outputs import Outputs
from ..promtext import METRICS
from ..spans import DAY
from ..store import State, Store, require_output
from ..urls import is_url
from .numbers import Number, total
from .query import Query, Sample, Span
from .sums import Sums
from .walk import Walk

ATTEMPTS = 4
T = TypeVar("T")
MOST_FILES = 3
"""Named of each kind."""


@dataclass(slots=True)
class Compared:
    out: str
    value: float | None
    """None where there is none, or several that do not add up."""
    where: str
    """What was looked at: metrics.prom, or the Parquet of a window."""
    reasons: list[str] = field(default_factory=list)
    """What is known that can make a difference."""


class Folder:
    """Asked now and then while logs are read: each time as it is then. Raises InputError for what is no output."""

    def __init__(self, out: Path) -> None:
        require_output(out)
        self._out = out

    def admission(self) -> Admission:
        """Its places for values under caps. Raises StateError."""
        return self._read(lambda store: Admission(store.read(ADMITTED_PATH)))

    def before(self, summary: Summary) -> Cube:
        """The totals of its last run, without bins. Raises StateError."""
        return self._read(lambda store: Outputs(store).totals_before(summary))

    def compared(self, number: Number, query: Query, span: Span | None, walk: Walk) -> Compared:
        """Raises StateError."""
        return self._read(lambda store: self._compared(store, number, query, span, walk))

    def _read(self, how: Callable[[Store], T]) -> T:
        """A run may commit while we read: then it is read again."""
        for _ in range(ATTEMPTS - 1):
            with suppress(StateError):
                return how(self._loaded())
            time.sleep(0.05)
        return how(self._loaded())

    def _loaded(self) -> Store:
        store = Store(self._out)
        store.load()
        return store

    def _compared(self, store: Store, number: Number, query: Query, span: Span | None, walk: Walk) -> Compared:
        if span is None:
            samples = _shown(store.path(METRICS), query)
        else:
            samples = number.samples(self._within(Outputs(store), number, span))
        where = METRICS if span is None else "Parquet"
        value = total(number, samples)
        return Compared(store.name, value, where, list(_reasons(store.state, number, span, walk)))

    def _within(self, outputs: Outputs, number: Number, span: Span) -> Source:
        """The rows of windows that begin in a span of time."""
        sums = Sums(number.summaries, outputs.totals_before)
        for summary in number.summaries:
            for part in _partitions(outputs, summary, span):
                sums.add(part)
        return sums.source()


def _shown(path: Path, query: Query) -> list[Sample]:
    """The samples in metrics.prom. Raises StateError."""
    try:
        with path.open(encoding="utf-8", newline="\n") as text:
            return list(query.among(line.removesuffix("\n") for line in text))
    except (FileNotFoundError, UsageError, ValueError):
        raise StateError(f"{path}: is missing or damaged; the next run of logemit aggregate writes it anew") from None


def _reasons(state: State, number: Number, span: Span | None, walk: Walk) -> Iterator[str]:
    known = {checkpoint.path: checkpoint.offset for checkpoint in state.checkpoints}
    given = {os.path.abspath(name): end for name, end in walk.ends.items() if not is_url(name)}
    yield from _named("has read other sources, too", [path for path in known if path not in given])
    short = [path for path, end in given.items() if end > known.get(path, 0)]
    yield from _named("has not read all of these, under these names", short)
    if span is not None:
        begin = datetime.fromtimestamp(span.begin, UTC).strftime("%Y-%m-%d")
        if begin < state.dropped_before:
            yield f"partitions before {state.dropped_before} were emptied by drop_after; metrics.prom keeps them"
        if begin < state.folded_before and (span.begin % 3600 or span.end % 3600):
            yield f"windows before {state.folded_before} are hours by fold_after; ask for whole hours"
        if state.late:
            yield f"{state.late:,} events came too late for Parquet and are in metrics.prom only"
        if state.partitions_lost:
            yield f"{state.partitions_lost:,} partitions are lost; metrics.prom keeps what they held"
    if state.duplicates:
        yield f"{state.duplicates:,} events were delivered to it more than once, and count once"
    if state.unchecked:
        yield f"{state.unchecked:,} events could not be checked for duplicates"
    if state.held:
        yield f"{state.held:,} events wait there, as they are dated in the future"
    folded = sum(state.folded.get(summary.name, 0) for summary in number.summaries)
    if folded:
        yield f"{folded:,} events count under __other__, as a summary was full"


def _partitions(outputs: Outputs, summary: Summary, span: Span) -> Iterator[Cube]:
    for name in outputs.partition_names(summary):
        begin = begin_of(summary, name)
        if span.begin - DAY < begin + span_of(summary) and begin < span.end:
            whole = outputs.partition(summary, name)
            wanted = (starts(whole) >= span.begin) & (ends(whole) <= span.end)
            if np.any(wanted):
                yield of_rows(whole, wanted)


def _named(what: str, paths: list[str]) -> Iterator[str]:
    if paths:
        names = ", ".join(sorted(paths)[:MOST_FILES])
        more = f" and {len(paths) - MOST_FILES:,} more" if len(paths) > MOST_FILES else ""
        yield f"it {what}: {names}{more}"
