"""What a byte and an event cost, from what was measured: nothing here is written by hand."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Self

from .measure import DENSE, SPARSE, Measured, Run, span

DATA = Path(__file__).with_name("measured.json")
WINDOW = 60
"""Seconds of a window, if nothing else is said."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of CPU where nothing else is said, bytes of a log as it stands; memory and state in bytes."""

    event_bytes: float
    """Of the log, for each event in it."""
    start: float
    """Wall of a run over nearly nothing, from the start of the command to its end."""
    start_cpu: float
    read: float
    """Of a worker, a byte."""
    take: float
    """Of the driver, a byte, while workers read on."""
    end: float
    """Of the driver, a byte, once all is read: what it must remember is written."""
    end_sums: float
    """Of the driver, a byte of sums: they are brought in and written."""
    scheduler: float
    """A slice."""
    merge: float
    """Of a worker, a byte of sums that goes in."""
    claims: float
    """Bytes an event, to the driver."""
    account: float
    """Bytes an event, the claims among them."""
    slice_sums: float
    """Bytes of the sums of a slice, at most."""
    window_sums: float
    """Bytes of the sums of a busy window, of all that was read of it."""
    driver_memory: float
    driver_memory_event: float
    worker_memory: float
    seen: float
    """Bytes an event, of the state."""
    outputs_window: float
    """Bytes of Parquet, totals and text for a window."""
    local_start: float
    local: dict[int, float]
    """Wall, a byte, by threads, without a cluster."""

    @classmethod
    def of(cls, found: Measured) -> Self:
        largest = _Some(run for run in found.runs if run.size > 0.9 * max(run.size for run in found.runs))
        smallest = _Some(run for run in found.runs if run.size < 2 * min(run.size for run in found.runs))
        spread, tiny = largest.of(workers=1), smallest.of(workers=1)
        both, sparse, dense = found.counts[SPARSE], _Count(found, SPARSE), _Count(found, DENSE)
        more = spread.middle(_size) - tiny.middle(_size)
        end_sparse, end_dense = (largest.of(is_spread=True, rate=rate).middle(_end) for rate in (SPARSE, DENSE))
        end_sums = max(0.0, (end_sparse - end_dense) / max(1.0, sparse.root - dense.root))
        before = _Some(
            run for run in found.runs if run.rate == SPARSE and tiny.most(_size) < run.size < spread.most(_size)
        )
        grown_by = spread.of(rate=SPARSE).middle(_size) - before.most(_size)
        end = (end_sparse - before.of(is_spread=True, size=before.most(_size)).middle(_end)) / grown_by
        grown = largest.of(is_spread=True, rate=SPARSE).most(_peak) - before.of(is_spread=True).most(_peak)
        return cls(
            event_bytes=both["read"] / both["events"],
            start=smallest.of(is_spread=True).middle(_wall),
            start_cpu=smallest.of(is_spread=True).middle(_driver),
            read=(spread.middle(_reading) - tiny.middle(_reading)) / more,
            take=median(run.take / run.take_bytes for run in found.runs if run.workers and run.take_bytes),
            end=max(0.0, end - end_sums * sparse.root / spread.most(_size)),
            end_sums=end_sums,
            scheduler=max(0.0, spread.middle(_scheduler) - tiny.middle(_scheduler)) / both["slices"],
            merge=max(each["merge_cpu"] / each["merged"] for each in found.counts.values()),
            claims=both["claims"] / both["events"],
            account=both["accounts"] / both["events"],
            slice_sums=max(each["sums"] / each["slices"] for each in found.counts.values()),
            window_sums=dense.root / dense.windows,
            driver_memory=tiny.middle(_peak),
            driver_memory_event=max(2.0, grown / (spread.most(_events) - before.most(_events))),
            worker_memory=max(run.worker_peak for run in found.runs),
            seen=max(found.state[rate]["seen"] / found.counts[rate]["events"] for rate in found.state),
            outputs_window=found.state[SPARSE]["outputs"] / sparse.windows,
            local_start=smallest.of(workers=0, threads=1).middle(_wall),
            local={
                threads: (
                    largest.of(workers=0, threads=threads).middle(_wall)
                    - smallest.of(workers=0, threads=threads).middle(_wall)
                )
                / more
                for threads in (1, 2)
            },
        )


class _Some:
    """Runs of one kind."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = list(runs)

    def of(self, *, is_spread: bool = False, **what: float) -> "_Some":
        return _Some(
            run
            for run in self._runs
            if all(getattr(run, name) == value for name, value in what.items()) and (run.workers or not is_spread)
        )

    def middle(self, clock: Callable[[Run], float]) -> float:
        return median(map(clock, self._runs))

    def most(self, clock: Callable[[Run], float]) -> float:
        return max(map(clock, self._runs))


class _Count:
    def __init__(self, found: Measured, rate: float) -> None:
        count = found.counts[rate]
        self.root = count["root"]
        self.windows = max(1.0, span(count["events"], rate) / WINDOW)


def _size(run: Run) -> float:
    return run.size


def _events(run: Run) -> float:
    return run.events


def _wall(run: Run) -> float:
    return run.wall


def _driver(run: Run) -> float:
    return run.driver


def _end(run: Run) -> float:
    return run.end


def _reading(run: Run) -> float:
    return run.reading


def _scheduler(run: Run) -> float:
    return run.scheduler


def _peak(run: Run) -> float:
    return run.peak


def save(found: Measured, machine: list[str], path: Path = DATA) -> None:
    path.write_text(json.dumps({"machine": machine, **asdict(found)}, indent=1) + "\n", "utf-8")


def load(path: Path = DATA) -> tuple[Measured, list[str]]:
    """And the machine that it was measured on."""
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    counts, state = ({float(rate): each for rate, each in document[name].items()} for name in ("counts", "state"))
    found = Measured([Run(**each) for each in document["runs"]], counts, state, document["equal"])
    return found, document["machine"]
