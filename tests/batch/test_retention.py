"""Late events, folding and dropping: partitions change, counters do not."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aggregator import config
from aggregator.compact import compact
from aggregator.errors import ConfigError, InputError, UsageError
from aggregator.frames import read
from aggregator.migration import opened
from aggregator.retention import Retention
from aggregator.store import files
from tests.batch.runs import CONFIG, DAY, NOON, families, outputs, poll, rows, sample, take_in
from tests.scale import scaled


def kept(**spans: str) -> config.Config:
    return config.with_retention(CONFIG, spans)


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: NOON)


def stamp(days: float, seconds: float = 0) -> str:
    """So many days before noon."""
    moment = datetime.fromtimestamp(NOON / 1e9, UTC) - timedelta(days=days) + timedelta(seconds=seconds)
    return moment.isoformat().replace("+00:00", "Z")


def history(log: Path, days: int) -> None:
    """Three polls a day, two of them within an hour."""
    lines = [
        poll(3 * day + n, stamp(days - day, seconds), duration_seconds=0.25 * (n + 1))
        for day in range(days)
        for n, seconds in enumerate((60, 600, 7200))
    ]
    log.write_bytes(b"".join(lines))


def test_old_minutes_become_hours_and_nothing_else_changes(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    history(log, 40)
    take_in(log, out)
    before = families(out)
    done = compact(out, kept(fold_after="30d"))
    assert (done.folded_before, done.dropped_before) == ("2026-10-21", "")
    assert done.bytes_after < done.bytes_before
    assert families(out) == before
    frame = pd.read_parquet(out / "feed_polls")
    old = frame["date"].astype(str) < "2026-10-21"
    assert frame[old].groupby("window_seconds")["events"].agg(["size", "sum"]).to_dict("index") == {
        3600: {"size": 20, "sum": 30}
    }
    assert set(frame[~old]["window_seconds"]) == {60}
    assert frame["events"].sum() == 120
    assert frame["duration_seconds_sum"].sum() == pytest.approx(40 * 1.5)
    assert read(out, "feed_polls")["p99"].item() == pytest.approx(0.75, rel=0.016)


def test_rates_of_folded_windows_are_of_their_hour(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    history(log, 40)
    take_in(log, out, kept(fold_after="30d"))
    rates = read(out, "feed_polls", freq="1min")["rate"]
    assert (rates.iloc[0], rates.iloc[-1]) == (2 / 3600, 1 / 60)


def test_compacting_again_does_nothing(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    history(log, 40)
    take_in(log, out)
    compact(out, kept(fold_after="30d"))
    before = outputs(out)
    assert compact(out, kept(fold_after="30d")).partitions == 0
    assert outputs(out) == before


def test_a_long_history_is_worked_off_in_steps(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    history(log, 100)
    take_in(log, out)
    told: list[tuple[int, int]] = []
    assert compact(out, kept(fold_after="5d"), lambda *step: told.append(step)).steps == 4
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (pd.read_parquet(out / "feed_polls")["window_seconds"] == 3600).sum() == 2 * 95


def test_readers_do_not_notice_that_minutes_become_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One reads after each file that takes its place."""
    log, out = tmp_path / "app.log", tmp_path / "out"
    history(log, 12)
    take_in(log, out)
    frames, rename = [], files.rename

    def rename_and_read(source: Path, target: Path) -> None:
        rename(source, target)
        frames.append(pd.read_parquet(out / "feed_polls"))

    monkeypatch.setattr(files, "rename", rename_and_read)
    compact(out, kept(fold_after="1d"))
    assert {int(frame["events"].sum()) for frame in frames} == {36}
    assert {len(frame) for frame in frames} >= {*range(25, 36)}


def test_a_late_event_in_a_folded_partition_is_folded_too(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    history(log, 40)
    take_in(log, out, kept(fold_after="30d"))
    with log.open("ab") as file:
        file.write(poll(500, stamp(38, 120), duration_seconds=1))
    take_in(log, out)
    frame = pd.read_parquet(out / "feed_polls")
    assert frame.groupby("date", observed=True)["events"].sum()["2026-10-13"] == 4
    assert set(frame[frame["date"] == "2026-10-13"]["window_seconds"]) == {3600}


def test_emptied_partitions_are_there_for_readers_and_counters_do_not_fall(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    history(log, 20)
    take_in(log, out)
    before, files = families(out), set(rows(out))
    done = compact(out, kept(drop_after="10d"))
    assert done.dropped_before == "2026-11-10"
    assert set(rows(out)) == files
    assert families(out) == before
    frame = pd.read_parquet(out / "feed_polls")
    assert frame["events"].sum() == 30
    assert frame["date"].astype(str).min() == "2026-11-10"


def test_a_late_event_does_not_revive_an_emptied_partition(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    history(log, 20)
    take_in(log, out, kept(drop_after="10d"))
    with log.open("ab") as file:
        file.write(poll(500, stamp(15)))
    report = take_in(log, out)
    assert (report.events, report.late, report.partitions) == (1, 1, 0)
    assert pd.read_parquet(out / "feed_polls")["events"].sum() == 30
    assert sample(out, "logemit_events_late_total") == 31
    assert 'feed_polls_total{feed_id="1",service="s",status="success"} 61.0' in families(out)


def test_emptied_partitions_are_removed_on_request_and_stay_so(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    history(log, 20)
    take_in(log, out)
    before = families(out)
    assert compact(out, kept(drop_after="10d"), remove=True).removed == 20
    assert len(list((out / "feed_polls").iterdir())) == 10
    with log.open("ab") as file:
        file.write(poll(500, stamp(15)) + poll(60))
    take_in(log, out)
    assert len(list((out / "feed_polls").iterdir())) == 11
    assert families(out) != before


def test_a_folder_that_is_no_date_is_no_partition_to_remove(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    history(log, 20)
    take_in(log, out)
    mine = out / "feed_polls/date=1/mine.parquet"
    mine.parent.mkdir()
    mine.write_bytes(b"")
    assert compact(out, kept(drop_after="10d"), remove=True).removed == 20
    assert mine.exists()


def test_folding_inside_of_aggregate_is_that_of_compact(tmp_path: Path) -> None:
    log, one, two = tmp_path / "app.log", tmp_path / "one", tmp_path / "two"
    history(log, 40)
    take_in(log, one, kept(fold_after="30d", drop_after="35d"))
    take_in(log, two)
    take_in(log, two, kept(fold_after="30d", drop_after="35d"))
    dropped = [name for name, found in rows(two).items() if not found]
    assert len(dropped) == 10
    assert {name: found for name, found in rows(two).items() if found} == rows(one)
    assert families(two) == families(one)


def test_late_events_beyond_the_limit_are_in_the_totals_only(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, stamp(3)) + poll(1, stamp(1.9)) + poll(2))
    report = take_in(log, out, kept(late_limit="2d"))
    assert (report.events, report.late) == (3, 1)
    assert pd.read_parquet(out / "feed_polls")["events"].sum() == 2
    assert 'feed_polls_total{feed_id="1",service="s",status="success"} 3.0' in families(out)
    assert sample(out, "logemit_events_late_total") == 1


def test_without_a_limit_any_old_event_amends_its_partition(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, "2001-02-03T04:05:06Z"))
    assert take_in(log, out).late == 0
    assert list(pd.read_parquet(out / "feed_polls")["date"]) == ["2001-02-03"]


def test_marks_never_go_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was folded or emptied stays so, also for a longer span, or a clock that was ahead."""
    log, out = tmp_path / "app.log", tmp_path / "out"
    history(log, 20)
    take_in(log, out)
    compact(out, kept(fold_after="5d", drop_after="10d"))
    monkeypatch.setattr(time, "time_ns", lambda: NOON - 30 * DAY)
    done = compact(out, kept(fold_after="50d", drop_after="60d"))
    assert (done.folded_before, done.dropped_before) == ("2026-11-15", "2026-11-10")


def test_a_clock_that_is_ahead_of_all_events_empties_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    history(log, 20)
    take_in(log, out, kept(drop_after="30d", fold_after="25d"))
    before = rows(out)
    monkeypatch.setattr(time, "time_ns", lambda: NOON + 400 * DAY)
    for _ in range(3):
        take_in(log, out, kept(drop_after="30d", fold_after="25d"))
    compact(out, kept(drop_after="30d", fold_after="25d"))
    monkeypatch.setattr(time, "time_ns", lambda: NOON)
    with log.open("ab") as file:
        file.write(poll(500))
    assert take_in(log, out).late == 0
    assert {name: found for name, found in rows(out).items() if name in before and "11-20" not in name} == before


def test_one_very_old_event_does_not_hold_retention_up(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    history(log, 40)
    with log.open("ab") as file:
        file.write(poll(500, "2000-01-01T00:00:00Z"))
    take_in(log, out)
    assert compact(out, kept(drop_after="30d")).steps == 2
    assert pd.read_parquet(out / "feed_polls")["date"].astype(str).min() == "2026-10-21"


def test_nothing_is_folded_while_a_summary_is_not_configured(tmp_path: Path) -> None:
    """It would stay behind for good: what marks have passed is not looked at again."""
    log, out, path = tmp_path / "app.log", tmp_path / "out", tmp_path / "logemit.toml"
    path.write_text('[[summary]]\nname = "own"\nevent = "feed_poll"\ndimensions = ["status"]\n')
    own = config.with_retention(config.load(path), {"fold_after": "30d"})
    history(log, 40)
    take_in(log, out, config.load(path))
    report = take_in(log, out, kept(fold_after="30d"))
    assert "'own' that is not configured; give its --config; until then nothing is folded" in report.warnings[0]
    assert set(pd.read_parquet(out / "feed_polls")["window_seconds"]) == {60}
    assert take_in(log, out, own).warnings == []
    assert set(pd.read_parquet(out / "own")["window_seconds"]) == {60, 3600}


def test_what_was_seen_becomes_small_after_a_week_and_still_knows_repeats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, again, out = tmp_path / "app.log", tmp_path / "again.log", tmp_path / "out"
    log.write_bytes(b"".join(poll(seq, stamp(0, -1 - seq / 10)) for seq in range(5000)))
    take_in(log, out)
    path = next((out / "_logemit/seen").glob("*/*.parquet"))
    size = path.stat().st_size
    monkeypatch.setattr(time, "time_ns", lambda: NOON + 9 * DAY)
    take_in(log, out)
    assert path.stat().st_size < size / 2
    again.write_bytes(b"another\n" + log.read_bytes())
    report = take_in(again, out)
    assert (report.events, report.duplicates) == (0, 5000)


def test_a_summary_that_is_not_configured_is_not_left_behind(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0))
    take_in(log, out)
    (out / "own" / "date=2026-11-20").mkdir(parents=True)
    with pytest.raises(ConfigError, match="'own' that is not configured; give its --config"):
        compact(out, kept(fold_after="30d"))


@pytest.mark.parametrize("span", ["", "0d", "30", "x", "-1d", "999999d", "1h", "99999y"])
def test_a_span_that_is_none_is_told(span: str) -> None:
    with pytest.raises(UsageError, match="expected a number of days, weeks or years"):
        kept(fold_after=span)


def test_spans_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "logemit.toml"
    path.write_text('fold_after = "30d"\ndrop_after = "1y"\nlate_limit = "2w"\n')
    assert config.load(path).retention == Retention(30, 366, 14)
    path.write_text("fold_after = 30\n")
    with pytest.raises(ConfigError, match=r"logemit\.toml:1: fold_after is 30"):
        config.load(path)


def test_a_folder_without_output_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no output of logemit aggregate"):
        compact(tmp_path, kept(fold_after="30d"))


_opened: list[str] | None = None


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _opened is not None and isinstance(arguments[0], str):
        _opened.append(arguments[0])


sys.addaudithook(_audit)


@contextmanager
def opens(out: Path) -> Iterator[list[str]]:
    """The files of the output that are opened meanwhile, some of them twice."""
    global _opened
    found: list[str] = []
    _opened = found
    try:
        yield found
    finally:
        _opened = None
        found[:] = [path for path in found if path.startswith(str(out))]


YEAR = scaled(100, 365, 365)
"""A part of it tells as well."""


def test_a_run_costs_as_much_after_a_year_as_on_the_first_day(tmp_path: Path, figure: Any) -> None:
    """The same new lines open as many files, and stage as many bytes but for the commit's list of dates."""
    costs = []
    for days in (1, YEAR):
        log, new, out = tmp_path / f"{days}.log", tmp_path / f"new{days}.log", tmp_path / f"out{days}"
        history(log, days)
        take_in(log, out)
        new.write_bytes(b"".join(poll(5000 + n, stamp(0, n)) for n in range(50)))
        with opens(out) as found:
            take_in(new, out)
        with opened(out) as store:
            commit = store.path(f"_logemit/commit/{store.state.commit:010d}.json").stat().st_size
        costs.append((len(found), commit))
    (first, first_commit), (later, later_commit) = costs
    figure(
        f"cost of a run: {first} files opened after 1 day, {later} after {YEAR}; "
        f"commit {first_commit}, {later_commit} B"
    )
    assert first == later
    assert later_commit - first_commit < YEAR * 20
