"""What an output folder holds and how its last run went. Touches nothing, and works while a run is at work."""

import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from .errors import StateError
from .objects import OBJECTS_PATH
from .positions import Checkpoint
from .store import State, Store, bucket, documents, holder, require_output, tables
from .store.commit import LEFTOVERS
from .urls import is_url

_DATE = re.compile(r"date=(\d{4}-\d\d-\d\d)")

MEANINGS = {
    "runs": "finished",
    "read": "lines read",
    "events": "taken in",
    "foreign": "lines that are no events",
    "rejected": "lines that begin as events and are none",
    "duplicates": "delivered before, dropped",
    "held": "dated in the future, set aside",
    "late": "older than the limit, in the totals only",
    "unchecked": "could not be checked for duplicates",
    "conflicts": "numbers used twice by a process, both counted",
    "fields_invalid": "left out of their events",
    "texts_cut": "values of labels that were too long",
    "missing": "written by a process, not arrived yet",
    "lost": "missing for more than a day",
    "recovered": "arrived after they were counted as lost",
    "gaps": "logs that went away before they were read to their end",
    "gap_bytes": "known to have stood in them unread",
}
"""Of the counts over all runs, in order."""
_ALWAYS = ("runs", "read", "events", "foreign", "rejected", "duplicates", "missing", "lost", "gaps")


@dataclass(slots=True)
class SummarySize:
    """Of a summary and its bins."""

    files: int = 0
    bytes: int = 0
    first_date: str = ""
    last_date: str = ""


@dataclass(slots=True)
class Source:
    path: str
    bytes_read: int
    lines: int
    rest: int
    met_at: float
    """Seconds since 1970."""
    state: str
    """`open`, `closed` (nothing more is expected) or `gone`."""


@dataclass(slots=True)
class Status:
    """Times are seconds since 1970, 0 for never."""

    out: str
    format: int = documents.FORMAT
    commit: int = 0
    applied: bool = True
    holder: str | None = None
    staged: int = 0
    """Files that a run at work, or one that was killed, has staged."""
    staged_bytes: int = 0
    state_bytes: int = 0
    finished: float = 0.0
    age_seconds: float = 0.0
    seconds: float = 0.0
    newest_event: float = 0.0
    account: dict[str, int] = field(default_factory=dict)
    """Over all runs."""
    checked_from: str = ""
    seen_dates: int = 0
    folded_before: str = ""
    dropped_before: str = ""
    capped: dict[str, dict[str, int]] = field(default_factory=dict)
    """By metric and label ("" for its series), how many values are shown as `__other__`."""
    folded: dict[str, int] = field(default_factory=dict)
    """By summary, events that count as `__other__` there."""
    exported_until: float = 0.0
    """What a backfill has exported, of the family that is the furthest."""
    history_amended: int = 0
    """Events that came for what was exported."""
    summaries: dict[str, SummarySize] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    objects: int = 0
    """Objects of a store that are known."""
    problem: str = ""
    """Why the state cannot be read; what logemit repair is for."""


def status(out: Path | str, *, sizes: bool = True) -> Status:
    """Of a folder, or of what a URL leads to; without `sizes`, no file but the state is looked at.

    Raises InputError for what is no output.
    """
    if isinstance(out, str) and is_url(out):
        with bucket.viewed(out) as store:
            return _status(store, sizes)
    require_output(Path(out))
    return _status(Store(Path(out)), sizes)


def _status(store: Store, sizes: bool) -> Status:
    found = Status(store.name, holder=holder(store.path("_logemit/lock")))
    try:
        _load(store)
        _tell_state(found, store)
    except StateError as exc:
        found.problem = str(exc).replace(str(store.out), store.name)
    if sizes:
        _tell_sizes(found, store.out)
    return found


def _load(store: Store) -> None:
    """A run may clean up records between our look at their names and at them."""
    for _ in range(2):
        try:
            store.load()
        except StateError:
            time.sleep(0.01)
        else:
            return
    store.load()


def _tell_state(found: Status, store: Store) -> None:
    state = store.state
    found.format, found.commit, found.applied = store.format, state.commit, store.is_applied
    found.finished, found.seconds, found.newest_event = state.finished / 1e6, state.seconds, state.newest_event / 1e6
    found.age_seconds = round(time.time() - found.finished, 3) if state.finished else 0.0
    found.account = account(state) if state.commit else {}
    found.checked_from, found.seen_dates = state.checked_from, len(state.seen_dates)
    found.folded_before, found.dropped_before = state.folded_before, state.dropped_before
    objects = store.path(OBJECTS_PATH)
    found.objects = tables.row_count(objects) if objects.exists() else 0
    found.capped, found.folded = state.capped, state.folded
    found.exported_until, found.history_amended = float(state.history_until), state.history_amended
    found.sources = [_source(c) for c in sorted(state.checkpoints, key=lambda c: (-c.met_at, c.path))]


def _source(found: Checkpoint) -> Source:
    state = "gone" if found.gone else "closed" if found.closed else "open"
    return Source(found.path, found.offset, found.lines, found.rest, found.met_at / 1e6, state)


def account(state: State) -> dict[str, int]:
    """The counts over all runs: read = events + foreign + rejected + duplicates + held; then what is told beside."""
    summed = {"events": sum(state.events.values()), "rejected": sum(state.rejected.values())}
    return {name: summed[name] if name in summed else getattr(state, name) for name in MEANINGS}


def telling(account: dict[str, int]) -> dict[str, int]:
    """The counts that are not 0, and those whose 0 says something."""
    return {name: value for name, value in account.items() if value or name in _ALWAYS}


def _tell_sizes(found: Status, out: Path) -> None:
    for path in (Path(folder) / name for folder, _, names in os.walk(out) for name in names):
        size, relative = _size(path), path.relative_to(out)
        if relative.parts[0] == "_logemit":
            found.state_bytes += size
            if relative.parts[1] in LEFTOVERS:
                found.staged += 1
                found.staged_bytes += size
        elif date := _DATE.match(path.parent.name):
            summary = found.summaries.setdefault(relative.parts[0].removesuffix("_bins"), SummarySize())
            summary.files += 1
            summary.bytes += size
            summary.first_date = min(summary.first_date or date[1], date[1])
            summary.last_date = max(summary.last_date, date[1])
    found.summaries = dict(sorted(found.summaries.items()))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # renamed or removed by a run in between
        return 0
