"""The most memory that a command takes: not that of the process which started it, as wait4 tells it on Linux."""

import os
import re
import subprocess
import sys
from pathlib import Path

_MEASURED = """
import atexit, runpy, sys
atexit.register(lambda: sys.stderr.write(open("/proc/self/status").read()))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def peak_of(script: Path, *arguments: object, timeout: float | None = None) -> tuple[str, int]:
    """What a Python script printed, and its peak of resident memory in bytes."""
    command = [sys.executable, "-c", _MEASURED, str(script), *map(str, arguments)]
    env = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=timeout, env=env)
    assert done.returncode == 0, done.stderr
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", done.stderr)
    return done.stdout, int(peak) * 1024
