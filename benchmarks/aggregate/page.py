"""The page of results: what was measured, on what, and how it is to be read."""

import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime

from .. import machine
from . import tables
from .logs import MB
from .measure import Measured, Sizes
from .programs import Program
from .tables import Lines
from .targets import targets

PACKAGES = ("logemit", "duckdb", "polars", "orjson", "pyarrow", "numpy", "numba", "isal")
ABOUT = """\
How quickly `logemit aggregate` takes in logs, and how quickly other programs make the same cells of the same log. Made
by `python -m benchmarks.aggregate`; the figures are one machine's, and the ratios travel better than the seconds.

The logs are generated from the recorded ones: the same events in the same order, other numbers, one line in ten no
event. Each program is a process of its own that starts with an empty folder, and all have their turn in each round, in
rotating order; the tables have the medians over the rounds, and ratios are of turns in the same round. `wall` is the
whole process. `beyond start-up` is what the program itself tells: of a peer all after its imports, of logemit the
`seconds` of its report, less those of its `loading`, in which it imports numba and loads its machine code. `CPU` and
`peak` are those of all processes that a program starts; memory that they share counts once. The logs are in the page
cache.

Before it is timed, each peer's result is compared with ours, row by row and to the microsecond, and bin by bin where it
has bins."""


def page(found: Measured, programs: Sequence[Program], sizes: Sizes, made: str) -> str:
    appended = f"{sizes.appended / MB:g} MB"
    sections: list[tuple[str, Lines]] = [("Targets", targets(found)), ("What each program does", tables.does(programs))]
    if found.main:
        sections += [("One log, all programs", tables.comparison(found)), ("Workers", tables.workers(found))]
    if found.scaling:
        sections.append(("Longer logs", tables.scaling(found)))
    if found.foreign:
        sections.append(("Foreign lines only", tables.foreign(found)))
    if found.packed:
        sections.append(("Packed logs", tables.packed(found)))
    if found.envelopes:
        sections.append(("Envelopes", tables.envelopes(found)))
    if found.increment:
        sections.append(("A little more", tables.increment(found, appended)))
    if found.start_up:
        sections.append(("Start-up", tables.start_up(found)))
    sections.append(("The machine", [f"- {line}" for line in (*machine.describe(PACKAGES), _mtail(), made)]))
    parts = ["# What the batch side costs", ABOUT]
    parts += [f"## {title}\n\n" + "\n".join(lines) for title, lines in sections]
    return "\n\n".join(parts) + "\n"


def made_in(seconds: float, rounds: int, load: str) -> str:
    day = datetime.now(UTC).date()
    return f"{day}, {rounds} rounds in {seconds:.0f} s, load {load} before and {machine.load()} after"


def _mtail() -> str:
    program = shutil.which("mtail")
    if program is None:
        return "mtail not installed"
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    lines = (told.stdout + told.stderr).splitlines()
    return next((line.partition(" git ")[0] for line in lines if line.startswith("mtail")), "mtail")
