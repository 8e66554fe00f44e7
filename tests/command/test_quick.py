"""What most tests call in the place of the command does as the command."""

import os
import subprocess
from pathlib import Path

import pytest

from tests import quick
from tests.batch.runs import poll
from tests.conftest import LOGEMIT

CALLS = {
    "output": ["schema"],
    "standard input and a code of its own": ["check", "-"],
    "a relative path that is not there": ["aggregate", "none.log", "--out", "out"],
    "wrong arguments, shown as wide as the terminal": ["aggregate", "--wrong"],
}


@pytest.mark.parametrize("name", CALLS)
def test_it_does_as_the_command(name: str, tmp_path: Path) -> None:
    def called(program: Path) -> tuple[int, bytes, bytes]:
        done = subprocess.run(
            [program, *CALLS[name]],
            input=poll(0) + b'{"logemit":1,"broken\n',
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "60"},
            capture_output=True,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout, done.stderr

    assert called(quick.command().path) == called(LOGEMIT)
