"""Events that came for windows after these were exported; and what the windows hold that are exported now."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from ..cube import Cube
from ..definitions import Summary
from ..outputs import Outputs, partition_paths
from ..spans import DAY
from ..store import Store
from .marks import Window, recorded, write_record
from .windows import begin_of, span_of, starts

MOST_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Amendment:
    """`start` of the window in seconds since 1970."""

    summary: str
    start: int
    seconds: int
    events: int


@dataclass(slots=True)
class Amendments:
    events: int = 0
    listed: list[Amendment] = field(default_factory=list)
    """The first of them."""
    records: dict[str, list[Window]] = field(default_factory=dict)
    """By date, what is to be on record from now on, where that has changed."""

    def add(self, amendment: Amendment) -> None:
        self.events += amendment.events
        if len(self.listed) < MOST_LISTED:
            self.listed.append(amendment)

    def write(self, store: Store) -> None:
        for date, windows in self.records.items():
            write_record(store, date, windows)


def survey(
    store: Store,
    outputs: Outputs,
    summaries: Collection[Summary],
    before: Mapping[str, int],
    after: Mapping[str, int],
) -> Amendments:
    """Windows that were exported by `before`, by summary, against what they held then; those of `after` on record.

    Only partitions that have changed since are read. Raises StateError.
    """
    found = Amendments()
    by_date: dict[str, list[tuple[Summary, str]]] = defaultdict(list)
    for summary in summaries:
        for name in outputs.partition_names(summary):
            if begin_of(summary, name) < after.get(summary.name, 0):
                by_date[name[len("date=") :][:10]].append((summary, name))
    for date, partitions in sorted(by_date.items()):
        held: dict[tuple[str, str], list[Window]] = defaultdict(list)
        for window in recorded(store, date):
            held[window.summary, window.partition].append(window)
        changed = False
        for summary, name in partitions:
            known, digest = held[summary.name, name], store.digest(partition_paths(summary, name)[0]) or ""
            was, now = before.get(summary.name, 0), after[summary.name]
            is_complete = was == now or begin_of(summary, name) + span_of(summary) + DAY <= was
            if is_complete and known and known[0].digest == digest:
                continue
            windows = _windows(summary, name, digest, outputs.partition(summary, name, with_bins=False), now)
            _compare(found, windows, known, was)
            if windows != known:
                held[summary.name, name], changed = windows, True
        if changed:
            found.records[date] = [window for windows in held.values() for window in windows]
    return found


def _windows(summary: Summary, name: str, digest: str, whole: Cube, until: int) -> list[Window]:
    """Those of a partition that ended by a time."""
    events: Counter[tuple[int, int]] = Counter()
    columns = starts(whole).tolist(), whole.cells["window_seconds"].to_pylist(), whole.cells["events"].to_pylist()
    for start, seconds, number in zip(*columns, strict=True):
        if start + seconds <= until:
            events[start, seconds] += number
    return [Window(summary.name, name, digest, *window, number) for window, number in sorted(events.items())]


def _compare(found: Amendments, windows: list[Window], known: list[Window], until: int) -> None:
    """Windows may have become hours since."""
    starts_known = [window.start for window in known]
    sums = [0, *accumulate(window.events for window in known)]
    for window in windows:
        end = window.start + window.seconds
        before = sums[bisect_left(starts_known, end)] - sums[bisect_left(starts_known, window.start)]
        if end <= until and window.events > before:
            found.add(Amendment(window.summary, window.start, window.seconds, window.events - before))
