"""Runs: each event once, whatever stops a run and wherever."""

import json
import os
import time
from pathlib import Path

import pandas as pd
import pytest

from aggregator import config
from aggregator.errors import ConfigError, LockedError, OutputError, StateError
from aggregator.frames import read
from aggregator.run import aggregate
from aggregator.store import opened
from tests.batch.runs import CONFIG, NOON, families, outputs, poll, take_in


def test_the_account_of_every_run_balances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: NOON)
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0) + b"foreign\n" + poll(1) + poll(0) + b'{"logemit":1,"broken\n' + poll(2)[:-3])
    first = take_in(log, out)
    assert (first.read, first.events, first.foreign, first.rejected, first.duplicates) == (5, 2, 1, 1, 1)
    assert first.unfinished == 1
    assert first.rejections[0].startswith(f"{log}:5: broken JSON")
    with log.open("ab") as file:
        file.write(poll(2)[-3:] + poll(4))
    second = take_in(log, out)
    assert (second.run, second.read, second.events, second.missing, second.unfinished) == (2, 2, 2, 1, 0)
    assert 'feed_polls_total{feed_id="1",service="s",status="success"} 4.0' in families(out)


def test_a_number_that_cannot_be_measured_is_told_and_the_event_counts(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, duration_seconds=-1) + poll(1, duration_seconds=0.5))
    assert take_in(log, out).fields_invalid == 1
    assert 'feed_poll_duration_seconds_count{service="s"} 1.0' in families(out)
    assert 'feed_polls_total{feed_id="1",service="s",status="success"} 2.0' in families(out)


def test_a_duplicate_tells_its_invalid_field_only_once(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, duration_seconds=-1) * 3)
    report = take_in(log, out)
    assert (report.fields_invalid, report.duplicates) == (1, 2)


def test_late_events_amend_their_own_old_partition(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(1, "2026-11-20T12:00:00Z"))
    take_in(log, out)
    with log.open("ab") as file:
        file.write(poll(0, "2026-10-01T00:00:00+02:00") + poll(2, "2026-11-20T12:00:59.999999Z"))
    take_in(log, out)
    frame = pd.read_parquet(out / "feed_polls")
    assert dict(zip(frame["date"].astype(str), frame["events"], strict=True)) == {"2026-09-30": 1, "2026-11-20": 2}


def test_future_events_are_held_until_their_time_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, "2026-11-20T12:06:00Z") + poll(1, "2026-11-20T12:04:59Z") + poll(0, "2026-11-20T12:06:00Z"))
    noon = 1_795_176_000_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: noon)
    first = take_in(log, out)
    assert (first.events, first.held, first.read) == (1, 2, 3)
    monkeypatch.setattr(time, "time_ns", lambda: noon + 60 * 10**9)
    second = take_in(log, out)
    assert (second.released, second.events, second.duplicates, second.read) == (2, 1, 1, 0)
    assert pd.read_parquet(out / "feed_polls")["events"].sum() == 2
    assert take_in(log, out).released == 0


def test_counters_never_fall_when_partitions_go(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0))
    take_in(log, out)
    (out / "feed_polls/date=2026-11-20/part.parquet").unlink()
    with log.open("ab") as file:
        file.write(poll(1))
    take_in(log, out)
    assert 'feed_polls_total{feed_id="1",service="s",status="success"} 2.0' in families(out)


def test_a_folder_beside_others_state_is_passed_over_by_readers(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0))
    take_in(log, out)
    assert sorted(path.name for path in out.iterdir()) == ["_logemit", "feed_polls", "feed_polls_bins", "metrics.prom"]
    assert list((out / "feed_polls").rglob("*.*")) == [out / "feed_polls/date=2026-11-20/part.parquet"]


def test_metrics_are_readable_by_others_whatever_the_umask(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0))
    before = os.umask(0o077)
    try:
        take_in(log, out)
    finally:
        os.umask(before)
    assert (out / "metrics.prom").stat().st_mode & 0o777 == 0o644


def grown(folder: Path) -> tuple[Path, Path]:
    """A folder with one run in it, and a log that has grown since."""
    log, out = folder / "app.log", folder / "out"
    log.write_bytes(poll(0) + poll(1, duration_seconds=0.5))
    take_in(log, out)
    with log.open("ab") as file:
        file.write(poll(2) + poll(3, "2026-11-19T12:00:00Z", status="error"))
    return log, out


def test_a_second_run_is_refused_and_told_who_is_at_work(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(poll(0))
    with opened(tmp_path / "out"), pytest.raises(LockedError, match=f"pid {os.getpid()} on "):
        take_in(log, tmp_path / "out")
    assert take_in(log, tmp_path / "out").events == 1


@pytest.mark.parametrize("damage", [b"{}", b"not json", b""])
def test_a_damaged_commit_is_refused(tmp_path: Path, damage: bytes) -> None:
    log, out = grown(tmp_path)
    next((out / "_logemit/commit").glob("*.json")).write_bytes(damage)
    before = outputs(out)
    with pytest.raises(StateError):
        take_in(log, out)
    assert outputs(out) == before


def test_a_commit_changed_by_hand_and_one_of_a_newer_version_are_refused(tmp_path: Path) -> None:
    log, out = grown(tmp_path)
    path = next((out / "_logemit/commit").glob("*.json"))
    document = json.loads(path.read_text())
    document["state"]["read"] += 1
    path.write_text(json.dumps(document))
    with pytest.raises(StateError, match="checksum"):
        take_in(log, out)
    path.write_text(json.dumps({**document, "format": 99}))
    with pytest.raises(StateError, match="upgrade"):
        take_in(log, out)


def test_a_damaged_partition_is_refused(tmp_path: Path) -> None:
    log, out = grown(tmp_path)
    (out / "feed_polls/date=2026-11-20/part.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(StateError, match="was changed since it was committed"):
        take_in(log, out)


def test_an_output_that_is_a_file(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(poll(0))
    with pytest.raises(OutputError, match="is a file"):
        take_in(log, log)


def test_logs_with_the_same_beginning_and_end_are_not_taken_for_one_another(tmp_path: Path) -> None:
    """A banner of a kilobyte before, a traceback behind, and as many bytes between."""
    banner, end = b"Watching for file changes with StatReloader\n" * 40, b"  File x, line 1\n" * 60
    logs = [tmp_path / f"{name}.log" for name in "ab"]
    for log in logs:
        log.write_bytes(banner + b"".join(poll(seq, proc=f"proc-{log.stem}") for seq in range(5)) + end)
    assert aggregate([str(log) for log in logs], tmp_path / "out", CONFIG).events == 10


def test_durations_that_fill_a_cell_do_not_stop_later_runs(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(b"".join(poll(seq, duration_seconds=1_000_000) for seq in range(1200)))
    take_in(log, out)
    with log.open("ab") as file:
        file.write(poll(1200, duration_seconds=1))
    take_in(log, out)
    assert 'feed_poll_duration_seconds_sum{service="s"} 1.200000001e+09' in families(out)
    assert pd.read_parquet(out / "feed_polls")["duration_seconds_sum"].tolist() == [2**50 / 1e6]


def test_counts_that_would_not_add_up_are_no_counts(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(b"".join(poll(seq, items_new=2**53) for seq in range(1100)))
    assert take_in(log, out).fields_invalid == 1100
    assert pd.read_parquet(out / "feed_polls")["items_new_sum"].tolist() == [0]


def test_a_held_line_that_lost_a_field_tells_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, "2026-11-20T12:06:00Z", duration_seconds=-1))
    noon = 1_795_176_000_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: noon)
    assert take_in(log, out).fields_invalid == 0
    monkeypatch.setattr(time, "time_ns", lambda: noon + 60 * 10**9)
    assert take_in(log, out).fields_invalid == 1


@pytest.mark.parametrize("size", [70_000, 9_000_000])
@pytest.mark.parametrize("place", [0, (8 << 20) - 30_000, (8 << 20) - 69_000])
def test_a_line_is_too_long_wherever_it_stands(tmp_path: Path, place: int, size: int) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(b"x\n" * (place // 2) + poll(0, status="s" * size) + poll(1) + b"y" * size + b"\n" + poll(2))
    report = take_in(log, out)
    assert (report.events, report.rejected, report.foreign) == (2, 1, place // 2 + 1)


def test_events_of_the_vocabulary_are_named_whatever_else_is_there(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(b"".join(poll(seq, event=f"own{seq}") for seq in range(1500)))
    take_in(log, out)
    with log.open("ab") as file:
        file.write(poll(1500))
    assert take_in(log, out).by_event == {"feed_poll": 1}


STATE_FILES = ["totals/feed_polls.parquet", "totals/feed_polls_bins.parquet", "history.parquet"]


@pytest.mark.parametrize("name", [*STATE_FILES, "seen/date=2026-11-20/12.parquet"])
@pytest.mark.parametrize("damage", ["gone", "other"])
def test_a_lost_or_changed_file_of_the_state_is_refused(tmp_path: Path, name: str, damage: str) -> None:
    log, out = grown(tmp_path)
    path = out / "_logemit" / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes((out / "feed_polls/date=2026-11-20/part.parquet").read_bytes())
    with pytest.raises(StateError, match="is gone" if damage == "gone" else "was changed"):
        take_in(log, out)


def test_lost_commits_are_refused(tmp_path: Path) -> None:
    log, out = grown(tmp_path)
    for path in (out / "_logemit/commit").iterdir():
        path.unlink()
    with pytest.raises(StateError, match="commits are gone"):
        take_in(log, out)


def summary(dimensions: list[str], measures: str, bins: str = "[]") -> str:
    return f"""
[[summary]]
name = "own"
event = "own"
dimensions = {json.dumps(dimensions)}
measures = {measures}
bins = {bins}
"""


def with_config(tmp_path: Path, text: str) -> config.Config:
    path = tmp_path / "logemit.toml"
    path.write_text(text)
    return config.load(path)


SECONDS, COUNT = '[{ name = "d", unit = "seconds" }]', '[{ name = "d", unit = "count" }]'


def test_a_dimension_added_later_is_there_for_every_reader(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, "2026-11-18T12:00:00Z", event="own", a="x", b="y"))
    aggregate([str(log)], out, with_config(tmp_path, summary(["a"], SECONDS, '["d"]')))
    wider = with_config(tmp_path, summary(["a", "b"], SECONDS, '["d"]'))
    assert list(read(out, "own", by=["b"], catalogue=wider.catalogue).index) == [""]
    with log.open("ab") as file:
        file.write(poll(1, "2026-11-19T12:00:00Z", event="own", a="x", b="y"))
    aggregate([str(log)], out, wider)
    frame = pd.read_parquet(out / "own")
    assert sorted(zip(frame["a"], frame["b"], frame["events"], strict=True)) == [("x", "", 1), ("x", "y", 1)]
    assert read(out, "own", by=["b"], catalogue=wider.catalogue)["count"].to_dict() == {"": 1, "y": 1}


def test_gauges_and_processes_added_later_are_there_for_every_reader(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, "2026-11-18T12:00:00Z", event="own", a="x", depth=3, d=1))
    aggregate([str(log)], out, with_config(tmp_path, summary(["a"], SECONDS, '["d"]')))
    metric = '[[metric]]\nname = "{}"\ntype = "{}"\nhelp = "h"\nsummary = "own"\nvalue = "{}"\n'
    metrics = metric.format("own_total", "counter", "events") + metric.format("depth", "gauge", "depth_last")
    wider = with_config(tmp_path, summary(["a", "proc"], SECONDS, '["d"]') + '\ngauges = ["depth"]\n' + metrics)
    assert read(out, "own", catalogue=wider.catalogue)["depth_last"].isna().all()
    with log.open("ab") as file:
        file.write(poll(1, "2026-11-19T12:00:00Z", event="own", a="x", depth=5, d=1))
    aggregate([str(log)], out, wider)
    frame = pd.read_parquet(out / "own").fillna({"depth_last": -1})
    assert sorted(zip(frame["proc"], frame["events"], frame["depth_last"], strict=True)) == [("", 1, -1), ("p", 1, 5)]
    assert 'own_total{service="s"} 2.0' in families(out)
    assert 'depth{service="s"} 5.0' in families(out)


@pytest.mark.parametrize(
    ("later", "message"),
    [
        (summary(["a"], COUNT), "own.d: is in seconds in the output, count in the configuration"),
        (summary(["a"], SECONDS, '["d"]'), "own.d: has no bins in the output, bins in the configuration"),
    ],
)
def test_a_measure_stays_what_it_was(tmp_path: Path, later: str, message: str) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, event="own", a="x", d=3))
    aggregate([str(log)], out, with_config(tmp_path, summary(["a"], SECONDS)))
    with pytest.raises(ConfigError, match=message):
        aggregate([str(log)], out, with_config(tmp_path, later))
