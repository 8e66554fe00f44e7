"""SPREAD.md as a whole, and the tables in the pages of docs/."""

import re
from pathlib import Path

from . import tables
from .costs import Costs
from .measure import Measured
from .model import Given, predict

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks/SPREAD.md"
PAGES = (ROOT / "docs/scaling.md", ROOT / "docs/clusters.md")
_TABLE = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
ABOUT = """\
What a run on a cluster costs: `logemit aggregate --engine dask` beside the same run without one. Made by `python -m
benchmarks.spread`, which writes what it measures to `benchmarks/spread/measured.json`, and from that this page and the
tables of [scaling](../docs/scaling.md) and [clusters](../docs/clusters.md).

A scheduler and workers of Dask, each a process of one thread, the command's own process, which is the driver, and runs
without a cluster have their turns on one machine. **All of them share its two cores**: two workers, the driver and the
scheduler want more than there is, so `2 workers` here is less than two machines would give. What each process used of
the processors is what travels; [the model](../docs/scaling.md) takes that, and tells of machines of their own.

Logs are generated, as for [the batch side](RESULTS.md), with 100 lines a second, so that a GB lasts for hours, and with
20,000, so that a minute holds many events. They are in the page cache, and machine code is made before. `wall` is that
of the whole command, Python's start included; a run without a cluster loads its machine code, too, as workers did in a
run before. Tables have medians over the rounds."""


def page(found: Measured, machine: list[str]) -> str:
    of = Costs.of(found)
    sections = [
        ("Two workers against one", [*tables.two_against_one(found), "", _driver_share(of)]),
        ("What a byte costs", tables.costs(of)),
        ("Between processes", ["Values as they are pickled, counted.", "", *tables.network(found)]),
        ("Memory", ["Peaks in MB of one process.", "", *tables.memory(found)]),
        ("What is written", ["The output of the largest log.", "", *tables.state(found)]),
        (
            "Model and simulation",
            ["Told of the same runs, with all processes on these cores.", "", *tables.compared(of, found)],
        ),
        ("The machine", [f"- {line}" for line in machine]),
    ]
    equal = (
        f"{found.equal} outputs of clusters were compared with that of a local run of one thread: equal, byte by byte."
    )
    parts = ["# What a cluster costs", ABOUT, equal]
    return "\n\n".join([*parts, *(f"## {title}\n\n" + "\n".join(lines) for title, lines in sections)]) + "\n"


def _driver_share(of: Costs) -> str:
    useful = predict(of, Given(100 * tables.GB, 1)).useful
    take, read, end = (each * tables.GB for each in (of.take, of.read, of.end))
    return (
        f"Of the driver's CPU {of.start_cpu:.2f} s are the same for any log: Python, libraries, and the outputs. While "
        f"others read it works {take:.3f} s/GB, where a worker works {read:.2f} s/GB; with what it waits for, {useful} "
        f"workers keep it busy. What it does when all is read, {end:.2f} s/GB and {of.end_sums * tables.GB:.1f} s a GB "
        "of sums, nobody can share."
    )


def with_tables(text: str, found: Measured) -> str:
    """A page whose tables are those of now."""
    of = Costs.of(found)

    def lines(name: str) -> str:
        return "\n".join(tables.compared(of, found) if name == "compared" else tables.TABLES[name](of))

    return _TABLE.sub(lambda place: f"{place[1]}\n{lines(place[2])}\n\n{place[3]}", text)


def write(found: Measured, machine: list[str]) -> None:
    RESULTS.write_text(page(found, machine), "utf-8")
    for path in PAGES:
        path.write_text(with_tables(path.read_text("utf-8"), found), "utf-8")
