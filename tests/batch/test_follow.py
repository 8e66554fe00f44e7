"""Following, by itself: the names of rotation, what is looked at and how often, and what is remembered."""

import builtins
import gzip
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aggregator import compression, follow, positions, reading, rotation, sources
from aggregator.content import Content, digest
from aggregator.positions import DAY, FORGET_AFTER, REMEMBERED, Checkpoint, Positions
from aggregator.reading import Reader

NOW = 1_795_176_000_000_000


@pytest.mark.parametrize(
    "name",
    [
        "app.log.1", "app.log.12.gz", "app.log-20261120", "app.log-20261120.gz", "app.log-2026112010.zst",
        "app-20261120.log", "app-20261120.log.xz", "app.log.2026-11-20", "app.log.2026-11-20_10-10.bz2",
        "app.2026-11-20_10-00-00_123456.log", "app.log.20261120-101010.gz", "app.log.old", "app.log.bak", "app.log~",
        "app.log.gz", "app.log.old.gz", "app.log.1-2026112010.backup",
    ],
)  # fmt: skip
def test_names_of_rotation(name: str) -> None:
    assert "/logs/app.log" in rotation.bases(f"/logs/{name}")


@pytest.mark.parametrize("name", ["app.log", "app-2.log", "app.log.swp", "myapp.log.1", "app.jsonl.1", "app.log2"])
def test_names_of_other_logs(name: str) -> None:
    assert "/logs/app.log" not in rotation.bases(f"/logs/{name}")


def test_a_rotated_log_was_the_one_beside_it_if_that_is_there(tmp_path: Path) -> None:
    rotated, log = tmp_path / "web.1.log.3.gz", tmp_path / "web.1.log"
    assert rotation.origin(str(rotated)) == str(rotated)
    log.touch()
    assert rotation.origin(str(rotated)) == str(log)


class Runs:
    """Reads a folder's logs again and again, as runs do, and counts what it takes."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.now = NOW
        self.checkpoints: list[Checkpoint] = []
        self.counts: Counter[str] = Counter()
        self.reader = Reader()
        for module in (sources, reading):
            self._count(monkeypatch, module, "open", builtins.open)
        self._count(monkeypatch, os, "listdir", os.listdir)
        self._count(monkeypatch, os, "scandir", os.scandir)
        self._count(monkeypatch, compression, "pieces", compression.pieces)
        self._count(monkeypatch, positions, "digest", digest)
        read = Content.read

        def counted(content: Content, count: int = -1) -> bytes:
            data = read(content, count)
            self.counts["bytes"] += len(data)
            return data

        monkeypatch.setattr(Content, "read", counted)

    def _count(self, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, function: Any) -> None:
        def counted(*args: Any, **options: Any) -> Any:
            self.counts[name] += 1
            return function(*args, **options)

        monkeypatch.setattr(module, name, counted, raising=False)

    def read(self, *names: str) -> bytes:
        self.counts.clear()
        self.reader = Reader(Positions(self.checkpoints, self.now))
        data = b"".join(block.text for name in names for block in self.reader.blocks(str(self.folder / name)))
        for path in follow.rotated(self.reader):
            data += b"".join(block.text for block in self.reader.blocks(path))
        return data

    def end(self) -> list[follow.Gap]:
        gaps = follow.gaps(self.reader)
        self.checkpoints = self.reader.positions.remembered()
        return gaps


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(tmp_path, monkeypatch)


def log_of(number: int, lines: int = 3000) -> bytes:
    return b"".join(b"log %d line %d of no interest\n" % (number, line) for line in range(lines))


def test_three_hundred_known_logs_are_opened_once_each_and_hardly_read(runs: Runs, tmp_path: Path) -> None:
    names = [f"pod-{number}.log" for number in range(300)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(log_of(number))
    runs.read(*names)
    runs.end()
    assert runs.read(*names) == b""
    assert runs.end() == []
    assert runs.counts["open"] == 300
    assert runs.counts["bytes"] <= 300 * (66 << 10)
    assert runs.counts["scandir"] == 0


def test_three_hundred_logs_with_a_common_banner(runs: Runs, tmp_path: Path) -> None:
    names = [f"pod-{number}.log" for number in range(300)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(b"Booting\n" * 200 + log_of(number, 500 + number))
    runs.read(*names)
    runs.end()
    assert runs.read(*names) == b""
    runs.end()
    assert runs.counts["open"] == 300
    assert runs.counts["bytes"] <= 300 * (66 << 10)


def test_three_hundred_logs_that_go_away_at_once_cost_one_look_at_their_folder(runs: Runs, tmp_path: Path) -> None:
    names = [f"pod-{number}.log" for number in range(300)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(log_of(number, 5))
    runs.read(*names)
    runs.end()
    for name in names[1:]:
        (tmp_path / name).unlink()
    runs.read(names[0])
    assert len(runs.end()) == 299
    assert runs.counts["scandir"] == 1
    assert runs.counts["open"] == 1
    runs.read(names[0])
    assert runs.end() == []
    assert runs.counts["scandir"] == 0


def test_ten_thousand_short_logs_cost_as_many_hashes_as_a_head_has_lines(runs: Runs, tmp_path: Path) -> None:
    """Of every length below a kilobyte."""
    for number in range(REMEMBERED):
        head = (b"%06d" % number + b"x" * (number % 1000)) + b"\n"
        runs.checkpoints.append(
            Checkpoint(len(head), digest(head), len(head), digest(head), 1, str(tmp_path / f"{number}.log"), NOW)
        )
    data = b"a line of its own\n" * 100
    (tmp_path / "new.log").write_bytes(data)
    assert runs.read("new.log") == data
    assert runs.counts["digest"] < 130
    assert runs.counts["open"] == 1


def test_a_compressed_log_is_not_unpacked_again(runs: Runs, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"app.log.{number}.gz").write_bytes(gzip.compress(log_of(number)))
    names = [f"app.log.{number}.gz" for number in range(3)]
    assert runs.read(*names) == b"".join(map(log_of, range(3)))
    runs.end()
    (tmp_path / "app.log.2.gz").rename(tmp_path / "app.log.3.gz")
    assert runs.read("app.log.0.gz", "app.log.1.gz", "app.log.3.gz") == b""
    assert runs.end() == []
    assert runs.counts["pieces"] == 0
    (tmp_path / "app.log.0.gz").write_bytes(gzip.compress(log_of(0) + b"more\n"))
    assert runs.read("app.log.0.gz") == b"more\n"


def test_a_compressed_log_beside_its_original_is_not_unpacked_again(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "app.log.1").write_bytes(log_of(1))
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(log_of(1)))
    for _ in range(2):
        runs.read("app.log.1", "app.log.1.gz")
        runs.end()
    assert runs.counts["pieces"] == 0


def test_rotated_logs_that_stay_as_they_are_are_not_opened(runs: Runs, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    for number in range(5):
        log.write_bytes(log_of(number, 3))
        runs.read("app.log")
        runs.end()
        for old in range(number, 0, -1):
            (tmp_path / f"app.log.{old}").rename(tmp_path / f"app.log.{old + 1}")
        log.rename(tmp_path / "app.log.1")
    log.write_bytes(log_of(9, 3))
    assert runs.read("app.log") == log_of(9, 3)
    assert runs.end() == []
    assert runs.read("app.log") == b""
    assert runs.end() == []
    assert runs.counts["open"] == 1


def test_a_source_is_forgotten_after_ninety_days(runs: Runs, tmp_path: Path) -> None:
    for name in ("app.log", "old.log"):
        (tmp_path / name).write_bytes(name.encode() + b"\n")
    runs.read("app.log", "old.log")
    runs.end()
    for now in (NOW + FORGET_AFTER, NOW + FORGET_AFTER + 1):
        runs.now = now
        runs.read("app.log")
        assert runs.end() == []
        assert len(runs.checkpoints) == (2 if now == NOW + FORGET_AFTER else 1)


def test_empty_logs_leave_nothing_behind(runs: Runs, tmp_path: Path) -> None:
    for second in range(5):
        (tmp_path / "app.log").touch()
        os.utime(tmp_path / "app.log", (second, second))
        runs.read("app.log")
        assert runs.end() == []
        assert len(runs.checkpoints) == 1


def test_those_met_last_are_remembered() -> None:
    old = [Checkpoint(1, f"{i}", 1, "", 1, f"{i}.log", NOW - i) for i in range(REMEMBERED + 5)]
    kept = Positions(reversed(old), NOW).remembered()
    assert kept == old[:REMEMBERED]


def test_more_sources_than_are_remembered_is_told(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "REMEMBERED", 2)
    for number in range(3):
        (tmp_path / f"{number}.log").write_bytes(log_of(number, 1))
    runs.read("0.log", "1.log")
    runs.end()
    assert runs.reader.warnings == []
    runs.read("0.log", "1.log", "2.log")
    runs.end()
    assert "3 sources were read" in runs.reader.warnings[0]


def test_a_log_that_is_no_longer_named_is_neither_read_nor_told(runs: Runs, tmp_path: Path) -> None:
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_bytes(name.encode() + b"\n")
    runs.read("a.log", "b.log")
    runs.end()
    (tmp_path / "b.log").rename(tmp_path / "b.log.1")
    (tmp_path / "b.log").write_bytes(b"new\n")
    assert runs.read("a.log") == b""
    assert runs.end() == []


@pytest.mark.parametrize("age", [DAY - 60_000_000, DAY + 60_000_000])
def test_a_log_that_was_quiet_for_a_day_has_ended(runs: Runs, tmp_path: Path, age: int) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"line\n")
    os.utime(log, ns=((NOW - age) * 1000,) * 2)
    runs.read("app.log")
    runs.end()
    log.write_bytes(b"another\n")
    runs.read("app.log")
    assert len(runs.end()) == (age < DAY)


def test_a_rotated_log_that_may_not_be_read_is_told_and_stops_nothing(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"line\n")
    runs.read("app.log")
    runs.end()
    log.rename(tmp_path / "app.log.1")
    log.write_bytes(b"another\n")
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith(".1"))
    assert runs.read("app.log") == b"another\n"
    assert "app.log.1: a rotated log that cannot be read" in runs.reader.warnings[0]
    assert len(runs.end()) == 1


def test_checkpoints_of_the_first_format_are_met(runs: Runs, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(log_of(1))
    runs.read("app.log")
    runs.end()
    runs.checkpoints = [replace(c, path="", origin="", modified_at=0, target="") for c in runs.checkpoints]
    assert runs.read("app.log") == b""
    assert runs.end() == []
    assert runs.checkpoints[0].origin == str(log)
