"""--rejects: which lines were rejected, where they stood and why."""

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aggregator import rejects
from tests import quick

GOOD = b'{"logemit":1,"event":"feed_poll","timestamp":"2026-11-20T12:00:00Z","service":"s","feed_id":"1"}\n'
BAD = [
    (b'{"logemit":2,"event":"feed_poll"}', "version"),
    (b'{"logemit":1,"event":"feed_poll"', "json"),
    (b'{"logemit":1,"event":"feed_poll","timestamp":"yesterday"}', "timestamp"),
    (b'{"logemit":1,"event":7,"note":"\xff\x00\x1b[31m \xe2\x80\xa8"}', "json"),
    (b'{"logemit":1,"event":"feed_poll","note":"' + b"x" * 70_000 + b'"}', "too_long"),
]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(quick.command().path), "aggregate", *arguments, "--out", "out", "--rejects", "rejects.jsonl"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def kept(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rejects.jsonl").read_bytes().splitlines()]


@pytest.mark.parametrize("packed", [False, True])
def test_each_rejected_line_is_kept_with_its_place_and_its_reason(tmp_path: Path, packed: bool) -> None:
    lines = [line for bad, _ in BAD for line in (GOOD, bad + b"\n")]
    data = b"".join(lines)
    (tmp_path / "app.log").write_bytes(gzip.compress(data) if packed else data)
    assert run(tmp_path, "app.log").returncode == 0
    found = kept(tmp_path)
    assert [each["kind"] for each in found] == [kind for _, kind in BAD]
    assert {each["file"] for each in found} == {"app.log"}
    assert [each["line"] for each in found] == [2, 4, 6, 8, 10]
    assert [each["offset"] for each in found] == [sum(map(len, lines[:n])) for n in (1, 3, 5, 7, 9)]
    for each, (bad, _) in zip(found, BAD, strict=True):
        whole = bad.decode("utf-8", "backslashreplace")
        assert each["text"] == whole[: len(each["text"])]
        assert len(each["text"]) >= min(len(whole), 256)
    run(tmp_path, "app.log")
    assert kept(tmp_path) == found


def test_the_line_in_an_envelope_has_the_place_of_its_last_part(tmp_path: Path) -> None:
    parts = [b"2026-11-20T12:00:00.1Z stdout P " + BAD[0][0][:20], b"2026-11-20T12:00:00.1Z stdout F " + BAD[0][0][20:]]
    (tmp_path / "0.log").write_bytes(b"\n".join([b"2026-11-20T12:00:00.1Z stdout F boot", *parts, b""]))
    run(tmp_path, "0.log")
    (found,) = kept(tmp_path)
    assert (found["line"], found["text"]) == (3, BAD[0][0].decode())
    assert (tmp_path / "0.log").read_bytes()[found["offset"] :] == parts[1] + b"\n"


def test_the_file_stays_within_its_bound(tmp_path: Path) -> None:
    (tmp_path / "rejects.jsonl").write_bytes(b"\n" * (rejects.MOST_BYTES - 300))
    (tmp_path / "app.log").write_bytes((BAD[0][0] + b"\n") * 9)
    done = run(tmp_path, "app.log")
    assert "rejects.jsonl: is full, 8 rejected lines were left out; move it away" in done.stderr
    assert (tmp_path / "rejects.jsonl").stat().st_size <= rejects.MOST_BYTES
    assert done.returncode == 0


@pytest.mark.parametrize(("name", "message"), [("no/such/file", "cannot be written: No such file"), ("", "is empty")])
def test_a_file_that_cannot_be_written_stops_the_run_before_anything_is_read(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "app.log").write_bytes(GOOD)
    command = [str(quick.command().path), "aggregate", "app.log", "--out", "out", "--rejects", name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert message in done.stderr
    assert done.returncode in (2, 73)
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out/metrics.prom").exists()
