"""System calls that fail under a real run: one line on stderr, and the next run makes up for it."""

import os
import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from tests.batch.runs import poll
from tests.conftest import tool
from tests.scale import FULL, scaled

from .forks import Ended, ForkServer
from .processes import Outcome, command, outcome

ERRORS: Mapping[str, tuple[str, ...]] = {
    "openat": ("EACCES", "EIO", "EMFILE", "ENOSPC"),
    "write": ("ENOSPC", "EIO", "EDQUOT"),
    "pwrite64": ("ENOSPC", "EIO"),
    "ftruncate": ("EIO",),
    "fsync": ("EIO", "ENOSPC", "EDQUOT"),
    "rename": ("EACCES", "EIO", "ENOSPC"),
    "renameat": ("EACCES", "EIO", "ENOSPC"),
    "mkdir": ("EACCES", "ENOSPC", "EDQUOT"),
    "mkdirat": ("EACCES", "ENOSPC", "EDQUOT"),
    "unlink": ("EACCES", "EIO"),
    "unlinkat": ("EACCES", "EIO"),
    "rmdir": ("EACCES", "EIO"),
    "read": ("EIO",),
    "newfstatat": ("EIO", "EACCES"),
}
NEEDED = frozenset({"write", "pwrite64", "ftruncate", "fsync", "rename", "renameat", "mkdir", "mkdirat"})
"""What no run can do without; of the others some only look or tidy up."""


@dataclass(frozen=True)
class Place:
    """A folder with one run in it, and a log that has grown since."""

    folder: Path
    server: ForkServer

    @property
    def log(self) -> Path:
        return self.folder / "app.log"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def take_in(self, out: Path) -> None:
        _ = self.server.run(["aggregate", self.log, "--out", out, "--json"]).report

    def make(self) -> None:
        self.log.write_bytes(b"".join(poll(seq, duration_seconds=seq / 8) for seq in range(40)))
        self.take_in(self.folder / "begun")
        with self.log.open("ab") as file:
            file.write(b"".join(poll(seq, f"2026-11-{17 + seq % 4}T12:00:00Z") for seq in range(40, 80)))

    def reset(self) -> None:
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.copytree(self.folder / "begun", self.out)

    @cached_property
    def wanted(self) -> Outcome:
        self.take_in(self.folder / "once")
        return outcome(self.folder / "once")

    def check_failed(self, ended: Ended, what: str) -> None:
        (line,) = ended.error.splitlines() or [""]
        assert line.startswith("logemit: "), f"{what}: {ended}"
        assert "defect" not in line, f"{what}: {line}"
        assert (ended.code > 0, ended.out) == (True, ""), f"{what}: {ended}"

    def check_mended(self, what: str) -> None:
        self.take_in(self.out)
        assert outcome(self.out) == self.wanted, what


@pytest.fixture
def place(tmp_path: Path, forks: ForkServer) -> Place:
    place = Place(tmp_path, forks)
    place.make()
    return place


@dataclass(frozen=True, slots=True)
class Strace:
    """What a run that is left alone does with its output: how often it calls what, and with which paths."""

    program: str
    calls: Counter[str]
    paths: frozenset[str]

    def failing(self, place: Place, call: str, error: str, number: int) -> tuple[Ended, bool]:
        """A run whose `number`-th such call on the output fails, and whether it came to that."""
        trace = place.folder / "trace"
        only = [option for path in sorted(self.paths) for option in ("-P", path)]
        inject = ["-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={number}"]
        under = [self.program, "-f", "-qq", "-o", str(trace), *only, *inject]
        return command(
            "aggregate", place.log, "--out", place.out, "--json", under=under
        ), "INJECTED" in trace.read_text()


def straced(place: Place) -> Strace:
    program, trace = tool("strace", "strace"), place.folder / "trace"
    place.reset()
    under = [program, "-f", "-qq", "-y", "-s", "0", "-e", f"trace={','.join(ERRORS)}", "-o", str(trace)]
    done = command("aggregate", place.log, "--out", place.out, "--json", under=under)
    if "ptrace" in done.error.lower():
        pytest.skip(f"strace may not trace here: {done.error.splitlines()[0]}")
    assert done.report["events"] == 40
    calls, paths, main = Counter[str](), set[str](), ""
    for line in trace.read_text().splitlines():
        pid, _, rest = line.partition(" ")
        main = main or pid
        found = re.findall(rf'[<"]({re.escape(str(place.out))}[^">]*)[">]', rest)
        paths.update(found)
        if found and pid == main:
            calls[rest.strip().partition("(")[0]] += 1
    return Strace(program, calls, frozenset(paths))


def test_a_failing_system_call_is_told_and_made_up_for(place: Place, figure: Callable[[str], None]) -> None:
    strace = straced(place)
    assert strace.calls["fsync"] > 20
    every = [
        (call, error, number)
        for call, count in sorted(strace.calls.items())
        for error in ERRORS[call]
        for number in range(1, count + 1)
    ]
    chance, failed, tolerated = random.Random(7), Counter[str](), 0
    cases = (
        every if FULL else [chance.choice([case for case in every if case[0] in group]) for group in _groups(strace)]
    )
    for call, error, number in cases:
        place.reset()
        ended, injected = strace.failing(place, call, error, number)
        what = f"{call} {number} of {strace.calls[call]} fails with {error}"
        assert injected, what
        if ended.code == 0 and call not in NEEDED:
            assert outcome(place.out) == place.wanted, what
            tolerated += 1
        else:
            place.check_failed(ended, what)
        place.check_mended(what)
        failed[call] += 1
    told = ", ".join(f"{count} {call}" for call, count in sorted(failed.items()))
    figure(
        f"system calls: {failed.total()} of {len(every):,} made to fail ({told}), {tolerated} of them tolerated; "
        "each next run made up for it"
    )


def _groups(strace: Strace) -> list[set[str]]:
    """Kinds to choose one case of each: those that every run needs more often."""
    kinds = sorted(strace.calls)
    needed = [kind for kind in kinds if kind in NEEDED]
    return [*({kind} for kind in kinds), *[{kind} for kind in needed * 3]][: scaled(4, 12, 12)]


@pytest.mark.parametrize("size", [30, 0, 500, 3000, 9000][: scaled(1, 4, 5)])
def test_files_that_may_not_grow(place: Place, size: int) -> None:
    """A limit of the process: writes are cut short, then fail with EFBIG."""
    largest = max(path.stat().st_size for path in (place.folder / "begun").rglob("*") if path.is_file())
    assert size < largest
    place.reset()
    place.check_failed(command("aggregate", place.log, "--out", place.out, file_size=size), f"{size} bytes")
    place.check_mended(f"{size} bytes")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    mount, umount = tool("mount", "mount"), tool("umount", "mount")
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, check=False, text=True
    )
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here, which takes root: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run([umount, folder], check=True)


def test_a_disk_that_is_full(place: Place, figure: Callable[[str], None]) -> None:
    """Filled up with something else, it has room for more and more of a run, and at last for all of it."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("a small disk cannot be mounted here, which takes root")
    _ = place.wanted
    full = 0
    with small_disk(place.out, "512k"):
        shutil.copytree(place.folder / "begun", place.out, dirs_exist_ok=True)
        ballast = place.out / "ballast"
        for room in [*range(0, 200_000, scaled(80_000, 40_000, 4096)), None]:
            _fill(ballast, room)
            ended = command("aggregate", place.log, "--out", place.out, "--json")
            if ended.code == 0:
                break
            place.check_failed(ended, f"{room} bytes of room")
            assert "No space left on device" in ended.error
            full += 1
        assert full > 0
        place.check_mended("full")
    figure(f"full disk: {full} runs failed with one line each, then one went through; nothing was lost")


def _fill(ballast: Path, room: int | None) -> None:
    """A file that leaves so much room, or is gone."""
    ballast.unlink(missing_ok=True)
    if room is None:
        return
    free = os.statvfs(ballast.parent)
    with ballast.open("wb") as file:
        file.write(b"x" * max(0, free.f_bavail * free.f_frsize - room))
