"""The sections as Markdown tables."""

from collections.abc import Sequence

from .figures import cpu, middle, own, peak, ratio, speed, wall
from .measure import Measured
from .programs import DUCKDB, DUCKDB_BINS, ONE_WORKER, OURS, Program
from .running import Turn

Lines = list[str]
MISSING = "-"
_SAME = (
    f"{DUCKDB_BINS}, is the peer that makes the same roll-ups, all but gauges: {OURS} is {{}} times as fast by wall, "
    "{} beyond start-up, {} by CPU."
)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Lines:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def times(value: float | None) -> str:
    return MISSING if value is None else f"{value:.2f}"


def does(programs: Sequence[Program]) -> Lines:
    head = ["program", "makes", "bins", "checks processes' numbers", "commits all or nothing", "metrics.prom"]
    rows = [[program.name, *program.does.split(" | ")] for program in programs if program.is_there]
    missing = [f"{program.name} is left out: {program.how}." for program in programs if not program.is_there]
    return [*table(head, rows), *(["", *missing] if missing else [])]


def comparison(found: Measured) -> Lines:
    head = ["program", "rounds", "wall s", "beyond start-up s", "CPU s", "peak MB", "MB/s", "MB/s beyond start-up"]
    head += [f"times as fast as {DUCKDB}, {clock}" for clock in ("wall", "beyond start-up", "CPU")]
    rows = []
    for name, turns in found.main.items():
        row = [name, str(len(turns)), *(f"{middle(turns, clock):.2f}" for clock in (wall, own, cpu))]
        row += [f"{peak(turns):,.0f}", *(f"{speed(found.main_size, turns, clock):,.0f}" for clock in (wall, own))]
        rows.append([*row, *(times(ratio(found.main, DUCKDB, name, clock)) for clock in (wall, own, cpu))])
    equal = [f"{rows} of {name}" for name, rows in found.rows.items()]
    lines = [f"{found.main_size:,.1f} MB. Rows, bins or tables compared with ours and equal: {'; '.join(equal)}.", ""]
    return [*lines, *table(head, rows), *_same(found)]


def _same(found: Measured) -> Lines:
    if DUCKDB_BINS not in found.main:
        return []
    gains = (times(ratio(found.main, DUCKDB_BINS, OURS, clock)) for clock in (wall, own, cpu))
    return ["", _SAME.format(*gains)]


def workers(found: Measured) -> Lines:
    if ONE_WORKER not in found.main:
        return ["Not measured: this logemit has no `--workers`."]
    rows = []
    for name in (ONE_WORKER, OURS):
        turns = found.main[name]
        gain = [times(ratio(found.main, ONE_WORKER, name, clock)) for clock in (wall, own)]
        rows.append([name, f"{middle(turns, wall):.2f}", f"{middle(turns, own):.2f}", *gain])
    return table(["program", "wall s", "beyond start-up s", "times as fast as one, wall", "beyond start-up"], rows)


def scaling(found: Measured) -> Lines:
    rows = []
    for size, turns in found.scaling.items():
        each = [1000 * middle(turns, clock) / size for clock in (wall, own)]
        rows.append([f"{size:,.1f}", *(f"{value:.3f}" for value in each), f"{peak(turns):,.0f}"])
    return table(["MB", "wall ms per MB", "beyond start-up ms per MB", "peak MB"], rows)


def foreign(found: Measured) -> Lines:
    size = found.foreign_size
    rows = [
        [name, f"{middle(turns, own):.3f}", f"{speed(size, turns, own):,.0f}", f"{speed(size, turns, cpu):,.0f}"]
        for name, turns in found.foreign.items()
    ]
    head = ["program", "beyond start-up s", "MB/s beyond start-up", "MB per CPU second, start-up included"]
    return [f"{size:,.1f} MB of an access log.", "", *table(head, rows)]


def packed(found: Measured) -> Lines:
    names = {"plain": "logemit, of the plain log", "gz": "logemit, of the log packed with gzip"}
    rows = [
        [names.get(name, f"only unpacking, {name}"), f"{middle(turns, own):.3f}", f"{middle(turns, wall):.3f}"]
        for name, turns in found.packed.items()
    ]
    return [f"{found.packed_size:,.1f} MB unpacked.", "", *table(["what", "beyond start-up s", "wall s"], rows)]


def envelopes(found: Measured) -> Lines:
    names = {"bare": "as the app wrote them", "docker": "Docker's json-file", "cri": "CRI, of containerd and CRI-O"}
    rows = [
        [names[name], f"{found.envelopes_sizes[name]:,.1f}", f"{middle(turns, own):.3f}", f"{middle(turns, wall):.3f}"]
        for name, turns in found.envelopes.items()
    ]
    return ["The same lines each time.", "", *table(["lines", "MB", "beyond start-up s", "wall s"], rows)]


def increment(found: Measured, appended: str) -> Lines:
    names = {
        "alone": f"{appended} as all there is, into an empty folder",
        "appended": f"{appended} more of a long log that is taken in",
        "with history": "the same, with daily logs of the days before taken in and named again",
    }
    rows = []
    for name, turns in found.increment.items():
        figures = [f"{middle(turns, clock):.3f}" for clock in (own, wall)]
        more = [times(ratio(found.increment, name, other, own)) for other in ("alone", "appended")]
        rows.append([names[name], *figures, f"{peak(turns):,.0f}", *more])
    head = ["run", "beyond start-up s", "wall s", "peak MB", "times the empty folder", "times without history"]
    return table(head, rows)


def start_up(found: Measured) -> Lines:
    rows = [[name, f"{middle(turns, wall):.3f}", _own(turns)] for name, turns in found.start_up.items()]
    return table(["command", "wall s", "beyond start-up s"], rows)


def _own(turns: Sequence[Turn]) -> str:
    return MISSING if turns[0].seconds is None else f"{middle(turns, own):.3f}"
