"""Runs here and on clusters of this machine, in turns, and what each process used."""

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.spread.cluster import Cluster, dask_cluster
from tests.spread.same import files

from ..aggregate.equal import UnequalError
from ..aggregate.generate import Wanted
from ..aggregate.logs import MB, Logs, Say
from ..aggregate.running import Turn, run

WORKERS = (1, 2)
DENSE = 20_000.0
"""Lines a second of a busy log: many events in each window."""

SPARSE = 100.0
START = "2026-11-18T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of logs; the first is so small that a run over it is all start and end."""

    logs: tuple[int, ...] = (MB // 100, 250 * MB, 1000 * MB, 2000 * MB)
    rounds: int = 3


QUICK = Sizes((MB // 100, MB, 2 * MB), 1)


@dataclass(frozen=True, slots=True)
class Run:
    """`workers` is 0 for a run by this process alone, with `threads`. Bytes, and seconds; peaks are of one process."""

    size: int
    rate: float
    events: int
    threads: int
    workers: int
    wall: float
    """Of the whole process."""
    driver: float
    """CPU of the process that runs the command."""
    take: float
    """Of this between the first slice and the last, for so many bytes."""
    take_bytes: int
    end: float
    """Of this after the last slice."""
    peak: int
    scheduler: float = 0.0
    reading: float = 0.0
    """CPU of all workers."""
    worker_peak: int = 0

    @property
    def megabytes(self) -> int:
        return self.size // MB


@dataclass(slots=True)
class Measured:
    runs: list[Run] = field(default_factory=list)
    counts: dict[float, dict[str, float]] = field(default_factory=dict)
    """By the rate of the log: what goes over the network. See counting.Counts."""
    state: dict[float, dict[str, int]] = field(default_factory=dict)
    """Bytes of the output of the largest log, by its parts."""
    equal: int = 0
    """Outputs that were compared with that of a local run, byte by byte."""


class Bench:
    def __init__(self, folder: Path, sizes: Sizes, say: Say) -> None:
        self._folder, self._sizes, self._say = folder, sizes, say
        self._logs = Logs(folder, say)
        self._now = time.time_ns()
        self.measured = Measured()

    def measure(self) -> None:
        with ExitStack() as stack:
            clusters = {}
            for workers in WORKERS:
                place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self._folder)))
                clusters[workers] = stack.enter_context(dask_cluster(place, workers))
            kinds = [(size, SPARSE) for size in self._sizes.logs]
            kinds += [(size, DENSE) for size in self._sizes.logs[-2:]]
            logs = [(self._log(size, rate), rate) for size, rate in kinds]
            self._warm(clusters, logs[-1][0])
            for _ in range(self._sizes.rounds):
                for log, rate in logs:
                    self._turns(log, rate, clusters)
        for rate in (SPARSE, DENSE):
            self._count(self._log(self._sizes.logs[-1], rate), rate)

    def _log(self, size: int, rate: float) -> Path:
        return self._logs.log(f"spread-{size}-{rate:g}", Wanted(size=size, rate=rate, start=START))

    def _warm(self, clusters: Mapping[int, Cluster], log: Path) -> None:
        """Each process has its machine code before anything is timed."""
        for cluster in clusters.values():
            with self._out() as out:
                self._say(f"warming {len(cluster.workers)}")
                run(self._command(out, cluster.address, log))

    def _turns(self, log: Path, rate: float, clusters: Mapping[int, Cluster]) -> None:
        with self._out() as local:
            for threads in WORKERS:
                with self._out() as out:
                    self._local(log, rate, threads, local if threads == 1 else out)
            wanted = files(local)
            self.measured.state[rate] = _by_part(wanted)
            for cluster in clusters.values():
                with self._out() as out:
                    self._spread(log, rate, cluster, out)
                    if files(out) != wanted:
                        raise UnequalError(f"{log.name}: with {len(cluster.workers)} workers the output is another")
                    self.measured.equal += 1

    def _local(self, log: Path, rate: float, threads: int, out: Path) -> None:
        self._add(log, rate, threads, run(self._command(out, str(threads), log)))

    def _spread(self, log: Path, rate: float, cluster: Cluster, out: Path) -> None:
        processes = [cluster.scheduler.pid, *(worker.pid for worker in cluster.workers)]
        for pid in processes:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # its peak begins anew
        before = [_cpu(pid) for pid in processes]
        turn = run(self._command(out, cluster.address, log))
        scheduler, *reading = [_cpu(pid) - cpu for pid, cpu in zip(processes, before, strict=True)]
        peak = max(map(_peak, processes[1:]))
        self._add(log, rate, 1, turn, workers=len(reading), scheduler=scheduler, reading=sum(reading), worker_peak=peak)

    def _add(self, log: Path, rate: float, threads: int, turn: Turn, **more: Any) -> None:
        said = turn.said
        made = {name: said[f"{name}_cpu"] for name in ("take", "end")}
        found = {"wall": turn.wall, "driver": turn.cpu, "peak": turn.peak, **made, **more}
        size = log.stat().st_size
        one = Run(size, rate, said["events"], threads, take_bytes=said["take_bytes"], **{"workers": 0, **found})
        self._say(f"{log.name}: {one.workers or 'no'} workers, wall {one.wall:.2f} s, driver {one.driver:.2f} s")
        self.measured.runs.append(one)

    def _count(self, log: Path, rate: float) -> None:
        with self._out() as out:
            counting: list[str | Path] = [sys.executable, "-m", "benchmarks.spread.counting"]
            self.measured.counts[rate] = run([*counting, str(max(WORKERS)), out, log]).said

    def _command(self, out: Path, where: str, log: Path) -> list[str | Path]:
        return [sys.executable, "-m", "benchmarks.spread.drive", str(self._now), out, where, log]

    @contextmanager
    def _out(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="out-") as folder:
            yield Path(folder) / "out"


def span(events: float, rate: float) -> float:
    """Seconds in which a log of so many events was written."""
    return events / (1 - Wanted().foreign) / rate


def _cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def _by_part(written: Mapping[str, bytes]) -> dict[str, int]:
    """Bytes of what stands below _logemit/, by folder or file, and of all else as `outputs`."""
    found: dict[str, int] = {}
    for name, data in written.items():
        first, *rest = Path(name).parts
        part = rest[0].partition(".")[0] if first == "_logemit" else "outputs"
        found[part] = found.get(part, 0) + len(data)
    return found
