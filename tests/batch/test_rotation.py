"""Rotation between runs, however it is done: every line counts once, and nothing is told to be lost."""

import pytest

from .scene import PACKERS, Scene

OWN, ALL = ("app.log",), ("app.log*",)
NAMED = pytest.mark.parametrize("named", [OWN, ALL], ids=["own name", "glob"])


@NAMED
@pytest.mark.parametrize(
    "rotated",
    [
        "app.log.1", "app.log-20261120", "app.log.2026-11-20", "app-20261120.log", "app.log.old", "app.log-1763600000",
        "app-2026-11-20T10-10-10.123.log", "app.log.20261120-101010",
    ],
)  # fmt: skip
def test_renamed(scene: Scene, named: tuple[str, ...], rotated: str) -> None:
    named = (*named, "app-*.log") if named == ALL and rotated.endswith(".log") else named
    scene.write("app-0.log")
    scene.write("app.log")
    scene.run(*named, "app-0.log")
    scene.write("app.log")
    scene.move("app.log", rotated)
    scene.write("app.log")
    scene.run(*named, "app-0.log")
    scene.write("app.log")
    scene.run(*named, "app-0.log")
    scene.run(*named, "app-0.log")
    scene.check()


@NAMED
@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("rotated", ["app.log.1", "app.log-20261120", "app.log.2026-11-20", "app.log.20261120-101010"])
def test_renamed_and_compressed_half_read(scene: Scene, named: tuple[str, ...], packer: str, rotated: str) -> None:
    scene.write("app.log")
    scene.run(*named)
    scene.write("app.log")
    scene.pack("app.log", f"{rotated}.{packer}")
    scene.write("app.log")
    scene.run(*named)
    assert scene.run(*named).read == 0
    scene.check()


@NAMED
def test_copied_and_truncated(scene: Scene, named: tuple[str, ...]) -> None:
    scene.write("app.log")
    scene.run(*named)
    for _ in range(3):
        scene.write("app.log")
        if (scene.logs / "app.log.1").exists():
            scene.move("app.log.1", "app.log.2")
        scene.copy("app.log", "app.log.1")
        scene.truncate("app.log")
        scene.run(*named)
        scene.write("app.log")
        scene.run(*named)
    scene.check()


@NAMED
@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("copied", [False, True], ids=["renamed", "copied"])
def test_rotated_more_than_once_between_runs(
    scene: Scene, named: tuple[str, ...], times: int, packed: bool, copied: bool
) -> None:
    scene.write("app.log")
    scene.run(*named)
    for number in range(times, 0, -1):
        scene.write("app.log")
        if copied:
            scene.copy("app.log", f"app.log.{number}")
            scene.truncate("app.log")
        else:
            scene.move("app.log", f"app.log.{number}")
        if packed:
            scene.pack(f"app.log.{number}", f"app.log.{number}.gz")
    scene.write("app.log")
    scene.run(*named)
    scene.run(*named)
    scene.check()


@NAMED
@pytest.mark.parametrize("first", ["", '{"logemit":1,"ev'], ids=["empty", "unfinished"])
def test_rotated_before_its_first_line_was_read(scene: Scene, named: tuple[str, ...], first: str) -> None:
    """Of what was empty there is no content to know it by."""
    line = scene.lines(1)
    (scene.logs / "app.log").write_text(first)
    scene.run(*named)
    (scene.logs / "app.log").write_bytes(line)
    scene.move("app.log", "app.log.1")
    scene.write("app.log")
    scene.run(*named)
    scene.write("app.log")
    scene.run(*named)
    scene.check()


@NAMED
def test_empty_rotated_and_empty_again(scene: Scene, named: tuple[str, ...]) -> None:
    for number in range(3, 0, -1):
        (scene.logs / "app.log").touch()
        scene.run(*named)
        scene.write("app.log")
        scene.move("app.log", f"app.log.{number}")
    (scene.logs / "app.log").touch()
    scene.run(*named)
    scene.check()


@NAMED
def test_written_on_after_it_was_rotated(scene: Scene, named: tuple[str, ...]) -> None:
    """By a process that opens its log anew only later, while runs go on; then it is compressed."""
    scene.write("app.log")
    scene.run(*named)
    scene.move("app.log", "app.log.1")
    (scene.logs / "app.log").touch()
    for _ in range(3):
        scene.write("app.log.1")
        scene.run(*named)
    scene.write("app.log")
    scene.write("app.log.1")
    scene.move("app.log.1", "app.log.2")
    scene.move("app.log", "app.log.1")
    scene.pack("app.log.2", "app.log.2.gz")
    scene.write("app.log")
    scene.run(*named)
    scene.run(*named)
    scene.check()


@NAMED
def test_many_days_with_compression_a_day_later(scene: Scene, named: tuple[str, ...]) -> None:
    """As logrotate does with `rotate 4`, `compress` and `delaycompress`: what retention deletes is no loss."""
    for _ in range(9):
        scene.write("app.log")
        scene.run(*named)
        scene.write("app.log")
        (scene.logs / "app.log.4.gz").unlink(missing_ok=True)
        for number in (3, 2):
            if (scene.logs / f"app.log.{number}.gz").exists():
                scene.move(f"app.log.{number}.gz", f"app.log.{number + 1}.gz")
        if (scene.logs / "app.log.1").exists():
            scene.pack("app.log.1", "app.log.2.gz")
        scene.move("app.log", "app.log.1")
        scene.write("app.log")
        scene.run(*named)
    scene.check()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_history_that_was_not_named_is_not_read(scene: Scene, suffix: str) -> None:
    written = scene.written
    for number in (2, 1):
        scene.write(f"app.log.{number}")
        scene.age(f"app.log.{number}")
    scene.pack("app.log.2", "app.log.2.gz")
    scene.written = written
    scene.write("app-1.log")
    scene.written = written
    scene.write("app.log")
    scene.run(*OWN)
    for _ in range(2):
        scene.move("app.log.2.gz", "app.log.3.gz")
        scene.move("app.log.1", "app.log.2")
        scene.move("app.log", "app.log.1")
        scene.pack("app.log.2", "app.log.2.gz")
        written = scene.written
        scene.write("app-1.log")  # another one, of another worker
        scene.written = written
        scene.write("app.log")
        scene.run(*OWN)
    scene.check()


@NAMED
def test_the_end_of_a_line_comes_after_the_rotation(scene: Scene, named: tuple[str, ...]) -> None:
    line = scene.lines(1)
    with (scene.logs / "app.log").open("ab") as file:
        file.write(line[:-7])
    assert scene.run(*named).unfinished == 1
    scene.move("app.log", "app.log.1")
    scene.write("app.log")
    scene.run(*named)
    with (scene.logs / "app.log.1").open("ab") as file:
        file.write(line[-7:])
    scene.run(*named)
    scene.check()


@pytest.mark.parametrize("named", [("current",), ("",)], ids=["own name", "folder"])
def test_svlogd(scene: Scene, named: tuple[str, ...]) -> None:
    scene.write("current")
    scene.run(*named)
    for stamp in range(3):
        scene.write("current")
        scene.move("current", f"@400000005f{stamp:014x}.{'su'[stamp % 2]}")
        scene.write("current")
        scene.run(*named)
    scene.check()


@pytest.mark.parametrize("packed", ["0.log.20261120-101010.gz", "0.log.20261120-101010"])
def test_kubelet_behind_a_link_and_a_new_container(scene: Scene, packed: str) -> None:
    """/var/log/containers holds links; a restart makes 1.log and moves the link."""
    for name in ("pod", "containers"):
        (scene.logs / name).mkdir()
    (scene.logs / "containers/app-1.log").symlink_to(scene.logs / "pod/0.log")
    scene.write("pod/0.log")
    scene.run("containers/*.log")
    scene.write("pod/0.log")
    scene.move("pod/0.log", "pod/0.log.20261120-101010")
    if packed.endswith(".gz"):
        scene.pack("pod/0.log.20261120-101010", "pod/0.log.20261120-101010.tmp.gz")
        scene.move("pod/0.log.20261120-101010.tmp.gz", f"pod/{packed}")
    scene.write("pod/0.log")
    scene.run("containers/*.log")
    scene.write("pod/0.log")
    scene.remove("containers/app-1.log")
    (scene.logs / "containers/app-2.log").symlink_to(scene.logs / "pod/1.log")
    scene.write("pod/1.log")
    scene.run("containers/*.log")
    scene.check()


def test_a_link_that_is_moved_to_the_next_log(scene: Scene) -> None:
    link = scene.logs / "current.log"
    for number in range(3):
        scene.write(f"app-{number}.log")
        link.unlink(missing_ok=True)
        link.symlink_to(f"app-{number}.log")
        scene.run("current.log")
        scene.write(f"app-{number}.log")
    scene.run("current.log")
    link.unlink()
    scene.write("app-3.log")
    link.symlink_to("app-3.log")
    scene.run("current.log")
    scene.check()


def test_into_another_folder_that_is_named_too(scene: Scene) -> None:
    (scene.logs / "old").mkdir()
    scene.write("app.log")
    scene.run("*.log*")
    for number in range(3):
        scene.write("app.log")
        scene.move("app.log", f"old/app.log-2026112{number}")
        scene.write("app.log")
        scene.run("app.log", "old/*")
    for number in range(3):
        scene.remove(f"old/app.log-2026112{number}")
        scene.run("*.log*")
    scene.check()


def test_a_folder_that_stands_elsewhere_now(scene: Scene) -> None:
    """As in a container: what is told by the old place holds at the new one."""
    scene.write("app.log")
    scene.run("app.log")
    scene.logs = scene.logs.rename(scene.logs.with_name("mounted"))
    scene.write("app.log")
    scene.run("app.log")
    scene.write("app.log")
    scene.move("app.log", "app.log.1")
    scene.write("app.log")
    scene.run("app.log")
    scene.truncate("app.log")
    scene.run("app.log")
    scene.check(gaps=1)


def test_two_schedules_with_one_output(scene: Scene) -> None:
    """Each with its own log: neither reads or misses the other's."""
    for _ in range(3):
        for name in ("a.log", "b.log"):
            scene.write(name)
            scene.run(name)
            scene.write(name)
            if (scene.logs / f"{name}.1").exists():
                scene.move(f"{name}.1", f"{name}.2")
            scene.move(name, f"{name}.1")
            scene.write(name)
    scene.run("a.log")
    scene.run("b.log")
    scene.check()
