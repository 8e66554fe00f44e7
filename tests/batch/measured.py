"""What the tests of instruments share: their lines, and whether what was made of them is sound."""

import json
import subprocess
from itertools import count
from typing import Any

from tests.batch.test_caps import Folder, Samples
from tests.conftest import tool

NUMBERS = count()


def line(event: str = "measurement", second: int = 0, service: str = "s", proc: str = "p", **fields: Any) -> str:
    """So many seconds after noon."""
    time = f"{12 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    head = {"logemit": 1, "event": event, "timestamp": f"2026-11-20T{time}.000000Z", "service": service}
    return json.dumps({**head, "proc": proc, "seq": next(NUMBERS), "unit": "none", **fields}) + "\n"


def counted(name: str, value: Any = 1, **fields: Any) -> str:
    return line(name=name, kind="counter", value=value, **fields)


def declared(name: str, kind: str, **fields: Any) -> str:
    return line("instrument", name=name, kind=kind, **{"help": "h", "declared": 1, **fields})


def own(samples: Samples) -> set[str]:
    """The names of the samples that instruments made: those of the tests begin with x or _."""
    return {name for name, _ in samples if name.startswith(("x", "_"))}


def check(folder: Folder) -> None:
    """What promtool looks at, and what it does not."""
    lines = (folder.out / "metrics.prom").read_text().split("\n")
    shown = [line.rpartition(" ")[0] for line in lines if line and not line.startswith("#")]
    assert len(shown) == len(set(shown))
    promtool = tool("promtool", "prometheus")
    text = "\n".join(lines)
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stderr  # 3 for what it would have named otherwise
