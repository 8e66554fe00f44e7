"""The same traffic shows the same numbers: what django-prometheus had shown in one process, and what logemit makes of
the lines of the project that was migrated, with what a person did by hand."""

import importlib.util
import json
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aggregator import config
from aggregator.run import aggregate
from cli.leaving.audit import audit
from cli.leaving.project import read
from cli.leaving.stages import migrate
from tests.parity.differences import CORRECTIONS

from .projects import HERE, NAMES, applied, copied, migrated, python, searched, write
from .wheels import relock

Series = tuple[str, tuple[tuple[str, str], ...]]
Shown = dict[str, dict[Series, float]]
"""By family."""

pytestmark = pytest.mark.usefixtures("django_prometheus")

LOCKED = ("asgiref", "django", "logemit", "orjson", "ruff", "sqlparse", "structlog")
OF_THE_PROCESS = ("process_", "python_")
"""Two processes do not use the same memory."""


@cache
def traffic(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("traffic", HERE / name / "traffic.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def driven(name: str, folder: Path) -> dict[str, Any]:
    """In a project's folder; logemit's lines and the answer stand beside it."""
    module, out = traffic(name), folder.parent / f"{folder.name}.json"
    done = python(
        folder,
        str(Path(__file__).with_name("drive.py")), str(HERE / name / "traffic.py"), module.SETTINGS, str(out),
        LOGEMIT_OUTPUT=str(folder.parent / "events.log"), **getattr(module, "VARIABLES", {}),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def left(name: str, folder: Path) -> Path:
    """The project migrated, and what a person then does, in a folder of its own."""
    copied(name, folder)
    write(folder, migrated(name)[1])
    applied(folder, (HERE / name / "by_hand.patch").read_text())
    write(folder, migrate(read(folder))[1])  # what had waited for that
    return folder


def samples(exposition: str) -> Shown:
    """Without zeros, times, and what tells when a series began."""
    shown: Shown = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            is_time = family.type in ("histogram", "summary") and family.name.endswith(
                ("seconds", "seconds_by_view_method")
            )
            if not sample.value or sample.name.endswith("_created") or (is_time and not sample.name.endswith("_count")):
                continue
            labels = {label: value for label, value in sample.labels.items() if label != "service"}
            if "le" in labels:
                labels["le"] = str(float(labels["le"]))
            shown.setdefault(family.name, {})[sample.name, tuple(sorted(labels.items()))] = sample.value
    return shown


def renamed(name: str, shown: Shown) -> Shown:
    """As a project's own prefix and labels are declared to go."""
    module = traffic(name)
    prefix, without = getattr(module, "PREFIX", ""), getattr(module, "WITHOUT", ())
    made: dict[str, Counter[Series]] = {}
    for family, series in shown.items():
        counted = made.setdefault(family.removeprefix(prefix), Counter())
        for (sample, labels), value in series.items():
            kept = tuple(pair for pair in labels if pair[0] not in without)
            counted[sample.removeprefix(prefix), kept] += value  # type: ignore[assignment]
    return {family: dict(series) for family, series in made.items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_traffic_shows_the_same(name: str, tmp_path: Path) -> None:
    theirs = driven(name, copied(name, tmp_path / "theirs"))
    assert theirs["page"] == 200
    ours = driven(name, left(name, tmp_path / "ours"))
    assert ours["page"] == 404
    assert ours["shown"] == "", "something still imports prometheus_client"
    report = aggregate([str(tmp_path / "ours.json.log")], tmp_path / "out", config.load(None))
    assert (report.missing, report.rejected, report.fields_invalid) == (0, 0, 0)
    exposition = (tmp_path / "out/metrics.prom").read_text()

    before, after = renamed(name, samples(theirs["shown"])), samples(exposition)
    compared = {family for family in before if not family.startswith(OF_THE_PROCESS)}
    assert len(compared) > 15
    assert {family for family in before if family not in after} - compared == set()
    differing = {family for family in compared if before[family] != after.get(family)}
    declared = differences(name)
    assert differing - declared.keys() == set(), {f: (before[f], after.get(f)) for f in differing - declared.keys()}
    assert declared.keys() - differing == set(), "declared, and does not occur"


@pytest.mark.parametrize("name", NAMES)
def test_at_the_end_nothing_is_left(name: str, tmp_path: Path) -> None:
    folder = left(name, tmp_path / "project")
    if (folder / "uv.lock").exists():
        relock(folder, tmp_path / "wheels", *LOCKED)
    assert [f"{trace.file}:{trace.line} {trace.kind}" for trace in audit(read(folder)).traces] == []
    assert searched(folder) == set()
    done = python(folder, "manage.py", "test")
    assert done.returncode == 0, done.stderr


def differences(name: str) -> dict[str, str]:
    """Families that differ, and the correction that says why."""
    found: dict[str, str] = {}
    for correction, families in traffic(name).DIFFERENCES.items():
        known = {family.removesuffix("_total") for family in CORRECTIONS[correction].families}
        assert {*families} <= known, correction
        found |= dict.fromkeys(families, correction)
    return found
