"""Which files of an output folder are not the ones that were committed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .errors import StateError
from .memory import HELD_PATH, HISTORY_PATH, QUIET_FOLDER, SEEN_FOLDER
from .outputs import TOTALS
from .store import Store, files, manifests, tables

Outcome = Literal["mendable", "lost", "mended", "set aside"]
Kind = Literal["record", "commit", "totals", "history", "held", "manifest", "seen", "partition", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`outcome` is what stands now: `mendable` by a repair, `lost` without help, or already `mended` or `set aside`."""

    path: str
    kind: Kind
    problem: str
    remedy: str = ""
    outcome: Outcome = "mendable"


def find(store: Store) -> Iterator[Finding]:
    """Every file held against its digest. The state is loaded and applied."""
    for name, sha in sorted(store.state.files.items()):
        if problem := _problem(store, name, sha):
            yield Finding(name, _kind(name), problem)
    for date in sorted(_dates(store)):
        yield from _of_date(store, date)


def problem_of(exc: Exception) -> str:
    """An error's text without the file, which stands beside it, and without the way here."""
    text = str(exc).removesuffix("; see logemit repair")
    return text.partition(": ")[2] or text


def _kind(name: str) -> Kind:
    if name.startswith(TOTALS):
        return "totals"
    if name.startswith(SEEN_FOLDER):
        return "seen"
    if name.startswith(QUIET_FOLDER):
        return "history"
    return {HISTORY_PATH: "history", HELD_PATH: "held"}.get(name, "partition")  # type: ignore[return-value]


def _problem(store: Store, name: str, sha: str) -> str:
    found = files.digest(store.path(name))
    return "" if found == sha else "is gone" if found is None else "was changed since it was committed"


def _dates(store: Store) -> set[str]:
    named = {path.stem.removeprefix("date=") for path in store.path(manifests.FOLDER).glob("date=*.json")}
    return {
        *named,
        *store.state.seen_dates,
        *(path.parent.name.removeprefix("date=") for path in partitions(store.out)),
    }


def partitions(out: Path) -> list[Path]:
    """The files of all summaries."""
    return [path for path in sorted(out.glob("*/date=*/*.parquet")) if path.parts[len(out.parts)] != "_logemit"]


def on_disk(store: Store, date: str) -> list[Path]:
    """All files of a date, whether a manifest names them or not."""
    own = [path for folder in (SEEN_FOLDER, QUIET_FOLDER) for path in store.path(folder).glob(f"date={date}/*.parquet")]
    return [*sorted(own), *(path for path in partitions(store.out) if path.parent.name == f"date={date}")]


def _of_date(store: Store, date: str) -> Iterator[Finding]:
    try:
        named = store.files_of(date)
    except StateError as exc:
        yield from _without_manifest(store, date, problem_of(exc))
        return
    if not named and (unnamed := on_disk(store, date)):
        yield from _without_manifest(store, date, f"is gone, but {len(unnamed)} files of its date are there")
        return
    for name, sha in named.items():
        if problem := _problem(store, name, sha):
            yield Finding(name, _kind(name), problem)
    for path in on_disk(store, date):
        if (name := str(path.relative_to(store.out))) not in named:
            yield Finding(name, "unknown", "was written by no run")


def _without_manifest(store: Store, date: str, problem: str) -> Iterator[Finding]:
    """Its files count as they are, as far as they can be read."""
    yield Finding(manifests.path_of(date), "manifest", problem)
    for path in on_disk(store, date):
        try:
            tables.parsed(path.read_bytes(), path)
        except (StateError, OSError) as exc:
            name = str(path.relative_to(store.out))
            yield Finding(name, _kind(name), f"cannot be read: {problem_of(exc)}")
