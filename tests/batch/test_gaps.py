"""What went away unread is told, once; what did not is not, and nothing counts twice on the way."""

import gzip

import pytest

from .scene import Scene

OWN, ALL = ("app.log",), ("app.log*",)
NAMED = pytest.mark.parametrize("named", [OWN, ALL], ids=["own name", "glob"])


@NAMED
def test_deleted_and_made_anew_with_the_same_inode(scene: Scene, named: tuple[str, ...]) -> None:
    first = scene.write("app.log", 2)
    scene.run(*named)
    old = (scene.logs / "app.log").stat()
    log = scene.logs / "app.log"
    scene.remove("app.log")
    for _ in range(100):  # another process may have been given it
        log.touch()
        if log.stat().st_ino == old.st_ino:
            break
        log.unlink()
    again = scene.write("app.log", 2)
    assert scene.run(*named).gaps == 1
    scene.run(*named)
    assert first != again
    scene.check(gaps=1)


@NAMED
@pytest.mark.parametrize("common", [False, True], ids=["nothing common", "common beginning"])
@pytest.mark.parametrize("size", ["shorter", "same", "longer"])
def test_truncated_and_written_anew(scene: Scene, named: tuple[str, ...], common: bool, size: str) -> None:
    banner = b"".join(b"banner %d\n" % i for i in range(200)) if common else b""
    log = scene.logs / "app.log"
    log.write_bytes(banner + scene.lines(4))
    scene.run(*named)
    length = log.stat().st_size
    again = banner + scene.lines({"shorter": 3, "same": 3, "longer": 6}[size])
    if size == "same":
        again = again + b"x" * (length - len(again) - 1) + b"\n"
    scene.truncate("app.log")
    with log.open("ab") as file:
        file.write(again)
    foreign = scene.run(*named).foreign
    scene.run(*named)
    for report, extra in ((scene.reports[0], 200 * common), (scene.reports[1], 200 * common + (size == "same"))):
        report.foreign -= extra
    assert foreign
    scene.check(gaps=1)


@NAMED
def test_truncated_without_a_copy_is_told_every_time_once(scene: Scene, named: tuple[str, ...]) -> None:
    for number in range(3):
        scene.write("app.log", number + 1)
        scene.run(*named)
        scene.run(*named)
        scene.truncate("app.log")
    scene.run(*named)
    scene.run(*named)
    scene.check(gaps=3)


@NAMED
def test_rotated_away_unread(scene: Scene, named: tuple[str, ...]) -> None:
    """Four times, and two are kept: of the two that are gone, one had been begun."""
    scene.write("app.log")
    scene.run(*named)
    before = scene.written
    scene.write("app.log")
    scene.remove("app.log")
    lost = scene.written - before
    scene.write("app.log.2")
    scene.write("app.log.1")
    scene.write("app.log")
    scene.run(*named)
    scene.run(*named)
    scene.check(lost=lost, gaps=1)


@NAMED
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_an_unfinished_line_waits_is_rotated_and_goes(scene: Scene, named: tuple[str, ...], packed: bool) -> None:
    scene.write("app.log")
    with (scene.logs / "app.log").open("ab") as file:
        file.write(b'{"logemit":1,"event"')
    scene.run(*named)
    scene.move("app.log", "app.log.1")
    scene.write("app.log")
    scene.run(*named)
    rotated = "app.log.1"
    if packed:
        rotated += ".gz"
        scene.pack("app.log.1", rotated)
    scene.run(*named)
    scene.remove(rotated)
    scene.run(*named)
    scene.run(*named)
    assert "20 bytes of an unfinished line" in "".join(w for report in scene.reports for w in report.warnings)
    scene.check(gaps=1, gap_bytes=20)


@NAMED
def test_only_an_unfinished_line_and_gone(scene: Scene, named: tuple[str, ...]) -> None:
    scene.write("app.log.2")
    (scene.logs / "app.log").write_bytes(b"half")
    scene.run("app.log.2", *named)
    (scene.logs / "app.log").unlink()
    scene.write("app.log")
    scene.run("app.log.2", *named)
    scene.run("app.log.2", *named)
    scene.check(gaps=1, gap_bytes=4)


def test_a_folder_that_is_gone_with_its_logs(scene: Scene) -> None:
    for name in ("a", "b"):
        (scene.logs / name).mkdir()
        scene.write(f"{name}/app.log")
    scene.run("*/app.log")
    scene.remove("b/app.log")
    (scene.logs / "b").rmdir()
    scene.run("*/app.log")
    scene.run("*/app.log")
    scene.check(gaps=1)


def test_pods_that_come_and_go(scene: Scene) -> None:
    """Told is one that was written to within the last day; not one that had ended long before."""
    for number in range(6):
        scene.write(f"pod-{number}_app.log")
        scene.age(f"pod-{number}_app.log") if number % 2 else None
        scene.run("*.log")
    for number in range(5):
        scene.remove(f"pod-{number}_app.log")
        scene.run("*.log")
    scene.check(gaps=3)


def test_the_last_of_the_kept_when_all_are_new_to_us(scene: Scene) -> None:
    """Rotated logs are known by their names where their log stands beside them."""
    for number in range(4, 0, -1):
        scene.write(f"app.log.{number}")
    scene.write("app.log")
    scene.run(*ALL)
    scene.remove("app.log.4")
    scene.run(*ALL)
    scene.check()


@pytest.mark.parametrize("torn", [0, 5, 0.5, 1], ids=["empty", "header", "half", "all but the end"])
@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
@pytest.mark.parametrize("order", [("app.log", "app.log.1", "app.log.1.gz"), ("app.log.1.gz", "app.log.1", "app.log")])
def test_compressing_is_under_way(scene: Scene, torn: float, known: bool, order: tuple[str, ...]) -> None:
    """The old file stands beside one that is not whole yet, in two runs; then the old one goes."""
    scene.write("app.log", 9)
    if known:
        scene.run(*ALL)
    scene.write("app.log", 9)
    scene.move("app.log", "app.log.1")
    scene.write("app.log")
    packed = gzip.compress((scene.logs / "app.log.1").read_bytes())
    for end in (torn, torn + 0.3 if torn == 0.5 else torn):
        size = len(packed) - 1 if end == 1 else int(len(packed) * end) if end < 1 else int(end)
        (scene.logs / "app.log.1.gz").write_bytes(packed[:size])
        scene.run(*order)
    (scene.logs / "app.log.1.gz").write_bytes(packed)
    scene.run(*order)
    scene.remove("app.log.1")
    scene.run("app.log", "app.log.1.gz")
    scene.remove("app.log.1.gz")
    scene.run("app.log")
    for report in scene.reports:  # one that was met before its original cannot be told from one that is left torn
        report.warnings = [warning for warning in report.warnings if "breaks off" not in warning]
    scene.check()


def test_a_torn_one_beside_its_original_is_not_told(scene: Scene) -> None:
    scene.write("app.log", 9)
    packed = gzip.compress((scene.logs / "app.log").read_bytes())
    (scene.logs / "app.log.gz").write_bytes(packed[: len(packed) - 2])
    scene.run(*ALL)
    scene.run(*ALL)
    scene.check()


@pytest.mark.parametrize("name", ["app.log.bak", "a.log", "app.log.gz", "app.log~"])
def test_a_copy_that_stays_behind(scene: Scene, name: str) -> None:
    """Taken at any time, and the log grows on; then the copy goes, or is taken anew."""

    def copy() -> None:
        if name.endswith(".gz"):
            scene.pack("app.log", name, keep=True)
        else:
            scene.copy("app.log", name)

    named = ("app.log", name)
    scene.write("app.log", 9)
    scene.run("app.log")
    copy()
    scene.run(*named)
    for _ in range(2):
        scene.write("app.log")
        scene.run(*named)
        scene.write("app.log")
        copy()
        scene.write("app.log")
        scene.run(*named)
        scene.run(*named)
    scene.remove(name)
    scene.run("app.log")
    scene.check()


@pytest.mark.parametrize("size", [30, 3000])
def test_logs_with_a_common_banner(scene: Scene, size: int) -> None:
    banner = (b"Booting the application\n" * (1 + size // 24))[: size - 1] + b"\n"
    names = [f"pod-{number}.log" for number in range(4)]
    for name in names:
        (scene.logs / name).write_bytes(banner + scene.lines())
    scene.run("*.log")
    for name in names:
        scene.write(name)
    scene.run("*.log")
    scene.run("*.log")
    scene.reports[0].foreign -= 4 * banner.count(b"\n")
    scene.check()


def test_logs_with_nothing_but_their_banner_at_first(scene: Scene) -> None:
    names = [f"pod-{number}.log" for number in range(4)]
    for name in names:
        (scene.logs / name).write_bytes(b"Booting\n")
    scene.run("*.log")
    for name in names:
        scene.write(name)
    scene.run("*.log")
    scene.run("*.log")
    assert sum(report.foreign for report in scene.reports) == scene.written + 4
    scene.reports[0].foreign -= 4
    scene.check()
