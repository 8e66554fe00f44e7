"""Aggregates a log in a process of its own; with a number, that many times, one more event each."""

import sys
from pathlib import Path

from tests.batch.runs import poll, take_in

log, out, *times = sys.argv[1:]
if not times:
    take_in(Path(log), Path(out))
for seq in range(1, int(times[0]) + 1 if times else 1):
    with open(log, "ab") as file:
        file.write(poll(seq))
    take_in(Path(log), Path(out))
