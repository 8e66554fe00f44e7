"""`logemit show`, called as its user calls it."""

import json
import re
import signal
import subprocess
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from aggregator.panels import Asked, View, overview
from cli.show_output import How, rendered
from tests.command.calls import logemit, message
from tests.conftest import LOGEMIT

from .conftest import Take
from .terminal import CONTROL, terminal

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b2J",
    "[bold red]markup[/] [/nothing] [link=x]",
    "line\nbreak\r\ttab\x00nul",
    "very-long-" * 30,
    "\u202eright to left\u202c",
    "\u05e9\u05dc\u05d5\u05dd/\u0627\u0644\u0633\u0644\u0627\u0645",
    "\u8868\u793a\u540d" * 40,
    "e" + "\u0301" * 80,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 family",
    "\u2028\u0085separators",
    "$(reboot) `id` {0} %s ${x}",
]


def cells(text: str) -> int:
    """How wide a terminal shows a text."""
    wide = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text if not unicodedata.combining(c))
    return wide - text.count("\ufe0f")


def shown(out: Path, *arguments: object, width: int = 80) -> str:
    done = logemit("show", out, *arguments, variables={"COLUMNS": width})
    assert done.returncode == 0, done.stderr
    return done.stdout


def documented(out: Path, *arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shown(out, "--json", *arguments))
    return found


@pytest.fixture(scope="module")
def view(sample: Path) -> View:
    return overview(Asked(sample))


def drawn(view: View, width: int, limit: int | None = None) -> list[str]:
    return [line.plain for line in rendered(view, How(single=False, sort=None, limit=limit), width)]


@pytest.mark.parametrize("width", [20, 24, 40, 60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(view: View, width: int) -> None:
    lines = drawn(view, width)
    assert max(map(cells, lines)) <= width
    assert len(lines) > 100


@pytest.mark.parametrize("width", [40, 80, 200])
def test_columns_for_which_there_is_no_room_are_named(view: View, width: int) -> None:
    lines = drawn(view, width)
    notes = " ".join(lines)
    note = notes[notes.find("… no room for") : notes.find("--json")]
    for panel in view.panels:
        if not panel.facts:
            title = next(at for at, line in enumerate(lines) if line.startswith(panel.title[: width - 1]))
            missing = [column.title for column in panel.columns if column.title not in lines[title + 1]]
            assert all(title in note for title in missing)
    assert bool(note) == (width < 200)


def test_rows_that_are_not_shown_are_counted(sample: Path) -> None:
    (panel,) = documented(sample, "--summary", "http_requests", "--by", "view")["panels"]
    views = len(panel["rows"])
    text = shown(sample, "--summary", "http_requests", "--by", "view", "--limit", 4)
    assert f"… {views - 4} more: --limit 0" in text
    everything = shown(sample, "--summary", "http_requests", "--by", "view", "--limit", 0)
    assert "more:" not in everything
    assert all(f"\n{row['view']} " in everything for row in panel["rows"])


def test_the_slowest_and_the_most_failing_come_where_not_all_are_shown(view: View) -> None:
    (table,) = (panel.table for panel in view.panels if panel.name == "requests_by")
    lines = drawn(view, 80, limit=1)
    for order in ("p95", "errors"):
        after = lines[lines.index(f"Requests by view, sorted by {order}") :]
        assert after[2].split()[0] == max(zip(table[order], table["view"], strict=True))[1]
    assert "Requests by view, sorted by p95" not in drawn(view, 80, limit=0)
    by_rate = drawn(How(single=False, sort="rate", limit=2).sorted(view), 80)
    assert "Requests by view, sorted by rate" in by_rate


def rows(told: dict[str, Any], name: str) -> list[dict[str, Any]]:
    (panel,) = (panel for panel in told["panels"] if panel["name"] == name)
    found: list[dict[str, Any]] = panel["rows"]
    return found


def test_numbers_stand_below_each_other_in_their_units(take: Take) -> None:
    request = {"event": "http_request", "outcome": "ok", "db_queries": 3}
    slow = {**request, "view": "slow", "outcome": "error", "duration_seconds": 1.5, "db_seconds": 0.75}
    out = take(*[{**request, "view": "quick", "duration_seconds": 0.002, "db_seconds": 0}] * 1200, slow)
    text = shown(out, width=90)
    table = text.split("Requests by view, sorted by total\n")[1].splitlines()[:3]
    assert table == [
        "view   requests  rate /s  errors  errors %   p50 ms   p95 ms  total ms  queries  in db %",
        "quick     1,200     20.0       0       0.0      2.0      2.0   2,400.0        3      0.0",
        "slow          1     <0.1       1     100.0  1,500.0  1,500.0   1,500.0        3     50.0",
    ]


def test_nothing_but_text_without_colour(sample: Path) -> None:
    piped = shown(sample, "--summary", "tasks")
    assert "\x1b" not in piped
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {}):
        with terminal("show", sample, "--summary", "tasks", variables=variables) as screen:
            assert screen.end() == 0
        assert CONTROL.sub("", screen.seen).replace("\r\n", "\n") == piped
        assert ("\x1b[31m" in screen.seen) == (not variables), "what fails is red"
        assert ("\x1b" in screen.seen) == (not variables)


def test_hostile_names_are_shown_inert(take: Take) -> None:
    out = take(*({"event": "http_request", "view": name, "duration_seconds": 0.1} for name in HOSTILE))
    for width in (40, 80):
        for arguments in ((), ("--summary", "http_requests")):
            text = shown(out, "--limit", 0, *arguments, width=width)
            assert all(c.isprintable() or c == "\n" for c in text)
            assert max(map(cells, text.splitlines())) <= width
    assert r"\x1b[31mred\x1b[0m" in text
    assert "[bold red]markup[/] [" in text
    assert "very-long-very-lo" in text
    assert "…" in text
    assert "$(reboot) `id` {0} %s" in text
    printed = shown(out, "--json")
    assert all(c.isprintable() or c == "\n" for c in printed)
    assert {row["view"] for row in rows(json.loads(printed), "requests_by")} >= set(HOSTILE[:4])


def test_a_summary_of_ones_own(take: Take, tmp_path: Path) -> None:
    config = tmp_path / "logemit.toml"
    config.write_text(
        '[[summary]]\nname = "orders"\nevent = "order"\npartition = "day"\ndimensions = ["kind"]\n'
        'measures = [{ name = "weight", unit = "amount" }]\nbins = ["weight"]\n'
    )
    log = tmp_path / "own.log"
    line = {"logemit": 1, "event": "order", "timestamp": "2026-11-20T12:00:00Z", "service": "s"}
    log.write_text("".join(json.dumps({**line, "kind": k, "weight": w}) + "\n" for k, w in (("a", 1.5), ("b", 2.5))))
    assert logemit("aggregate", log, "--out", tmp_path / "own", "--config", config).returncode == 0
    text = shown(tmp_path / "own", "--summary", "orders", "--config", config)
    assert re.search(r"^a +1 .* 1\.50 +1\.50$", text, re.MULTILINE)
    assert "also here, with --summary: orders" in shown(tmp_path / "own")
    done = logemit("show", tmp_path / "own", "--summary", "orders")
    assert (done.returncode, message(done)) == (
        2,
        "logemit: orders is declared in another logemit.toml; name it with --config",
    )


def test_dimensions_named_as_figures_are(tmp_path: Path) -> None:
    config, log, out = tmp_path / "logemit.toml", tmp_path / "own.log", tmp_path / "own"
    config.write_text('[[summary]]\nname = "orders"\nevent = "order"\ndimensions = ["rate", "p50"]\n')
    line = {"logemit": 1, "event": "order", "timestamp": "2026-11-20T12:00:00Z", "service": "s", "p50": "x"}
    log.write_text("".join(json.dumps({**line, "rate": rate}) + "\n" for rate in ("full", "half", "half")))
    assert logemit("aggregate", log, "--out", out, "--config", config).returncode == 0
    found = rows(documented(out, "--summary", "orders", "--by", "rate,p50", "--config", config), "orders")
    assert [(row["rate_"], row["p50"], row["count"]) for row in found] == [("half", "x", 2), ("full", "x", 1)]
    assert re.search(r"^rate +events", shown(out, "--summary", "orders", "--config", config), re.MULTILINE)


def test_a_dimension_twice_is_once(sample: Path) -> None:
    twice, once = (rows(documented(sample, "--by", by), "requests_by") for by in ("view,view", "view"))
    assert twice == once


def test_what_instruments_measured_is_grouped_by_their_labels(take: Take) -> None:
    orders = {"event": "measurement", "name": "orders_total", "kind": "counter", "value": 2.5}
    size = {"event": "measurement", "name": "size", "kind": "gauge", "mode": "mostrecent", "value": 7, "labels": {}}
    out = take(*({**orders, "labels": {"of": of}} for of in ("gift", "gift", "own")), size)
    found = rows(documented(out, "--summary", "measurements", "--by", "of"), "measurements")
    assert {row["of"]: (row["count"], row["sum"]) for row in found} == {"gift": (2, 5.0), "own": (1, 2.5)}
    assert re.search(r'^orders_total +\{"of":"gift"\} +2 ', shown(out, "--summary", "measurements"), re.MULTILINE)
    (gauge,) = rows(documented(out, "--summary", "gauges", "--by", "of"), "gauges")
    assert (gauge["of"], gauge["value_last"]) == ("", 7)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--summary", "db_querys"], 2, "no summary 'db_querys'; here are bookmark_changes, "),
        (["--summary", "db_querys"], 2, "did you mean 'db_queries'?"),
        (["--summary", "../../etc"], 2, "no summary '../../etc'"),
        (["--summary", "measurements"], 66, "no measurements here"),
        (["--summary", "tasks", "--by", "name,stat"], 2, "did you mean 'state'?"),
        (["--summary", "tasks", "--sort", "p55"], 2, "no column 'p55'; there are name, count, rate, "),
        (["--by", "views"], 2, "http_requests has no dimension 'views'"),
        (["--sort", "nothing"], 2, "Requests by view: no column 'nothing'"),
        (["--since", "yesterday"], 2, "--since is 'yesterday'; expected a span back from now"),
        (["--since", "9999999d"], 2, "--since is '9999999d'"),
        (["--until", "2026-13-01"], 2, "--until is '2026-13-01'"),
        (["--since", "1h", "--until", "2h"], 2, "--until 2h is not after --since 1h"),
        (["--measure", "queue_seconds"], 2, "--measure goes with --summary"),
        (["--every", "1s"], 2, "--every goes with --watch"),
        (["--watch", "--every", "soon"], 2, "--every is 'soon'"),
        (["--config", "missing.toml"], 78, "missing.toml"),
    ],
)
def test_what_cannot_be_meant_is_refused(sample: Path, arguments: list[str], code: int, words: str) -> None:
    done = logemit("show", sample, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in message(done)


def test_a_folder_that_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "missing"):
        done = logemit("show", tmp_path / name)
        assert done.returncode == 66
        assert "no output of logemit aggregate" in message(done)
    assert logemit("show", "").returncode == 2


def test_an_output_without_events(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.touch()
    logemit("aggregate", log, "--out", tmp_path / "metrics")
    text = shown(tmp_path / "metrics")
    assert "no event yet: logemit aggregate … --out takes logs in" in text
    assert re.search(r"^events +0 ", text, re.MULTILINE)
    assert logemit("show", tmp_path / "metrics", "--sort", "p95").returncode == 0


def test_requests_to_sort_there_are_none(take: Take) -> None:
    done = logemit("show", take({"event": "feed_poll", "feed_id": "1", "status": "success"}), "--sort", "p95")
    assert done.returncode == 2
    assert "no requests to sort" in message(done)


def test_a_span_of_time_is_counted_back_from_now(take: Take) -> None:
    now = datetime.now(UTC)
    polls = {"old": timedelta(hours=30), "new": timedelta(minutes=30)}
    out = take(
        *(
            {"event": "feed_poll", "feed_id": name, "status": "success", "timestamp": (now - ago).isoformat()}
            for name, ago in polls.items()
        )
    )
    for arguments, wanted in (
        (("--since", "24h"), ["new"]),
        (("--until", "24h"), ["old"]),
        (("--since", "2d", "--until", "1min"), ["new", "old"]),
        (("--since", f"{now - timedelta(days=2):%Y-%m-%d}"), ["new", "old"]),
    ):
        assert sorted(row["feed_id"] for row in rows(documented(out, *arguments), "feeds")) == wanted


def test_a_span_without_events_is_told_with_the_newest_event(sample: Path) -> None:
    text = shown(sample, "--since", "2030-01-01", width=200)
    assert "from 2030-01-01 00:00:00 UTC\nno event in this span of time\nthe newest event is of 2026-11-2" in text
    assert re.search(r"try --since 2026-11-2\d$", text, re.MULTILINE)
    assert "Tasks" not in text
    assert "no event in this span" in shown(sample, "--since", "2030-01-01", "--summary", "tasks")


def test_a_span_with_events_of_other_summaries_only_is_no_empty_one(take: Take) -> None:
    out = take(
        {"event": "task", "name": "t", "state": "success"}, {"event": "feed_poll", "timestamp": "2026-11-20T13:00:00Z"}
    )
    text = shown(out, "--since", "2026-11-20T12:30", "--summary", "tasks")
    assert text.splitlines()[1:] == ["no event of this summary in this span of time"]
    assert "the newest event is of" in shown(out, "--until", "2026-11-20T11:00", "--summary", "tasks")


def test_a_damaged_state_is_told_beside_the_figures(take: Take) -> None:
    out = take({"event": "feed_poll", "feed_id": "1", "status": "success"})
    for path in (out / "_logemit/commit").iterdir():
        path.write_bytes(b"{")
    done = logemit("show", out)
    assert done.returncode == 65
    assert "damaged: " in done.stdout
    assert "Feeds" in done.stdout
    assert "Pipeline" not in done.stdout


NUMBER_UNITS = ["count", "number", "share", "rate", "seconds", "bytes"]
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["logemit_show", "out", "since", "until", "newest_event", "problem", "panels", "other_summaries"],
    "properties": {
        "logemit_show": {"const": 1},
        "out": {"type": "string"},
        "since": {"$ref": "#/$defs/time"},
        "until": {"$ref": "#/$defs/time"},
        "newest_event": {"$ref": "#/$defs/time"},
        "problem": {"type": "string"},
        "other_summaries": {"type": "array", "items": {"type": "string"}},
        "panels": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "title", "summary", "columns", "rows", "rows_left_out"],
                "properties": {
                    "name": {"type": "string"},
                    "title": {"type": "string"},
                    "summary": {"type": "string"},
                    "columns": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["name", "title", "unit"],
                            "properties": {
                                "name": {"type": "string"},
                                "title": {"type": "string"},
                                "unit": {"enum": ["text", "time", *NUMBER_UNITS]},
                            },
                        },
                    },
                    "rows": {"type": "array", "items": {"type": "object"}},
                    "rows_left_out": {"type": "integer", "minimum": 0},
                },
            },
        },
    },
    "$defs": {"time": {"anyOf": [{"type": "null"}, {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT.*Z$"}]}},
}


def test_json_has_raw_numbers_and_iso_times(sample: Path) -> None:
    told = documented(sample, "--since", "2026-11-21")
    jsonschema.validate(told, SCHEMA)
    types: dict[str, Any] = {**dict.fromkeys(NUMBER_UNITS, (int, float)), "text": str, "time": str}
    for panel in told["panels"]:
        units = {column["name"]: column["unit"] for column in panel["columns"]}
        for row in panel["rows"]:
            assert row.keys() == units.keys()
            assert all(value is None or isinstance(value, types[units[name]]) for name, value in row.items())
    assert all(datetime.fromisoformat(row["last_at"]).tzinfo for row in rows(told, "feeds"))
    assert told["since"] == "2026-11-21T00:00:00Z"


def test_json_has_all_rows_unless_a_limit_is_given(sample: Path) -> None:
    arguments = ("--summary", "http_requests", "--by", "view")
    every = rows(documented(sample, *arguments), "http_requests")
    (panel,) = documented(sample, *arguments, "--limit", 3)["panels"]
    assert (panel["rows"], panel["rows_left_out"]) == (every[:3], len(every) - 3)
    assert len(every) > 20


def poll(feed: str) -> dict[str, str]:
    return {"event": "feed_poll", "feed_id": feed, "status": "success", "timestamp": "2026-11-20T12:00:00Z"}


def test_watch_redraws_until_ctrl_c(take: Take) -> None:
    out = take(poll("first-feed"))
    with terminal("show", out, "--watch", "--every", "200ms", variables={"NO_COLOR": "1"}) as screen:
        screen.until(lambda seen: "first-feed" in seen)
        take(poll("second-feed"))
        screen.until(lambda seen: "second-feed" in seen)
        screen.press(b"\x03")
        assert screen.end() == 0
    assert screen.seen.startswith("\x1b[?1049h"), "a screen of its own"
    assert screen.seen.endswith("\x1b[?25h\x1b[?1049l"), "the cursor and the screen of before are there again"
    assert "Traceback" not in screen.seen
    assert not re.search(r"\x1b\[[0-9;]*m(?!\x1b)", screen.seen.replace("\x1b[0m", "")), "nor any colour"


def test_watch_shows_what_fits_and_says_what_does_not(sample: Path) -> None:
    with terminal("show", sample, "--watch", rows=12) as screen:
        screen.until(lambda seen: "a taller terminal" in seen)
        screen.process.send_signal(signal.SIGTERM)
        assert screen.end() == 0
    first = CONTROL.sub("", screen.seen.split("a taller terminal")[0])
    assert len(first.splitlines()) <= 12
    assert re.search(r"… \d{2,} more lines: $", first)


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_watch_without_a_terminal_prints_one_after_another(take: Take, arguments: list[str]) -> None:
    command = [str(LOGEMIT), "show", str(take(poll("1"))), "--watch", "--every", "100ms", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        lines = [process.stdout.readline() for _ in range(2 if arguments else 40)]
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert (process.wait(60), process.stderr.read()) == (0, "")
    if arguments:
        first, second = map(json.loads, lines)
        jsonschema.validate(second, SCHEMA)
        assert first["panels"][0]["rows"] == second["panels"][0]["rows"]
    else:
        assert sum(line.startswith("Feeds") for line in lines) == 2
        assert "\x1b" not in "".join(lines)
