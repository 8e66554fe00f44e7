"""The benchmarks run, and their tables are whole. How fast anything is, no test says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("django_prometheus")
NUMBER = re.compile(r"[+-]?[\d,]+(\.\d+)?")
HANDLERS = ("sync", "async")
QUERIES = ("no", "10", "100")
OUTPUTS = ("/dev/null", "pipe")
CASES = [f"{handler}, {queries} queries, {to}" for handler in HANDLERS for queries in QUERIES for to in OUTPUTS]

Table = dict[str, dict[str, str]]


def emitter_cost(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.emitter_cost", "--quick", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tables(page: str) -> list[Table]:
    """Each as its rows by their first cell, a row as its other cells by their heads."""
    found = []
    for text in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        head, _rule, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
        found.append({row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows})
    return found


def assert_numbers(row: dict[str, str]) -> None:
    for name, cell in row.items():
        assert NUMBER.fullmatch(cell), f"{name}: {cell!r}"


def test_emitter_cost_has_every_case_with_its_numbers(tmp_path: Path) -> None:
    page = emitter_cost("--output", str(tmp_path / "page.md"))
    assert (tmp_path / "page.md").read_text() == page
    costs, written = tables(page)
    assert list(costs) == CASES
    for row in costs.values():
        del row["target"]
        for end in row.pop("quartiles").split(" to "):
            assert NUMBER.fullmatch(end)
        assert_numbers(row)
    assert list(written) == [case for case in CASES if case.endswith("pipe")]
    for case, row in written.items():
        assert float(row["lines"]) >= (1 if "no queries" in case else 2)
        assert float(row["bytes"].replace(",", "")) > 300


def test_emitter_cost_of_one_contender() -> None:
    page = emitter_cost("--contender=logemit", "--handler=sync", "--queries=0", "--sink=null")
    (costs,) = tables(page)
    (row,) = costs.values()
    assert NUMBER.fullmatch(row["logemit adds"])
    assert row["django-prometheus adds"] == row["ratio"] == "-"


def test_emitter_cost_by_its_parts() -> None:
    (parts,) = tables(emitter_cost("--breakdown", "--queries=10"))
    assert len(parts) == 5
    for row in parts.values():
        assert len(row) == 2
        assert_numbers(row)


def test_emitter_cost_profiled() -> None:
    packages, functions = tables(emitter_cost("--profile", "--queries=10"))
    assert {"logemit", "django"} <= set(packages)
    assert any("middleware.py" in name for name in functions)
