"""The system as the store sees it, made to fail at a step; and a disk that forgets what was not synced.

Only the names that `aggregator.store.files` has for `os` and `shutil` are replaced, never those modules.
"""

import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from aggregator.store import files

Mode = Literal["before", "torn", "after", "error", "short"]


class Killed(BaseException):
    """As SIGKILL would: nothing after it changes anything."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens at the `at`-th step, counted from 1; at 0 nothing does."""

    at: int = 0
    mode: Mode = "before"
    code: int = 0
    lasting: bool = False
    """Also at every step after it."""


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    path: Path
    in_removal: bool = False
    """Of a whole tree, whose errors do not matter."""


class System:
    """Stands in for `os`; counts the calls that change something."""

    def __init__(self, plan: Plan, disk: "Disk | None" = None) -> None:
        self.steps: list[Step] = []
        self.is_dead = False
        self._plan = plan
        self._disk = disk
        self._paths: dict[int, Path] = {}
        self._in_removal = False

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        def act() -> int:
            fd = os.open(path, flags, mode)
            self._paths[fd] = Path(path)
            if flags & os.O_CREAT:
                self._tell("created", path)
            return fd

        return int(self._step("open", path, act)) if flags & os.O_CREAT else act()

    def write(self, fd: int, data: memoryview) -> int:
        half = data[: max(1, len(data) // 2)]
        return int(self._step("write", fd, lambda: os.write(fd, data), lambda: os.write(fd, half)))

    def fsync(self, fd: int) -> None:
        def act() -> None:
            os.fsync(fd)
            self._tell("synced", self._paths[fd])

        self._step("fsync", fd, act)

    def fchmod(self, fd: int, mode: int) -> None:
        self._step("fchmod", fd, lambda: os.fchmod(fd, mode))

    def close(self, fd: int) -> None:
        path = self._paths.pop(fd)
        os.close(fd)  # whatever it says, the descriptor is free
        if not self.is_dead:
            self._step("close", path, lambda: None)

    def replace(self, source: Path, target: Path) -> None:
        def act() -> None:
            os.replace(source, target)
            self._tell("renamed", source, target)

        self._step("replace", target, act)

    def unlink(self, path: Path) -> None:
        def act() -> None:
            os.unlink(path)
            self._tell("removed", path)

        self._step("unlink", path, act)

    def makedirs(self, path: Path, exist_ok: bool = False) -> None:
        def act() -> None:
            os.makedirs(path, exist_ok=exist_ok)
            self._tell("made", path)

        self._step("makedirs", path, act)

    def rmtree(self, folder: Path, ignore_errors: bool = False) -> None:
        """Stands in for `shutil.rmtree`, a step for each thing in the tree."""
        assert ignore_errors
        self._in_removal = True
        for path in [*sorted(folder.rglob("*"), reverse=True), folder]:
            with suppress(OSError):
                self.unlink(path) if path.is_file() else self._remove_folder(path)
        self._in_removal = False

    def _remove_folder(self, path: Path) -> None:
        def act() -> None:
            os.rmdir(path)
            self._tell("removed", path)

        if path.exists():
            self._step("rmdir", path, act)

    def _step(self, name: str, place: Path | int, act: Callable[[], Any], part: Callable[[], Any] | None = None) -> Any:
        if self.is_dead:
            raise Killed
        path = self._paths[place] if isinstance(place, int) else Path(place)
        self.steps.append(Step(name, path, self._in_removal))
        plan = self._plan
        if plan.at != len(self.steps) and not (plan.lasting and len(self.steps) > plan.at):
            return act()
        if plan.mode == "short":
            return (part or act)()
        if plan.mode == "error":
            raise OSError(plan.code, os.strerror(plan.code), None if isinstance(place, int) else str(path))
        if plan.mode != "before":
            (part or act if plan.mode == "torn" else act)()
        self.is_dead = True
        raise Killed

    def _tell(self, what: str, *paths: Path) -> None:
        if self._disk is not None:
            getattr(self._disk, what)(*paths)

    def close_all(self) -> None:
        for fd in self._paths:
            os.close(fd)


@contextmanager
def faulty(plan: Plan, disk: "Disk | None" = None) -> Iterator[System]:
    system = System(plan, disk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "os", system)
        patch.setattr(files, "shutil", system)
        try:
            yield system
        finally:
            system.close_all()


class Node:
    """A file, whatever its names are."""

    def __init__(self, durable: bytes = b"") -> None:
        self.durable = durable


Tree = dict[Path, Node | None]
"""A folder is None."""


@dataclass(frozen=True, slots=True)
class Operation:
    """On names; not durable before a folder that it changes is synced."""

    node: Node | None
    gone: Path | None
    come: Path | None

    @property
    def folders(self) -> set[Path]:
        return {path.parent for path in (self.gone, self.come) if path is not None}

    def apply(self, tree: Tree) -> None:
        if self.gone is not None:
            for path in [each for each in tree if each == self.gone or self.gone in each.parents]:
                del tree[path]
        if self.come is not None:
            tree[self.come] = self.node


class Disk:
    """What of a folder would outlast a power cut. It lives on when a process is killed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        paths = [root, *root.rglob("*")] if root.exists() else []
        self._live: Tree = {path: Node(path.read_bytes()) if path.is_file() else None for path in paths}
        self._durable: Tree = dict(self._live)
        self._pending: list[Operation] = []
        self._contents: dict[Node, bytes] = {}

    def created(self, path: Path) -> None:
        if path not in self._live:
            self._do(Operation(Node(), None, path))

    def made(self, path: Path) -> None:
        if path not in self._live:
            self._do(Operation(None, None, path))

    def renamed(self, source: Path, target: Path) -> None:
        self._do(Operation(self._live[source], source, target))

    def removed(self, path: Path) -> None:
        self._do(Operation(self._live.get(path), path, None))

    def _do(self, operation: Operation) -> None:
        operation.apply(self._live)
        self._pending.append(operation)

    def synced(self, path: Path) -> None:
        node = self._live.get(path)
        if node is not None:
            node.durable = path.read_bytes()
            return
        for operation in [each for each in self._pending if path in each.folders]:
            operation.apply(self._durable)
            self._pending.remove(operation)

    def cut(self, lottery: "Lottery") -> None:
        """The folder as it is after the power was cut: a part of what was not synced has been lost."""
        tree = dict(self._durable)
        for operation in self._pending:
            if lottery.keeps():
                operation.apply(tree)
        contents = self._contents
        shutil.rmtree(self._root, ignore_errors=True)
        for path in sorted(tree):
            if not path.parent.is_dir():
                continue  # lost with a folder on the way
            if (node := tree[path]) is None:
                path.mkdir()
            else:
                path.write_bytes(lottery.content(node.durable, contents.get(node, node.durable)))

    def stop(self) -> None:
        """Nothing more is written: from here on the power may be cut in several ways, each of which is tried."""
        self._contents = {node: path.read_bytes() for path, node in self._live.items() if node is not None}


class Lottery:
    """What a power cut spares: "nothing", "names" (their data is zeros), or each thing by chance."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._random = random.Random(kind)

    def keeps(self) -> bool:
        return self._kind == "names" or (self._kind != "nothing" and self._random.random() < 0.5)

    def content(self, durable: bytes, live: bytes) -> bytes:
        if durable == live or self._kind == "nothing":
            return durable
        choices: Sequence[bytes] = (bytes(len(live)), live[: len(live) // 2], durable, live)
        return choices[0] if self._kind == "names" else self._random.choice(choices)
