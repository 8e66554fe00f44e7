"""An output folder in an object store, where nothing is renamed and nothing locked.

A run works in a folder of its own, with a stand-in for each object; what it reads is fetched. The commit is the same:
after-images are staged as objects, then the record is written on the condition that there is none of its number, which
only one of several runs can do; then staged objects are copied over their targets, by the next run where this one died.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..errors import (
    ConfigError,
    InputError,
    LockedError,
    LogemitError,
    OutputError,
    ReadWriteError,
    StateError,
    UsageError,
)
from ..remote import filesystem, path_of, told
from ..urls import shown
from . import manifests, records
from .commit import KEPT_COMMITS, STATE_FOLDER, StagedFile, Store

LOCK = f"{STATE_FOLDER}/lock"
COMMITS = f"{STATE_FOLDER}/commit/"
STAGING = f"{STATE_FOLDER}/staging/"


@contextmanager
def opened(url: str) -> Iterator[Store]:
    """The output below a URL, with its last commit fully applied.

    Raises OutputError, LockedError, StateError, ReadWriteError, UsageError.
    """
    with _working(url) as store:
        store.check_conditions()
        store.recover()
        yield store


@contextmanager
def viewed(url: str) -> Iterator[Store]:
    """The same as it is, for who changes nothing. Raises InputError where no run has written."""
    with _working(url) as store:
        if not store.look():
            raise InputError(f"{url}: no output of logemit aggregate; name what was its --out")
        yield store


def require_output(url: str) -> None:
    """Raises InputError where no run has written."""
    with viewed(url):
        pass


@contextmanager
def _working(url: str) -> Iterator["Bucket"]:
    if set(url) & set("*?[]{}"):
        raise UsageError(f"{shown(url)}: is a pattern, expected one prefix for the output")
    with TemporaryDirectory(prefix="logemit-", ignore_cleanup_errors=True) as folder:
        store = Bucket(url.rstrip("/"), Path(folder))
        try:
            yield store
        except StateError as exc:
            if store.is_overtaken():
                raise store.overtaken() from None
            raise type(exc)(store.named(str(exc))) from None
        except ConfigError as exc:
            raise ConfigError(store.named(str(exc))) from None


class _Manifests(manifests.Manifests):
    def __init__(self, store: "Bucket") -> None:
        super().__init__(store.out)
        self._store = store

    def of(self, date: str) -> dict[str, str]:
        self._store.fetch([manifests.path_of(date)])
        return super().of(date)


class Bucket(Store):
    """`out` is a folder of this run's own."""

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(folder)
        self.name = url
        self._files = filesystem(url)
        self._root = path_of(self._files, url)
        self._token = os.urandom(8).hex()
        self._manifests = _Manifests(self)
        self._stand_ins: set[str] = set()
        self._newest = 0
        """The last commit that there was when we looked."""

    def named(self, text: str) -> str:
        """A text about the folder as one about the objects."""
        return text.replace(str(self.out), self.name)

    def _at(self, relative: str) -> str:
        return f"{self._root}/{relative}"

    # What there is.

    def check_conditions(self) -> None:
        """Raises OutputError for a store that writes over what is there although it shall not."""
        for _ in range(2):
            try:
                with told(self.name):
                    self._files.pipe_file(self._at(LOCK), b"what locks is the record of a commit\n", mode="create")
            except FileExistsError:
                return
            except FileNotFoundError:
                raise OutputError(f"{self.name}: no such bucket; make it, or choose another --out") from None
            except ReadWriteError as exc:
                if "condition" in str(exc).lower():  # refused, in the words of another store
                    return
                raise
        raise OutputError(f"{self.name}: this store does not keep If-None-Match, so runs could collide; use a folder")

    def look(self) -> bool:
        """List the objects, and let something of their size stand in for each; whether a run has written."""
        with told(self.name):
            found = self._listed("")
        for relative, size in found.items():
            path = self.path(relative)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.truncate(size)
        self._stand_ins = set(found)
        self.path(COMMITS).mkdir(parents=True, exist_ok=True)
        self._newest = _newest(found)
        return any(relative.startswith(COMMITS) for relative in found)

    def _listed(self, folder: str) -> dict[str, int]:
        """Sizes by path relative to the output."""
        try:
            found = self._files.find(self._at(folder).rstrip("/"), detail=True)
        except FileNotFoundError:
            return {}
        start = f"{self._root}/"
        sizes = {path.removeprefix(start): about["size"] for path, about in found.items() if path.startswith(start)}
        return {relative: size for relative, size in sizes.items() if not relative.endswith("/")}

    def is_overtaken(self) -> bool:
        """Whether another run has committed since we looked."""
        with suppress(LogemitError), told(self.name):
            return _newest(self._listed(COMMITS)) > max(self._newest, self.state.commit)
        return False

    def overtaken(self) -> LockedError:
        return LockedError(f"{self.name}: another run has committed meanwhile, this one changed nothing; run it again")

    def fetch(self, names: Collection[str]) -> None:
        """Bring objects into the folder; what is gone by now is gone there, too."""
        wanted = {self._at(relative): relative for relative in self._stand_ins.intersection(names)}
        if not wanted:
            return
        with told(self.name):
            for place, found in self._files.cat(list(wanted), on_error="return").items():
                path = self.path(wanted[place])
                if isinstance(found, FileNotFoundError):
                    path.unlink(missing_ok=True)
                elif isinstance(found, Exception):
                    raise found
                else:
                    path.write_bytes(found)
                self._stand_ins.discard(wanted[place])

    def read(self, relative: str) -> bytes | None:
        self.fetch([relative])
        return super().read(relative)

    def load(self) -> dict[str, Any] | None:
        if record := records.newest_path(self.out):
            self.fetch([str(record.relative_to(self.out))])
        body = super().load()
        self.fetch(self.state.files)
        return body

    def recover(self) -> None:
        """Load the newest commit, and finish it. What others have staged may be of a run at work, and stays."""
        self.look()
        body = self.load()
        if body is not None and not self.is_applied:
            self._put_in_place(self.state.commit, [StagedFile(**file) for file in body["files"]], body["removed"])
            self.look()
            self.load()

    # The way out.

    def _staged_name(self) -> str:
        """One that no other run has, so that no two write the same object."""
        folder, _, number = super()._staged_name().rpartition("/")
        return f"{folder}-{self._token}/{number}"

    def _record(self, number: int, document: bytes) -> None:
        with told(self.name):
            names = [file.staged for file in self._staged]
            self._files.put([str(self.path(name)) for name in names], [self._at(name) for name in names])
            if not self._create(f"{COMMITS}{number:010d}.json", document):  # else: the commit point
                self._remove(names)
                raise self.overtaken()
            if _newest(self._listed(COMMITS)) > number:  # a number that was taken long ago, and cleaned up
                raise self.overtaken()

    def _create(self, relative: str, data: bytes) -> bool:
        """Write an object unless there is one; whether it is ours, also where the answer to that was lost."""
        try:
            self._files.pipe_file(self._at(relative), data, mode="create")
        except Exception:
            with suppress(FileNotFoundError):
                return bool(self._files.cat_file(self._at(relative)) == data)
            raise
        return True

    def _apply(self, number: int, staged: list[StagedFile], removed: Collection[str]) -> None:
        self._put_in_place(number, staged, removed)
        super()._apply(number, staged, removed)
        self._stand_ins.difference_update(removed, (file.target for file in staged))
        self._newest = number

    def _put_in_place(self, number: int, staged: list[StagedFile], removed: Collection[str]) -> None:
        """Copy the staged objects over their targets, again where that was done before."""
        with told(self.name):
            try:
                self._files.copy([self._at(file.staged) for file in staged], [self._at(file.target) for file in staged])
            except FileNotFoundError:
                self._check_done(number)
                return
            self._remove(removed)
            self._files.pipe_file(self._at(f"{COMMITS}{number:010d}.applied"), b"")
            self._clear(number)

    def _check_done(self, number: int) -> None:
        """Raises StateError unless another run has put a commit in its place."""
        commits = self._listed(COMMITS)
        if f"{COMMITS}{number:010d}.applied" not in commits and _newest(commits) <= number:
            raise StateError(f"{self.name}: what commit {number} has staged is gone; see logemit repair")

    def _clear(self, number: int) -> None:
        """What was staged for a number that is taken can never be committed."""
        staged = [name for name in self._listed(STAGING) if _number(name, STAGING) <= number]
        commits = [name for name in self._listed(COMMITS) if _number(name, COMMITS) <= number - KEPT_COMMITS]
        self._remove([*staged, *commits])

    def _remove(self, names: Collection[str]) -> None:
        if names:
            with suppress(FileNotFoundError):
                self._files.rm([self._at(name) for name in names])


def _number(name: str, folder: str) -> int:
    """Of the commit that a file of such a folder belongs to."""
    found = name.removeprefix(folder)[:10].partition("-")[0].partition("/")[0]
    return int(found) if found.isdigit() else 0


def _newest(names: Collection[str]) -> int:
    """The number of the last commit."""
    return max((_number(name, COMMITS) for name in names if name.startswith(COMMITS)), default=0)
