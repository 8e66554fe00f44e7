"""logemit init: what it writes holds, and what it prints works where it is put."""

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator import config as configuration
from aggregator.config import load
from cli import starters
from cli.starters.settings import diff_of
from tests import quick
from tests.command.calls import logemit, message
from tests.conftest import LOGEMIT, ROOT, tool
from tests.monitoring.servers import promtool

LOG = ROOT / "sample_logs/gunicorn/stdout.log"
SPREAD = """\
SECRET_KEY = "x"
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["testserver"]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",  # ours, too
]
MIDDLEWARE = [
    # the first
    "django.middleware.common.CommonMiddleware",
]
DATABASES = {}
"""
SHAPES = {
    "spread": SPREAD,
    "in a line": 'INSTALLED_APPS = ["a"]\nMIDDLEWARE = ["m"]\nX = 1\n',
    "tuples": 'INSTALLED_APPS = ("a",)\nMIDDLEWARE = ("m",)\n',
    "without a last comma": 'INSTALLED_APPS = [\n    "a",\n    "b"\n]\nMIDDLEWARE = [\n    "m"\n]\n',
    "without a last newline": 'MIDDLEWARE = ["m"]\nINSTALLED_APPS = ["a"]',
    "elsewhere": "from base import *\n",
    "apps are there": 'INSTALLED_APPS = [\n    "a",\n    "logemit",\n]\nMIDDLEWARE = [\n    "m",\n]\n',
    "twice": 'INSTALLED_APPS = ["a"]\nif True:\n    INSTALLED_APPS = [\n        "b",\n    ]\nMIDDLEWARE = []\n',
    "in tabs": 'INSTALLED_APPS = [\n\t"a",\n]\nMIDDLEWARE = [\n\t"m",\n]\n',
    "wide letters": 'INSTALLED_APPS = [\n    "é€",\n]\nMIDDLEWARE = [\n    "m",\n]\n',
}


def settings_of(text: str) -> str:
    """Of a logemit.toml that is commented out."""
    return "\n".join(re.sub("^#(?! |$)", "", line) for line in text.splitlines())


def initialised(folder: Path, *arguments: object) -> dict[str, str]:
    """What is printed, by headings."""
    done = logemit("init", *arguments, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    parts = re.split(r"^# (\d\. .*)\n\n", done.stdout, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_file_says_nothing_until_something_is_set(tmp_path: Path) -> None:
    initialised(tmp_path)
    path = tmp_path / "logemit.toml"
    assert load(path) == load(None)
    assert logemit("metrics", "--check", path).stdout == "ok: 0 summaries, 0 metrics\n"


def test_without_comments_it_holds_and_shows_what_the_defaults_are(tmp_path: Path) -> None:
    path = tmp_path / "logemit.toml"
    path.write_text(settings_of(logemit("init", "-").stdout))
    assert logemit("metrics", "--check", path).stdout == "ok: 1 summary, 3 metrics\n"
    found, default = load(path), load(None)
    assert found.retention != default.retention
    assert found.limits.of_metric
    plain = replace(found, catalogue=default.catalogue, retention=default.retention)
    assert replace(plain, limits=replace(plain.limits, of_metric={})) == default
    assert set(configuration.document_of(path)[0]) == configuration._KEYS - {"buckets"}


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "logemit.toml"
    path.write_text("mine")
    done = logemit("init", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "logemit.toml: is there already; --force writes over it" in message(done)
    assert path.read_text() == "mine"
    initialised(tmp_path, "--force")
    assert path.read_text() == starters.config() == logemit("init", "-").stdout
    assert os.listdir(tmp_path) == ["logemit.toml"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            ["--platform", "kubernets"],
            2,
            "systemd, compose, kubernetes, lambda; did you mean 'kubernetes'?",
        ),
        (["nowhere/logemit.toml"], 73, "cannot be written: No such file or directory"),
        ([""], 2, "FILE is empty"),
        (["--settings", "missing.py"], 66, "missing.py: cannot be read"),
        (["--settings", "broken.py"], 2, "broken.py: is no Python"),
        (["--settings", "nul.py"], 2, "nul.py: is no Python"),
        (["--settings", "."], 66, ".: cannot be read"),
    ],
)
def test_what_cannot_be_writes_nothing(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    (tmp_path / "broken.py").write_text("INSTALLED_APPS = [")
    (tmp_path / "nul.py").write_bytes(b"x = 1\0")
    done = logemit("init", *arguments, cwd=tmp_path)
    assert done.returncode == code
    assert words in message(done)
    assert not (tmp_path / "logemit.toml").exists()


# Django


@pytest.mark.parametrize("shape", SHAPES)
def test_the_diff_fits_settings_of_any_shape(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "settings.py"
    path.write_text(SHAPES[shape])
    (tmp_path / "base.py").write_text('INSTALLED_APPS = ["a"]\nMIDDLEWARE = ["m"]\n')
    before = _loaded(tmp_path)
    patched(path)
    after = _loaded(tmp_path)
    assert list(after["INSTALLED_APPS"]) == [*(app for app in before["INSTALLED_APPS"] if app != "logemit"), "logemit"]
    assert list(after["MIDDLEWARE"]) == ["logemit.middleware.EventMiddleware", *before["MIDDLEWARE"]]
    assert diff_of(path) == ""


def patched(path: Path) -> None:
    """Put the diff into the file, as a user does."""
    with contextlib.chdir(path.parent):
        diff = diff_of(Path(path.name))
        subprocess.run([tool("git", "git"), "apply", "-"], input=diff, text=True, check=True)


def _loaded(folder: Path) -> dict[str, list[str]]:
    code = "import json, settings as s; print(json.dumps([s.INSTALLED_APPS, s.MIDDLEWARE]))"
    done = subprocess.run([sys.executable, "-SBc", code], cwd=folder, capture_output=True, text=True, check=True)
    return dict(zip(("INSTALLED_APPS", "MIDDLEWARE"), json.loads(done.stdout), strict=True))


def test_settings_are_read_and_not_run(tmp_path: Path) -> None:
    path = tmp_path / "settings.py"
    path.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit(3)\n{SPREAD}")
    before = path.read_bytes()
    (diff, *_) = initialised(tmp_path, "--settings", path).values()
    assert '+    "logemit",' in diff
    assert sorted(os.listdir(tmp_path)) == ["logemit.toml", "settings.py"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("named", [True, False])
def test_a_project_with_it_passes_its_check_and_writes_events(tmp_path: Path, named: bool) -> None:
    path, events = tmp_path / "settings.py", tmp_path / "events.log"
    path.write_text(SPREAD)
    (tmp_path / "urls.py").write_text(
        "from django.http import HttpResponse\nfrom django.urls import path\n"
        'urlpatterns = [path("", lambda request: HttpResponse("ok"), name="home")]\n'
    )
    if named:
        patched(path)
    else:
        (lines, *_) = initialised(tmp_path).values()
        path.write_text(SPREAD + lines)
    code = (
        "import django; from django.core.management import call_command; django.setup(); call_command('check')\n"
        "from django.test import Client; assert Client().get('/').content == b'ok'"
    )
    variables = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings", "LOGEMIT_OUTPUT": str(events)}
    done = subprocess.run(
        [sys.executable, "-Bc", code], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    (request,) = [each for each in map(json.loads, events.read_text().splitlines()) if each["event"] == "http_request"]
    assert (request["view"], request["status"]) == ("home", 200)


# Platforms


@pytest.mark.parametrize("name", starters.PLATFORMS)
def test_what_is_printed_is_what_deploy_holds(tmp_path: Path, name: str) -> None:
    printed = initialised(tmp_path, "--platform", name)
    of = starters.PLATFORMS[name]
    for each in of.files:
        text = printed[f"2. On {name}: deploy/{each}"].rstrip("\n")
        deployed = (ROOT / "deploy" / each).read_text().rstrip("\n")
        if of.is_host:
            text = text.replace(f" --config {tmp_path}/logemit.toml", "").replace(str(tmp_path), "/srv/app")
            text = text.replace(f"{sys.prefix}/bin/logemit", ".venv/bin/logemit")
            deployed = deployed.replace("/srv/app/.venv/bin/logemit", ".venv/bin/logemit")
        assert text == deployed


def test_the_lines_of_the_crontab_run(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/app.log").write_bytes(LOG.read_bytes())
    (tmp_path / "textfiles").mkdir()
    (crontab,) = (text for title, text in initialised(tmp_path).items() if "crontab" in title)
    jobs = [line.split(maxsplit=6)[6] for line in crontab.splitlines() if line.startswith("*/5")]
    assert len(jobs) == 1
    command = jobs[0].replace("/var/lib/prometheus/node-exporter", str(tmp_path / "textfiles"))
    done = subprocess.run(["/bin/sh", "-c", command], cwd="/", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "textfiles/logemit_metrics.prom").exists()
    assert f"--config {tmp_path}/logemit.toml" in command
    compact = next(line.split(maxsplit=6)[6] for line in crontab.splitlines() if "logemit compact" in line)
    assert shlex.split(compact)[5:8] == ["metrics", "--config", f"{tmp_path}/logemit.toml"]


def test_a_folder_that_a_crontab_cannot_name_is_left_to_the_user(tmp_path: Path) -> None:
    folder = tmp_path / "a % folder"
    folder.mkdir()
    (crontab,) = (text for title, text in initialised(folder).items() if "crontab" in title)
    assert "cd /srv/app && " in crontab
    assert "a % folder" not in crontab


def test_units_of_an_app_at_home_can_read_it() -> None:
    of = starters.platform("systemd")
    units = dict(starters.files(of, Path("/home/me/app"), Path("/opt/bin/logemit"), Path("/etc/own.toml")))
    text = units["systemd/logemit.service"]
    assert "ProtectHome=read-only" in text
    assert (
        "ExecStart=/opt/bin/logemit aggregate /home/me/app/logs/app.log --out /var/lib/logemit/metrics --config" in text
    )


@pytest.mark.parametrize("name", [name for name, of in starters.PLATFORMS.items() if of.job])
def test_promtool_takes_the_scrape_config(tmp_path: Path, name: str) -> None:
    printed = initialised(tmp_path, "--platform", name)
    title = next(title for title in printed if title.startswith("3."))
    (tmp_path / "prometheus.yml").write_text(printed[title])
    assert "SUCCESS" in promtool("check", "config", tmp_path / "prometheus.yml")
    assert (f'"localhost:{9100 if name == "cron" else 9464}"' in printed[title]) == starters.PLATFORMS[name].is_host


def test_an_installed_logemit_has_the_files_of_deploy(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for of in starters.PLATFORMS.values():
            for name in (*of.files, "prometheus/prometheus.yml"):
                assert archive.read(f"cli/starters/deploy/{name}") == (ROOT / "deploy" / name).read_bytes()
        assert archive.read("cli/starters/logemit.toml").decode() == starters.config()


# Completion


def test_bash_completes_commands_options_and_names(tmp_path: Path) -> None:
    toml = tmp_path / "logemit.toml"
    toml.write_text(settings_of(starters.config()))
    script = f"""
        source <({LOGEMIT} --show-completion; true)  # which looks at who its parent is
        completed() {{
            COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMPREPLY=()
            _logemit_completion logemit
            echo "${{COMPREPLY[*]}}"
        }}
        complete -p logemit
        completed logemit expl
        completed logemit init --platform ''
        completed logemit explain feed_polls
        completed logemit explain --config {toml} order_
        completed logemit check --envelope dock
        completed logemit backfill metrics --metric feed_polls
        completed logemit explain --config missing.toml feed_polls
        completed logemit show metrics --summary db_
    """
    path = f"{quick.command().folder}:{os.environ['PATH']}"
    done = subprocess.run(
        [tool("bash", "bash"), "-c", script],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    registered, *found = done.stdout.splitlines()
    assert registered.endswith("_logemit_completion logemit")
    assert found == [
        "explain",
        "compose cron kubernetes lambda systemd",
        "feed_polls_total",
        "order_delay_seconds_bucket order_delay_seconds_count order_delay_seconds_sum",
        "docker",
        "feed_polls_total",
        "feed_polls_total",
        "db_connections db_pools db_queries",
    ]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_scripts_for_other_shells_are_made(shell: str) -> None:
    done = logemit(variables={"_LOGEMIT_COMPLETE": f"source_{shell}"})
    assert done.returncode == 0
    assert f"complete_{shell}" in done.stdout
    assert "logemit" in done.stdout
