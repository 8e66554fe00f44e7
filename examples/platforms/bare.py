"""The lines that go through every envelope: 2,000 events of the recorded sample logs, and some that are no events."""

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .case import EVENT, Case

SAMPLES = Path(__file__).resolve().parent.parent.parent / "sample_logs"
EVENTS = 2000
_TAKEN = (("gunicorn/stdout.log", 1050), ("celery/stdout.log", None), ("cron/jobs.log.gz", 360))
_FOREIGN = 20
"""So many lines of each log that are no events are kept."""

_ODD = """
import sys
import logemit

names = ["Größe „Übersicht“", 'a "quoted" \\\\ back\\\\slash', "<b>&amp;</b>", "tab\\tand\\nnewline", "#012 stays #033"]
for name in [*names, "line\\u2028separator \\x85 next", "\\U0001f40d snake \\ufeff bom", "}{", " stdout F ", "null"]:
    logemit.emit("health_check", check=name, healthy=True, duration_seconds=0.0, message="\\x1b[31mred\\x1b[0m " + name)
for line in (b"\\xff\\xfe no UTF-8, and a NUL: \\x00.", b"\\x1b[32mgreen\\x1b[0m", b"", b"z" * 40_000):
    sys.stdout.buffer.write(line + b"\\n")
    sys.stdout.buffer.flush()
logemit.emit("health_check", check="del", healthy=False, duration_seconds=12.0, message="\\x7f and \\x00")
logemit.emit("measurement", name="queue", kind="gauge", value=3.0, labels={"zone": "Süd", "a": "1"})
logemit.emit("alert_created", text="x" * 3880)
"""
"""Written by the emitter: text that some envelope escapes, and a line about as long as one gets."""


def bare() -> Case:
    odd = _odd_lines()
    written = sum(line.startswith(EVENT) for line in odd)
    rest = EVENTS - written - sum(number or 0 for _, number in _TAKEN)
    parts = []
    for name, number in _TAKEN:
        path = SAMPLES / name
        data = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
        parts.append(_first(data, number or rest))
    kept = [line for part in parts for line in part] + odd
    assert sum(line.startswith(EVENT) for line in kept) == EVENTS
    return Case(
        "bare",
        b"".join(line + b"\n" for line in kept),
        f"""\
The lines that every other case here wraps: the first events of `sample_logs/gunicorn`, `celery` and `cron`, {_FOREIGN}
lines of each that are no events, and what a script wrote with `logemit.emit`: {written} events with text that some
envelope escapes (quotes, backslashes, tags, line separators, control characters, a BOM, what looks like an envelope),
the last of {len(odd[-1]):,} bytes, about as long as the emitter makes one; and {len(odd) - written} lines of its own:
one that is no UTF-8 and holds a NUL, one in colours, one empty, one of 40,000 bytes.""",
    )


def _first(data: bytes, events: int) -> list[bytes]:
    kept, foreign = [], 0
    for line in data.split(b"\n"):
        if line.startswith(EVENT):
            kept.append(line)
            events -= 1
        elif foreign < _FOREIGN:
            kept.append(line)
            foreign += 1
        if not events:
            break
    return kept


def _odd_lines() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        variables = {"PATH": os.defpath, "LOGEMIT_OUTPUT": "stdout", "LOGEMIT_SERVICE": "odd", "PYTHONUTF8": "1"}
        done = subprocess.run([sys.executable, "-c", _ODD], env=variables, cwd=folder, capture_output=True, check=True)
    return done.stdout.split(b"\n")[:-1]
