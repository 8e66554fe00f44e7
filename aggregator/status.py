"""What an output folder holds and how its last run went. Touches nothing, and works while a run is at work."""

import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import StateError
from .store import State, documents, formats, holder, newest, require_output

_DATE = re.compile(r"date=(\d{4}-\d\d-\d\d)")

_ACCOUNT = (
    *("runs", "read", "events", "foreign", "rejected", "duplicates", "held"),
    *("late", "unchecked", "conflicts", "fields_invalid", "missing", "lost", "recovered", "gaps", "gap_bytes"),
)


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
    summaries: dict[str, SummarySize] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    problem: str = ""
    """Why the state cannot be read; what logemit repair is for."""


def status(out: Path) -> Status:
    """Raises InputError for a folder that is no output."""
    require_output(out)
    found = Status(str(out), holder=holder(out / "_logemit/lock"))
    try:
        document = _newest(out)
        if document is not None:
            _tell_state(found, document, out)
    except StateError as exc:
        found.problem = str(exc)
    _tell_sizes(found, out)
    return found


def _newest(out: Path) -> dict[str, Any] | None:
    for _ in range(3):
        try:
            return newest(out)
        except FileNotFoundError:  # a run has cleaned up in between
            time.sleep(0.01)
    return newest(out)


def _tell_state(found: Status, document: dict[str, Any], out: Path) -> None:
    found.format = document["format"]
    state = State.from_json(formats.upgraded(document)["state"])
    found.commit = state.commit
    found.applied = (out / f"_logemit/commit/{state.commit:010d}.applied").exists()
    found.finished, found.seconds, found.newest_event = state.finished / 1e6, state.seconds, state.newest_event / 1e6
    found.age_seconds = round(time.time() - found.finished, 3) if state.finished else 0.0
    found.account = account(state)
    found.checked_from, found.seen_dates = state.checked_from, len(state.seen_dates)
    found.folded_before, found.dropped_before = state.folded_before, state.dropped_before
    found.sources = [
        Source(
            c.path, c.offset, c.lines, c.rest, c.met_at / 1e6, "gone" if c.gone else "closed" if c.closed else "open"
        )
        for c in sorted(state.checkpoints, key=lambda c: (-c.met_at, c.path))
    ]


def account(state: State) -> dict[str, int]:
    """The counts over all runs: read = events + foreign + rejected + duplicates + held; then what is told beside."""
    summed = {"events": sum(state.events.values()), "rejected": sum(state.rejected.values())}
    return {name: summed[name] if name in summed else getattr(state, name) for name in _ACCOUNT}


def _tell_sizes(found: Status, out: Path) -> None:
    for path in (Path(folder) / name for folder, _, names in os.walk(out) for name in names):
        size, relative = _size(path), path.relative_to(out)
        if relative.parts[0] == "_logemit":
            found.state_bytes += size
            if relative.parts[1] in ("staging", "rebuild"):
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
