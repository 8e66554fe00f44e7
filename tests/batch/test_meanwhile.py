"""What happens to logs while a run is at work: between the listing of names and opening, and until its end."""

import os
from collections.abc import Callable, Iterator

import pytest

from aggregator.lines import Block
from aggregator.reading import Reader

from .scene import Scene

OWN, ALL = ("app.log",), ("app.log*",)
NAMED = pytest.mark.parametrize("named", [OWN, ALL], ids=["own name", "glob"])
MOMENTS = pytest.mark.parametrize("moment", ["before", "within", "after"])


class Meanwhile:
    """Does something once, before or after a file is read, or as soon as its first lines were."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._planned: dict[tuple[str, str], Callable[[], object]] = {}
        blocks = Reader.blocks

        def watched(reader: Reader, name: str) -> Iterator[Block]:
            self._do(name, "before")
            for block in blocks(reader, name):
                yield block
                self._do(name, "within")
            self._do(name, "after")

        monkeypatch.setattr(Reader, "blocks", watched)

    def _do(self, name: str, moment: str) -> None:
        self._planned.pop((os.path.basename(name), moment), lambda: None)()

    def at(self, name: str, moment: str, action: Callable[[], object]) -> None:
        self._planned[name, moment] = action


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    return Meanwhile(monkeypatch)


def rename(scene: Scene) -> None:
    scene.write("app.log")
    if (scene.logs / "app.log.1").exists():
        scene.move("app.log.1", "app.log.2")
    scene.move("app.log", "app.log.1")
    scene.write("app.log")


def copy_and_truncate(scene: Scene) -> None:
    scene.write("app.log")
    if (scene.logs / "app.log.1").exists():
        scene.move("app.log.1", "app.log.2")
    scene.copy("app.log", "app.log.1")
    scene.truncate("app.log")


def rename_and_compress(scene: Scene) -> None:
    rename(scene)
    scene.pack("app.log.1", "app.log.1.gz")


def rename_twice(scene: Scene) -> None:
    rename(scene)
    rename(scene)


ROTATIONS = [rename, copy_and_truncate, rename_and_compress, rename_twice]


@NAMED
@MOMENTS
@pytest.mark.parametrize("rotate", ROTATIONS)
@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_rotated(
    scene: Scene,
    meanwhile: Meanwhile,
    named: tuple[str, ...],
    moment: str,
    rotate: Callable[[Scene], None],
    known: bool,
) -> None:
    scene.write("app.log")
    if known or (moment == "before" and named == OWN):  # what was never read by its name cannot be followed
        scene.run(*named)
    scene.write("app.log")
    meanwhile.at("app.log", moment, lambda: rotate(scene))
    scene.run(*named)
    scene.write("app.log")
    scene.run(*named)
    scene.run(*named)
    scene.check()


@NAMED
@MOMENTS
def test_grown(scene: Scene, meanwhile: Meanwhile, named: tuple[str, ...], moment: str) -> None:
    scene.write("app.log")
    meanwhile.at("app.log", moment, lambda: scene.write("app.log"))
    scene.run(*named)
    scene.run(*named)
    scene.check()


@NAMED
def test_renamed_and_not_there_again_until_the_next_run(
    scene: Scene, meanwhile: Meanwhile, named: tuple[str, ...]
) -> None:
    scene.write("app.log")
    scene.run(*named)
    scene.write("app.log")
    meanwhile.at("app.log", "before", lambda: scene.move("app.log", "app.log.1"))
    scene.run(*named)
    scene.write("app.log")
    scene.run(*named)
    scene.check()


def test_one_that_was_never_read_and_vanished_is_told(scene: Scene, meanwhile: Meanwhile) -> None:
    scene.write("app.log")
    (scene.logs / "b.log").write_bytes(b"never read\n")
    meanwhile.at("b.log", "before", lambda: scene.remove("b.log"))
    assert "b.log: vanished" in scene.run("*.log").warnings[0]
    scene.reports[0].warnings.clear()
    scene.check()


@MOMENTS
def test_a_known_one_that_vanished_is_told_once(scene: Scene, meanwhile: Meanwhile, moment: str) -> None:
    scene.write("app.log")
    scene.write("b.log")
    scene.run("*.log")
    before = scene.written
    scene.write("b.log")
    lost = scene.written - before if moment == "before" else 0
    meanwhile.at("b.log", moment, lambda: scene.remove("b.log"))
    scene.run("*.log")
    scene.run("*.log")
    scene.check(lost=lost, gaps=1)


def test_a_folder_that_vanishes_while_it_is_listed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (scene.logs / name).mkdir()
    scene.write("a/app.log")
    scandir = os.scandir

    def vanishing(path: str) -> "os._ScandirIterator[str]":
        if str(path).endswith("/b") and os.path.isdir(path):
            os.rmdir(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    scene.run("")
    scene.check()
