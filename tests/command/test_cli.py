"""The command as its user meets it: exit codes, one-line messages, JSON for scripts, quiet when nobody watches."""

import fcntl
import gzip
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import tomllib
from pathlib import Path
from typing import IO

import pytest

from aggregator.catalogue import PARTS
from aggregator.store.lock import holder
from logemit import __version__
from tests.batch.runs import poll
from tests.command.calls import logemit, message
from tests.conftest import LOGEMIT, ROOT
from tests.reliability.test_lock import patiently
from tests.show.terminal import terminal


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_bytes(b"boot\n" + poll(0) + poll(1) + poll(3))
    return path


def test_aggregate_ends_with_a_table_for_people(log: Path, tmp_path: Path) -> None:
    done = logemit("aggregate", log, "--out", tmp_path / "out")
    assert done.returncode == 0
    assert done.stderr == ""
    rows = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if line.strip()}
    assert rows["events"] == "3"
    assert rows["foreign"] == "1"
    assert int(rows["missing"]) + int(rows["lost"]) == 1  # a day after the event it is lost
    assert rows["Prometheus"] == f"{tmp_path}/out/metrics.prom"
    assert "lines read" in done.stdout


def test_aggregate_in_json_is_one_object_for_scripts(log: Path, tmp_path: Path) -> None:
    done = logemit("aggregate", log, "--out", tmp_path / "out", "--json")
    found = json.loads(done.stdout)
    wanted = {"read": 4, "events": 3, "foreign": 1, "rejected": 0, "duplicates": 0, "held": 0}
    assert {name: found[name] for name in wanted} == wanted
    assert found["missing"] + found["lost"] == 1
    assert found["run"] == 1
    assert (done.returncode, done.stderr) == (0, "")


def test_aggregate_reads_standard_input(log: Path, tmp_path: Path) -> None:
    done = logemit("aggregate", "-", "--out", tmp_path / "out", "--json", input=log.read_text())
    assert json.loads(done.stdout)["events"] == 3
    again = logemit("aggregate", "-", "--out", tmp_path / "out", "--json", input=log.read_text())
    assert json.loads(again.stdout)["duplicates"] == 3


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("missing.log", 66, "missing.log: no such file or folder"),
        ("empty", 66, "empty: no logs in this folder"),
        ("*.nothing", 66, "*.nothing: matches no file"),
    ],
)
def test_no_such_input(tmp_path: Path, source: str, code: int, words: str) -> None:
    (tmp_path / "empty").mkdir()
    for arguments in (("aggregate", source, "--out", "out"), ("check", source)):
        done = logemit(*arguments, cwd=tmp_path)
        assert done.returncode == code
        assert words in message(done)
    assert not (tmp_path / "out").exists()


def test_one_missing_source_among_several_changes_nothing(log: Path, tmp_path: Path) -> None:
    assert logemit("aggregate", log, "missing.log", "--out", "out", cwd=tmp_path).returncode == 66
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be(log: Path, tmp_path: Path) -> None:
    done = logemit("aggregate", log, "--out", log)
    assert done.returncode == 73
    assert "is a file, expected a folder" in message(done)
    done = logemit("aggregate", log, "--out", log / "below")
    assert done.returncode == 73
    assert "cannot be written" in message(done)
    done = logemit("aggregate", log, "--out", "/proc/logemit")
    assert done.returncode == 73


def test_an_output_without_permission(log: Path, tmp_path: Path) -> None:
    """root may write everywhere: the command gives its rights up once it is loaded."""
    out = tmp_path / "out"
    out.mkdir(mode=0o500)
    code = (
        "import os, sys; from cli.app import app; out = sys.argv[1]\n"
        "app(['aggregate', '/dev/null', '--out', out + '-first'], standalone_mode=False)\n"
        "if os.geteuid() == 0: os.chmod(out, 0o755); os.seteuid(65534)\n"
        "print(file=sys.stderr); app(['aggregate', '/dev/null', '--out', out])"
    )
    for path in (tmp_path, *tmp_path.parents[:-2]):
        path.chmod(path.stat().st_mode | 0o011)
    done = subprocess.run([sys.executable, "-c", code, str(out)], check=False, capture_output=True, text=True)
    assert done.returncode == 73
    assert f"{out}/_logemit: cannot be written: Permission denied" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_an_empty_log_is_no_error_but_told(tmp_path: Path) -> None:
    empty = tmp_path / "app.log"
    empty.touch()
    done = logemit("aggregate", empty, "--out", tmp_path / "out")
    assert done.returncode == 0
    assert "the sources are empty" in message(done)


def test_a_log_without_events_is_told(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("boot\n" * 10)
    done = logemit("aggregate", log, "--out", tmp_path / "out")
    assert done.returncode == 0
    assert "no events in 10 new lines; is logemit.middleware.EventMiddleware on" in message(done)


def test_a_bad_config_and_a_bad_window(log: Path, tmp_path: Path) -> None:
    (tmp_path / "logemit.toml").write_text("window = 5")
    done = logemit("aggregate", log, "--out", tmp_path / "out", "--config", tmp_path / "logemit.toml")
    assert done.returncode == 78
    assert "window is 5" in message(done)
    done = logemit("aggregate", log, "--out", tmp_path / "out", "--window", "7min")
    assert done.returncode == 2
    assert not (tmp_path / "out").exists()


def test_empty_names_are_refused(tmp_path: Path, log: Path) -> None:
    """As of a variable that is not set: they must not stand for the folder we are in."""
    for arguments in (("aggregate", log, "--out", ""), ("aggregate", "", "--out", "out"), ("check", "")):
        done = logemit(*arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert "is empty" in message(done)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.log"]


def test_ordinary_system_errors_are_no_defects(tmp_path: Path, log: Path) -> None:
    (tmp_path / "bad/_logemit").mkdir(parents=True)
    (tmp_path / "bad/_logemit/lock").mkdir()
    for arguments, code in (
        (("aggregate", log, "--out", "bad"), 73),
        (("aggregate", log, "--out", "x" * 300), 73),
        (("aggregate", "x" * 300, "--out", "out"), 66),
        (("aggregate", log, "--out", "out", "--config", tmp_path), 78),
    ):
        done = logemit(*arguments, cwd=tmp_path)
        assert (done.returncode, len(done.stderr.splitlines())) == (code, 1), done.stderr
    with open("/dev/full", "w") as full:
        command = [str(LOGEMIT), "check", str(log)]
        done = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode in {74, 120}
    assert "Traceback" not in done.stderr


def test_names_that_are_not_utf8_and_terminals_that_are_not_either(tmp_path: Path) -> None:
    log = os.fsencode(tmp_path) + b"/caf\xe9.log"
    Path(os.fsdecode(log)).write_bytes(poll(0, event="été"))
    environ = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    out = os.fsencode(tmp_path) + b"/out\xe9"
    command = [os.fsencode(LOGEMIT), b"aggregate", log, b"--out", out]
    done = subprocess.run(command, check=False, capture_output=True, env=environ)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


def test_usage_errors_exit_with_2() -> None:
    for arguments in ((), ("bogus",), ("aggregate",), ("aggregate", "x"), ("check", "--bogus")):
        assert logemit(*arguments).returncode == 2


def test_check_says_what_is_in_a_log_and_exits_with_1_where_lines_are_rejected(log: Path, tmp_path: Path) -> None:
    done = logemit("check", log)
    assert done.returncode == 0
    assert "feed_poll" in done.stdout
    assert '"foreign": 1,' in logemit("check", "-", "--json", input="x" * 70_000).stdout
    with log.open("ab") as file:
        file.write(b'{"logemit":1,"broken\n' + poll(4, status=5.5) + poll(5, duration_seconds=-1))
        file.write(poll(6, event="page_turned"))
    done = logemit("check", log)
    assert done.returncode == 1
    assert f"{log}:5: broken JSON" in done.stdout
    assert f"{log}:6: feed_poll.status: expected text, found 5.5" in done.stdout
    assert "left out feed_poll.duration_seconds: 1 values" in done.stdout
    assert "page_turned: no summary takes in this event" in done.stderr
    found = json.loads(logemit("check", log, "--json").stdout)
    assert found["events"] == {"feed_poll": 4, "page_turned": 1}
    assert (found["read"], found["foreign"], found["rejected"]) == (8, 1, 2)


def test_check_tells_line_numbers_in_a_gzip(log: Path, tmp_path: Path) -> None:
    packed = tmp_path / "app.log.gz"
    packed.write_bytes(gzip.compress(log.read_bytes() * 50 + b'{"logemit":1\n'))
    assert ":201: broken JSON" in logemit("check", packed).stdout


def test_control_characters_from_a_log_never_reach_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(poll(0, event="\x1b[31mred\x07") + poll(1, status="x").replace(b'"x"', b"\x1b[2J"))
    for arguments in (("check", log), ("aggregate", log, "--out", tmp_path / "out")):
        done = logemit(*arguments)
        assert "\x1b" not in done.stdout + done.stderr
        assert "\x07" not in done.stdout + done.stderr


def test_metrics_lists_the_catalogue() -> None:
    done = logemit("metrics")
    assert "histogram  django_http_requests_latency_seconds_by_view_method{view,method}" in done.stdout
    listed = json.loads(logemit("metrics", "--json").stdout)
    shipped = [
        metric
        for part in PARTS
        for metric in tomllib.loads((ROOT / f"aggregator/shipped/{part}.toml").read_text()).get("metric", [])
    ]
    assert [metric["name"] for metric in listed] == [metric["name"] for metric in shipped]
    assert {"name", "type", "help", "summary", "labels"} <= set(listed[0])


def test_schema_is_a_json_schema() -> None:
    schema = json.loads(logemit("schema").stdout)
    assert schema["$schema"].endswith("2020-12/schema")
    assert "http_request" in schema["$defs"]


def test_help_teaches() -> None:
    done = logemit("--help")
    for word in ("aggregate", "check", "metrics", "status", "repair", "compact", "rebuild", "75 another run"):
        assert word in " ".join(done.stdout.split())
    assert logemit("--version").stdout == f"logemit {__version__}\n"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from cli.app import app; app(['--help'], standalone_mode=False);"
        "heavy = {'pandas', 'pyarrow', 'numpy', 'django', 'prometheus_client', 'zstandard'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("command", ["schema", "check", "aggregate --out out"])
def test_a_reader_that_goes_away_is_no_error(log: Path, tmp_path: Path, command: str) -> None:
    """It has gone before anything is printed."""
    sources = [] if command == "schema" else [str(log)]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        arguments = [str(LOGEMIT), *command.split(), *sources]
        done = subprocess.run(arguments, check=False, stdout=writing, stderr=subprocess.PIPE, cwd=tmp_path)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def waiting(pipe: IO[bytes]) -> int:
    """Bytes that nobody has read yet."""
    return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0])


def test_an_interrupt_changes_nothing_and_exits_with_130(tmp_path: Path) -> None:
    pipe, out = tmp_path / "pipe.log", tmp_path / "out"
    os.mkfifo(pipe)
    command = list(map(str, (LOGEMIT, "aggregate", pipe, "--out", out)))
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process,
        pipe.open("wb", buffering=0) as writer,
    ):
        writer.write(poll(0))
        patiently(lambda: holder(out / "_logemit/lock") and not waiting(writer))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 130
        assert process.stderr
        assert process.stderr.read() == "logemit: interrupted; run it again: nothing is lost or counted twice\n"
    assert not (out / "metrics.prom").exists()


def test_a_progress_bar_shows_on_a_terminal_and_only_there(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    with log.open("wb") as file:
        for _ in range(400):
            file.write(poll(0) + (b"x" * 99 + b"\n") * 1000)
    assert logemit("aggregate", log, "--out", tmp_path / "quiet").stderr == ""
    master, slave = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    code = "import cli, cli.progress; cli.progress.PATIENCE_SECONDS = 0; cli.main()"
    command = [sys.executable, "-c", code, "aggregate", str(log), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=slave, env=environ)
    os.close(slave)
    shown = b""
    while True:
        try:
            chunk = os.read(master, 4096)
        except OSError:
            break
        shown += chunk
    os.close(master)
    assert process.wait() == 0
    assert b"reading" in shown
    assert b"B/s" in shown or b"bytes/s" in shown


METRIC = '[[metric]]\nname = "x_total"\ntype = "counter"\nhelp = "h"\nsummary = "feed_polls"\n'


def test_metrics_check_says_what_a_good_file_adds(tmp_path: Path) -> None:
    path = tmp_path / "logemit.toml"
    path.write_text(METRIC + METRIC.replace("x_total", "y_total") + '[[summary]]\nname = "own"\nevent = "own"\n')
    done = logemit("metrics", "--check", path)
    assert (done.returncode, done.stderr) == (0, "")
    warning = "[[summary]] own: no metric shows it; it is there in Parquet"
    assert done.stdout == f"{path}:11: warning: {warning}\nok: 1 summary, 2 metrics\n"
    found = json.loads(logemit("metrics", "--check", path, "--json").stdout)
    assert found == {
        "file": str(path),
        "summaries": 1,
        "metrics": 2,
        "problems": [],
        "doubts": [{"file": str(path), "line": 11, "message": warning}],
    }


def test_metrics_check_tells_all_that_is_wrong_a_line_each_and_exits_with_78(tmp_path: Path) -> None:
    path = tmp_path / "logemit.toml"
    path.write_text(METRIC + 'labels = ["stats"]\nunless = 5\n"a\\nb" = 1\n')
    done = logemit("metrics", "--check", path)
    assert (done.returncode, done.stderr) == (78, "")
    lines = done.stdout.splitlines()
    assert [line.removeprefix(f"{path}:").partition(":")[0] for line in lines] == ["6", "7", "8"]
    assert lines[0].endswith("did you mean 'status'?")
    listed = logemit("metrics", "--check", path, "--json")
    assert listed.returncode == 78
    assert [problem["line"] for problem in json.loads(listed.stdout)["problems"]] == [6, 7, 8]
    run = logemit("aggregate", path, "--config", path, "--out", tmp_path / "out")
    assert run.returncode == 78
    assert message(run).startswith(f"logemit: {path}:8: [[metric]] x_total: unknown key")


def test_metrics_check_of_no_file(tmp_path: Path) -> None:
    done = logemit("metrics", "--check", tmp_path / "none.toml")
    assert (done.returncode, message(done)) == (
        78,
        f"logemit: {tmp_path}/none.toml: no such file; expected a logemit.toml",
    )
    assert logemit("metrics", "--check", "").returncode == 2
    assert "leave --config out" in message(logemit("metrics", "--check", "a.toml", "--config", "a.toml"))


def test_metrics_shows_mapped_labels_and_rows_that_are_taken_in(tmp_path: Path) -> None:
    path = tmp_path / "logemit.toml"
    path.write_text(
        """
[[summary]]
name = "own"
event = "own"
dimensions = ["page", "status"]
where = { status = ["2", ""] }
unless = { page = "p" }
[[metric]]
name = "own_total"
type = "counter"
help = "h"
summary = "own"
[metric.labels]
page = "page"
area = { dimension = "page", segments = 2 }
top = { dimension = "page", segments = 1 }
class = { dimension = "status", class = true }
kind = { dimension = "page", values = { "admin:*" = "admin", "" = "none" }, default = "other" }
"""
    )
    assert logemit("metrics", "--config", path).stdout.endswith(
        """\
own  (1 metrics of event own where status is 2 or empty and page is not p)
  counter    own_total{page,area,top,class,kind}
             area is first 2 segments of page
             top is first segment of page
             class is class of status
             kind is page: 'admin:*' as 'admin', '' as 'none', else 'other'
"""
    )
    listed = json.loads(logemit("metrics", "--config", path, "--json").stdout)[-1]["labels"]
    assert [label if isinstance(column, str) else (label, column["segments"]) for label, column in listed] == [
        "page",
        ("area", 2),
        ("top", 1),
        ("class", 0),
        ("kind", 0),
    ]


def test_names_of_files_in_errors_are_not_obeyed_by_a_terminal(tmp_path: Path) -> None:
    with terminal("show", tmp_path / "a\x1b[31mb", columns=1000) as shown:
        code = shown.end()
    assert code == 66
    assert r"a\x1b[31mb: no output of logemit aggregate" in shown.seen
    assert "\x1b" not in shown.seen
