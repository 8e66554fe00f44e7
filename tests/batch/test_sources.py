"""Sources: what is new is read once, whatever happened to the files in between."""

import gzip
import io
import os
import random
import sys
import threading
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import sources
from aggregator.errors import InputError, ReadWriteError
from aggregator.lines import BLOCK_SIZE
from aggregator.positions import Checkpoint, Positions
from aggregator.reading import Reader
from tests.scale import scaled

NOW = 1_795_176_000_000_000
LINES = [f"line {i} {'x' * (i % 90)}\n".encode() for i in range(400)]
DATA = b"".join(LINES)


class Follower:
    """Reads a set of files again and again, as runs do."""

    def __init__(self) -> None:
        self.checkpoints: list[Checkpoint] = []
        self.reader = Reader()

    def read(self, *paths: Path) -> bytes:
        self.reader = Reader(Positions(self.checkpoints, NOW))
        data = b"".join(block.text for path in paths for block in self.reader.blocks(str(path)))
        self.checkpoints = self.reader.positions.remembered()
        return data


@pytest.fixture
def follow() -> Follower:
    return Follower()


def test_a_file_that_grows_is_read_on(tmp_path: Path, follow: Follower) -> None:
    log = tmp_path / "app.log"
    for start in range(0, 400, 100):
        with log.open("ab") as file:
            file.write(b"".join(LINES[start : start + 100]))
        assert follow.read(log) == b"".join(LINES[start : start + 100])
    assert follow.read(log) == b""
    assert len(follow.checkpoints) == 1
    assert follow.checkpoints[0].lines == 400


def test_a_file_below_a_kilobyte_that_grows(tmp_path: Path, follow: Follower) -> None:
    log = tmp_path / "app.log"
    for i in range(60):
        with log.open("ab") as file:
            file.write(LINES[i])
        assert follow.read(log) == LINES[i]
    assert len(follow.checkpoints) == 1


def test_an_unfinished_last_line_waits(tmp_path: Path, follow: Follower) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"one\ntw")
    assert follow.read(log) == b"one\n"
    assert follow.reader.unfinished == 1
    log.write_bytes(b"one\ntwo\n")
    assert follow.read(log) == b"two\n"


def test_rotation_by_rename(tmp_path: Path, follow: Follower) -> None:
    log, old = tmp_path / "app.log", tmp_path / "app.log.1"
    log.write_bytes(DATA[:5000])
    follow.read(log)
    log.write_bytes(DATA[:6000])
    log.rename(old)
    log.write_bytes(b"new\n")
    end = DATA[:6000].rfind(b"\n") + 1
    start = DATA[:5000].rfind(b"\n") + 1
    assert follow.read(old, log) == DATA[start:end] + b"new\n"
    assert follow.read(log, old) == b""


def test_rotation_by_copytruncate(tmp_path: Path, follow: Follower) -> None:
    log, copy = tmp_path / "app.log", tmp_path / "app.log.1"
    log.write_bytes(DATA)
    assert follow.read(log) == DATA
    copy.write_bytes(DATA + b"late\n")
    log.write_bytes(b"fresh\n")
    assert follow.read(log, copy) == b"fresh\nlate\n"


def test_compression_of_a_file_half_read(tmp_path: Path, follow: Follower) -> None:
    log, packed, other = tmp_path / "app.log", tmp_path / "app.log.1.gz", tmp_path / "app.log.1.zst"
    log.write_bytes(b"".join(LINES[:150]))
    follow.read(log)
    packed.write_bytes(gzip.compress(DATA))
    other.write_bytes(zstandard.compress(DATA))
    assert follow.read(packed) == b"".join(LINES[150:])
    assert follow.read(other, packed) == b""


def test_a_file_that_was_rewritten_is_read_from_its_start(tmp_path: Path, follow: Follower) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(DATA)
    follow.read(log)
    changed = DATA[:2000] + b"changed\n" + DATA[2000:]
    log.write_bytes(changed)
    assert follow.read(log) == changed


def test_one_file_under_two_names_is_read_once(tmp_path: Path, follow: Follower) -> None:
    log, link = tmp_path / "app.log", tmp_path / "link.log"
    log.write_bytes(DATA)
    link.symlink_to(log)
    assert follow.read(log, link) == DATA


def test_a_torn_gzip_gives_its_whole_lines_and_goes_on_when_it_is_whole(tmp_path: Path, follow: Follower) -> None:
    packed = tmp_path / "app.log.gz"
    noise = b"".join(b"%x\n" % random.Random(7).getrandbits(400) for _ in range(3000))
    data = gzip.compress(noise)
    packed.write_bytes(data[: len(data) // 2])
    first = follow.read(packed)
    assert first
    assert noise.startswith(first)
    assert first.endswith(b"\n")
    assert "breaks off" in follow.reader.warnings[0]
    packed.write_bytes(data)
    assert first + follow.read(packed) == noise
    assert follow.reader.warnings == []


def test_a_damaged_gzip_is_told(tmp_path: Path, follow: Follower) -> None:
    packed = tmp_path / "app.log.gz"
    data = bytearray(gzip.compress(DATA))
    data[len(data) // 2] ^= 0xFF
    packed.write_bytes(data)
    assert follow.read(packed) == b""
    assert "damaged" in follow.reader.warnings[0]
    packed.write_bytes(gzip.compress(DATA))
    assert follow.read(packed) == DATA


def test_members_one_after_the_other_with_padding(tmp_path: Path, follow: Follower) -> None:
    packed, other = tmp_path / "a.gz", tmp_path / "b.zst"
    packed.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n") + b"\0" * 512)
    other.write_bytes(zstandard.compress(b"three\n") + zstandard.compress(b"four\n"))
    assert follow.read(packed, other) == b"one\ntwo\nthree\nfour\n"
    assert follow.reader.warnings == []


def test_containers_are_known_by_content_not_by_name(tmp_path: Path, follow: Follower) -> None:
    named_wrong, plain = tmp_path / "app.log", tmp_path / "plain.gz"
    named_wrong.write_bytes(gzip.compress(b"packed\n"))
    plain.write_bytes(b"plain\n")
    assert follow.read(named_wrong, plain) == b"packed\nplain\n"


def test_a_file_that_grows_while_it_is_read_ends_where_it_ended_at_first(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(DATA)
    reader = Reader()
    read = b""
    for block in reader.blocks(str(log)):
        read += block.text
        with log.open("ab") as file:
            file.write(b"more\n")
    assert read == DATA
    again = Reader(reader.positions)
    assert b"".join(block.text for block in again.blocks(str(log))) == b"more\n"


def test_a_gzip_bomb_is_read_in_pieces(tmp_path: Path) -> None:
    packed = tmp_path / "bomb.gz"
    with gzip.open(packed, "wb", compresslevel=9) as file:
        for _ in range(64):
            file.write(b"\n" * (1 << 20))
    largest = max(len(block.text) for block in Reader().blocks(str(packed)))
    assert largest <= BLOCK_SIZE + (1 << 22)


def test_a_line_without_end_is_skipped_and_never_held(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    with log.open("wb") as file:
        file.write(b"before\n")
        for _ in range(48):
            file.write(b"x" * (1 << 20))
        file.write(b"\nafter\n")
    blocks = list(Reader().blocks(str(log)))
    assert b"".join(block.text for block in blocks if not block.too_long) == b"before\nafter\n"
    (skipped,) = [block for block in blocks if block.too_long]
    assert (skipped.first_line, len(skipped.text)) == (2, 256)
    assert max(len(block.text) for block in blocks) < 1 << 21


def test_a_line_without_end_that_is_not_finished_yet_waits(tmp_path: Path, follow: Follower) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"before\n" + b"x" * (20 << 20))
    assert follow.read(log) == b"before\n"
    with log.open("ab") as file:
        file.write(b"\nafter\n")
    follow.reader = Reader(Positions(follow.checkpoints, NOW))
    blocks = list(follow.reader.blocks(str(log)))
    assert [block.text for block in blocks if not block.too_long] == [b"after\n"]


def test_standard_input_is_read_to_its_end_also_without_a_newline(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BufferedReader(io.BytesIO(b"one\ntwo"))

    monkeypatch.setattr(sys, "stdin", Stdin)
    reader = Reader()
    assert b"".join(block.text for block in reader.blocks("-")) == b"one\ntwo\n"
    assert not list(reader.positions)


def test_a_pipe_by_name(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    thread = threading.Thread(target=lambda: pipe.write_bytes(DATA))
    thread.start()
    assert b"".join(block.text for block in Reader().blocks(str(pipe))) == DATA
    thread.join()


@settings(max_examples=scaled(20, 60, 60), deadline=None)
@given(cuts=st.lists(st.integers(0, len(DATA)), max_size=5), packed=st.lists(st.booleans(), min_size=6, max_size=6))
def test_any_growth_and_packing_reads_every_line_once(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], packed: list[bool]
) -> None:
    follow = Follower()
    folder = tmp_path_factory.mktemp("grow")
    read = b""
    for step, end in enumerate([*sorted(cuts), len(DATA)]):
        path = folder / f"step{step}"
        path.write_bytes(gzip.compress(DATA[:end]) if packed[step] else DATA[:end])
        read += follow.read(path)
    assert read == DATA


def test_find_names_files_folders_and_globs_once_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("logs/app.log", "logs/app.log.1", "logs/app.log-20261120.gz", "logs/sub/x.jsonl", "logs/README.md",
                 "logs/.hidden.log", "logs/expected.prom", "logs/_logemit/y.log"):  # fmt: skip
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    logs = sources.find(["logs"])
    assert [name.removeprefix("logs/") for name in logs] == [
        "app.log", "app.log-20261120.gz", "app.log.1", "sub/x.jsonl"
    ]  # fmt: skip
    assert sources.find(["logs/app.log", "logs/*.log", "-"]) == ["logs/app.log", "-"]


@pytest.mark.parametrize("pattern", ["nowhere.log", "*.nothing", "empty"])
def test_find_says_what_names_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    with pytest.raises(InputError, match=pattern.replace("*", r"\*")):
        sources.find([pattern])


def test_a_file_that_vanished_or_cannot_be_read(tmp_path: Path) -> None:
    reader = Reader()
    assert list(reader.blocks(str(tmp_path / "gone.log"))) == []
    assert "gone.log: vanished before it was read" in reader.warnings[0]
    with pytest.raises(ReadWriteError, match="cannot be read"):
        list(Reader().blocks(str(tmp_path)))
