"""What the docs say is run: each page's blocks in order, in a folder with logs under the names that the docs use.

A block's fence says what becomes of it: `sh` runs; `sh server` runs on, until the page starts it again or ends, and `sh
beside` runs on beside others; what `sh install` would install has to be here; `console` runs and must print what stands
below its `$` lines; `python` runs; `python settings` is added to Django settings, which `check` must pass; `python
NAME` and `toml NAME` are written to a file of that name, `python +NAME` at its end. The others are read, as far as
something here can read them. A block that imports what not everybody has is a test of its own.
"""

import configparser
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement

from aggregator.spread.spec import load
from cli.options import EXIT_CODES

from . import quick, references
from .conftest import ROOT, tool
from .monitoring.servers import pushgateway
from .remote.store import s3_server
from .scale import LEVEL
from .services import accepts, free_port, running

BIN = Path(sys.executable).parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", ROOT / "deploy/README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SAMPLES = ROOT / "sample_logs"
PROJECT = {
    "settings.py": """\
SECRET_KEY = "docs"
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "links"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
""",
    "urls.py": "urlpatterns = []",
    "links/__init__.py": "",
    "links/models.py": "from django.db import models\n\n\nclass Bookmark(models.Model):\n    pass\n",
    "manage.py": """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
""",
}
APART = ("polars", "pyspark")
"""Packages that blocks import, and that may be missing."""
CLUSTER = "cluster.toml"
"""No logemit.toml; it names a port."""
PORTS: dict[str, str] = {}
"""By those that the pages name, those that they are here."""
SERVER = ExitStack()
"""What a page has started."""
STEADY = [
    (r"( seconds +)\d+\.\d\d", r"\g<1>0.00"),
    (r"(?m)^(last run   ).*, \d+ seconds ago, took .*$", r"\g<1>…"),
    (r"state \d+\.\d kB", "state …"),
]
"""What the time and a run's speed decide."""
IN_THE_TUTORIAL = [
    (r'("(?:timestamp|proc|seq|request_id|\w+_seconds)": )[^,\n]+', r"\g<1>…"),
    (r"\d+ (gc|process)_stats", ""),
    (r"( lines read| events| partitions) +[1-9]\d* +", r"\g<1> "),
    (r"[\s,]+", " "),
]
"""A line is another each time; and how many there are hangs on which of two workers answered."""
FAMILY = re.compile(r"\b(?:django_(?:http|db|cache|model|task|command|migration)s?|feed|bookmark|logemit)_\w+")


class Block(NamedTuple):
    language: str
    name: str
    text: str
    page: str


def blocks(page: Path) -> list[Block]:
    found = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [Block(language, name, text, page.name) for language, name, text in found]


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a reader might stand: sample_logs/ as in the checkout, and logs/ as a server keeps them."""
    shutil.copytree(SAMPLES, tmp_path / "sample_logs")
    (tmp_path / "logs").mkdir()
    shutil.copy(SAMPLES / "gunicorn/stdout.log", tmp_path / "logs/app.log")
    shutil.copy(SAMPLES / "asgi/stdout.log", tmp_path / "logs/app.log.1")
    shutil.copy(SAMPLES / "cron/jobs.log.gz", tmp_path / "logs/jobs.log.gz")
    (tmp_path / "links").mkdir()
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def environment(*folders: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOGEMIT_", "DJANGO_"))}
    path = ":".join(map(str, [*folders, BIN, os.environ["PATH"]]))
    return kept | {"PATH": path, "COLUMNS": "80", "TERM": "dumb"}


def run(folder: Path, *command: str, **variables: str) -> str:
    """What a command prints; the test fails with it where the command does."""
    gets_signals = any("kill " in part for part in command)
    env = environment(*([] if gets_signals else [quick.command().folder])) | variables
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def shell(folder: Path, script: str) -> str:
    return run(folder, "bash", "-euo", "pipefail", "-c", script)


def comparable(output: str, page: str) -> str:
    """Without trailing blanks and blank lines around, and without what is another each time."""
    text = "\n".join(line.rstrip() for line in output.splitlines()).strip("\n")
    for pattern, instead in STEADY + (IN_THE_TUTORIAL if page == "tutorial.md" else []):
        text = re.sub(pattern, instead, text)
    return text


def needs(block: Block, package: str) -> bool:
    return re.search(rf"^(import|from) {package}\b", block.text, re.MULTILINE) is not None


# What becomes of each kind of block.


def run_shell(block: Block, folder: Path) -> None:
    {"": run_script, "install": look_up, "server": serve, "beside": serve_beside}[block.name](block, folder)


def run_script(block: Block, folder: Path) -> None:
    shell(folder, with_ports(block.text))


def with_ports(text: str) -> str:
    """Ports are such as are free here, or those of servers that the test has started."""
    return re.sub(r"\b(8000|8786|9091|9464)\b", lambda port: PORTS.setdefault(port[1], str(free_port())), text)


def look_up(block: Block, _folder: Path) -> None:
    """Installing would take a network: each package is here, with each of its extras."""
    named = re.findall(r"^pip install (.*)$", block.text, re.MULTILINE)
    assert named
    for requirement in map(Requirement, " ".join(named).replace("'", "").split()):
        extras = set(distribution(requirement.name).metadata.get_all("Provides-Extra") or [])
        assert requirement.extras <= extras, f"{block.page}: {requirement}"


def serve(block: Block, folder: Path) -> None:
    SERVER.close()
    PORTS["8000"] = str(free_port())  # the last one may be another's by now
    run_on(block, folder, "8000")


def serve_beside(block: Block, folder: Path) -> None:
    """Ready once the port that it names is there, whoever opens it."""
    (port,) = re.findall(r"\b8786\b", block.text)
    run_on(block, folder, port)


def run_on(block: Block, folder: Path, port: str) -> None:
    log, script = folder / "server.log", f"exec {with_ports(block.text)}"
    env = environment() | {"GUNICORN_CMD_ARGS": "--no-control-socket"}  # it would lie in the home
    command = ["bash", "-euo", "pipefail", "-c", script]
    SERVER.enter_context(running(command, log, lambda: accepts(int(PORTS[port])), cwd=folder, env=env))


def run_console(block: Block, folder: Path) -> None:
    """Each `$` line runs; the lines after it are what it must print."""
    for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
        real = shell(folder, with_ports(command))
        shown = f"{block.page}: {command} prints\n{real}"
        assert comparable(printed, block.page) == comparable(real, block.page), shown


def run_python(block: Block, folder: Path) -> None:
    if block.name == "settings":
        with open(folder / "settings.py", "a") as settings:
            settings.write(block.text)
        run(folder, sys.executable, "-m", "django", "check", "--fail-level=WARNING", DJANGO_SETTINGS_MODULE="settings")
    elif block.name:
        write(block, folder)
    else:
        run(folder, sys.executable, "-c", block.text)


def write(block: Block, folder: Path) -> None:
    with open(folder / block.name.removeprefix("+"), "a" if block.name.startswith("+") else "w") as file:
        file.write(with_ports(block.text) if block.name == CLUSTER else block.text)
    if block.name == CLUSTER:
        load(folder / block.name)
    elif block.language == "toml":
        run(folder, "logemit", "metrics", "--config", block.name)


def query(block: Block, folder: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    metrics = str(folder / "metrics")
    assert duckdb.sql(block.text.replace("'metrics/", f"'{metrics}/")).fetchall()


def read_json(block: Block, _folder: Path) -> None:
    """A line of the sample logs, of which fields may be left out."""
    shown = json.loads(block.text).items()
    logs = (log.read_text("utf-8") for log in SAMPLES.glob("*/*.log"))
    lines = (line for log in logs for line in log.splitlines() if line.startswith('{"logemit":'))
    assert any(shown <= json.loads(line).items() for line in lines)


def read_unit(block: Block, _folder: Path) -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read_string(block.text)
    assert set(unit.sections()) <= {"Unit", "Service", "Timer", "Install"}
    assert all(value for section in unit.sections() for value in unit[section].values())


def read_cron(block: Block, _folder: Path) -> None:
    for line in block.text.splitlines():
        *times, user, command = line.split(maxsplit=6)
        assert len(times) == 5
        assert all(re.fullmatch(r"[\d*/,-]+", time) for time in times)
        assert user == "app"
        assert "%" not in command  # cron makes it a newline


def read_dockerfile(block: Block, _folder: Path) -> None:
    commands = subprocess.run([BIN / "logemit", "--help"], capture_output=True, text=True, check=True).stdout
    for line in block.text.splitlines():
        instruction, _, rest = line.partition(" ")
        assert instruction in {"FROM", "RUN", "USER", "ENV"}
        if instruction == "RUN" and rest.startswith("logemit "):
            assert re.search(rf"\b{rest.split()[1]}\b", commands)


def read_logrotate(block: Block, _folder: Path) -> None:
    found = re.fullmatch(r"\S+ \{\n((?: {4}[a-z ]+\d*\n)+)\}\n", block.text)
    assert found
    known = {"daily", "rotate", "compress", "delaycompress", "copytruncate", "missingok"}
    assert {line.split()[0] for line in found[1].splitlines()} <= known


def read_yaml(block: Block, folder: Path) -> None:
    """Prometheus reads its rules and scrapes itself; of others, every line is a key or an item, indented by twos."""
    if block.name == "rules":
        check_rules(block.text, folder)
        return
    if block.name == "scrape":
        (folder / "prometheus.yml").write_text(block.text)
        run(folder, tool("promtool", "prometheus"), "check", "config", "--syntax-only", "prometheus.yml")
        return
    for line in block.text.splitlines():
        assert re.fullmatch(r"(  )*(- )?[A-Za-z_]+:( \S.*)?", line)


def read_promql(block: Block, folder: Path) -> None:
    rule = {"groups": [{"name": "docs", "rules": [{"record": "docs", "expr": block.text}]}]}
    check_rules(json.dumps(rule), folder)  # JSON is YAML


def check_rules(rules: str, folder: Path) -> None:
    """Prometheus can read the expressions, and every family in them is one that the reference lists."""
    check_families(rules)
    (folder / "rules.yml").write_text(rules)
    run(folder, tool("promtool", "prometheus"), "check", "rules", "rules.yml")


def check_families(expressions: str) -> None:
    known = set(re.findall(r"^\| `(\w+)`", references.metrics(), re.MULTILINE))
    named = {re.sub(r"_(bucket|sum|count)$", "", name) for name in FAMILY.findall(expressions)}
    assert named - {"feed_id"} <= known


def read_text(_block: Block, _folder: Path) -> None:
    """Nothing to run or read."""


KINDS: dict[str, Callable[[Block, Path], None]] = {
    "sh": run_shell,
    "console": run_console,
    "python": run_python,
    "toml": write,
    "sql": query,
    "json": read_json,
    "ini": read_unit,
    "cron": read_cron,
    "dockerfile": read_dockerfile,
    "logrotate": read_logrotate,
    "yaml": read_yaml,
    "promql": read_promql,
    "text": read_text,
}


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The sample logs of a day, in a bucket `logs`, and the variables that lead there."""
    with s3_server(tmp_path) as s3:
        s3.put("app/2026/11/20/12/jobs-1", (SAMPLES / "cron/jobs.log.gz").read_bytes())
        s3.put("app/2026/11/20/13/web-1.gz", gzip.compress((SAMPLES / "asgi/stdout.log").read_bytes()))
        for name, value in s3.variables.items():
            monkeypatch.setenv(name, value)
        yield


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[None]:
    """A Pushgateway, and Prometheus's programs."""
    with pushgateway(tmp_path / "gateway.log") as url:
        PORTS["9091"] = url.rpartition(":")[2]
        yield


@pytest.fixture
def what_runs() -> Iterator[None]:
    yield
    SERVER.close()
    PORTS.clear()


@pytest.mark.usefixtures("what_runs")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=page_id)
def test_the_blocks_of_a_page(page: Path, folder: Path, request: pytest.FixtureRequest) -> None:
    if page.name == "buckets.md":
        request.getfixturevalue("bucket")
    if page.name in ("prometheus.md", "tutorial.md"):
        tool("curl", "curl")
    if page.name == "prometheus.md":
        request.getfixturevalue("gateway")
    if page.name == "leaving.md":
        tool("curl", "curl")
        request.getfixturevalue("django_prometheus")
    if page.name == "tutorial.md":
        folder = folder / "tea"
        folder.mkdir()
    wanted = [block for block in blocks(page) if not any(needs(block, package) for package in APART)]
    for block in joined(wanted) if LEVEL == "quick" else wanted:
        KINDS[block.language](block, folder)


def joined(found: list[Block]) -> list[Block]:
    """Python that runs one after the other is started once; each block has names of its own."""
    made: list[Block] = []
    for block in found:
        if (block.language, block.name) == ("python", ""):
            text = f"exec({block.text!r}, {{'__name__': '__main__'}})\n"
            if made and made[-1][:2] == ("python", ""):
                text = made.pop().text + text
            made.append(block._replace(text=text))
        else:
            made.append(block)
    return made


@pytest.mark.parametrize("package", [package for package in APART if package != "pyspark"])  # tests/spread has that
def test_blocks_that_need(package: str, folder: Path) -> None:
    pytest.importorskip(package, reason=f"{package} is missing; pip install {package}")
    page = blocks(ROOT / "docs/notebooks.md")
    wanted = [block for block in page if needs(block, package)]
    assert wanted
    for block in (page[0], *wanted):
        KINDS[block.language](block, folder)


# The pages as such.


@pytest.mark.parametrize("name", references.PAGES)
def test_references_are_current(name: str) -> None:
    written = (references.FOLDER / f"{name}.md").read_text("utf-8")
    assert written == references.PAGES[name](), "the code has changed since: run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", page.read_text("utf-8")):
        if "://" in target:  # no test asks the network
            assert re.fullmatch(r"https://[\w.-]+\.[a-z]+(/\S*)?", target), f"{page.name} links to {target}"
            continue
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), f"{page.name} links to {target}"
        assert linked.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(linked), f"{page.name} links to {target}#{anchor}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_linked() -> None:
    linked = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))
    }
    decisions = set((ROOT / "docs/decisions").glob("*.md"))
    assert set(PAGES) - decisions - {README} <= linked


def test_the_readme_fits_a_screen_and_shows_a_run() -> None:
    text = README.read_text("utf-8")
    assert len(text.splitlines()) <= 60
    assert "\n lines read " in text
    assert "://" not in text


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"`make ([a-z-]+)`", page.read_text("utf-8"))) <= targets


def test_exit_codes_of_the_command_are_all_explained() -> None:
    told = {int(code) for code in re.findall(r"\b(\d+) [a-z]", EXIT_CODES)}
    assert set(references.TO_DO) == told
    assert {each.exit_code for each in references.error_types()} <= told


def test_the_demo(folder: Path) -> None:
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("bookmarks", "__pycache__"))
    printed = run(folder, sys.executable, "examples/demo.py")
    assert "demo-out/metrics.prom" in printed
    assert "demo-out/<summary>/" in printed
    assert (folder / "demo-out/metrics.prom").exists()
    assert all(len(line) <= 80 for line in printed.splitlines() if str(BIN) not in line)
