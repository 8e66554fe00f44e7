"""logemit explain as its user meets it: what is refused and how, what is dropped, and beside an output folder."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from aggregator.config import load
from aggregator.errors import ReadWriteError
from aggregator.explain import lines as way
from aggregator.explain.numbers import OfMetric
from aggregator.explain.query import Query, parsed
from aggregator.promtext import series
from tests.batch.runs import CONFIG, poll
from tests.command.calls import logemit, message
from tests.conftest import LOGEMIT

POLLS = "feed_polls_total"
RED = "\x1b[31mred"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_bytes(b"boot\n" + b"".join(poll(seq, feed_id=str(seq % 2)) for seq in range(5)))
    return path


def told(*arguments: object) -> dict[str, object]:
    done = logemit("explain", *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("", "METRIC is ''"),
        ("feed polls", "expected a sample as in metrics.prom"),
        ("feed_polls_total{", "expected a sample"),
        ('feed_polls_total{feed_id="1}', "labels end at"),
        ("feed_polls_total{feed_id=1}", "labels end at"),
        ("feed_polls_total{feed_id=1}", "in single quotes for the shell"),
        ("feed_polls_total one", "expected a sample"),
        ('feed_polls_total{feed_id="1"} 3 4', "expected a sample"),
        ('feed_polls_total{feed_id="1" status="2"}', "labels end at"),
        ('feed_polls_total{feed_id="1",feed_id="2"}', "names feed_id twice"),
        ("feed_poll_total", "did you mean 'feed_polls_total'?"),
        ('feed_polls_total{feed="1"}', "has no label 'feed'; it has service, feed_id, status; did you mean 'feed_id'?"),
        ('feed_polls_total{le="1"}', "has no label 'le'"),
        ("feed_poll_duration_seconds", "name feed_poll_duration_seconds_count, _sum, or _bucket with le"),
        ("feed_poll_duration_seconds_bucket", "le is missing, expected one of 0.01,"),
        ('feed_poll_duration_seconds_bucket{le="0.3"}', "le is 0.3, expected one of"),
        ('feed_poll_duration_seconds_bucket{le="x"}', "le is 'x', expected the bound of a bucket"),
        ("logemit_events_lost_total", "tells of the runs, and no line alone makes it; see logemit status"),
        ("x" * 100_000, "no metric"),
        ('feed_polls_total{feed_id="\x1b[31m', "expected a sample"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(log: Path, metric: str, words: str) -> None:
    done = logemit("explain", metric, log)
    assert done.returncode == 2
    assert words in message(done)
    assert "\x1b" not in done.stderr
    assert len(done.stderr) < 1000


@pytest.mark.parametrize("value", ["", " 2.0", " 1e+06", "  1.5e-05 ", " +Inf", " NaN", " -3"])
@pytest.mark.parametrize("labels", [{}, {"feed_id": "1"}, {"feed_id": "} 2"}])
def test_a_line_of_metrics_prom_may_be_given_with_its_value(value: str, labels: dict[str, str]) -> None:
    assert parsed(series(POLLS, labels) + value) == Query(POLLS, labels)


@pytest.mark.parametrize(
    "at", ["", "noon", "12:00", "2026-13-01", "2026-11-20T12:00:30", "2026-11-20/90s", "2026-11-20/"]
)
def test_no_window(log: Path, at: str) -> None:
    done = logemit("explain", POLLS, log, "--at", at)
    assert done.returncode == 2
    assert "--at is" in message(done)


def test_sources_that_cannot_be_read_twice_or_at_all(log: Path) -> None:
    done = logemit("explain", POLLS, "-", input="")
    assert (done.returncode, message(done)) == (2, "logemit: standard input: is read twice here; name files or URLs")
    done = logemit("explain", POLLS, log, "missing.log")
    assert (done.returncode, "missing.log: no such file" in message(done)) == (66, True)
    done = logemit("explain", POLLS, log, "--out", log.parent / "nothing")
    assert done.returncode == 66
    done = logemit("explain", POLLS, log, "--raw", "--json")
    assert done.returncode == 2


def test_windows_and_spans_hold_what_begins_in_them(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    times = ["11:59:59.999999", "12:00:00", "12:00:59.999999", "12:01:00", "12:59:59", "13:00:00"]
    log.write_bytes(b"".join(poll(seq, f"2026-11-20T{time}Z") for seq, time in enumerate(times)))
    found = {
        at: told(POLLS, log, "--at", at)["value"] for at in ("2026-11-20T12:00", "2026-11-20T12:00/1h", "2026-11-20")
    }
    assert list(found.values()) == [2, 4, 6]
    assert told(POLLS, log, "--at", "2026-11-20T14:00:00+02:00")["value"] == 2
    assert told(POLLS, log, "--at", "2026-11-21")["value"] == 0


def test_duplicates_are_dropped_and_told(log: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.log"
    again.write_bytes(b"another beginning\n" + b"".join(log.read_bytes().splitlines(keepends=True)[2:4]) + poll(7))
    found = told(POLLS, log, again)
    assert (found["value"], found["events"], found["duplicates"]) == (6, 6, 2)
    assert [line["offset"] for line in found["lines"] if line["duplicate"]] == [18, 18 + len(poll(1, feed_id="1"))]  # type: ignore[attr-defined]
    printed = logemit("explain", POLLS, log, again).stdout
    assert printed.count("delivered before, dropped") == 2
    assert "2  lines were delivered before and dropped" in printed


def test_a_page_for_people(log: Path) -> None:
    done = logemit("explain", f'{POLLS}{{feed_id="1"}}', log, "--limit", 1)
    offset = log.read_bytes().index(poll(1, feed_id="1"))
    assert done.stdout.splitlines() == [
        f"{log}: line 3, byte {offset}: +1",
        f"    {poll(1, feed_id='1').decode().rstrip()}",
        "… and 1 more line; --limit, --raw show them",
        "",
        'feed_polls_total{feed_id="1"}, all time',
        "               2  in these logs, by 2 lines of 6",
    ]


def test_what_a_log_holds_is_not_obeyed(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    feed_id = f'{RED}\n"a\\b\r\x0b\x85\u2028 }} 1'
    log.write_bytes(poll(0, feed_id=feed_id) + poll(1))
    escaped = feed_id.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    logemit("aggregate", log, "--out", tmp_path / "out")
    done = logemit("explain", f'{POLLS}{{feed_id="{escaped}"}}', log, "--out", tmp_path / "out")
    assert "1  in these logs" in done.stdout
    assert "1  in metrics.prom" in done.stdout
    assert "\x1b" not in done.stdout
    raw_escape = tmp_path / "raw.log"
    raw_escape.write_bytes(poll(0, feed_id="XX").replace(b"XX", b"\xc2\x9b31m\x7f"))
    done = logemit("explain", POLLS, raw_escape)
    assert "\\x9b31m\\x7f" in done.stdout
    assert not set("\x9b\x7f") & set(done.stdout)


def test_raw_lines_make_the_same_number_again(log: Path, tmp_path: Path) -> None:
    with log.open("ab") as file:
        file.write(poll(6, feed_id="1")[:-1] + poll(7, feed_id="1"))  # glued
    raw = logemit("explain", f'{POLLS}{{feed_id="1"}}', log, "--raw").stdout
    assert logemit("aggregate", "-", "--out", tmp_path / "out", "--json", input=raw).returncode == 0
    assert (
        'feed_polls_total{feed_id="1",service="s",status="success"} 4.0' in (tmp_path / "out/metrics.prom").read_text()
    )
    assert len(logemit("explain", POLLS, log, "--raw", "--limit", 2).stdout.splitlines()) == 2


def test_exact_bytes_do_not_go_to_a_terminal(log: Path) -> None:
    master, terminal = pty.openpty()
    done = subprocess.run(
        [LOGEMIT, "explain", POLLS, log, "--raw"], stdout=terminal, stderr=subprocess.PIPE, check=False
    )
    os.close(terminal)
    os.close(master)
    assert done.returncode == 2
    assert b"a terminal may obey it" in done.stderr


def test_values_over_the_cap_are_those_of_the_folder(tmp_path: Path) -> None:
    log, toml, out = tmp_path / "app.log", tmp_path / "logemit.toml", tmp_path / "out"
    feeds = [1, 1, 1, 2, 2, 3, 4, 5]
    log.write_bytes(b"".join(poll(seq, feed_id=str(feed)) for seq, feed in enumerate(feeds)))
    toml.write_text("[caps.feed_polls_total]\nmax_label_values = 2\n")
    for known in ([], ["--out", out]):
        found = told(f'{POLLS}{{feed_id="__other__"}}', log, "--config", toml, *known)
        assert found["value"] == 3
        assert [json.loads(line["text"])["feed_id"] for line in found["lines"]] == ["3", "4", "5"]  # type: ignore[attr-defined]
        logemit("aggregate", log, "--out", out, "--config", toml)
    log.write_bytes(log.read_bytes() + b"".join(poll(seq, feed_id="5") for seq in range(8, 20)))
    logemit("aggregate", log, "--out", out, "--config", toml)
    asked = f'{POLLS}{{feed_id="__other__"}}'
    assert told(asked, log, "--config", toml, "--out", out)["value"] == 15  # a first run would have shown feed 5
    assert told(asked, log, "--config", toml)["value"] == 4


def test_filters_and_labels_with_other_values(tmp_path: Path) -> None:
    log, toml = tmp_path / "app.log", tmp_path / "logemit.toml"
    log.write_bytes(
        poll(0, feed_id="a-1") + poll(1, feed_id="a-2") + poll(2, feed_id="b", status="error") + poll(3, feed_id="b")
    )
    toml.write_text(
        '[[metric]]\nname = "kinds_total"\ntype = "counter"\nhelp = "h"\nsummary = "feed_polls"\n'
        'where = { status = "success" }\n[metric.labels]\nkind = { dimension = "feed_id", values = { "a-*" = "a" } }\n'
    )
    assert told('kinds_total{kind="a"}', log, "--config", toml)["value"] == 2
    assert told('kinds_total{kind="b"}', log, "--config", toml)["value"] == 1
    assert told('kinds_total{kind="a-1"}', log, "--config", toml)["value"] == 0


def test_beside_a_folder_the_difference_is_told(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    logemit("aggregate", log, "--out", out)
    same = logemit("explain", POLLS, log, "--out", out).stdout
    assert "5  in metrics.prom of" in same
    assert "differ" not in same
    assert told(POLLS, log, "--out", out, "--at", "2026-11-20T12:00")["folder"]["value"] == 5  # type: ignore[index]
    with log.open("ab") as file:
        file.write(poll(5) + poll(6, "2026-11-20T12:10:00Z"))
    more = logemit("explain", POLLS, log, "--out", out).stdout
    assert "7  in these logs" in more
    assert f"it has not read all of these, under these names: {log}" in more
    other = tmp_path / "other.log"
    other.write_bytes(poll(0))
    less = logemit("explain", POLLS, other, "--out", out, "--at", "2026-11-20T12:00").stdout
    assert "1  in these logs" in less
    assert "5  in Parquet of" in less
    assert f"it has read other sources, too: {log}" in less


def test_beside_a_folder_whose_windows_are_gone(tmp_path: Path) -> None:
    log, out = tmp_path / "app.log", tmp_path / "out"
    log.write_bytes(poll(0, "2026-01-05T12:00:00Z") + poll(1, "2026-11-20T12:00:00Z"))
    logemit("aggregate", log, "--out", out)
    logemit("aggregate", log, "--out", out, "--drop-after", "30d")
    gone = logemit("explain", POLLS, log, "--out", out, "--at", "2026-01-05").stdout
    assert "1  in these logs" in gone
    assert "were emptied by drop_after; metrics.prom keeps them" in gone
    assert "differ" not in logemit("explain", POLLS, log, "--out", out).stdout


@pytest.mark.parametrize("text", [None, b"feed_polls_total{ 1\n", b"feed_polls_total one\n", b"\xff\n"])
def test_beside_a_folder_whose_text_is_damaged(log: Path, tmp_path: Path, text: bytes | None) -> None:
    out = tmp_path / "out"
    logemit("aggregate", log, "--out", out)
    if text is None:
        (out / "metrics.prom").unlink()
    else:
        (out / "metrics.prom").write_bytes(text)
    done = logemit("explain", POLLS, log, "--out", out)
    assert done.returncode == 65
    assert "metrics.prom: is missing or damaged; the next run of logemit aggregate writes it anew" in message(done)
    logemit("aggregate", log, "--out", out)
    assert logemit("explain", POLLS, log, "--out", out).returncode == 0


def test_events_ahead_and_last_lines_without_an_end_wait(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(poll(0) + poll(1, "2999-01-01T00:00:00Z") + b'{"logemit":1,"event":1}\n' + poll(2)[:-1])
    found = told(POLLS, log)
    assert [found[name] for name in ("value", "ahead", "rejected", "unfinished")] == [1, 1, 1, 1]


def test_a_log_that_grows_meanwhile_is_as_it_was_first(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle = OfMetric.settle

    def grown(self: OfMetric, *arguments: object) -> None:
        with log.open("ab") as file:
            file.write(poll(9) * 3)
        settle(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(OfMetric, "settle", grown)
    lines: list[way.Line] = []
    assert way.explain(POLLS, None, [str(log)], CONFIG, lines.append).value == len(lines) == 5


def test_a_log_that_is_truncated_meanwhile_is_told(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle = OfMetric.settle

    def cut(self: OfMetric, *arguments: object) -> None:
        log.write_bytes(poll(100))
        settle(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(OfMetric, "settle", cut)
    with pytest.raises(ReadWriteError, match="rotated or changed while they were read"):
        way.explain(POLLS, None, [str(log)], load(None), lambda line: None)


def test_a_run_may_commit_meanwhile(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, settle, seqs = tmp_path / "out", OfMetric.settle, iter(range(10, 20))
    logemit("aggregate", log, "--out", out)

    def run(self: OfMetric, *arguments: object) -> None:
        with log.open("ab") as file:
            file.write(poll(next(seqs)))
        logemit("aggregate", log, "--out", out)
        settle(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(OfMetric, "settle", run)
    for at, value in ((None, 6), ("2026-11-20T12:00", 7)):
        found = way.explain(POLLS, at, [str(log)], CONFIG, lambda line: None, out=out)
        assert found.value == value - 1
        assert found.folder
        assert found.folder.value == value


def test_it_changes_nothing(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    logemit("aggregate", log, "--out", out)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()}
    logemit("explain", POLLS, log, "--out", out)
    assert before == {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()
    }
