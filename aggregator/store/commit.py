"""Staged after-images: complete new files, a commit record, renames.

After the commit record is in place nothing is computed or read from the inputs any more, only renamed; a run that died
there is finished by the next one, and one that died before has left nothing but a folder to throw away.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OutputError, ReadWriteError, StateError
from .lock import locked
from .state import State

FORMAT = 1
STATE_FOLDER = "_logemit"
KEPT_COMMITS = 3
_REFUSED = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ENOENT,
        errno.ENAMETOOLONG,
    }
)


@contextmanager
def opened(out: Path) -> Iterator["Store"]:
    """The output folder, made where it is missing, locked, and with its last commit fully applied.

    Raises OutputError, LockedError, StateError, ReadWriteError.
    """
    try:
        with _told(out):
            if out.exists() and not out.is_dir():
                raise OutputError(f"{out}: is a file, expected a folder for the output; choose another --out")
            (out / STATE_FOLDER / "commit").mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            store = Store(out)
            with _told(out):
                stack.enter_context(locked(out / STATE_FOLDER / "lock"))
                store.recover()
            yield store
    except PermissionError as exc:
        raise OutputError(f"{out}: cannot be written: {exc.strerror}; check its owner and mode") from None


@contextmanager
def _told(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        place = exc.filename2 or exc.filename or out
        if exc.errno in _REFUSED:
            raise OutputError(f"{place}: cannot be written: {exc.strerror}; choose another --out") from None
        raise ReadWriteError(f"{place}: {exc.strerror or exc}; nothing is half done: mend it and run again") from None


@dataclass(frozen=True, slots=True)
class StagedFile:
    target: str
    staged: str
    sha256: str


class Store:
    """Files by their path relative to the output folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.state = State()
        self._folder = out / STATE_FOLDER
        self._staged: list[StagedFile] = []

    def path(self, relative: str) -> Path:
        return self.out / relative

    def check(self, relative: str) -> None:
        """Raises StateError for a file of the state that is not the one that was committed."""
        wanted = self.state.files.get(relative)
        if wanted is None:
            return
        path = self.path(relative)
        with _told(self.out):
            found = _file_digest(path) if path.exists() else None
        if found != wanted:
            what = "is gone" if found is None else "was changed since it was committed"
            raise StateError(f"{path}: {what}; restore {STATE_FOLDER} from a backup, or aggregate into a new --out")

    # The way out: stage, commit, apply.

    @contextmanager
    def staged(self, target: str) -> Iterator[Path]:
        """A path to write the new content of `target` to."""
        staged = f"{STATE_FOLDER}/staging/{self.state.run + 1}/{len(self._staged):06d}"
        path = self.path(staged)
        with _told(self.out):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield path
            _sync_file(path)
            self._staged.append(StagedFile(target, staged, _file_digest(path)))

    def commit(self, state: State) -> None:
        """Make the staged files and `state` the output, all or nothing."""
        assert state.run == self.state.run + 1
        own = {file.target: file.sha256 for file in self._staged if file.target.startswith(f"{STATE_FOLDER}/")}
        state.files = {**self.state.files, **own}
        body = {
            "format": FORMAT,
            "state": state.to_json(),
            "files": [{"target": f.target, "staged": f.staged, "sha256": f.sha256} for f in self._staged],
        }
        path = self._commit_path(state.run)
        with _told(self.out):
            if self._staged:
                _sync_folder(self.path(self._staged[0].staged).parent)
            _write_whole(path, json.dumps({"checksum": _checksum(body), **body}).encode())  # the commit point
            self._apply(state.run, self._staged)
        self._staged = []
        self.state = state

    def recover(self) -> None:
        """Load the newest commit and finish it; throw away what no commit speaks of."""
        runs = sorted(int(path.stem) for path in self._folder.glob("commit/*.json") if path.stem.isdigit())
        if runs:
            body = self._load(runs[-1])
            self.state = State.from_json(body["state"])
            if not self._applied_path(runs[-1]).exists():
                self._apply(runs[-1], [StagedFile(**file) for file in body["files"]])
        elif (self._folder / "totals").exists():
            raise StateError(f"{self._folder}: its commits are gone; restore it from a backup, or use a new --out")
        shutil.rmtree(self._folder / "staging", ignore_errors=True)

    def _load(self, run: int) -> dict[str, Any]:
        path = self._commit_path(run)
        try:
            document: dict[str, Any] = json.loads(path.read_bytes())
            checksum = document.pop("checksum")
        except PermissionError as exc:
            raise ReadWriteError(f"{path}: cannot be read: {exc.strerror}; check its permissions") from None
        except (ValueError, KeyError, AttributeError, TypeError):
            raise StateError(f"{path}: damaged; restore _logemit from a backup") from None
        if document.get("format") != FORMAT:
            found = document.get("format")
            raise StateError(f"{path}: state of format {found!r}, this logemit writes {FORMAT}; upgrade logemit")
        if checksum != _checksum(document):
            raise StateError(f"{path}: its checksum does not fit; restore _logemit from a backup")
        return document

    def _apply(self, run: int, files: list[StagedFile]) -> None:
        folders: set[Path] = set()
        for file in files:
            staged, target = self.path(file.staged), self.path(file.target)
            folders.add(target.parent)  # also of a file that a run before renamed and did not live to sync
            if not staged.exists():
                if not target.exists() or _file_digest(target) != file.sha256:
                    raise StateError(f"{target}: its staged content is gone; restore the folder from a backup")
                continue
            if _file_digest(staged) != file.sha256:
                raise StateError(f"{staged}: changed after it was committed; restore the folder from a backup")
            folders.update(_make_folder(target.parent))
            os.replace(staged, target)
        for folder in folders:
            _sync_folder(folder)
        self._applied_path(run).touch()
        _sync_folder(self._folder / "commit")
        self._clean_up(run)

    def _clean_up(self, run: int) -> None:
        shutil.rmtree(self._folder / "staging" / str(run), ignore_errors=True)
        for path in self._folder.glob("commit/*.*"):
            if path.stem.isdigit() and int(path.stem) <= run - KEPT_COMMITS:
                path.unlink(missing_ok=True)

    def _commit_path(self, run: int) -> Path:
        return self._folder / "commit" / f"{run:010d}.json"

    def _applied_path(self, run: int) -> Path:
        return self._folder / "commit" / f"{run:010d}.applied"


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder and those above it; which folders got a new entry."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return [path.parent for path in made]


def _write_whole(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    _sync_folder(path.parent)


def _sync_file(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _file_digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checksum(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
