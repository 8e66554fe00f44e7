"""Links, pipes, standard input and compressed files as sources."""

import gzip
import os
import tarfile
import threading
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from aggregator.errors import InputError
from aggregator.run import aggregate
from tests.scale import scaled

from .scene import CONFIG, PACKERS, Scene


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
    packed = PACKERS[packer](scene.lines(scaled(50, 200, 200)))
    middle = len(packed) // 2
    file = scene.logs / f"app.log.{packer}"
    file.write_bytes(packed[:middle] + (bytes([packed[middle] ^ 255]) + packed[middle + 1 :]) * (damage == "damaged"))
    report = scene.run("")
    assert {"torn": "breaks off", "damaged": "damaged"}[damage] in report.warnings[0]
    report.warnings.clear()
    file.write_bytes(packed)
    scene.run("")
    scene.check()


def archive(scene: Scene, name: str, packer: str) -> None:
    scene.write("inner.log")
    with tarfile.open(scene.logs / name, f"w:{packer}") as tar:  # type: ignore[call-overload]
        tar.add(scene.logs / "inner.log")
    scene.remove("inner.log")


@pytest.mark.parametrize("packer", ["", "gz", "bz2", "xz"])
def test_a_tar_archive_is_refused_by_its_name_and_passed_over_in_a_folder(scene: Scene, packer: str) -> None:
    scene.write("app.log")
    archive(scene, "logs.log", packer)
    with pytest.raises(InputError, match=r"logs\.log: is a tar archive; unpack it"):
        scene.run("logs.log")
    for _ in range(2):
        report = scene.run("")
        assert [warning for warning in report.warnings if "tar archive" in warning]
    assert sum(report.events for report in scene.reports) == 2 * 2 * 30


@pytest.mark.parametrize("outer", PACKERS)
@pytest.mark.parametrize("inner", PACKERS)
def test_what_was_packed_twice(scene: Scene, outer: str, inner: str) -> None:
    """Firehose packs what CloudWatch has packed already."""
    (scene.logs / "object").write_bytes(PACKERS[outer](PACKERS[inner](scene.lines())))
    assert scene.run("object").warnings == []
    assert scene.run("object").read == 0
    scene.check()


@pytest.mark.parametrize("packer", PACKERS)
def test_standard_input_may_be_packed(scene: Scene, monkeypatch: pytest.MonkeyPatch, packer: str) -> None:
    packed = PACKERS[packer](scene.lines())
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(packed)))
    scene.reports.append(aggregate(["-"], scene.out, CONFIG))
    scene.check()


def test_standard_input_that_breaks_off_says_so(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(scene.lines())
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(packed[: len(packed) // 2])))
    report = aggregate(["-"], scene.out, CONFIG)
    assert report.warnings == ["-: the gzip file breaks off; its whole lines were read"]
