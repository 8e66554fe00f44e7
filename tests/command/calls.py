"""The command, called as its user calls it."""

import os
import subprocess
from typing import Any

from tests.conftest import LOGEMIT


def logemit(*arguments: object, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    return subprocess.run(
        [LOGEMIT, *map(str, arguments)], capture_output=True, check=False, text=True, timeout=60, env=environ, **kwargs
    )


def message(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that tells of an error."""
    (line,) = done.stderr.splitlines()
    assert "Traceback" not in line
    return line
