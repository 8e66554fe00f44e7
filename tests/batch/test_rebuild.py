"""Everything anew from the logs, in one step, whatever state the output was in."""

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aggregator import config, sources
from aggregator.errors import ConfigError, InputError, LockedError, NewerStateError, StateError, UsageError
from aggregator.rebuild import rebuild
from aggregator.store import Store, opened
from tests.batch.runs import CONFIG, families, outputs, poll, rows, take_in


@pytest.fixture
def taken(tmp_path: Path) -> tuple[Path, Path]:
    """A log of two days that was taken in with two runs."""
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, "2026-11-18T12:00:00Z") + poll(1, duration_seconds=0.5) + b"foreign\n")
    take_in(log, out)
    with log.open("ab") as file:
        file.write(poll(2, duration_seconds=1.5) + poll(2, duration_seconds=1.5))
    take_in(log, out)
    return log, out


def test_the_same_logs_give_the_same_outputs_and_the_next_run_goes_on(taken: tuple[Path, Path]) -> None:
    log, out = taken
    before = outputs(out)
    report = rebuild([str(log)], out, CONFIG)
    assert (report.read, report.events, report.duplicates, report.out) == (5, 3, 1, str(out))
    assert outputs(out) == before
    with log.open("ab") as file:
        file.write(poll(3))
    report = take_in(log, out)
    assert (report.read, report.events) == (1, 1)
    assert not (out / "_logemit/rebuild").exists()


def test_another_window_reaches_all_of_history(taken: tuple[Path, Path]) -> None:
    log, out = taken
    rebuild([str(log)], out, config.load(None, "1h"))
    assert set(pd.read_parquet(out / "feed_polls")["window_seconds"]) == {3600}


@pytest.mark.parametrize("damage", ["commit", "totals", "seen", "partition", "manifest", "all of the state"])
def test_a_damaged_state_is_replaced(taken: tuple[Path, Path], damage: str) -> None:
    log, out = taken
    expected = outputs(out)
    patterns = {
        "commit": "_logemit/commit/0000000002.*",
        "totals": "_logemit/totals/*.parquet",
        "seen": "_logemit/seen/*/*.parquet",
        "partition": "feed_polls/*/*.parquet",
        "manifest": "_logemit/manifest/*.json",
        "all of the state": "_logemit/**/*.*",
    }
    damaged = [path for path in out.glob(patterns[damage]) if path.is_file()]
    assert damaged
    for path in damaged:
        path.write_bytes(b"\xff" * 10)
    rebuild([str(log)], out, CONFIG)
    assert outputs(out) == expected
    assert take_in(log, out).read == 0


def test_dates_that_the_logs_do_not_hold_are_not_lost_unasked(taken: tuple[Path, Path], tmp_path: Path) -> None:
    log, out = taken
    before = outputs(out)
    newer = tmp_path / "newer.log"
    newer.write_bytes(poll(7))
    with pytest.raises(UsageError, match="these sources have nothing of 2026-11-18, which it holds"):
        rebuild([str(newer)], out, CONFIG)
    assert outputs(out) == before
    assert take_in(log, out).read == 0


def test_dates_that_the_logs_do_not_hold_are_emptied_on_request(taken: tuple[Path, Path], tmp_path: Path) -> None:
    _, out = taken
    files = set(rows(out))
    newer = tmp_path / "newer.log"
    newer.write_bytes(poll(7))
    rebuild([str(newer)], out, CONFIG, discard=True)
    assert set(rows(out)) == files
    assert pd.read_parquet(out / "feed_polls")["events"].sum() == 1
    assert 'feed_polls_total{feed_id="1",service="s",status="success"} 1.0' in families(out)


def test_a_summary_that_is_not_configured_any_more_goes(tmp_path: Path) -> None:
    log, out, path = tmp_path / "app.log", tmp_path / "out", tmp_path / "logemit.toml"
    path.write_text('[[summary]]\nname = "own"\nevent = "own"\ndimensions = ["a"]\n')
    log.write_bytes(poll(0) + poll(1, event="own", a="x"))
    take_in(log, out, config.load(path))
    with pytest.raises(ConfigError, match="'own' that is not configured; give its --config"):
        rebuild([str(log)], out, CONFIG)
    assert take_in(log, out, config.load(path)).read == 0
    rebuild([str(log)], out, CONFIG, discard=True)
    assert not (out / "own").exists()
    assert take_in(log, out).read == 0


def test_no_event_is_late_for_a_rebuild(taken: tuple[Path, Path]) -> None:
    log, out = taken
    before = outputs(out)
    assert rebuild([str(log)], out, config.with_retention(CONFIG, {"late_limit": "1d"})).late == 0
    assert outputs(out) == before


def test_a_rebuild_that_fails_changes_nothing(taken: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    log, out = taken
    before, state = outputs(out), sorted((out / "_logemit/commit").iterdir())
    log.write_bytes(log.read_bytes() + poll(3))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aggregator.store.commit.Store.take", full)
        with pytest.raises(OSError, match="No space"):
            rebuild([str(log)], out, CONFIG)
    assert (outputs(out), sorted((out / "_logemit/commit").iterdir())) == (before, state)
    assert take_in(log, out).events == 1
    assert not (out / "_logemit/rebuild").exists()


def test_a_rebuild_cut_short_after_its_commit_is_finished_by_the_next_run(taken: tuple[Path, Path]) -> None:
    log, out = taken

    class Killed(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aggregator.store.commit.Store._apply", killed)
        patch.setattr("aggregator.rebuild.aggregate", _unpatched(patch))
        with pytest.raises(Killed):
            rebuild([str(log)], out, config.load(None, "1h"))
    assert take_in(log, out).read == 0
    assert set(pd.read_parquet(out / "feed_polls")["window_seconds"]) == {3600}


def _unpatched(patch: pytest.MonkeyPatch) -> Any:
    """The rebuilt folder is committed in full; only the swap is cut short."""
    from aggregator.run import aggregate
    from aggregator.store.commit import Store

    cut = Store._apply

    def run(*arguments: Any, **named: Any) -> Any:
        patch.undo()
        report = aggregate(*arguments, **named)
        patch.setattr("aggregator.store.commit.Store._apply", cut)
        return report

    return run


def test_a_run_at_work_is_not_disturbed(taken: tuple[Path, Path]) -> None:
    log, out = taken
    with opened(out), pytest.raises(LockedError, match=f"pid {os.getpid()}"):
        rebuild([str(log)], out, CONFIG)


def test_a_state_of_a_newer_logemit_is_left_alone(taken: tuple[Path, Path]) -> None:
    log, out = taken
    path = max((out / "_logemit/commit").glob("*.json"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(NewerStateError, match="upgrade logemit"):
        rebuild([str(log)], out, CONFIG)


def test_sources_that_do_not_exist_are_told_before_anything(taken: tuple[Path, Path]) -> None:
    _, out = taken
    before = outputs(out)
    with pytest.raises(InputError):
        rebuild(["nowhere.log"], out, CONFIG)
    assert outputs(out) == before


def test_a_new_folder_is_filled(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(poll(0))
    assert rebuild([str(log)], tmp_path / "out", CONFIG).events == 1
    assert take_in(log, tmp_path / "out").read == 0


def test_a_damaged_state_says_what_to_do(taken: tuple[Path, Path]) -> None:
    log, out = taken
    (out / "_logemit/history.parquet").write_bytes(b"")
    with pytest.raises(StateError, match="see logemit repair"):
        take_in(log, out)


class Killed(BaseException):
    pass


def lose_records(out: Path) -> None:
    """The newest commit's and its copy; the mark that it was applied stays."""
    number = max(path.stem for path in (out / "_logemit/commit").glob("*.json"))
    for suffix in ("json", "copy"):
        (out / f"_logemit/commit/{number}.{suffix}").unlink()


def test_what_a_refused_rebuild_of_a_damaged_state_read_is_not_in_the_next(
    taken: tuple[Path, Path], tmp_path: Path
) -> None:
    log, out = taken
    expected = outputs(out)
    lose_records(out)
    wrong = tmp_path / "wrong.log"
    wrong.write_bytes(poll(0, proc="another"))
    with pytest.raises(UsageError, match="have nothing of 2026-11-18"):
        rebuild([str(wrong)], out, CONFIG)
    assert rebuild([str(log)], out, CONFIG).events == 3
    assert outputs(out) == expected


def test_a_rebuild_of_a_damaged_state_killed_while_it_stages_is_repeated(
    taken: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, out = taken
    expected = outputs(out)
    lose_records(out)
    take, taken_over = Store.take, []

    def killed(store: Store, target: str, path: Path) -> None:
        take(store, target, path)
        taken_over.append(target)
        if len(taken_over) == 2:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Store, "take", killed)
        with pytest.raises(Killed):
            rebuild([str(log)], out, CONFIG)
    assert rebuild([str(log)], out, CONFIG).events == 3
    assert outputs(out) == expected


def test_a_rebuild_over_a_lost_record_killed_after_its_commit_point_is_finished(
    taken: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, out = taken
    lose_records(out)
    with log.open("ab") as file:
        file.write(poll(3))
    apply = Store._apply

    def killed(store: Store, *args: Any) -> None:
        if store.out == out:
            raise Killed
        apply(store, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "_apply", killed)
        with pytest.raises(Killed):
            rebuild([str(log)], out, CONFIG)
    assert take_in(log, out).read == 0
    assert pd.read_parquet(out / "feed_polls")["events"].sum() == 4


def test_dates_that_drop_after_empties_are_not_missed(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, "2020-01-10T12:00:00Z"))
    take_in(log, out)
    report = rebuild([str(log)], out, config.with_retention(CONFIG, {"drop_after": "60d"}))
    assert (report.events, report.late) == (1, 1)
    assert rows(out)["feed_polls/date=2020-01-10/part.parquet"] == []


def listed_then(patch: pytest.MonkeyPatch, change: Any) -> None:
    """Something changes the logs after a run has listed them."""
    identities = sources.identities

    def listed(names: Any) -> sources.Listed:
        found = identities(names)
        change()
        return found

    patch.setattr(sources, "identities", listed)


def test_a_log_that_vanishes_while_it_is_rebuilt_from_ends_the_rebuild(
    taken: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, out = taken
    before, other = outputs(out), log.with_name("b.log")
    other.write_bytes(poll(7))
    listed_then(monkeypatch, other.unlink)
    with pytest.raises(InputError, match="1 of the sources vanished"):
        rebuild([str(log), str(other)], out, CONFIG)
    monkeypatch.undo()
    assert outputs(out) == before


def test_logs_that_are_rotated_while_they_are_rebuilt_from_are_read(
    taken: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, out = taken
    rotated = log.with_name("app.log.1")
    rotated.write_bytes(poll(10) + poll(11))

    def rotate() -> None:
        rotated.rename(log.with_name("app.log.2"))
        log.rename(rotated)
        log.write_bytes(poll(20))

    listed_then(monkeypatch, rotate)
    assert rebuild([str(log), str(rotated)], out, CONFIG).events == 6
