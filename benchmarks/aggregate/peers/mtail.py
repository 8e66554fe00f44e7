"""mtail, once over the log: requests by view, method and status, and queries by alias, vendor and operation.

Much less work than the others': no windows, no measures, two summaries of sixteen. mtail can add up, but it cannot
keep a minute's cells, and a regular expression for each field of each event would take it far longer still.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .wanted import Rollup, run

PROGRAM = Path(__file__).with_name("counts.mtail")
RESULT = "counts.json"


def compute(log: Path, out: Path, _wanted: list[Rollup]) -> None:
    program = shutil.which("mtail")
    if program is None:
        raise SystemExit("mtail is missing; install Debian's package mtail")
    command = [program, "--one_shot", "--progs", str(PROGRAM), "--logs", str(log), "--log_dir", str(out)]
    done = subprocess.run(command, capture_output=True, check=True)
    (out / RESULT).write_bytes(done.stdout)


def counted(out: Path) -> dict[str, dict[tuple[str, ...], int]]:
    """By metric, the counts by its labels."""
    found: dict[str, list[dict[str, Any]]] = json.loads((out / RESULT).read_bytes())
    return {
        name: {tuple(each["Labels"]): each["Value"]["Value"] for each in metric["LabelValues"]}
        for name, (metric,) in found.items()
    }


if __name__ == "__main__":
    run(compute)
