"""The gauges of migrations: what django-prometheus reads at start-up is what logemit tells when it is asked."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib import auth, contenttypes

from tests.django_side.databases import sqlite

from .conftest import Databases, aggregated, run_python
from .differences import BOTH
from .samples import Samples, by_service, parsed

MIXIN = r"django_prometheus.models.ExportModelOperationsMixin[(]'\w+'[)]"
GAUGES = ("django_migrations_applied_total", "django_migrations_unapplied_total")
START = "import django; django.setup(); from prometheus_client import *; print(generate_latest().decode())"
EXPORTED = {"PARITY_EXPORT_MIGRATIONS": "1"}


def migrations_of(app: Any) -> int:
    return len(list(Path(app.__file__).parent.glob("migrations/0*.py")))


@pytest.mark.parametrize("vendor", BOTH)
def test_both_tell_the_migrations_that_are_there(vendor: str, tmp_path: Path, database: Databases) -> None:
    settings = database(vendor, tmp_path)
    run_python(tmp_path, "", settings, "-m", "django", "migrate", "contenttypes", **EXPORTED).check_returncode()
    theirs = run_python(tmp_path, "theirs", settings, "-c", START, **EXPORTED)
    ours = run_python(tmp_path, "ours", settings, "-m", "django", "logemit_migrations", **EXPORTED)
    labels = (("connection", "default"),)
    truth = {(GAUGES[0], labels): migrations_of(contenttypes), (GAUGES[1], labels): migrations_of(auth)}
    assert ours.returncode == 0, ours.stderr
    assert gauges(Samples(dict(parsed(theirs.stdout)))) == truth
    assert gauges(by_service(aggregated(tmp_path))["tests"]) == truth


def test_migrations_without_the_mixin_are_complete(tmp_path: Path, database: Databases) -> None:
    folder = tmp_path / "kept_migrations"
    folder.mkdir()
    (folder / "__init__.py").touch()
    settings, more = database("sqlite", tmp_path), {"PYTHONPATH": str(tmp_path), "PARITY_MIGRATIONS": folder.name}
    run_python(tmp_path, "theirs", settings, "-m", "django", "makemigrations", "project", **more).check_returncode()
    (migration,) = folder.glob("0*.py")
    text, bases = re.subn(f" *bases=[(]{MIXIN}, models.Model[)],\n", "", migration.read_text())
    assert bases == 3
    migration.write_text(text.replace("import django_prometheus.models\n", ""))
    assert "django_prometheus" not in migration.read_text()
    command = ("-m", "django", "makemigrations", "--check", "project")
    checked = run_python(tmp_path, "ours", settings, *command, **more)
    assert checked.returncode == 0, checked.stdout
    run_python(tmp_path, "ours", settings, "-m", "django", "migrate", **more).check_returncode()


def gauges(samples: Samples) -> dict[Any, int]:
    return {series: value for series, value in samples.items() if series[0] in GAUGES}


def test_an_app_whose_database_is_away_starts(tmp_path: Path) -> None:
    away = sqlite(tmp_path / "missing" / "db.sqlite3")
    assert run_python(tmp_path, "theirs", away, "-c", START, **EXPORTED).returncode != 0
    assert run_python(tmp_path, "ours", away, "-c", START, **EXPORTED).returncode == 0
