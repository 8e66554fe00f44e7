"""The same traffic shows the same numbers: what django-prometheus had shown in one process, and what logemit makes of
the lines of the project that was migrated, with what a person did by hand."""

import importlib.util
import json
import re
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
from cli.leaving.successors import Successor, successors
from tests.command.calls import logemit
from tests.parity.differences import CORRECTIONS
from tests.scale import scaled

from .projects import HERE, NAMES, applied, copied, migrated, original, python, searched, write
from .wheels import relock

Labels = tuple[tuple[str, str], ...]
Shown = dict[str, dict[Labels, float]]
"""Series by the name of a sample."""

TIMES = ("seconds", "seconds_by_view_method")

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
    """Without zeros, and of times the number only."""
    shown: Shown = {}
    for family in text_string_to_metric_families(exposition):
        is_time = family.type in ("histogram", "summary") and family.name.endswith(TIMES)
        for sample in family.samples:
            if sample.value and not (is_time and not sample.name.endswith("_count")):
                labels = {label: value for label, value in sample.labels.items() if label != "service"}
                if "le" in labels:
                    labels["le"] = str(float(labels["le"]))
                shown.setdefault(sample.name, {})[tuple(sorted(labels.items()))] = sample.value
    return shown


def mapped(name: str, shown: Shown) -> Shown:
    """By the names that the map has for what django-prometheus shows; without labels that a project gives up."""
    names = {old: new for each in the_map(name) for old, new in each.samples.items()}
    assert shown.keys() - names.keys() == set(), "is not in the map"
    without = getattr(traffic(name), "WITHOUT", ())
    made: dict[str, Counter[Labels]] = {}
    for sample, series in shown.items():
        for labels, value in series.items() if names[sample] else ():
            kept = tuple(pair for pair in labels if pair[0] not in without)
            made.setdefault(names[sample], Counter())[kept] += value  # type: ignore[assignment]
    return {sample: dict(series) for sample, series in made.items()}


@cache
def the_map(name: str) -> list[Successor]:
    return successors(audit(original(name)), original(name).texts)


@pytest.mark.parametrize("name", NAMES[scaled(1, 0, 0) :: scaled(2, 1, 1)])
def test_the_same_traffic_shows_the_same(name: str, tmp_path: Path) -> None:
    theirs = driven(name, copied(name, tmp_path / "theirs"))
    assert theirs["page"] == 200
    ours = driven(name, left(name, tmp_path / "ours"))
    assert ours["page"] == 404
    assert ours["shown"] == "", "something still imports prometheus_client"
    report = aggregate([str(tmp_path / "ours.json.log")], tmp_path / "out", config.load(None))
    assert (report.missing, report.rejected, report.fields_invalid) == (0, 0, 0)
    exposition = (tmp_path / "out/metrics.prom").read_text()

    before, after = mapped(name, samples(theirs["shown"])), samples(exposition)
    compared = {sample for sample in before if not sample.startswith(OF_THE_PROCESS)}
    assert before.keys() - after.keys() <= compared, "shows nothing any more"
    differing = {family_of(sample) for sample in compared if before[sample] != after.get(sample)}
    assert len({family_of(sample) for sample in compared}) > 15
    declared = differences(name)
    assert differing - declared == set(), "differs, and is not declared"
    assert declared - differing == set(), "is declared, and does not occur"
    labels = {each.name: set(each.labels or ()) - {"service"} for each in the_map(name) if each.labels is not None}
    for sample, series in after.items():
        for kept in series if family_of(sample) in labels else ():
            assert {label for label, _ in kept} - {"le"} == labels[family_of(sample)], sample


def family_of(sample: str) -> str:
    return re.sub("_(bucket|count|sum)$", "", sample)


@pytest.mark.parametrize("name", NAMES[:: scaled(2, 1, 1)])
def test_at_the_end_nothing_is_left(name: str, tmp_path: Path) -> None:
    folder = left(name, tmp_path / "project")
    if (folder / "uv.lock").exists():
        relock(folder, tmp_path / "wheels", *LOCKED)
    assert [f"{trace.file}:{trace.line} {trace.kind}" for trace in audit(read(folder)).traces] == []
    assert searched(folder) == set()
    assert logemit("audit", folder, "--verify").returncode == 0
    done = python(folder, "manage.py", "test")
    assert done.returncode == 0, done.stderr


def differences(name: str) -> set[str]:
    """Families that differ, each for a reason that is known of it."""
    found: set[str] = set()
    for correction, families in traffic(name).DIFFERENCES.items():
        assert {*families} <= CORRECTIONS[correction].families, correction
        found |= {*families}
    return found
