"""cron, systemd and logrotate: what stands in deploy/ runs here, with paths of a folder of its own."""

import fcntl
import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aggregator.errors import LockedError
from tests.batch.scene import Scene
from tests.conftest import LOGEMIT, ROOT, tool
from tests.monitoring.servers import fetch
from tests.services import stop

from .conftest import LOG, Machine, counted, events_in, events_of
from .files import DEPLOY, calls_in, check_call, cron_lines, setting, settings
from .serving import served

UNITS = ["logemit.service", "logemit.timer", "logemit-serve.service"]
EXPOSURE = 20
"""Tenths, of systemd's own ten points: up to 5.0 it says OK."""


# cron


@pytest.fixture
def aggregated(machine: Machine, metrics: Path) -> Machine:
    """With an output folder that has taken in the log under another name."""
    shutil.copytree(metrics, machine.app / "metrics")
    return machine


def test_the_crontab_is_one_that_cron_can_read() -> None:
    assert cron_lines()
    for times, user, command in cron_lines():
        assert all(re.fullmatch(r"[\d*/,-]+", time) for time in times.split())
        assert user == "app"
        assert "%" not in command  # cron makes it a newline


@pytest.mark.parametrize("number", range(len(cron_lines())))
def test_a_line_of_the_crontab_runs_and_says_nothing(number: int, aggregated: Machine) -> None:
    command = cron_lines()[number][2]
    for call in calls_in(command):
        check_call(call)
    done = aggregated.run(command)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert counted(aggregated.app / "metrics") == events_in(LOG.read_bytes())


def test_the_backup_of_the_crontab_is_a_whole_output_folder(aggregated: Machine) -> None:
    (command,) = (command for _, _, command in cron_lines() if "backup" in command)
    for _ in range(2):
        assert aggregated.run(command).returncode == 0
    assert [path.name for path in (aggregated.app / "backup").iterdir()] == ["metrics"]
    backup = aggregated.app / "backup/metrics"
    assert counted(backup) == counted(aggregated.app / "metrics")
    assert (backup / "_logemit/commit").is_dir()


def test_no_flock_is_needed_around_a_run_as_it_locks_itself(aggregated: Machine) -> None:
    command = cron_lines()[0][2]
    assert "flock" not in command
    for call in calls_in(command):
        check_call(call)
    with open(aggregated.app / "metrics/_logemit/lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = aggregated.run(command)
    assert done.returncode == LockedError.exit_code
    assert len(done.stderr.splitlines()) == 1


# systemd


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = (DEPLOY / "systemd" / unit).read_text()
        (tmp_path / unit).write_text(text.replace("/srv/app/.venv/bin/logemit", str(LOGEMIT)))
    verify = [tool("systemd-analyze", "systemd"), "verify", *(str(tmp_path / unit) for unit in UNITS)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.endswith(".service")])
def test_services_are_hardened(unit: str) -> None:
    command = [tool("systemd-analyze", "systemd"), "security", "--offline=true", f"--threshold={EXPOSURE}"]
    done = subprocess.run([*command, str(DEPLOY / "systemd" / unit)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:] + done.stderr
    named = dict(settings(f"systemd/{unit}"))
    assert named["ProtectSystem"] == "strict"
    assert named.get("User", "root") != "root" or named["DynamicUser"] == "yes"


def test_machine_code_can_be_made_in_the_service() -> None:
    """With memory that is never both written and executed, numba cannot work."""
    named = dict(settings("systemd/logemit.service"))
    assert "MemoryDenyWriteExecute" not in named
    assert named["Environment"] == f"NUMBA_CACHE_DIR=/var/cache/{named['CacheDirectory']}"


def test_the_service_runs_and_writes_in_its_own_folders_only(machine: Machine) -> None:
    command = setting("systemd/logemit.service", "ExecStart")
    before = {path for path in machine.root.rglob("*") if path.is_file()}
    name, _, value = setting("systemd/logemit.service", "Environment").partition("=")
    done = machine.run(command, **{name: machine.here(value)})
    assert (done.returncode, done.stderr) == (0, "")
    state = machine.root / "var/lib" / setting("systemd/logemit.service", "StateDirectory")
    written = {path for path in machine.root.rglob("*") if path.is_file()} - before
    assert written
    assert all(path.is_relative_to(state) for path in written)
    assert counted(state / "metrics") == events_in(LOG.read_bytes())


def test_a_run_beside_another_is_no_failure_to_systemd(machine: Machine) -> None:
    assert setting("systemd/logemit.service", "SuccessExitStatus") == str(LockedError.exit_code)


def test_the_timer_starts_the_service_every_five_minutes() -> None:
    spec = setting("systemd/logemit.timer", "OnCalendar")
    at = "--base-time=2026-11-21 12:01:00 UTC"
    command = [tool("systemd-analyze", "systemd"), "calendar", "--iterations=3", at, spec]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"12:(\d\d):00", told)[:3] == ["05", "10", "15"]
    assert "Unit" not in dict(settings("systemd/logemit.timer"))  # so it starts the service of its own name
    assert (DEPLOY / "systemd/logemit.service").exists()


def test_what_the_service_wrote_is_what_the_other_serves() -> None:
    ((out,), (served,)) = (
        [word for word in shlex.split(setting(f"systemd/{unit}", "ExecStart")) if word.startswith("/var/lib/")]
        for unit in ("logemit.service", "logemit-serve.service")
    )
    assert out == served


def test_the_endpoint_runs_as_its_unit_says(machine: Machine) -> None:
    (call,) = calls_in(setting("systemd/logemit-serve.service", "ExecStart"))
    check_call(call)
    assert machine.run(setting("systemd/logemit.service", "ExecStart")).returncode == 0
    with served([machine.here(word) for word in call], machine.root / "serve.log") as (url, process):
        assert events_of(fetch(f"{url}/metrics")) == events_in(LOG.read_bytes())
        stop(process)
        assert process.returncode == 0


# logrotate


class Rotation:
    """The real logrotate, with a file of deploy/ of which only the path is changed."""

    def __init__(self, name: str, scene: Scene, folder: Path) -> None:
        self._program = tool("logrotate", "logrotate", folders=["/usr/sbin"])
        text = (DEPLOY / "logrotate" / name).read_text()
        assert "/srv/app/logs/app.log {" in text
        self._conf = folder / "logrotate.conf"
        self._conf.write_text(text.replace("/srv/app/logs", str(scene.logs)))
        self._conf.chmod(0o644)
        scene.logs.chmod(0o755)
        self._state = folder / "state"

    def rotate(self, *options: str) -> str:
        command = [self._program, "--verbose", "--state", str(self._state), *options, str(self._conf)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "error:" not in done.stderr, done.stderr
        return done.stderr


@pytest.mark.parametrize("name", ["logemit", "logemit-copytruncate"])
def test_nothing_is_lost_when_the_log_is_rotated(name: str, tmp_path: Path) -> None:
    scene = Scene(tmp_path, bulk=40)
    rotation = Rotation(name, scene, tmp_path)
    for _ in range(4):
        scene.write("app.log")
        scene.run("app.log")
        scene.write("app.log")
        rotation.rotate("--force")
        scene.write("app.log")
        scene.run("app.log")
    scene.check()
    assert {path.name for path in scene.logs.iterdir()} >= {"app.log", "app.log.4.gz"}


def test_rotated_logs_are_kept_for_two_weeks() -> None:
    for name in ("logemit", "logemit-copytruncate"):
        text = (DEPLOY / "logrotate" / name).read_text()
        assert re.search(r"^    daily$", text, re.MULTILINE)
        assert re.search(r"^    rotate 14$", text, re.MULTILINE)


WRITER = """
import sys
import logemit

for line in sys.stdin:
    logemit.emit("told", n=int(line))
    print(flush=True)
"""


def test_the_emitter_goes_on_in_a_new_file_after_a_rename(tmp_path: Path) -> None:
    """What the first file is for: nobody tells the writer."""
    scene = Scene(tmp_path)
    rotation = Rotation("logemit", scene, tmp_path)
    log, number, deadline = scene.logs / "app.log", 0, time.monotonic() + 60
    env = {"LOGEMIT_OUTPUT": str(log), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WRITER]
    with subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        while number < 2 or b'"told"' not in log.read_bytes():
            assert time.monotonic() < deadline
            writer.stdin.write(f"{number}\n")
            writer.stdin.flush()
            writer.stdout.readline()
            number += 1
            if number == 1:
                rotation.rotate("--force")
    told = [json.loads(line)["n"] for path in (scene.logs / "app.log.1", log) for line in path.read_text().splitlines()]
    assert told == list(range(number))
