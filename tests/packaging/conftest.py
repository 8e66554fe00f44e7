import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.scale import LEVEL

from .needed import needed_by

BIN = Path(sys.executable).parent

Shaped = Callable[..., "Environment"]


@dataclass(frozen=True)
class Built:
    wheel: Path
    sdist: Path


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the wheel and what it needs in this shape, and nothing else."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin/python"

    @property
    def site(self) -> Path:
        return self.folder / f"lib/python{sysconfig.get_python_version()}/site-packages"

    def run(self, *command: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """With the programs of the environment, and without the checkout."""
        return run(*command, cwd=cwd, PATH=f"{self.folder / 'bin'}:{os.environ['PATH']}", **variables)

    def told(self, program: str, *arguments: object, cwd: Path, **variables: str) -> Any:
        """The JSON that a program in Python prints."""
        done = self.run(self.python, "-c", program, *arguments, cwd=cwd, **variables)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def run(*command: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LOGEMIT_", "DJANGO_"))}
    return subprocess.run(
        list(map(str, command)), cwd=cwd, env={**kept, **variables}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="package")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    done = run(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, sdist)


@pytest.fixture(scope="package")
def shaped(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Shaped:
    """By the names of extras, with commas, and other packages: the environment that they make."""

    @cache
    def made(extras: str, *others: str) -> Environment:
        environment = Environment(tmp_path_factory.mktemp("environment"))
        uv("venv", "--clear", "--python", sys.executable, environment.folder)
        wheel = f"logemit[{extras}] @ {built.wheel.as_uri()}"
        if LEVEL == "quick":
            uv("pip", "install", "--offline", "--no-deps", "--python", environment.python, wheel)
            link(environment, f"logemit[{extras}]", *others)
        else:
            uv("pip", "install", "--python", environment.python, wheel, *others)
        return environment

    return made


def link(environment: Environment, *requirements: str) -> None:
    """What an installation would bring, as it is installed here: nothing is downloaded."""
    needed = {name: of for requirement in requirements for name, of in needed_by(requirement).items()}
    del needed["logemit"]
    for distribution in needed.values():
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}
        for top in sorted(tops):
            here, there = str(distribution.locate_file(top)), environment.site / top
            if top.endswith(".dist-info"):  # uv sees none behind a link
                shutil.copytree(here, there)
            else:
                there.symlink_to(here)


def uv(*arguments: object) -> None:
    done = run(BIN / "uv", "--no-config", "--quiet", *arguments, cwd=ROOT)
    assert done.returncode == 0, done.stderr
