"""A backfill where things meet: hours that windows are folded to, files of other folders, names, ends of files."""

from contextlib import suppress
from pathlib import Path

import pytest

from aggregator import config
from aggregator.config import with_retention
from aggregator.history import export as exporting
from aggregator.run import aggregate
from tests.history.logs import CONFIG, event, export, exported

POLLS = "feed_polls_total"


class Stopped(BaseException):
    pass


def poll(moment: str, seq: int, feed: str = "1") -> bytes:
    return event("feed_poll", f"2026-11-{moment}:10Z", seq, feed_id=feed, status="success")


def polls(folder: Path, feed: str) -> dict[int, float]:
    """Values of one series by time."""
    ((_, values),) = (
        each for each in exported(folder).items() if each[0][0] == POLLS and ("feed_id", feed) in each[0][1]
    )
    return values


def test_a_counter_does_not_fall_when_the_hour_of_the_last_export_was_folded(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    minutes = [f"18T{hour:02}:{minute:02}" for hour in (9, 10) for minute in range(0, 60, 5)]
    log.write_bytes(b"".join(poll(moment, seq) for seq, moment in enumerate([*minutes, "18T11:37"])))
    aggregate([str(log)], out, CONFIG)
    export(out, tmp_path / "first", sealed_after=3600, metrics=(POLLS,))
    with log.open("ab") as file:
        file.write(b"".join(poll(f"21T09:{minute:02}", 100 + minute) for minute in range(10)))
    folding = with_retention(CONFIG, {"fold_after": "1d"})
    for _ in range(2):
        aggregate([str(log)], out, folding)
    export(out, tmp_path / "second", folding, metrics=(POLLS,))
    values = [*polls(tmp_path / "first", "1").values(), *polls(tmp_path / "second", "1").values()]
    assert values == sorted(values)
    assert values[-1] == len(minutes) + 1 + 9  # the last minute is not sealed


def test_a_backfill_leaves_the_files_of_other_folders_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        log = tmp_path / f"{name}.log"
        log.write_bytes(b"".join(poll(f"18T09:{minute:02}", minute, name) for minute in range(9)))
        aggregate([str(log)], tmp_path / name, CONFIG)
    files = tmp_path / "files"
    with monkeypatch.context() as patch, suppress(Stopped):

        def stop(_file: object) -> None:
            raise Stopped

        patch.setattr(exporting, "_put", stop)  # right after the commit
        export(tmp_path / "b", files, metrics=(POLLS,))
    assert len(list(files.iterdir())) == 1
    assert export(tmp_path / "a", files, metrics=(POLLS,)).samples
    for path in files.glob("*.om"):
        path.rename(tmp_path / path.name)
    again = export(tmp_path / "b", files, metrics=(POLLS,))
    assert len(again.finished) == 1
    assert polls(files, "b")


def test_a_counter_beside_a_gauge_of_its_name_keeps_its_own(tmp_path: Path) -> None:
    (tmp_path / "logemit.toml").write_text(
        """
[[summary]]
name = "orders"
event = "order"
dimensions = ["kind"]
gauges = ["open"]

[[metric]]
name = "orders"
type = "gauge"
summary = "orders"
value = "open_last"
labels = ["kind"]
help = "Open orders."

[[metric]]
name = "orders_total"
type = "counter"
summary = "orders"
labels = ["kind"]
help = "Orders."
"""
    )
    settings = config.load(tmp_path / "logemit.toml")
    (tmp_path / "app.log").write_bytes(
        b"".join(event("order", f"2026-11-18T09:{minute:02}:10Z", minute, kind="k", open=7) for minute in range(4))
    )
    aggregate([str(tmp_path / "app.log")], tmp_path / "out", settings)
    export(tmp_path / "out", tmp_path / "files", settings, metrics=("orders", "orders_total"))
    found = {name: max(values.values()) for (name, _), values in exported(tmp_path / "files").items()}
    assert found == {"orders": 7, "orders_total": 3}  # the last minute is not sealed


@pytest.mark.parametrize(("split", "step"), [(86_400, None), (3600, None), (3600, 3600)])
def test_a_series_begins_with_a_zero_also_at_the_begin_of_a_file(split: int, step: int | None, tmp_path: Path) -> None:
    lines = [poll("18T08:10", 0), *(poll("18T09:59", 1 + seq, "2") for seq in range(5)), poll("18T11:10", 50)]
    (tmp_path / "app.log").write_bytes(b"".join(lines))
    aggregate([str(tmp_path / "app.log")], tmp_path / "out", CONFIG)
    export(tmp_path / "out", tmp_path / "files", split=split, step=step, metrics=(POLLS,))
    assert list(polls(tmp_path / "files", "2").values())[:2] == [0, 5]
