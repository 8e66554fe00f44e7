"""Which files of an output folder are not the ones that were committed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .admission import ADMITTED_PATH
from .attached import EXEMPLARS_PATH
from .errors import StateError
from .history.marks import FOLDER as EXPORTED
from .history.marks import MARKS_PATH
from .memory import HELD_PATH, HISTORY_PATH, QUIET_FOLDER, SEEN_FOLDER
from .objects import OBJECTS_PATH
from .outputs import TOTALS, partition_files
from .store import Store, files, manifests, tables

Outcome = Literal["mendable", "lost", "mended", "set aside"]
Kind = Literal[
    "record",
    "commit",
    "totals",
    "history",
    "held",
    "objects",
    "admitted",
    "exported",
    "exemplars",
    "manifest",
    "seen",
    "partition",
    "unknown",
]
_KINDS: dict[str, Kind] = {
    HISTORY_PATH: "history",
    HELD_PATH: "held",
    OBJECTS_PATH: "objects",
    ADMITTED_PATH: "admitted",
    MARKS_PATH: "exported",
    EXEMPLARS_PATH: "exemplars",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`outcome` is what stands now: `mendable` by a repair, `lost` without help, or already `mended` or `set aside`."""

    path: str
    kind: Kind
    problem: str
    remedy: str = ""
    outcome: Outcome = "mendable"

    @property
    def is_removed_partition(self) -> bool:
        return self.kind == "partition" and self.problem == "is gone"

    @property
    def stops_runs(self) -> bool:
        """Whether a run does not go on by itself."""
        return self.kind not in ("commit", "exemplars") and not self.is_removed_partition


def find(store: Store) -> Iterator[Finding]:
    """Every file held against its digest. The state is loaded and applied."""
    for name, sha in sorted(store.state.files.items()):
        if problem := _problem(store, name, sha):
            yield Finding(name, _kind(name), problem)
    for path in sorted(_undated(store)):
        if (name := str(path.relative_to(store.out))) not in store.state.files:
            yield Finding(name, "exemplars" if name == EXEMPLARS_PATH else "unknown", "was written by no run")
    for date in sorted(_dates(store)):
        yield from _of_date(store, date)


def _undated(store: Store) -> list[Path]:
    own = [store.path(name) for name in _KINDS]
    return [*(path for path in own if path.exists()), *store.path(TOTALS).glob("*.parquet")]


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
    if name.startswith(EXPORTED):
        return "exported"
    return _KINDS.get(name, "partition")


def _problem(store: Store, name: str, sha: str) -> str:
    found = files.digest(store.path(name))
    return "" if found == sha else "is gone" if found is None else "was changed since it was committed"


def _dates(store: Store) -> set[str]:
    named = {path.stem.removeprefix("date=") for path in store.path(manifests.FOLDER).glob("date=*.json")}
    return {
        *named,
        *store.state.seen_dates,
        *(path.parent.name.removeprefix("date=") for path in partition_files(store.out)),
    }


def on_disk(store: Store, date: str) -> list[Path]:
    """All files of a date, whether a manifest names them or not."""
    folders = (SEEN_FOLDER, QUIET_FOLDER, EXPORTED)
    own = [path for folder in folders for path in store.path(folder).glob(f"date={date}/*.parquet")]
    return [*sorted(own), *partition_files(store.out, f"date={date}")]


def _of_date(store: Store, date: str) -> Iterator[Finding]:
    try:
        named = store.files_of(date)
    except StateError as exc:
        yield from _without_manifest(store, date, problem_of(exc))
        return
    if not named and store.state.commit and (unnamed := on_disk(store, date)):
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
        if problem := _unreadable(path):
            name = str(path.relative_to(store.out))
            yield Finding(name, _kind(name), problem)


def digests(store: Store, date: str) -> dict[str, str]:
    """What a new manifest of a date says: files as they are, and of what cannot be read a digest that nothing has."""
    found = {str(path.relative_to(store.out)): path for path in on_disk(store, date)}
    return {name: "" if _unreadable(path) else files.digest(path) or "" for name, path in found.items()}


def _unreadable(path: Path) -> str:
    try:
        tables.parsed(path.read_bytes(), path)
    except (StateError, OSError) as exc:
        return f"cannot be read: {problem_of(exc)}"
    return ""
