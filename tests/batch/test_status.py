"""What an output folder holds, told without touching it."""

import os
from pathlib import Path

import pytest

from aggregator.errors import InputError
from aggregator.status import status
from aggregator.store import opened
from tests.batch.runs import poll, take_in


@pytest.fixture
def taken(tmp_path: Path) -> tuple[Path, Path]:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, "2026-11-18T12:00:00Z") + poll(0, "2026-11-18T12:00:00Z") + b"foreign\n" + poll(2)[:-9])
    take_in(log, out)
    return log, out


def test_it_tells_runs_accounts_sizes_and_logs(taken: tuple[Path, Path]) -> None:
    log, out = taken
    found = status(out)
    assert (found.commit, found.applied, found.problem, found.holder, found.staged) == (1, True, "", None, 0)
    account = {name: found.account[name] for name in ("runs", "read", "events", "foreign", "duplicates", "missing")}
    assert account == {"runs": 1, "read": 3, "events": 1, "foreign": 1, "duplicates": 1, "missing": 0}
    (source,) = found.sources
    whole = log.read_bytes().rfind(b"\n") + 1
    assert (source.path, source.bytes_read, source.lines, source.state) == (str(log), whole, 3, "open")
    assert source.rest == len(poll(2)[:-9])
    summary = found.summaries["feed_polls"]
    assert (summary.files, summary.first_date, summary.last_date) == (2, "2026-11-18", "2026-11-18")
    assert summary.bytes == sum(path.stat().st_size for path in out.glob("feed_polls*/*/*.parquet"))
    state = sum(path.stat().st_size for path in (out / "_logemit").rglob("*") if path.is_file())
    assert found.state_bytes == state
    assert (found.newest_event, found.seen_dates) == (1_795_003_200, 1)
    assert 0 <= found.age_seconds < 3600


def test_it_changes_nothing(taken: tuple[Path, Path]) -> None:
    _, out = taken
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    status(out)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_it_names_a_run_at_work_and_what_it_staged(taken: tuple[Path, Path]) -> None:
    _, out = taken
    with opened(out) as store:
        store.stage("metrics.prom", [b"x" * 100])
        found = status(out)
    assert (found.staged, found.staged_bytes, found.applied) == (1, 100, True)
    assert found.holder is not None
    assert found.holder.startswith(f"pid {os.getpid()} on ")
    left = status(out)
    assert (left.holder, left.staged) == (None, 1)


def test_a_damaged_state_is_told_beside_what_can_be_told(taken: tuple[Path, Path]) -> None:
    _, out = taken
    next((out / "_logemit/commit").glob("*.json")).write_bytes(b"{")
    found = status(out)
    assert "damaged" in found.problem
    assert found.summaries["feed_polls"].files == 2


def test_a_folder_without_output_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no output of logemit aggregate"):
        status(tmp_path)
