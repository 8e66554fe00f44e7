"""logemit dashboard: printed, written, refused."""

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from aggregator.errors import UsageError
from aggregator.monitoring.dashboards import NAMES, Schedule, export
from tests.command.calls import logemit, message
from tests.conftest import ROOT

SCHEDULE = Schedule(300)


def test_a_dashboard_is_printed() -> None:
    done = logemit("dashboard", "requests", "--interval", "15m", "--datasource", "abc")
    assert done.returncode == 0, done.stderr
    assert done.stdout == export.text("requests", Schedule(900), "abc")
    assert logemit("dashboard", "cache", "-o", "-").stdout == export.text("cache", SCHEDULE)


def test_all_dashboards_are_written_for_provisioning(tmp_path: Path) -> None:
    folder = tmp_path / "new/dashboards"
    first = _written(folder)
    assert set(first) == {f"logemit-{name}.json" for name in NAMES}
    assert _written(folder) == first, "what is provisioned again must not differ"
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


def _written(folder: Path) -> dict[str, str]:
    before = os.umask(0o077)  # as of a careful job; Grafana is another user
    try:
        done = logemit("dashboard", "--all", folder)
    finally:
        os.umask(before)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(str(path) for path in folder.iterdir())
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_one_is_written_to_a_file_or_through_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real.json"
    (tmp_path / "link.json").symlink_to(real)
    export.write("cache", tmp_path / "link.json", SCHEDULE)
    assert (tmp_path / "link.json").is_symlink()
    assert real.read_text() == export.text("cache", SCHEDULE)
    assert {path.name for path in tmp_path.iterdir()} == {"real.json", "link.json"}


def test_a_device_stays_what_it_is() -> None:
    export.write("cache", Path("/dev/null"), SCHEDULE)
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["request"], 2, "did you mean requests?"),
        (["../pipeline"], 2, "there is no dashboard"),
        ([], 2, "name one dashboard of overview"),
        (["cache", "--all", "x"], 2, "name one dashboard of overview"),
        (["--all", "x", "-o", "y"], 2, "leave --output out"),
        (["--all", ""], 2, "--all is empty"),
        (["--all", "s3://bucket/x"], 2, "folders only"),
        (["cache", "--interval", "often"], 2, "--interval is 'often'"),
        (["cache", "--datasource", ""], 2, "--datasource is empty"),
        (["cache", "-o", "missing/x.json"], 73, "missing/x.json: cannot be written: No such file"),
        (["cache", "-o", "."], 73, "Is a directory"),
        (["--all", "file/x"], 73, "file/x: cannot be made: Not a directory"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: list[str], code: int, told: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = logemit("dashboard", *arguments, cwd=tmp_path)
    assert done.returncode == code
    assert told in message(done)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_list_names_them_all() -> None:
    done = logemit("dashboard", "--list")
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(NAMES)


# Without the SDK, or with another.


@pytest.fixture
def without_sdk() -> list[str]:
    """A command that runs the app where the SDK cannot be imported."""
    return [sys.executable, "-c", "import sys; sys.modules['grafana_foundation_sdk'] = None; import cli; cli.main()"]


def test_the_command_does_not_need_grafanas_sdk(without_sdk: list[str]) -> None:
    for arguments in (["--help"], ["metrics", "--json"], ["dashboard", "--list"]):
        done = subprocess.run([*without_sdk, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_a_missing_sdk_is_told_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(export, "version", missing)
    with pytest.raises(UsageError, match=r"is missing; pip install 'logemit\[grafana\]'"):
        export.text("cache", SCHEDULE)


def test_the_sdk_of_another_grafana_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pip install grafana-foundation-sdk` takes that of 10.1, which has the highest epoch."""
    monkeypatch.setattr(export, "version", lambda _: "1769699998!10.1.0")
    with pytest.raises(UsageError, match=r"of Grafana 10\.1\.0, not 11\.6; pip install"):
        export.text("cache", SCHEDULE)


def test_the_extra_asks_for_the_release_that_is_refused_otherwise() -> None:
    (asked,) = re.findall(rf'"{export.SDK}==\d+!([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert asked.startswith(f"{export.GRAFANA}.")
