"""The record of the newest commit and its copy, of which one can be made from the other."""

from pathlib import Path
from typing import Any

from . import documents, files
from .documents import DamagedError


def newest_path(out: Path) -> Path | None:
    """Where the record of the last commit stands or should; None where there was no commit."""
    folder = out / "_logemit/commit"
    marks = [path for path in folder.glob("*.*") if path.suffix in (".json", ".applied") and path.stem.isdigit()]
    return folder / f"{max(path.stem for path in marks)}.json" if marks else None


def load(path: Path) -> dict[str, Any]:
    """The document of a commit. Raises StateError, FileNotFoundError."""
    document = documents.load(path)
    state = document.get("state")
    number = state.get("commit", state.get("run")) if isinstance(state, dict) else None  # "run" in format 1
    if number != int(path.stem):
        raise DamagedError(f"{path}: damaged, not the record of its commit; see logemit repair")
    return document


def mend(out: Path, *, dry_run: bool) -> str:
    """Restore a damaged or lost record from its copy; its path in `out`, "" where it is whole. Raises StateError."""
    record = newest_path(out)
    if record is None:
        return ""
    try:
        load(record)
    except (DamagedError, FileNotFoundError) as exc:
        copy = record.with_suffix(".copy")
        try:
            load(copy)
        except FileNotFoundError:
            raise DamagedError(f"{record}: damaged or gone, and so is its copy: {exc}") from None
        if not dry_run:
            files.write_whole(record, copy.read_bytes())
        return str(record.relative_to(out))
    return ""
