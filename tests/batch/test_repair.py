"""What is damaged is found, mended where nothing is lost by it, and told with its cost where something is."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from aggregator import config
from aggregator.compact import compact
from aggregator.damage import Finding
from aggregator.errors import InputError, StateError
from aggregator.repair import repair
from tests.batch.runs import CONFIG, families, outputs, poll, sample, take_in


@pytest.fixture
def taken(tmp_path: Path) -> tuple[Path, Path]:
    """Two runs; something held, something missing."""
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, "2026-11-18T12:00:00Z") + poll(1, duration_seconds=0.5))
    take_in(log, out)
    with log.open("ab") as file:
        file.write(poll(3, duration_seconds=1.5) + poll(4, "2099-01-01T00:00:00Z"))
    take_in(log, out)
    return log, out


def grow(log: Path) -> None:
    with log.open("ab") as file:
        file.write(poll(5, duration_seconds=2) + poll(1, duration_seconds=0.5))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x20
    path.write_bytes(data)


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


def test_a_whole_folder_has_no_findings_and_is_not_touched(taken: tuple[Path, Path]) -> None:
    log, out = taken
    before = outputs(out), sorted(path for path in out.rglob("*") if path.is_file())
    found = repair(out, CONFIG)
    assert (found.findings, found.left) == ([], 0)
    assert (outputs(out), sorted(path for path in out.rglob("*") if path.is_file())) == before
    assert take_in(log, out).read == 0


MENDABLE = {
    "the record of the last commit": "commit/0000000002.json",
    "a total": "totals/feed_polls.parquet",
    "the bins of a total": "totals/feed_polls_bins.parquet",
    "a manifest": "manifest/date=2026-11-20.json",
}


@pytest.mark.parametrize("name", MENDABLE.values(), ids=MENDABLE)
@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_what_follows_from_other_files_is_mended(taken: tuple[Path, Path], name: str, damage: str) -> None:
    log, out = taken
    before = outputs(out)
    path = out / "_logemit" / name
    path.unlink() if damage == "gone" else flip(path)
    grow(log)
    with pytest.raises(StateError, match="see logemit repair"):
        take_in(log, out)
    told = repair(out, CONFIG, dry_run=True)
    assert (only(told.findings).outcome, told.left) == ("mendable", 1)
    mended = repair(out, CONFIG)
    assert (only(mended.findings).outcome, mended.left) == ("mended", 0)
    assert outputs(out) == before
    report = take_in(log, out)
    assert (report.events, report.duplicates, report.held) == (1, 1, 0)
    assert outputs(out)[0] == outputs_of(log, out.parent / "once")


def outputs_of(log: Path, out: Path) -> str:
    take_in(log, out)
    return families(out)


LOST = {
    "a partition": ("feed_polls/date=2026-11-20/part.parquet", "its windows begin empty"),
    "what was seen": ("_logemit/seen/date=2026-11-20/12.parquet", "count unchecked"),
    "the history": ("_logemit/history.parquet", "are forgotten"),
    "held events": ("_logemit/held/lines.jsonl", "counted as rejected"),
}


@pytest.mark.parametrize(("name", "cost"), LOST.values(), ids=LOST)
def test_what_cannot_be_mended_is_told_and_set_aside_on_request(taken: tuple[Path, Path], name: str, cost: str) -> None:
    log, out = taken
    flip(out / name)
    grow(log)
    for found in (repair(out, CONFIG), repair(out, CONFIG, dry_run=True, set_aside=True)):
        finding = only(found.findings)
        assert (finding.path, finding.outcome, found.left) == (name, "lost", 1)
        assert "logemit rebuild" in finding.remedy
        assert cost in finding.remedy
    done = repair(out, CONFIG, set_aside=True)
    assert (only(done.findings).outcome, done.left) == ("set aside", 0)
    assert cost in only(done.findings).remedy
    assert list((out / "_logemit/damaged").rglob(Path(name).name))
    assert repair(out, CONFIG).findings == []
    assert take_in(log, out).events in (1, 2)
    assert repair(out, CONFIG).findings == []


def test_totals_keep_what_a_lost_partition_held(taken: tuple[Path, Path]) -> None:
    log, out = taken
    flip(out / "feed_polls/date=2026-11-20/part.parquet")
    repair(out, CONFIG, set_aside=True)
    grow(log)
    take_in(log, out)
    assert pd.read_parquet(out / "feed_polls")["events"].sum() == 2
    assert 'feed_polls_total{feed_id="1",service="s",status="success"} 4.0' in families(out)


def test_events_of_a_date_whose_numbers_are_lost_count_unchecked(taken: tuple[Path, Path]) -> None:
    log, out = taken
    flip(out / "_logemit/seen/date=2026-11-20/12.parquet")
    repair(out, CONFIG, set_aside=True)
    grow(log)
    report = take_in(log, out)
    assert (report.events, report.unchecked, report.duplicates) == (2, 2, 0)
    assert sample(out, "logemit_duplicates_known_from_timestamp_seconds") == 1_795_219_200


def test_held_events_that_are_lost_stay_in_the_account(taken: tuple[Path, Path]) -> None:
    log, out = taken
    flip(out / "_logemit/held/lines.jsonl")
    repair(out, CONFIG, set_aside=True)
    take_in(log, out)
    assert sample(out, "logemit_events_held") == 0
    assert 'logemit_records_rejected_total{reason="damaged"} 1.0' in (out / "metrics.prom").read_text()


def test_a_partition_that_was_removed_is_forgotten(taken: tuple[Path, Path]) -> None:
    log, out = taken
    (out / "feed_polls/date=2026-11-20/part.parquet").unlink()
    assert "in the totals only" in only(repair(out, CONFIG).findings).remedy
    grow(log)
    report = take_in(log, out)
    assert (report.events, report.warnings) == (1, [])


def test_totals_that_hold_more_than_the_partitions_are_not_derived(taken: tuple[Path, Path]) -> None:
    _, out = taken
    (out / "feed_polls/date=2026-11-20/part.parquet").unlink()
    flip(out / "_logemit/totals/feed_polls.parquet")
    found = repair(out, CONFIG)
    assert {(finding.kind, finding.outcome) for finding in found.findings} == {
        ("totals", "lost"),
        ("partition", "mended"),
    }
    assert found.left == 1


def test_totals_are_derived_from_what_is_left_on_request(taken: tuple[Path, Path]) -> None:
    log, out = taken
    flip(out / "feed_polls/date=2026-11-20/part.parquet")
    flip(out / "_logemit/totals/feed_polls.parquet")
    found = repair(out, CONFIG, set_aside=True)
    assert {(finding.kind, finding.outcome) for finding in found.findings} == {
        ("totals", "set aside"),
        ("partition", "set aside"),
    }
    assert found.left == 0
    grow(log)
    take_in(log, out)
    assert 'feed_polls_total{feed_id="1",service="s",status="success"} 2.0' in families(out)


def test_totals_of_a_summary_that_is_not_configured_ask_for_its_configuration(tmp_path: Path) -> None:
    log, out, path = tmp_path / "app.log", tmp_path / "out", tmp_path / "logemit.toml"
    path.write_text('[[summary]]\nname = "own"\nevent = "own"\ndimensions = ["a"]\n')
    log.write_bytes(poll(0, event="own", a="x"))
    take_in(log, out, config.load(path))
    flip(out / "_logemit/totals/own.parquet")
    assert only(repair(out, CONFIG).findings).remedy == "this summary is not configured; give its --config"
    assert only(repair(out, config.load(path)).findings).outcome == "mended"


def test_totals_are_not_derived_from_less_than_they_held_once(taken: tuple[Path, Path]) -> None:
    log, out = taken
    (out / "feed_polls/date=2026-11-20/part.parquet").unlink()
    grow(log)
    assert "is gone; what it held is in the totals only" in take_in(log, out).warnings[0]
    flip(out / "_logemit/totals/feed_polls.parquet")
    assert only(repair(out, CONFIG).findings).outcome == "lost"


def test_a_file_that_no_run_wrote_is_told_and_moved_away(taken: tuple[Path, Path]) -> None:
    _, out = taken
    stray = out / "feed_polls/date=2026-11-20/copy.parquet"
    stray.write_bytes((out / "feed_polls/date=2026-11-20/part.parquet").read_bytes())
    assert only(repair(out, CONFIG).findings).problem == "was written by no run"
    repair(out, CONFIG, set_aside=True)
    assert not stray.exists()
    assert repair(out, CONFIG).findings == []


def test_a_commit_cut_short_is_finished(taken: tuple[Path, Path]) -> None:
    log, out = taken
    grow(log)

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aggregator.store.commit.Store._apply", killed)
        with pytest.raises(Killed):
            take_in(log, out)
    assert only(repair(out, CONFIG, dry_run=True).findings).outcome == "mendable"
    assert only(repair(out, CONFIG).findings).problem == "was cut short while its files were put in place"
    assert take_in(log, out).read == 0


def test_a_lost_record_without_its_copy_is_told(taken: tuple[Path, Path]) -> None:
    _, out = taken
    for path in (out / "_logemit/commit").glob("0000000002.*"):
        if path.suffix != ".applied":
            flip(path)
    found = repair(out, CONFIG, set_aside=True)
    assert (only(found.findings).outcome, found.left) == ("lost", 1)
    assert "logemit rebuild" in only(found.findings).remedy


def test_a_folder_without_output_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no output of logemit aggregate"):
        repair(tmp_path, CONFIG)
    assert list(tmp_path.iterdir()) == []


def test_partitions_without_any_state_are_not_counted_into(taken: tuple[Path, Path]) -> None:
    """Taken for the outputs of commits, they would hold every event twice after the next run."""
    log, out = taken
    shutil.rmtree(out / "_logemit")
    with pytest.raises(StateError, match="no run has written this"):
        take_in(log, out)
    found = repair(out, CONFIG).findings
    assert {(finding.kind, finding.outcome) for finding in found} == {("unknown", "lost")}
    with pytest.raises(StateError, match="no run has written this"):
        take_in(log, out)
    assert repair(out, CONFIG, set_aside=True).left == 0
    assert take_in(log, out).events == 3
    assert pd.read_parquet(out / "feed_polls")["events"].sum() == 3


def test_a_file_of_the_state_that_no_run_wrote_is_told_and_moved_away(taken: tuple[Path, Path]) -> None:
    log, out = taken
    (out / "_logemit/totals/http_requests.parquet").write_bytes(b"left by a restore")
    assert only(repair(out, CONFIG).findings).kind == "unknown"
    repair(out, CONFIG, set_aside=True)
    assert repair(out, CONFIG).findings == []
    with log.open("ab") as file:
        file.write(poll(None, event="http_request", status=200))
    assert take_in(log, out).events == 1


def test_the_only_file_seen_of_a_date_is_set_aside_once(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    settings = config.with_retention(CONFIG, {"late_limit": "2d"})
    log.write_bytes(poll(0, "2020-11-10T12:00:00Z") + poll(1, "2020-11-12T12:00:00Z"))
    assert take_in(log, out, settings).late == 2
    flip(out / "_logemit/seen/date=2020-11-12/12.parquet")
    repair(out, CONFIG, set_aside=True)
    assert repair(out, CONFIG).findings == []
    assert not list((out / "_logemit/seen").rglob("*.parquet"))
    with log.open("ab") as file:
        file.write(poll(0, "2020-11-10T12:00:00Z"))
    assert take_in(log, out, settings).unchecked == 1


def test_folders_that_are_no_dates_are_passed_over(taken: tuple[Path, Path]) -> None:
    log, out = taken
    (out / "feed_polls/date=1").mkdir()
    (out / "feed_polls/date=1/mine.parquet").write_bytes(b"")
    assert take_in(log, out, config.with_retention(CONFIG, {"fold_after": "30d"})).read == 0
    assert repair(out, CONFIG).findings == []


def test_totals_are_not_derived_after_bins_vanished_under_compact(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, "2020-01-10T12:00:00Z", duration_seconds=0.5) + poll(1))
    take_in(log, out)
    (out / "feed_polls_bins/date=2020-01-10/part.parquet").unlink()
    compact(out, config.with_retention(CONFIG, {"fold_after": "30d"}))
    flip(out / "_logemit/totals/feed_polls_bins.parquet")
    assert only(repair(out, CONFIG).findings).outcome == "lost"


@pytest.mark.parametrize("file", ["totals/feed_polls", "totals/feed_polls_bins"])
def test_totals_beside_a_damaged_manifest_are_derived_on_request_only(taken: tuple[Path, Path], file: str) -> None:
    """The manifest alone knew which partitions there were: one of them may be gone."""
    log, out = taken
    before = families(out)
    flip(out / "_logemit/manifest/date=2026-11-20.json")
    flip(out / f"_logemit/{file}.parquet")
    found = {finding.kind: finding.outcome for finding in repair(out, CONFIG).findings}
    assert found == {"manifest": "mended", "totals": "lost"}
    assert only(repair(out, CONFIG, set_aside=True).findings).outcome == "set aside"
    take_in(log, out)
    assert families(out) == before


def test_what_cannot_be_read_is_told_again_although_its_manifest_was_mended(taken: tuple[Path, Path]) -> None:
    _, out = taken
    (out / "_logemit/manifest/date=2026-11-20.json").unlink()
    (out / "_logemit/seen/date=2026-11-20/12.parquet").write_bytes(b"torn")
    for _ in range(2):
        assert "seen" in {finding.kind for finding in repair(out, CONFIG).findings if finding.outcome == "lost"}
    assert repair(out, CONFIG, set_aside=True).left == 0
    assert repair(out, CONFIG).findings == []
