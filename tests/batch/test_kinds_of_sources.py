"""Links, pipes, standard input and compressed files as sources."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from .scene import PACKERS, Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path, bulk=30)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_one_file_under_two_names(scene: Scene, link: Callable[[Path, Path], None]) -> None:
    scene.write("app.log")
    link(scene.logs / "app.log", scene.logs / "other.log")
    for _ in range(3):
        scene.run("*.log")
        scene.write("app.log")
    scene.remove("other.log")
    scene.run("*.log")
    scene.check()


def test_a_link_that_leads_nowhere_is_passed_by_in_a_folder(scene: Scene) -> None:
    scene.write("app.log")
    (scene.logs / "dangling.log").symlink_to("nowhere.log")
    (scene.logs / "round.log").symlink_to("round.log")
    scene.run("")
    scene.run("*.log")
    scene.check()


def test_a_pipe_among_the_sources(scene: Scene) -> None:
    pipe = scene.logs / "pipe"
    os.mkfifo(pipe)
    scene.write("app.log")
    lines = scene.lines()
    for _ in range(2):
        thread = threading.Thread(target=pipe.write_bytes, args=(lines,))
        thread.start()
        scene.run("app.log", "pipe")
        thread.join()
        lines = scene.lines()
    scene.written -= len(lines.splitlines()) // 3
    scene.check()


def test_standard_input_that_is_a_file(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one each time: none went away."""
    saved = os.dup(0)
    try:
        for name in ("a.log", "b.log"):
            scene.write(name)
            with (scene.logs / name).open() as file:
                os.dup2(file.fileno(), 0)
            scene.run("/dev/stdin")
            scene.run("/dev/stdin")
    finally:
        os.dup2(saved, 0)
        os.close(saved)
    scene.check()


@pytest.mark.parametrize("packer", PACKERS)
def test_compressed_streams_one_after_the_other(scene: Scene, packer: str) -> None:
    pack = PACKERS[packer]
    (scene.logs / f"app.log.{packer}").write_bytes(pack(scene.lines()) + pack(scene.lines()))
    scene.run("")
    scene.run("")
    scene.check()


@pytest.mark.parametrize("packer", ["gz", "xz", "bz2"])
@pytest.mark.parametrize("damage", ["torn", "damaged"])
def test_a_compressed_file_that_is_not_whole(scene: Scene, packer: str, damage: str) -> None:
    packed = PACKERS[packer](scene.lines(200))
    middle = len(packed) // 2
    file = scene.logs / f"app.log.{packer}"
    file.write_bytes(packed[:middle] + (bytes([packed[middle] ^ 255]) + packed[middle + 1 :]) * (damage == "damaged"))
    report = scene.run("")
    assert {"torn": "breaks off", "damaged": "damaged"}[damage] in report.warnings[0]
    report.warnings.clear()
    file.write_bytes(packed)
    scene.run("")
    scene.check()
