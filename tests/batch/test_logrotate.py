"""Debian's own logrotate between runs, in all the ways that it is told to."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import tool
from tests.scale import scaled

from .scene import Scene

DIRECTIVES = {
    "rename": "create",
    "nocreate": "nocreate",
    "copytruncate": "copytruncate",
    "compress": "create\ncompress",
    "delaycompress": "create\ncompress\ndelaycompress",
    "copytruncate and compress": "copytruncate\ncompress",
    "dateext": "create\ndateext\ndateformat -%Y%m%d-%s",
    "dateext, extension": "create\ndateext\ndateformat -%Y%m%d-%s\nextension .log\ncompress\ndelaycompress",
    "dateext and copytruncate": "copytruncate\ndateext\ndateformat -%Y%m%d-%s\ncompress\ndelaycompress",
    "xz": "create\ncompress\ncompresscmd /usr/bin/xz\nuncompresscmd /usr/bin/unxz\ncompressext .xz",
}


class Logrotate:
    def __init__(self, scene: Scene, folder: Path, directives: str) -> None:
        if "/usr/bin/xz" in directives:
            tool("xz", "xz-utils")
        self._program = tool("logrotate", "logrotate", folders=["/usr/sbin"])
        self._folder = folder
        lines = "\n    ".join(["rotate 3", "missingok", *directives.splitlines()])
        (folder / "logrotate.conf").write_text(f"{scene.logs}/app.log {{\n    {lines}\n}}\n")
        (folder / "logrotate.conf").chmod(0o644)
        scene.logs.chmod(0o755)
        self._logs = scene.logs

        self._rotations = 0

    def rotate(self) -> None:
        """As if long after the last time: names that tell the second are set back, to differ without waiting."""
        command = [self._program, "--force", "--state", str(self._folder / "state"), "logrotate.conf"]
        subprocess.run(command, cwd=self._folder, check=True, capture_output=True)
        self._rotations += 1
        for path in self._logs.iterdir():
            path.rename(path.with_name(re.sub(r"-(?!0)\d{10}\b", f"-{self._rotations:010}", path.name)))


@pytest.fixture(params=DIRECTIVES)
def logrotate(request: pytest.FixtureRequest, scene: Scene, tmp_path: Path) -> Logrotate:
    return Logrotate(scene, tmp_path, DIRECTIVES[request.param])


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path, bulk=40)


@pytest.mark.parametrize("named", [("app.log",), ("app[.-]*",)][: scaled(1, 2, 2)])
def test_logrotate(scene: Scene, logrotate: Logrotate, named: tuple[str, ...]) -> None:
    """Six rotations with three kept, of which one follows another before a run; nothing is lost or told to be."""
    scene.write("app.log")
    scene.run(*named)
    for number in range(6):
        scene.write("app.log")
        logrotate.rotate()
        if number == 3:
            scene.write("app.log")
            logrotate.rotate()
        scene.write("app.log")
        scene.run(*named)
    scene.run(*named)
    scene.check()


def test_logs_of_before_the_first_run_are_not_read_when_only_the_log_is_named(
    scene: Scene, logrotate: Logrotate
) -> None:
    for _ in range(2):
        scene.write("app.log")
        logrotate.rotate()
    scene.written = 0
    scene.write("app.log")
    scene.run("app.log")
    for _ in range(3):
        logrotate.rotate()
        scene.write("app.log")
        scene.run("app.log")
    scene.check()
