"""The page about installing, held against what is installed."""

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT
from tests.scale import LEVEL

from .conftest import BIN, Built, run
from .test_built import PROJECT

PAGE = (ROOT / "docs/install.md").read_text("utf-8")
EXTRAS = PROJECT["optional-dependencies"]
COMMANDS = re.findall(r"^(uvx? .*)$", PAGE, re.MULTILINE)


def test_the_table_has_what_each_extra_brings() -> None:
    rows = re.findall(r"^\| `logemit(?:\[([a-z-]+)\])?` \| .* \| (.*) \|$", PAGE, re.MULTILINE)
    told = {extra: set(re.findall(r"[\w-]+", text)) - {"and"} for extra, text in rows}
    required = {extra: EXTRAS[extra] if extra else PROJECT["dependencies"] for extra in told}
    assert told == {extra: {named(each) for each in of} for extra, of in required.items()}
    others = re.search(r"The others, (.*?), are", PAGE, re.DOTALL)
    assert others
    assert told.keys() | set(re.findall(r"`([a-z]+)`", others[1])) == {"", *EXTRAS}


def named(requirement: str) -> str:
    """Of "logemit[x]" the x."""
    read = Requirement(requirement)
    return ",".join(read.extras) if read.name == "logemit" else read.name


@pytest.mark.skipif(LEVEL == "quick", reason="takes the package index; TESTS=usual does it")
def test_what_is_said_of_uv_works(built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.wheel.parent, tmp_path / "dist")
    folders = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    path = f"{BIN}:{os.environ['PATH']}"
    assert COMMANDS
    for command in COMMANDS:
        done = run(*shlex.split(command), cwd=tmp_path, PATH=path, UV_FIND_LINKS=str(tmp_path / "dist"), **folders)
        assert done.returncode == 0, done.stderr
    assert run(tmp_path / "bin/logemit", "metrics", cwd=tmp_path).returncode == 0
