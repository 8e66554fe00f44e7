"""The tables of docs/leaving.md."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from . import cases
from .cases import Counted, Shared

Play = Callable[[Path], Counted]
PROCESSES = (10, 100, 1000)
PUSH_SECONDS = 60.0
CASES: dict[str, Play] = {
    "one worker that lives on": lambda at: cases.one_worker(at, 150),
    "three workers, scraped after every 15 orders": lambda at: cases.several_workers_over_time(at, 11, 15),
    "a new worker after every 10 requests, scraped after every 7 orders": lambda at: cases.recycled(at, 7, 7, 10),
    "a deploy 15 orders after the last scrape": lambda at: cases.deployed(at, 20, 15, 5),
    "a container that is gone before its first scrape": lambda at: cases.scaled_down(at, 12),
    "three functions, frozen between requests, pushing every 60 s": lambda at: cases.frozen(at, 3, 4, PUSH_SECONDS),
    "a management command, beside a server that is scraped": lambda at: cases.commanded(at, 25),
}
"""Where scrapes, or pushes, follow one another."""
AT_ONCE: dict[str, Play] = {
    "three workers, each asked in the end": lambda at: cases.several_workers(at, 150),
    "the same with files that they share": lambda at: cases.several_workers_with_files(at, 150),
}
"""Where several answer for the same orders."""
HEAD = ("what runs", "orders", "scrapes say", "increase", "logemit")
SHARED_HEAD = ("processes", "files", "MiB", "a scrape takes", "series of a gauge", "logemit's")


def growth(scraped: Sequence[float]) -> float:
    """From the first scrape to the last, as Prometheus counts it before it extrapolates: what fell began anew at 0."""
    return sum(after - before if after >= before else after for before, after in pairwise(scraped))


def page(say: Callable[[str], None], processes: Sequence[int] = PROCESSES) -> str:
    """`say` is told what runs. `processes`: when the files are looked at, rising."""
    with TemporaryDirectory() as folder:
        places = (Path(folder, str(number)) for number in range(len(CASES) + len(AT_ONCE)))
        rows = [*_over_time(places, say), *_at_once(places, say)]
        say(f"{processes[-1]} processes of one request each")
        kept = cases.shared(Path(folder, "shared"), processes, workers=3)
    return f"{_table(HEAD, rows)}\n{_table(SHARED_HEAD, map(_shared, kept))}"


def _over_time(places: Iterator[Path], say: Callable[[str], None]) -> Iterator[Sequence[str]]:
    for name, play in CASES.items():
        say(name)
        found = play(next(places))
        yield name, f"{found.served}", _list(found.scraped) or "nothing", f"{growth(found.scraped):g}", _ours(found)


def _at_once(places: Iterator[Path], say: Callable[[str], None]) -> Iterator[Sequence[str]]:
    for name, play in AT_ONCE.items():
        say(name)
        found = play(next(places))
        yield name, f"{found.served}", _list(sorted(found.scraped)), "", _ours(found)


def _shared(kept: Shared) -> Sequence[str]:
    mib, milliseconds = f"{kept.bytes / 2**20:.1f}", f"{kept.seconds * 1000:.0f} ms"
    return f"{kept.processes}", f"{kept.files}", mib, milliseconds, f"{kept.series}", f"{kept.ours}"


def _list(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _ours(found: Counted) -> str:
    return f"{found.written:g}"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *rows))
