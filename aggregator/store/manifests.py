"""The SHA-256 of every file of a date, in one small document per date.

So every file that a run reads is held against what was committed, at a cost that does not grow with the other dates.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from . import documents

_DATE = re.compile(r"/date=(\d{4}-\d\d-\d\d)/")
FOLDER = "_logemit/manifest"
DATED = "date=[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
"""Matches the folders of dates; a person may have made others."""


def date_in(relative: str) -> str | None:
    """The date whose manifest a file stands in; None for one that has no date."""
    found = _DATE.search(relative)
    return found[1] if found and not relative.startswith(f"{FOLDER}/") else None


def path_of(date: str) -> str:
    return f"{FOLDER}/date={date}.json"


class Manifests:
    """Loaded when they are asked for; of no folder, none."""

    def __init__(self, out: Path | None) -> None:
        self._out = out
        self._loaded: dict[str, dict[str, str]] = {}

    def of(self, date: str) -> dict[str, str]:
        """Digest by path. Raises StateError for a damaged manifest."""
        if self._out is None:
            return {}
        if date not in self._loaded:
            try:
                self._loaded[date] = _load(self._out / path_of(date), date)
            except FileNotFoundError:
                self._loaded[date] = {}
        return self._loaded[date]

    def changed(self, files: dict[str, str], removed: Collection[str]) -> Iterator[tuple[str, bytes | None]]:
        """(path, content) of each manifest of a date of these files; None where it would name none any more."""
        dates = {date for name in (*files, *removed) if (date := date_in(name))}
        for date in sorted(dates):
            merged = {**self.of(date), **{name: sha for name, sha in files.items() if date_in(name) == date}}
            kept = {name: sha for name, sha in sorted(merged.items()) if name not in removed}
            yield path_of(date), documents.sealed({"files": kept}) if kept else None

    def drop(self, date: str) -> None:
        self._loaded[date] = {}

    def forget(self) -> None:
        """Load anew what a commit has changed."""
        self._loaded = {}


def _load(path: Path, date: str) -> dict[str, str]:
    named = documents.load(path).get("files")
    if not isinstance(named, dict) or any(date_in(name) != date for name in named):
        raise documents.DamagedError(f"{path}: damaged, not the manifest of its date; see logemit repair")
    return named
