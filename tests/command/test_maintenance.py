"""The commands that look after an output folder, as their user meets them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aggregator.store import opened
from tests.batch.runs import outputs, poll
from tests.command.calls import logemit, message


@pytest.fixture
def taken(tmp_path: Path) -> tuple[Path, Path]:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(b"boot\n" + poll(0, "2026-01-05T12:00:30Z") + poll(1, "2026-01-05T12:10:00Z") + poll(3))
    assert logemit("aggregate", log, "--out", out).returncode == 0
    return log, out


def test_status_is_for_people_and_for_scripts(taken: tuple[Path, Path]) -> None:
    log, out = taken
    done = logemit("status", out, "--sources")
    assert (done.returncode, done.stderr) == (0, "")
    for words in (
        "format 4, commit 1",
        "last run",
        "feed_polls",
        "2026-01-05",
        f"4 lines  {log}",
        "logs known: 1 open",
    ):
        assert words in done.stdout
    found = json.loads(logemit("status", out, "--json").stdout)
    assert (found["account"]["events"], found["account"]["missing"] + found["account"]["lost"]) == (3, 1)
    assert found["summaries"]["feed_polls"]["first_date"] == "2026-01-05"


def test_status_names_a_run_at_work(taken: tuple[Path, Path]) -> None:
    _, out = taken
    with opened(out):
        assert f"at work: pid {os.getpid()} on " in logemit("status", out).stdout


def test_status_of_a_damaged_state_exits_with_65(taken: tuple[Path, Path]) -> None:
    _, out = taken
    (out / "_logemit/commit/0000000001.json").write_text("[bold]{")
    done = logemit("status", out)
    assert done.returncode == 65
    assert "damaged" in done.stdout
    assert "see logemit repair" in done.stdout


def test_repair_explains_and_mends(taken: tuple[Path, Path]) -> None:
    log, out = taken
    (out / "_logemit/commit/0000000001.json").write_text("{")
    refused = logemit("aggregate", log, "--out", out)
    assert refused.returncode == 65
    assert "see logemit repair" in message(refused)
    told = logemit("repair", out, "--dry-run")
    assert (told.returncode, "restored from its copy" in told.stdout) == (65, True)
    mended = logemit("repair", out)
    assert (mended.returncode, "the next run can work" in mended.stdout) == (0, True)
    assert logemit("aggregate", log, "--out", out).returncode == 0
    assert "nothing is damaged" in logemit("repair", out).stdout
    assert json.loads(logemit("repair", out, "--json").stdout) == {"out": str(out), "findings": [], "left": 0}


def test_repair_says_what_it_cannot_mend_and_what_going_on_costs(taken: tuple[Path, Path]) -> None:
    log, out = taken
    (out / "_logemit/history.parquet").write_bytes(b"")
    done = logemit("repair", out)
    assert done.returncode == 65
    assert "lost _logemit/history.parquet: was changed" in done.stdout
    assert "--set-aside goes on without it: lines missing now" in done.stdout
    assert logemit("repair", out, "--set-aside").returncode == 0
    assert logemit("aggregate", log, "--out", out).returncode == 0


def test_compact_folds_after_30_days_unless_told_otherwise(taken: tuple[Path, Path]) -> None:
    _, out = taken
    done = logemit("compact", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert "partitions written" in done.stdout
    (row,) = outputs(out)[1]["feed_polls/date=2026-01-05/part.parquet"]
    assert (row["window_seconds"], row["events"]) == (3600, 2)
    dropped = json.loads(logemit("compact", out, "--drop-after", "30d", "--remove", "--json").stdout)
    assert dropped["removed"] == 2
    assert not (out / "feed_polls/date=2026-01-05").exists()


def test_compact_refuses_a_span_that_is_none(taken: tuple[Path, Path]) -> None:
    _, out = taken
    done = logemit("compact", out, "--fold-after", "30")
    assert done.returncode == 2
    assert "fold_after is '30'; expected a number of days" in message(done)


def test_aggregate_takes_the_same_spans(taken: tuple[Path, Path]) -> None:
    log, out = taken
    with log.open("ab") as file:
        file.write(poll(4, "2026-01-05T13:00:30Z"))
    done = logemit("aggregate", log, "--out", out, "--late-limit", "30d", "--fold-after", "60d", "--json")
    assert json.loads(done.stdout)["late"] == 1
    assert json.loads(logemit("status", out, "--json").stdout)["folded_before"]


def test_rebuild_derives_everything_anew(taken: tuple[Path, Path]) -> None:
    log, out = taken
    before = outputs(out)
    (out / "_logemit/history.parquet").write_bytes(b"")
    done = logemit("rebuild", log, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert str(out) in done.stdout.replace("\n", "")
    assert outputs(out) == before
    log.write_bytes(poll(7))
    refused = logemit("rebuild", log, "--out", out)
    assert refused.returncode == 2
    assert "give --discard to empty it" in message(refused)
    assert logemit("rebuild", log, "--out", out, "--discard").returncode == 0


@pytest.mark.parametrize("command", ["status", "repair", "compact"])
def test_a_folder_without_output_is_told_and_left_alone(tmp_path: Path, command: str) -> None:
    done = logemit(command, tmp_path)
    assert done.returncode == 66
    assert "no output of logemit aggregate" in message(done)
    assert list(tmp_path.iterdir()) == []
    assert logemit(command, "").returncode == 2


@pytest.mark.parametrize("command", [["repair"], ["compact"], ["rebuild", "app.log", "--out"]])
def test_a_run_at_work_is_not_disturbed(taken: tuple[Path, Path], command: list[str]) -> None:
    log, out = taken
    with opened(out):
        done = logemit(*command, out, cwd=log.parent)
    assert done.returncode == 75
    assert "another run is at work" in message(done)


def test_a_second_run_is_refused_before_anything_heavy_is_loaded(taken: tuple[Path, Path]) -> None:
    log, out = taken
    code = (
        "import sys; from cli.app import app\n"
        "try: app(['aggregate', sys.argv[1], '--out', sys.argv[2]], standalone_mode=False)\n"
        "finally: print(*sorted({'pandas', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )
    with opened(out):
        done = subprocess.run([sys.executable, "-c", code, log, out], check=False, capture_output=True, text=True)
    assert "another run is at work" in done.stderr
    assert done.stdout == "\n"
