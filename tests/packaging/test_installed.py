"""The wheel in a clean virtual environment, in each shape that it can be installed in.

They are made of what is installed here, by what the packages say they need; with TESTS=usual from the package index.
"""

import ast
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import logemit
from aggregator.errors import UsageError
from tests.conftest import ROOT

from .conftest import Shaped, run, uv
from .needed import distributions_of, needed_by
from .test_built import PACKAGES, PROJECT

SHAPES = ("", "django", "aggregator", "aggregator-plain", "audit")
WITH_COMMAND = ("aggregator", "aggregator-plain")
LOG = ROOT / "sample_logs/asgi/stdout.log"
BROUGHT_BY_USERS = {"celery", "pyspark"}
"""Whoever has no Celery does not import `logemit.celery`; and a Spark session comes with its pyspark."""
OF_AUDIT = {"libcst", "yaml"}  # promql_parser is imported behind yaml
FOR_WORK = {"test", "bench", "record", "parity", "docs", "dev"}

WEB = Path(__file__).with_name("web.py")

RIGHT = """\
import aggregator
import logemit

orders: logemit.Counter = logemit.Counter("orders_total", "Orders by kind.", ["kind"])
orders.labels("gift").inc()
logemit.emit("alert_created", product="search", severity="high")
with logemit.feed_poll("feed") as poll:
    poll.set(items_new=3)


@logemit.timed("report_made")
def report(name: str) -> int:
    return len(name)


length: int = report("daily")
rows: int = len(aggregator.read("metrics", "http_requests", by=["view"]))
"""
WRONG = """\
import aggregator
import logemit
logemit.Counter(1, "Orders by kind.")
aggregator.read(3, "http_requests")
logemit.nothing
"""
WRONG_LINES = [(3, "arg-type"), (4, "arg-type"), (5, "attr-defined")]

IMPORTED = """
import importlib, importlib.metadata, json, pkgutil, sys
missing = set()
for package in sys.argv[1:]:
    for module in pkgutil.walk_packages([importlib.import_module(package).__path__[0]], package + "."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as exc:
            missing.add(exc.name.partition(".")[0])
import logemit
about = importlib.metadata.version("logemit"), logemit.__version__, logemit.__file__
print(json.dumps([*about, sorted(missing)]))
"""


@pytest.mark.parametrize(
    ("shape", "packages", "missing"),
    [
        ("", ["logemit"], {"asgiref", "django"}),
        ("aggregator", PACKAGES, {"asgiref", "django", "grafana_foundation_sdk", *OF_AUDIT}),
        ("aggregator-plain", PACKAGES, {"asgiref", "django", "grafana_foundation_sdk", "numba", *OF_AUDIT}),
        ("audit", ["cli.leaving"], set()),
    ],
)
def test_each_module_can_be_imported_but_for_those_of_other_extras(
    shaped: Shaped, tmp_path: Path, shape: str, packages: Sequence[str], missing: set[str]
) -> None:
    environment = shaped(shape)
    version, of_module, file, lacked = environment.told(IMPORTED, *packages, cwd=tmp_path)
    assert version == of_module == logemit.__version__
    assert Path(file).is_relative_to(environment.folder)
    assert set(lacked) == missing


@pytest.mark.parametrize("shape", SHAPES)
def test_requirements_fit_each_other(shaped: Shaped, shape: str) -> None:
    uv("pip", "check", "--python", shaped(shape).python)


def test_what_is_imported_is_required() -> None:
    extras = ",".join(sorted(PROJECT["optional-dependencies"].keys() - FOR_WORK))
    declared = needed_by(f"logemit[{extras}]").keys()
    imported = {name for package in PACKAGES for path in (ROOT / package).rglob("*.py") for name in imports(path)}
    assert "pandas" in imported
    third = imported - set(sys.stdlib_module_names) - set(PACKAGES) - BROUGHT_BY_USERS
    assert [name for name in third if not distributions_of(name) & declared] == []


def imports(path: Path) -> set[str]:
    """Top-level names, wherever in the file they are imported."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in plain | named}


# The command.


@pytest.mark.parametrize("shape", WITH_COMMAND)
def test_the_command_takes_in_a_log_that_python_reads(shaped: Shaped, tmp_path: Path, shape: str) -> None:
    environment = shaped(shape)
    helped = environment.run("logemit", "--help", cwd=tmp_path)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert environment.run("logemit", "--version", cwd=tmp_path).stdout == f"logemit {logemit.__version__}\n"
    done = environment.run("logemit", "aggregate", LOG, "--out", "out", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    read = "import aggregator; print(aggregator.read('out', 'http_requests')['count'].sum())"
    expected = sum(b'"event":"http_request"' in line for line in LOG.read_bytes().splitlines())
    assert environment.told(read, cwd=tmp_path) == expected > 0


def test_a_project_is_audited_without_what_reads_logs(shaped: Shaped, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("django-prometheus\n")
    environment = shaped("audit")
    done = environment.run("logemit", "audit", "--verify", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("requirements.txt:1: dependency: ")
    lacking = environment.run("logemit", "aggregate", LOG, "--out", "out", cwd=tmp_path)
    assert lacking.returncode == UsageError.exit_code
    assert lacking.stderr.endswith(" is missing; pip install 'logemit[aggregator]'\n")


@pytest.mark.parametrize("shape", ["", "django"])
@pytest.mark.parametrize("arguments", [["--help"], ["aggregate", str(LOG), "--out", "out"]])
def test_without_its_extra_the_command_says_what_to_install(
    shaped: Shaped, tmp_path: Path, shape: str, arguments: list[str]
) -> None:
    done = shaped(shape).run("logemit", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (UsageError.exit_code, "")
    assert done.stderr == "logemit: typer is missing; pip install 'logemit[aggregator]'\n"


@pytest.mark.parametrize("arguments", [["aggregate", str(LOG), "--out", "out"], ["status", "out"], ["metrics"]])
def test_where_others_brought_typer_the_command_says_so_too(
    shaped: Shaped, tmp_path: Path, arguments: list[str]
) -> None:
    done = shaped("", "typer").run("logemit", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (UsageError.exit_code, "")
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(r"logemit: \w+ is missing; pip install 'logemit\[aggregator\]'", line)


# A web process.


def test_a_web_process_loads_nothing_of_the_batch_side_where_all_is_installed(tmp_path: Path) -> None:
    """But rich, by which structlog shows tracebacks wherever it is there."""
    loaded = answered(Path(sys.executable), tmp_path)
    brought = {name for module in loaded for name in distributions_of(module)}
    assert {"django", "structlog", "orjson"} <= brought
    heavy = needed_by("logemit[aggregator]").keys() - needed_by("logemit[django]").keys()
    assert {"pandas", "pyarrow", "numpy", "numba", "typer"} <= heavy
    assert brought & heavy <= needed_by("rich").keys()
    assert not {"aggregator", "cli"} & loaded


def test_a_web_process_needs_no_more_than_its_extra(shaped: Shaped, tmp_path: Path) -> None:
    assert "logemit" in answered(shaped("django").python, tmp_path)


def answered(python: Path, folder: Path) -> set[str]:
    """The modules that a request took, at the top level."""
    done = run(python, WEB, cwd=folder, LOGEMIT_OUTPUT=str(folder / "app.log"))
    assert done.returncode == 0, done.stderr
    told = [json.loads(line)["event"] for line in (folder / "app.log").read_bytes().splitlines()]
    assert {"http_request", "db_query", "cache_operation", "feed_poll", "alert_created", "measurement"} <= {*told}
    return set(json.loads(done.stdout))


# Types.


def test_who_uses_it_is_type_checked(shaped: Shaped, tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    mypy = (sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", "--no-error-summary")
    environment = shaped("aggregator")
    done = run(*mypy, "--python-executable", environment.python, "right.py", "wrong.py", cwd=tmp_path)
    found = re.findall(r"^(\S+): error: .* \[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    assert found == [(f"wrong.py:{number}", code) for number, code in WRONG_LINES], done.stdout + done.stderr
