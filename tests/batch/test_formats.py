"""State of an older format is brought up to date by the next run; one of a newer format is refused.

states/format_1.tar.xz and format_2.tar.xz hold two folders that version 0.1 wrote, and their log: `applied`, and
`cut_short`, whose last commit was killed while it was applied.
"""

import json
import tarfile
from pathlib import Path

import pytest

from aggregator.errors import NewerStateError, StateError
from aggregator.repair import repair
from aggregator.status import status
from aggregator.store import documents
from tests.batch.runs import CONFIG, outputs, take_in

STATES = Path(__file__).parent / "states"


def unpacked(name: str, folder: Path) -> Path:
    with tarfile.open(STATES / name) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    return unpacked("format_1.tar.xz", tmp_path)


@pytest.mark.parametrize("folder", ["applied", "cut_short"])
def test_format_2_goes_on_where_it_stood(tmp_path: Path, folder: str) -> None:
    """Of `applied` half of the log was read; a part of a line that waits for its rest is what is new in format 3."""
    log, out = unpacked("format_2.tar.xz", tmp_path) / "app.log", tmp_path / folder
    before = status(out)
    assert (before.format, before.problem) == (2, "")
    report = take_in(log, out)
    once = take_in(log, tmp_path / "once")
    assert (report.read > 0) == (folder == "applied")
    assert report.duplicates == 0
    assert outputs(out) == outputs(tmp_path / "once")
    found = status(out)
    assert (found.format, found.applied, found.problem) == (documents.FORMAT, True, "")
    assert found.account["events"] == once.events
    assert take_in(log, out).read == 0


def test_a_changed_partition_of_format_2_is_told(tmp_path: Path) -> None:
    """Bringing it up to date does not take what stands there for what was committed."""
    log, out = unpacked("format_2.tar.xz", tmp_path) / "app.log", tmp_path / "applied"
    for path in out.glob("*/date=*/*.parquet"):
        path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(StateError, match="was changed since it was committed"):
        take_in(log, out)


@pytest.mark.parametrize("folder", ["applied", "cut_short"])
def test_format_1_goes_on_where_it_stood(recorded: Path, folder: str) -> None:
    log, out = recorded / "app.log", recorded / folder
    report = take_in(log, out)
    assert (report.events, report.duplicates) == ((105, 0) if folder == "applied" else (0, 0))
    once = take_in(log, recorded / "once")
    assert outputs(out) == outputs(recorded / "once")
    assert report.missing + report.lost == once.missing + once.lost == 1
    found = status(out)
    assert (found.format, found.applied, found.problem) == (documents.FORMAT, True, "")
    assert found.account["held"] == 1
    assert take_in(log, out).read == 0


@pytest.mark.parametrize("folder", ["applied", "cut_short"])
def test_repeats_of_what_format_1_saw_are_known(recorded: Path, folder: str) -> None:
    log, again, out = recorded / "app.log", recorded / "again.log", recorded / folder
    again.write_bytes(b"taken by another collector\n" + log.read_bytes())
    events = log.read_bytes().count(b'{"logemit":') - log.read_bytes().count(b"2099-01-01")
    report = take_in(again, out)
    assert report.events + report.duplicates == events
    assert report.events == (105 if folder == "applied" else 0)


def test_format_1_is_told_and_left_alone_by_status(recorded: Path) -> None:
    out = recorded / "cut_short"
    before = sorted(path for path in out.rglob("*"))
    found = status(out)
    assert (found.format, found.commit, found.applied, found.staged > 10) == (1, 3, False, True)
    assert sorted(path for path in out.rglob("*")) == before


def test_repair_brings_format_1_up_to_date(recorded: Path) -> None:
    found = repair(recorded / "cut_short", CONFIG)
    assert [finding.kind for finding in found.findings] == ["commit"]
    assert found.left == 0
    assert status(recorded / "cut_short").format == documents.FORMAT


def test_totals_of_a_folder_that_was_format_1_are_not_derived_unasked(recorded: Path) -> None:
    """Nothing told which partitions there were: a removed one would make counters fall silently."""
    out = recorded / "applied"
    for path in out.glob("feed_polls*/*/*.parquet"):
        path.unlink()
    take_in(recorded / "app.log", out)
    path = out / "_logemit/totals/feed_polls.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    assert {(each.kind, each.outcome) for each in repair(out, CONFIG).findings} == {("totals", "lost")}


def test_a_damaged_file_of_format_1_is_told(recorded: Path) -> None:
    path = next((recorded / "applied/_logemit/seen").glob("*/*.parquet"))
    path.write_bytes(path.read_bytes()[:-1])
    found = repair(recorded / "applied", CONFIG)
    assert (found.left, found.findings[0].outcome) == (1, "lost")
    assert "was changed since it was committed" in found.findings[0].problem


@pytest.mark.parametrize("other", [documents.FORMAT + 1, 99])
def test_a_newer_format_is_refused_whatever_its_checksum(recorded: Path, other: int) -> None:
    out = recorded / "applied"
    take_in(recorded / "app.log", out)
    path = max((out / "_logemit/commit").glob("*.json"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": other, "of": "the future"}))
    with pytest.raises(
        NewerStateError, match=f"state of format {other}, this logemit knows up to {documents.FORMAT}; upgrade logemit"
    ):
        take_in(recorded / "app.log", out)
    with pytest.raises(NewerStateError):
        repair(out, CONFIG)
    assert "upgrade logemit" in status(out).problem
