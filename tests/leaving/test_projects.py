"""What is found in whole projects: all that was planted, and nothing else; and nothing of them is run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.leaving.audit import audit
from cli.leaving.project import read
from cli.leaving.stages import migrate
from tests.command.calls import logemit

from .projects import HERE, NAMES, copied, original, planted, searched


@pytest.mark.parametrize("name", NAMES)
def test_all_that_was_planted_is_found_and_nothing_else(name: str) -> None:
    found = {(trace.file, trace.line, str(trace.kind)) for trace in audit(original(name)).traces}
    known = {(each.file, each.line, each.kind) for each in planted(name)}
    assert found - known == set(), "found, and not planted"
    assert known - found == set(), "planted, and not found"


@pytest.mark.parametrize("name", NAMES)
def test_a_search_for_words_finds_only_lines_of_traces(name: str, tmp_path: Path) -> None:
    covered = {(trace.file, line) for trace in audit(original(name)).traces for line in trace.lines}
    found = searched(copied(name, tmp_path))
    assert len(found) > 5
    assert found - covered == set()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_project_is_run(name: str, tmp_path: Path) -> None:
    folder, marker = copied(name, tmp_path / "project"), tmp_path / "was-run"
    trap = f"open({str(marker)!r}, 'a').write(__name__)\n"
    for path in folder.rglob("*.py"):
        path.write_text(trap + path.read_text())
    for trapped in ("conftest.py", "sitecustomize.py", "setup.py", "django_prometheus.py"):
        (folder / trapped).write_text(trap)
    modules = set(sys.modules)
    project = read(folder)
    assert audit(project).traces
    migrate(project)
    assert not marker.exists()
    tops = {path.relative_to(folder).parts[0].removesuffix(".py") for path in folder.rglob("*.py")}
    assert not {name for name in set(sys.modules) - modules if name.partition(".")[0] in tops}
    subprocess.run([sys.executable, "-c", "import sitecustomize"], cwd=folder, check=True)
    assert marker.exists(), "the trap does not work"


def test_queries_are_held_against_what_a_project_measures() -> None:
    project = HERE / "market/project"
    files = [project / "ops/prometheus/alerts.yml", project / "ops/grafana/market.json"]
    done = logemit("audit", project, *(word for file in files for word in ("--promql", file)), "--json")
    assert done.returncode == 1
    told = {
        (Path(each["file"]).name, each["line"], each["what"])
        for each in json.loads(done.stdout)["queries"]
        if each["must_change"]
    }
    assert told == {
        ("alerts.yml", 13, "range"),
        ("alerts.yml", 19, "range"),
        ("alerts.yml", 21, "gone"),
        ("market.json", 21, "label"),
    }
