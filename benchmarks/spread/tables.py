"""What was measured, and what follows from it, as Markdown tables."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from statistics import median

from ..aggregate.logs import MB
from ..aggregate.tables import Lines, table, times
from .costs import Costs
from .measure import SPARSE, Measured, Run, span
from .model import DAY, Given, predict, shards
from .simulate import Unevenness, repeated, simulate

GB = 1000 * MB
TB, PB = 1000 * GB, 1_000_000 * GB
HOUR = 3600.0
WORKERS = (1, 2, 4, 8, 16, 32)
DRIVER_MEMORY = 16e9
"""That a driver of one of several outputs may need."""
HERE = 2
"""Cores of the machine that runs are measured on."""


# Measured.


def two_against_one(found: Measured) -> Lines:
    head = ["log MB", "lines a second", "here, 1 thread", "here, 2 threads", "1 worker", "2 workers"]
    head += ["2 workers: times as fast as 1", "driver's CPU s", "workers' CPU s", "scheduler's CPU s", "driver's share"]
    return table(head, [_against(runs) for runs in _by_log(found.runs).values()])


def _against(runs: list[Run]) -> list[str]:
    walls = [_of(runs, 0, 1), _of(runs, 0, 2), _of(runs, 1, 1), _of(runs, 2, 1)]
    gain = median(one.wall / two.wall for one, two in zip(walls[2], walls[3], strict=True))
    spread = [*walls[2], *walls[3]]
    used = [median(map(attrgetter(clock), spread)) for clock in ("driver", "reading", "scheduler")]
    size, rate = runs[0].size / MB, runs[0].rate
    seconds = [f"{median(run.wall for run in each):.2f}" for each in walls]
    return [f"{size:,.2f}", f"{rate:,.0f}", *seconds, times(gain), *map("{:.2f}".format, used), _share(used)]


def _share(used: list[float]) -> str:
    return f"{100 * used[0] / sum(used):.0f} %"


def costs(of: Costs) -> Lines:
    rows = [
        ("a run over nearly nothing, wall", f"{of.start:.2f} s"),
        ("the driver's CPU in it", f"{of.start_cpu:.2f} s"),
        ("workers' CPU", f"{of.read * GB:.2f} s/GB"),
        ("driver's CPU, while others read", f"{of.take * GB:.3f} s/GB"),
        ("driver's CPU, to remember what it saw", f"{of.end * GB:.3f} s/GB"),
        ("driver's CPU, to write sums", f"{of.end_sums * GB:.1f} s a GB of sums"),
        ("scheduler's CPU", f"{1000 * of.scheduler:.0f} ms a slice"),
        ("workers' CPU, to merge", f"{of.merge * GB:.1f} s a GB of sums"),
        ("to the driver: claims", f"{of.claims:.2f} bytes an event"),
        ("to the driver: the whole account", f"{of.account:.2f} bytes an event"),
        ("sums of a slice, at most", f"{of.slice_sums / MB:.2f} MB"),
        ("sums of a busy window", f"{of.window_sums / MB:.2f} MB"),
        ("driver's memory", f"{of.driver_memory / MB:.0f} MB and {of.driver_memory_event:.1f} bytes an event"),
        ("a worker's memory", f"{of.worker_memory / MB:.0f} MB"),
        ("what is remembered for repeats", f"{of.seen:.2f} bytes an event"),
        ("a log", f"{of.event_bytes:.0f} bytes an event"),
        ("without a cluster, 1 thread, wall", f"{of.local[1] * GB:.2f} s/GB"),
        ("without a cluster, 2 threads, wall", f"{of.local[2] * GB:.2f} s/GB"),
    ]
    return table(["what", "costs"], rows)


def network(found: Measured) -> Lines:
    rows = []
    for rate, count in found.counts.items():
        size, events = count["read"], count["events"]
        figures = [count["claims"] / events, count["accounts"] / events, count["moments"] / events]
        sums = [count["sums"], count["merged"], count["root"]]
        log = [f"{rate:,.0f}", f"{size / MB:,.0f}", f"{count['slices']:.0f}"]
        rows.append([*log, *map("{:.2f}".format, figures), *(f"{figure / MB:,.2f}" for figure in sums)])
    head = ["lines a second", "log MB", "slices", "claims, bytes an event", "account", "moments (stay)"]
    return table([*head, "sums of slices MB", "into merges MB", "of the whole MB"], rows)


def memory(found: Measured) -> Lines:
    rows = [
        [
            *(f"{size:,.2f}", f"{rate:,.0f}", _peak(_of(runs, 0, 1)), _peak(_of(runs, 0, 2))),
            *(_peak([*_of(runs, 1, 1), *_of(runs, 2, 1)]), f"{max(run.worker_peak for run in runs) / MB:,.0f}"),
        ]
        for (size, rate), runs in _by_log(found.runs).items()
    ]
    head = ["log MB", "lines a second", "here, 1 thread", "here, 2 threads", "driver", "the larger worker"]
    return table(head, rows)


def state(found: Measured) -> Lines:
    names = sorted({name for parts in found.state.values() for name in parts})
    rows = [
        [f"{rate:,.0f}", *(f"{parts.get(name, 0) / 1000:,.0f}" for name in names)]
        for rate, parts in found.state.items()
    ]
    return table(["lines a second", *(f"{name} kB" for name in names)], rows)


# Told by the model.


def workers(of: Costs) -> Lines:
    """Of 100 GB, each process on a core of its own."""
    one = predict(of, Given(100 * GB, 1))
    rows = []
    for number in WORKERS:
        run = Given(100 * GB, number)
        found = predict(of, run)
        at_work = [found.driver, of.read * run.size / number]
        shares = [f"{100 * seconds / found.wall:.0f} %" for seconds in at_work]
        gain = times(one.wall / found.wall)
        rows.append([f"{number}", _time(found.wall), gain, *shares, f"{found.money:.3f}"])
    return table(["workers", "wall", "times as fast as one", "driver at work", "workers at work", "USD"], rows)


@dataclass(frozen=True, slots=True)
class Day:
    name: str
    size: float
    runs: int
    """In a day."""
    files: int
    """That grow at once."""
    outputs: int = 1


def days(of: Costs) -> list[Day]:
    one = [Day("1 GB", GB, 1, 1), Day("1 TB", TB, 1, 100), Day("1 TB", TB, 24, 100)]
    hourly = Given(PB / 24, 16, span=HOUR, files=10_000)
    least = shards(of, hourly, HOUR / 2, DRIVER_MEMORY)
    return [*one, Day("1 PB", PB, 1, 10_000), Day("1 PB", PB, 24, 10_000), Day("1 PB", PB, 24, 10_000, least)]


def run_of(of: Costs, day: Day) -> Given:
    """With as many workers as its driver keeps up with, or as there are slices."""
    size, files = day.size / day.runs / day.outputs, max(1, day.files // day.outputs)
    run = Given(size, 1, span=DAY / day.runs, files=files)
    useful = predict(of, run).useful
    return replace(run, workers=max(1, min(useful, predict(of, replace(run, workers=useful)).slices)))


def scaled(of: Costs) -> Lines:
    head = [
        "logs a day",
        "runs a day",
        "outputs",
        "slices of a run",
        "workers",
        "wall of a run",
        "merges, one after another",
    ]
    head += ["driver's memory", "claims", "sums between workers", "for repeats, a day", "USD a day", "keeps up"]
    return table(head, [_day(of, day) for day in days(of)])


def _day(of: Costs, day: Day) -> list[str]:
    run = run_of(of, day)
    found = predict(of, run)
    events = run.size / of.event_bytes
    runs = day.runs * day.outputs
    keeps_up = found.wall < DAY / day.runs
    return [
        day.name,
        f"{day.runs}",
        f"{day.outputs}",
        f"{found.slices:,}",
        f"{day.outputs} times {run.workers}" if day.outputs > 1 else f"{run.workers}",
        _time(found.wall),
        f"{found.depth}",
        _bytes(found.memory),
        _bytes(of.claims * events),
        _bytes(found.shuffled),
        _bytes(of.seen * day.size / of.event_bytes),
        f"{found.money * runs:,.{2 if found.money * runs >= 1 else 4}f}",
        "yes" if keeps_up else "no",
    ]


def break_even(of: Costs) -> Lines:
    """Against threads of this machine, as many as are quickest."""
    rows, each_byte = [], min(of.local.values())
    for size in (GB // 10, GB, 10 * GB, 100 * GB, TB):
        local = of.local_start + each_byte * size
        found = {number: predict(of, Given(size, number, cores=None)).wall for number in (2, 4, 8)}
        rows.append([_bytes(size), _time(local), *(_time(wall) for wall in found.values())])
    return table(["logs", "without a cluster", "2 workers", "4 workers", "8 workers"], rows)


def compared(of: Costs, found: Measured) -> Lines:
    """Runs of this machine: all processes share its cores."""
    rows = []
    for (size, rate), runs in _by_log(found.runs).items():
        if rate != SPARSE:
            continue
        for number in (1, 2):
            mine = _of(runs, number, 1)
            run = Given(mine[0].size, number, span=span(mine[0].events, rate), cores=HERE, latency=0.0)
            wall = median(each.wall for each in mine)
            told, played = predict(of, run).wall, simulate(of, run).wall
            errors = [cell for each in (told, played) for cell in (f"{each:.2f}", _error(each, wall))]
            rows.append([f"{size:,.2f}", f"{number}", f"{wall:.2f}", *errors])
    head = ["log MB", "workers", "measured s", "model s", "model's error", "simulation s", "simulation's error"]
    return table(head, rows)


CASES: Mapping[str, tuple[Given, Unevenness]] = {
    "100 GB, 4 workers": (Given(100 * GB, 4), Unevenness()),
    "1 TB of 100 files, 4 workers": (Given(TB, 4, files=100), Unevenness()),
    "1 TB of 100 files, 32 workers": (Given(TB, 32, files=100), Unevenness()),
    "the same, at 1 Gbit/s": (Given(TB, 32, files=100, bandwidth=1.25e8), Unevenness()),
    "1 TB, 4 workers, each interrupted once in 10 hours": (Given(TB, 4, files=100, interruptions=0.1), Unevenness()),
    "1 TB, 4 workers, each interrupted once an hour": (Given(TB, 4, files=100, interruptions=1.0), Unevenness()),
}
"""Both know all of these."""
UNEVEN: Mapping[str, tuple[Given, Unevenness]] = {
    "1 TB, 4 workers, tasks that vary by a factor of about 1.5": (Given(TB, 4, files=100), Unevenness(sigma=0.4)),
    "1 TB, 4 workers, one of them 2 times as slow": (Given(TB, 4, files=100), Unevenness(1, 2.0)),
    "1 TB, 4 workers, one of them 10 times as slow": (Given(TB, 4, files=100), Unevenness(1, 10.0)),
    "1 TB, 32 workers, one of them 10 times as slow": (Given(TB, 32, files=100), Unevenness(1, 10.0)),
    "100 GB, 4 workers, one of them 10 times as slow": (Given(100 * GB, 4), Unevenness(1, 10.0)),
}
"""Of these the model knows nothing: it takes all workers for equal."""


def simulated(of: Costs) -> Lines:
    rows = []
    for name, (run, uneven) in [*CASES.items(), *UNEVEN.items()]:
        told, played = predict(of, run), repeated(of, run, uneven)
        walls = [_time(told.wall), _time(played.wall), _error(told.wall, played.wall)]
        again = f"{100 * played.again / told.slices:.0f} %"
        moved = map(_bytes, (played.to_driver, played.shuffled))
        rows.append([name, *walls, *moved, f"{played.gone:.1f}", again])
    head = ["run", "model", "simulation", "model's error", "to the driver", "between workers", "workers gone"]
    return table([*head, "read again"], rows)


# Parts.


def _by_log(runs: Iterable[Run]) -> dict[tuple[float, float], list[Run]]:
    found: dict[tuple[float, float], list[Run]] = {}
    for run in sorted(runs, key=lambda run: (run.rate, run.size)):
        found.setdefault((run.size / MB, run.rate), []).append(run)
    return found


def _of(runs: Iterable[Run], workers: int, threads: int) -> list[Run]:
    return [run for run in runs if (run.workers, run.threads) == (workers, threads)]


def _peak(runs: Iterable[Run]) -> str:
    return f"{max(run.peak for run in runs) / MB:,.0f}"


def _error(told: float, real: float) -> str:
    return f"{100 * (told / real - 1):+.0f} %"


def _time(seconds: float) -> str:
    for size, unit in ((DAY, "days"), (HOUR, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.1f} s"


def _bytes(size: float) -> str:
    for unit, name in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{size / unit:,.1f} {name}"
    return f"{size / 1000:,.1f} kB"


Told = Callable[[Costs], Lines]
TABLES: Mapping[str, Told] = {
    "costs": costs,
    "workers": workers,
    "days": scaled,
    "break-even": break_even,
    "simulated": simulated,
}
"""Of docs/scaling.md and docs/clusters.md, by the names that stand there; and `compared`, which needs the runs, too."""
