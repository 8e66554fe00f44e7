"""The command, called as its user calls it."""

import os
import subprocess
from collections.abc import Mapping
from typing import Any

from tests import quick
from tests.conftest import LOGEMIT


def logemit(
    *arguments: object, variables: Mapping[str, object] | None = None, timeout: float = 60, **kwargs: Any
) -> subprocess.CompletedProcess[str]:
    """`variables` are added to the environment. By the command itself where Python or numba is to read them."""
    added = {name: str(value) for name, value in (variables or {}).items()}
    environ = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", **added}
    needs_start = any(name.startswith(quick.READ_AT_START) for name in added)
    command = [str(LOGEMIT if needs_start else quick.command().path), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, text=True, timeout=timeout, env=environ, **kwargs)


def message(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that tells of an error."""
    (line,) = done.stderr.splitlines()
    assert "Traceback" not in line
    return line
