"""Staged after-images: complete new files, a commit record, renames.

After the commit record is in place nothing is computed or read from the inputs any more, only renamed; a run that died
there is finished by the next one, and one that died before has left nothing but a folder to throw away.
"""

import errno
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

from ..errors import InputError, OutputError, ReadWriteError, StateError
from . import documents, files, formats, manifests, records
from .lock import locked
from .state import State

STATE_FOLDER = "_logemit"
KEPT_COMMITS = 3
LEFTOVERS = ("staging", "rebuild", "spill")
"""Folders of the state that belong to the command at work."""

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
    with claimed(out) as store:
        store.recover()
        yield store


@contextmanager
def claimed(out: Path) -> Iterator["Store"]:
    """The same, locked only: whatever state it is in. Raises OutputError, LockedError, ReadWriteError."""
    with ExitStack() as stack:
        with told(out):
            if out.exists() and not out.is_dir():
                raise OutputError(f"{out}: is a file, expected a folder for the output; choose another --out")
            files.make_folder(out / STATE_FOLDER / "commit")
            stack.enter_context(locked(out / STATE_FOLDER / "lock"))
        yield Store(out)


@contextmanager
def told(out: Path) -> Iterator[None]:
    """The system's errors as ours."""
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
        self.name = str(out)
        self.state = State()
        self.format = documents.FORMAT
        """Of the last commit."""
        self.gone: list[str] = []
        """Partitions that were asked for and are not there any more."""
        self._folder = out / STATE_FOLDER
        self._manifests = manifests.Manifests(out)
        self._staged: list[StagedFile] = []
        self._numbers = count()  # several threads stage
        self._adopted: dict[str, str] = {}

    def path(self, relative: str) -> Path:
        return self.out / relative

    def digest(self, relative: str) -> str | None:
        """What was committed under this name; None for nothing. Raises StateError."""
        date = manifests.date_in(relative)
        return self.files_of(date).get(relative) if date else self.state.files.get(relative)

    def files_of(self, date: str) -> dict[str, str]:
        """Digest by name of the files of a date. Raises StateError."""
        found = self._manifests.of(date)
        if not found and date in self.state.seen_dates:
            raise StateError(f"{self.path(manifests.path_of(date))}: is gone; see logemit repair")
        return found

    def read(self, relative: str) -> bytes | None:
        """A file as it was committed; None where there is none.

        Raises StateError for one that is not. Of the partitions, which belong to the users, one that was removed is
        told in `gone`.
        """
        path, wanted = self.path(relative), self.digest(relative)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            if wanted is None:
                return None
            if _is_state(relative):
                raise StateError(f"{path}: is gone; see logemit repair") from None
            self.gone.append(relative)
            return None
        except OSError as exc:
            raise ReadWriteError(f"{path}: cannot be read: {exc.strerror}; check its permissions") from None
        if wanted is None:
            raise StateError(f"{path}: no run has written this; see logemit repair")
        if hashlib.sha256(data).hexdigest() != wanted:
            raise StateError(f"{path}: was changed since it was committed; see logemit repair")
        return data

    # The way out: stage, commit, apply.

    def stage(self, target: str, pieces: Iterable[bytes], mode: int = files.PRIVATE) -> None:
        """Write the new content of `target`."""
        staged = self._staged_name()
        path = self.path(staged)
        with told(self.out):
            files.make_folder(path.parent)
            self._staged.append(StagedFile(target, staged, files.write(path, pieces, mode)))

    def take(self, target: str, path: Path) -> None:
        """Make a file that is on the disk already the new content of `target`."""
        staged = self._staged_name()
        with told(self.out):
            files.make_folder(self.path(staged).parent)
            sha = files.digest(path)
            files.rename(path, self.path(staged))
        self._staged.append(StagedFile(target, staged, sha or ""))

    def _staged_name(self) -> str:
        return f"{STATE_FOLDER}/staging/{self.state.commit + 1}/{next(self._numbers):06d}"

    def drop_manifest(self, date: str) -> None:
        """Write a date's manifest anew, of what is adopted or staged only."""
        self._manifests.drop(date)

    def adopt(self, digests: Mapping[str, str]) -> None:
        """Take files that are there already into the manifests."""
        self._adopted.update(digests)

    def commit(self, state: State, removed: Collection[str] = ()) -> None:
        """Make the staged files and `state` the output, and `removed` files go, all or nothing."""
        assert state.commit == self.state.commit + 1
        gone = set(removed)
        digests = {**self._adopted, **{file.target: file.sha256 for file in self._staged}}
        for path, content in self._manifests.changed(digests, gone):
            if content is None:
                gone.add(path)
            else:
                self.stage(path, [content])
        gone.difference_update(file.target for file in self._staged)
        undated = {name: sha for name, sha in digests.items() if _is_state(name) and not manifests.date_in(name)}
        state.files = {name: sha for name, sha in {**state.files, **undated}.items() if name not in gone}
        body = {"state": state.to_json(), "files": [asdict(file) for file in self._staged], "removed": sorted(gone)}
        with told(self.out):
            self._record(state.commit, documents.sealed(body))
            self._apply(state.commit, self._staged, sorted(gone))
        self._staged, self._adopted, self.gone = [], {}, []
        self._manifests.forget()
        self.state = state

    def _record(self, number: int, document: bytes) -> None:
        if number == 1:
            self._sync_itself()
        if self._staged:
            files.sync_folder(self.path(self._staged[0].staged).parent)
        files.write_whole(self._folder / "commit" / f"{number:010d}.copy", document)
        files.write_whole(self._commit_path(number), document)  # the commit point

    def _sync_itself(self) -> None:
        """The folders may be of a run that was killed before it could."""
        files.sync_folder(self._folder)
        files.sync_folder(self.out)
        with suppress(PermissionError):  # others may have made it
            files.sync_folder(self.out.parent)

    def begin_anew(self) -> None:
        """Commit over whatever stands here, as if nothing did."""
        record = records.newest_path(self.out)
        self.state = State(commit=int(record.stem) if record else 0)
        self._manifests = manifests.Manifests(None)

    def recover(self) -> None:
        """Load the newest commit and finish it; throw away what no commit speaks of."""
        body = self.load()
        with told(self.out):
            if body is not None and not self.is_applied:
                staged = [StagedFile(**file) for file in body["files"]]
                for file in staged:
                    self._check_staged(file)
                self._apply(self.state.commit, staged, body["removed"])
            for name in LEFTOVERS:
                files.remove_tree(self._folder / name)

    def load(self) -> dict[str, Any] | None:
        """The body of the newest commit, whose state is ours now; None where there was no commit."""
        record = records.newest_path(self.out)
        if record is None:
            if any((self._folder / name).exists() for name in ("totals", "seen", "manifest")):
                raise StateError(f"{self._folder}: its commits are gone; see logemit repair")
            return None
        try:
            document = records.load(record)
        except FileNotFoundError:
            raise StateError(f"{record}: is gone; see logemit repair") from None
        body = formats.upgraded(document)
        self.format = document["format"]
        self.state = State.from_json(body["state"])
        return body

    @property
    def is_older(self) -> bool:
        """Whether the last commit is of a format that lacks files."""
        return self.format < formats.SELF_CONTAINED

    @property
    def is_applied(self) -> bool:
        """Whether all of the newest commit is in its place."""
        return not self.state.commit or self._applied_path(self.state.commit).exists()

    def _check_staged(self, file: StagedFile) -> None:
        found = files.digest(self.path(file.staged))
        if found is None and files.digest(self.path(file.target)) != file.sha256:
            raise StateError(f"{self.path(file.target)}: its staged content is gone; see logemit repair")
        if found not in (None, file.sha256):
            raise StateError(f"{self.path(file.staged)}: changed after it was committed; see logemit repair")

    def _apply(self, number: int, staged: list[StagedFile], removed: Collection[str]) -> None:
        folders: set[Path] = set()
        for file in staged:
            source, target = self.path(file.staged), self.path(file.target)
            # Also what a run before renamed or made and did not live to sync.
            folders.update(self.out / folder for folder in Path(file.target).parents)
            if source.exists():
                files.make_folder(target.parent)
                files.rename(source, target)
        for path in map(self.path, removed):
            if path.parent.exists():
                files.remove(path)
                folders.add(path.parent)
        for folder in sorted(folders):
            files.sync_folder(folder)
        files.write(self._applied_path(number), [])
        files.sync_folder(self._folder / "commit")
        for path in map(self.path, removed):
            files.remove_empty(path.parent)
            files.remove_empty(path.parent.parent)
        self._clean_up(number)

    def _clean_up(self, number: int) -> None:
        files.remove_tree(self._folder / "staging" / str(number))
        for path in (self._folder / "commit").iterdir():
            name = path.name.partition(".")[0]
            if name.isdigit() and int(name) <= number - KEPT_COMMITS:
                files.remove(path)

    def _commit_path(self, number: int) -> Path:
        return self._folder / "commit" / f"{number:010d}.json"

    def _applied_path(self, number: int) -> Path:
        return self._folder / "commit" / f"{number:010d}.applied"


def _is_state(relative: str) -> bool:
    return relative.startswith(f"{STATE_FOLDER}/")


def require_output(out: Path) -> None:
    """Raises InputError for a folder that no run has written to."""
    if not (out / STATE_FOLDER).is_dir():
        raise InputError(f"{out}: no output of logemit aggregate; name the folder that was its --out")
