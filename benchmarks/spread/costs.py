"""What a byte and an event cost, from what was measured: nothing here is written by hand."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from operator import attrgetter
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
    summary: float
    """The share of the largest summary in all sums: so much the driver has at once."""
    driver_memory: float
    driver_memory_event: float
    worker_memory: float
    seen: float
    """Bytes an event, of the state."""
    local_start: float
    local: dict[int, float]
    """Wall, a byte, by threads, without a cluster."""

    @classmethod
    def of(cls, found: Measured) -> Self:
        *_, second, most = sorted({run.megabytes for run in found.runs if run.rate == DENSE})
        spread = _Some(run for run in found.runs if run.workers)
        largest, before = (spread.of(megabytes=size) for size in (most, second))
        alone, tiny = largest.of(workers=1), spread.of(size=min(run.size for run in found.runs))
        here, here_tiny = (
            _Some(run for run in found.runs if not run.workers and run.size in each.sizes) for each in (largest, tiny)
        )
        both, sparse, dense = found.counts[SPARSE], _Count(found, SPARSE), _Count(found, DENSE)
        more = alone.middle("size") - tiny.middle("size")
        of_sparse, of_dense = (largest.of(rate=rate) for rate in (SPARSE, DENSE))
        grown = of_dense.middle("size") - before.of(rate=DENSE).middle("size")
        end_sums = max(0.0, of_sparse.middle("end") - of_dense.middle("end")) / max(1.0, sparse.root - dense.root)
        end = (of_dense.middle("end") - before.of(rate=DENSE).middle("end")) / grown
        takes = [run.take / run.take_bytes for run in found.runs if run.workers and run.take_bytes]
        event_bytes = both["read"] / both["events"]
        memory = max(2.0, (of_dense.most("peak") - before.of(rate=DENSE).most("peak")) / grown * event_bytes)
        return cls(
            event_bytes=event_bytes,
            start=tiny.middle("wall"),
            start_cpu=tiny.middle("driver"),
            read=(alone.middle("reading") - tiny.of(workers=1).middle("reading")) / more,
            take=median(takes or [0.0]),  # of quick runs, of one slice each, nothing is known
            end=max(0.0, end - end_sums * dense.root / of_dense.middle("size")),
            end_sums=end_sums,
            scheduler=max(0.0, alone.middle("scheduler") - tiny.of(workers=1).middle("scheduler")) / both["slices"],
            merge=max(each["merge_cpu"] / max(1, each["merged"]) for each in found.counts.values()),
            claims=both["claims"] / both["events"],
            account=both["accounts"] / both["events"],
            slice_sums=max(each["sums"] / each["slices"] for each in found.counts.values()),
            window_sums=dense.root / dense.windows,
            summary=max(each["largest"] / each["root"] for each in found.counts.values()),
            driver_memory=tiny.most("peak"),
            driver_memory_event=memory,
            worker_memory=spread.most("worker_peak"),
            seen=max(found.state[rate]["seen"] / found.counts[rate]["events"] for rate in found.state),
            local_start=here_tiny.of(threads=1).middle("wall"),
            local={
                threads: (here.of(threads=threads).middle("wall") - here_tiny.of(threads=threads).middle("wall")) / more
                for threads in (1, 2)
            },
        )


class _Some:
    """Runs of one kind."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = list(runs)

    @property
    def sizes(self) -> set[int]:
        return {run.size for run in self._runs}

    def of(self, **what: float) -> "_Some":
        return _Some(run for run in self._runs if all(getattr(run, name) == value for name, value in what.items()))

    def middle(self, figure: str) -> float:
        return median(map(attrgetter(figure), self._runs))

    def most(self, figure: str) -> float:
        return max(map(attrgetter(figure), self._runs))


class _Count:
    def __init__(self, found: Measured, rate: float) -> None:
        count = found.counts[rate]
        self.root = count["root"]
        self.windows = max(1.0, span(count["events"], rate) / WINDOW)


def save(found: Measured, machine: list[str], path: Path = DATA) -> None:
    path.write_text(json.dumps({"machine": machine, **asdict(found)}, indent=1) + "\n", "utf-8")


def load(path: Path = DATA) -> tuple[Measured, list[str]]:
    """And the machine that it was measured on."""
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    counts, state = ({float(rate): each for rate, each in document[name].items()} for name in ("counts", "state"))
    found = Measured([Run(**each) for each in document["runs"]], counts, state, document["equal"])
    return found, document["machine"]
