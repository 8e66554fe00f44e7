"""A backfill: what is sealed, once each; what came too late; and what happens to files."""

import re
from pathlib import Path

import pytest

from aggregator import config
from aggregator.compact import compact
from aggregator.errors import OutputError, UsageError
from aggregator.rebuild import rebuild
from aggregator.repair import repair
from aggregator.run import aggregate
from aggregator.spans import DAY
from aggregator.status import status
from tests.batch.runs import families, sample
from tests.history.logs import CONFIG, at, event, export, exported

POLLS = "feed_polls_total"
SERVICE = frozenset({("service", "s"), ("feed_id", "1"), ("status", "success")})
NOON = 1_795_176_000
"""2026-11-20T12:00:00Z."""


class Folder:
    """A log of polls by the minute after noon, and the runs and backfills over it."""

    def __init__(self, folder: Path) -> None:
        self.path, self.out, self.files = folder, folder / "out", folder / "files"
        self._seq = 0

    def poll(self, *minutes: int, day: int = 20) -> None:
        """And a run over them."""
        with (self.path / "app.log").open("ab") as log:
            for minute in minutes:
                moment = f"2026-11-{day}T{12 + minute // 60:02}:{minute % 60:02}:30Z"
                log.write(event("feed_poll", moment, self._seq, feed_id="1", status="success", duration_seconds=0.5))
                self._seq += 1
        aggregate([str(self.path / "app.log")], self.out, CONFIG)

    def end(self, moment: str = "2026-11-20T15:00:00Z") -> None:
        """Something else happens, so that all is sealed before."""
        with (self.path / "app.log").open("ab") as log:
            log.write(event("the_end", moment, self._seq))
            self._seq += 1
        aggregate([str(self.path / "app.log")], self.out, CONFIG)

    def values(self, folder: Path | None = None) -> dict[int, float]:
        """Of the one series of polls, by the minute after noon."""
        found = exported(folder or self.files).get((POLLS, SERVICE), {})
        return {(time - NOON) // 60: value for time, value in found.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_counter_begins_at_zero_and_is_told_each_step_until_the_last_sealed_window(folder: Folder) -> None:
    folder.poll(0, 0, 2)
    folder.end("2026-11-20T12:05:30Z")
    assert export(folder.out, folder.files).warnings == []
    assert folder.values() == {0: 0, 1: 2, 2: 2, 3: 3, 4: 3, 5: 3}


def test_windows_are_left_alone_until_they_are_sealed(folder: Folder) -> None:
    folder.poll(0, 2, 61)
    assert export(folder.out, folder.files, sealed_after=3600).samples
    assert folder.values() == {0: 0, 1: 1}
    folder.end("2026-11-20T13:03:00Z")
    export(folder.out, folder.files, sealed_after=3600)
    assert folder.values() == {0: 0, 1: 1, 2: 1, 3: 2}


def test_a_second_backfill_writes_nothing(folder: Folder) -> None:
    folder.poll(0)
    folder.end()
    first = export(folder.out, folder.files)
    commits = status(folder.out).commit
    again = export(folder.out, folder.path / "again")
    assert (again.files, again.samples, again.until) == ([], 0, first.until)
    assert list((folder.path / "again").iterdir()) == []
    assert status(folder.out).commit == commits


def test_the_next_backfill_goes_on_where_the_last_one_ended(folder: Folder) -> None:
    folder.poll(0)
    folder.end("2026-11-20T12:02:00Z")
    export(folder.out, folder.files)
    folder.poll(2, 3)
    folder.end("2026-11-20T12:05:00Z")
    (file,) = export(folder.out, folder.files).files
    assert file.path.endswith("/history-2026-11-20T120300.om")
    assert folder.values() == {0: 0, 1: 1, 2: 1, 3: 2, 4: 3, 5: 3}
    assert sample(folder.out, re.escape(f'{POLLS}{{feed_id="1",service="s",status="success"}}')) == 3


def test_parts_told_together_are_the_whole(folder: Folder, tmp_path: Path) -> None:
    """Gauges too go on from what was told before."""
    whole = Folder(tmp_path / "whole")
    whole.path.mkdir()
    whole_log = (Path(__file__).parents[2] / "sample_logs/shop/stdout.log").read_bytes()
    for each in (folder, whole):
        (each.path / "app.log").write_bytes(whole_log + event("the_end", "2026-11-22T01:00:00Z", 0))
        aggregate([str(each.path / "app.log")], each.out, CONFIG)
    begin = NOON + int(35.5 * 3600)
    export(whole.out, whole.files, end=begin)
    for end in (begin - 4 * 60, begin - 3 * 60, begin):
        export(folder.out, folder.files, end=end)
    assert len(list(folder.files.iterdir())) == 3
    found, wanted = exported(folder.files), exported(whole.files)
    assert found.keys() == wanted.keys()
    for key, values in wanted.items():  # what begins right after the end of an export begins without a zero
        first = min(found[key])
        assert found[key] == {time: value for time, value in values.items() if time >= first}
        assert first - min(values) in (0, 60)
        assert not values[min(values)] or first == min(values)


def test_a_metric_defined_today_gets_its_history_and_only_it(folder: Folder) -> None:
    folder.poll(0, 2)
    folder.end()
    export(folder.out, folder.files)
    (folder.path / "logemit.toml").write_text(
        '[[metric]]\nname = "all_polls_total"\ntype = "counter"\nhelp = "All."\nsummary = "feed_polls"\n'
    )
    settings = config.load(folder.path / "logemit.toml")
    done = export(folder.out, folder.path / "later", settings)
    assert done.families == 1
    assert {name for name, _ in exported(folder.path / "later")} == {"all_polls_total"}
    found = exported(folder.path / "later")["all_polls_total", frozenset({("service", "s")})]
    assert [found[NOON + 60 * minute] for minute in range(4)] == [0, 1, 1, 2]
    assert export(folder.out, folder.path / "again", settings).samples == 0


def test_late_events_are_listed_once_and_count_from_there_on(folder: Folder) -> None:
    folder.poll(0, 1)
    folder.end("2026-11-20T12:03:00Z")
    export(folder.out, folder.files)
    folder.poll(0, 0)
    folder.end("2026-11-20T12:05:00Z")
    done = export(folder.out, folder.files)
    assert [(each.summary, each.start, each.events) for each in done.amendments] == [("feed_polls", NOON, 2)]
    assert folder.values() == {0: 0, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4}
    again = export(folder.out, folder.files)
    assert (again.amended, again.samples) == (0, 0)
    folder.end("2026-11-20T12:05:01Z")
    assert "logemit_history_amended_events_total 2.0" in (folder.out / "metrics.prom").read_text()
    assert (status(folder.out).history_amended, status(folder.out).exported_until) == (2, NOON + 300)


def test_a_late_event_in_a_window_that_nothing_had_come_for_is_listed_too(folder: Folder) -> None:
    folder.poll(5)
    folder.end()
    export(folder.out, folder.files)
    folder.poll(3)
    folder.poll(0, day=19)
    found = export(folder.out, folder.files)
    assert [(each.start, each.events) for each in found.amendments] == [(NOON - DAY, 1), (NOON + 180, 1)]
    assert found.amended == 2


def test_folding_and_dropping_amend_nothing(folder: Folder) -> None:
    folder.poll(0, 1, 7, day=18)
    folder.poll(0)
    folder.end()
    export(folder.out, folder.files, metrics=(POLLS,))
    for spans in ({"fold_after": "1d"}, {"drop_after": "1d"}):
        compact(folder.out, config.with_retention(CONFIG, spans))
        done = export(folder.out, folder.files, metrics=(POLLS,))
        assert (done.samples, done.amended) == (0, 0)
    folder.poll(181)
    folder.end("2026-11-20T15:03:00Z")
    export(folder.out, folder.files, metrics=(POLLS,))
    assert [value for minute, value in folder.values().items() if minute > 180] == [4, 5, 5]


def test_what_is_in_no_partition_any_more_is_there_from_the_beginning(folder: Folder) -> None:
    folder.poll(0, 1, 7, day=10)
    folder.poll(0)
    folder.end()
    compact(folder.out, config.with_retention(CONFIG, {"drop_after": "5d"}))
    export(folder.out, folder.files, begin=NOON, metrics=(POLLS,))
    found = folder.values()
    assert (found[0], found[1]) == (3, 4)


def test_folded_hours_are_repeated_until_the_next_ends(folder: Folder) -> None:
    folder.poll(0, 5, 61, day=10)
    folder.end()
    compact(folder.out, config.with_retention(CONFIG, {"fold_after": "5d"}))
    export(folder.out, folder.files, end=NOON - 10 * DAY + 3 * 3600, metrics=(POLLS,))
    found = {minute + 10 * 1440: value for minute, value in folder.values().items()}
    assert found == {59: 0, **dict.fromkeys(range(60, 120), 2), **dict.fromkeys(range(120, 181), 3)}


def test_a_rebuild_does_not_forget_what_was_exported(folder: Folder) -> None:
    folder.poll(0, 2)
    folder.end()
    export(folder.out, folder.files)
    rebuild([str(folder.path / "app.log")], folder.out, CONFIG)
    assert export(folder.out, folder.path / "again").samples == 0
    assert repair(folder.out, CONFIG).findings == []


def test_what_was_exported_and_is_damaged_is_told_and_can_be_set_aside(folder: Folder) -> None:
    folder.poll(0, 2)
    folder.end()
    export(folder.out, folder.files)
    (folder.out / "_logemit/backfill/marks.json").write_text("{}")
    (finding,) = repair(folder.out, CONFIG).findings
    assert (finding.kind, finding.outcome) == ("exported", "lost")
    assert repair(folder.out, CONFIG, set_aside=True).left == 0
    assert export(folder.out, folder.path / "again").samples > 0


def test_the_last_sample_is_that_of_metrics_prom(folder: Folder) -> None:
    log = (Path(__file__).parents[2] / "sample_logs/bot/stdout.log").read_bytes()
    (folder.path / "app.log").write_bytes(log + event("the_end", "2026-11-22T01:00:00Z", 0))
    aggregate([str(folder.path / "app.log")], folder.out, CONFIG)
    done = export(folder.out, folder.files, step=3600, end=NOON + 36 * 3600)
    text = families(folder.out).splitlines()
    wanted = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text if not line.startswith("#")}
    last = [line.rsplit(" ", 2) for line in Path(done.files[-1].path).read_text().splitlines() if line[:1] not in "#"]
    assert {name: float(value) for name, value, time in last if int(time) == done.until} == wanted


# Files and options.


def test_a_file_for_each_day_each_complete(folder: Folder) -> None:
    for day in (18, 19, 20):
        folder.poll(0, day=day)
    folder.end()
    done = export(folder.out, folder.files, step=3600)
    assert [Path(file.path).name for file in done.files] == [f"history-2026-11-{day}.om" for day in (18, 19, 20)]
    for file in done.files:
        text = Path(file.path).read_text()
        assert text.endswith("\n# EOF\n")
        assert sum(not line.startswith("#") for line in text.splitlines()) == file.samples
    assert sum(file.samples for file in done.files) == done.samples


def test_a_file_that_is_there_is_kept_unless_forced(folder: Folder) -> None:
    folder.poll(0)
    folder.end()
    folder.files.mkdir()
    (folder.files / "history-2026-11-20.om").write_text("mine")
    with pytest.raises(OutputError, match="is there already"):
        export(folder.out, folder.files)
    assert [path.name for path in folder.files.iterdir()] == ["history-2026-11-20.om"]
    assert export(folder.out, folder.files, force=True).samples
    assert folder.values()[1] == 1


def test_a_dry_run_tells_all_and_changes_nothing(folder: Folder) -> None:
    folder.poll(0)
    folder.end()
    before = {path: path.read_bytes() for path in folder.out.rglob("*") if path.is_file() and path.name != "lock"}
    dry = export(folder.out, folder.files, dry_run=True)
    assert before == {path: path.read_bytes() for path in before}
    assert list(folder.files.iterdir()) == []
    real = export(folder.out, folder.files)
    assert (dry.files, dry.samples, dry.families) == (real.files, real.samples, real.families)


def test_anew_exports_again_what_was_exported(folder: Folder) -> None:
    folder.poll(0)
    folder.end()
    export(folder.out, folder.files)
    assert export(folder.out, folder.path / "again", anew=True).samples
    assert exported(folder.path / "again") == exported(folder.files)


def test_from_until_labels_and_metrics(folder: Folder) -> None:
    folder.poll(0, 1, 2, 3)
    folder.end()
    labels = {"job": "logemit"}
    export(folder.out, folder.files, begin=NOON + 120, end=NOON + 180, metrics=(POLLS,), labels=labels)
    assert exported(folder.files) == {(POLLS, SERVICE | {("job", "logemit")}): {NOON + 120: 2, NOON + 180: 3}}
    with pytest.raises(UsageError, match="no_such: no family"):
        export(folder.out, folder.files, metrics=("no_such",))
    with pytest.raises(UsageError, match="feed_id"):
        export(folder.out, folder.files, labels={"feed_id": "x"})


def test_steps_that_prometheus_finds_stale_are_warned_of(folder: Folder) -> None:
    folder.poll(0)
    folder.end()
    (warning,) = export(folder.out, folder.files, step=600).warnings
    assert "gap" in warning


def test_values_of_before_a_cap_stay_under_it(folder: Folder) -> None:
    with (folder.path / "app.log").open("ab") as log:
        for number in range(6):
            log.write(event("feed_poll", f"2026-11-20T12:0{number}:00Z", number, feed_id=str(number), status="success"))
        log.write(event("the_end", "2026-11-20T12:10:00Z", 6))
    (folder.path / "logemit.toml").write_text("[caps.feed_polls_total]\nmax_label_values = 2\n")
    settings = config.load(folder.path / "logemit.toml")
    aggregate([str(folder.path / "app.log")], folder.out, settings)
    done = export(folder.out, folder.files, settings, metrics=(POLLS,))
    found = {dict(labels)["feed_id"]: value for (_, labels), value in at(exported(folder.files), done.until).items()}
    assert found == {"0": 1, "1": 1, "__other__": 4}
