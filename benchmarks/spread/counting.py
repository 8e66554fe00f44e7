"""One run whose tasks are all in this process, and what would go over the network: JSON on stdout.

Bytes are those of the values as they are pickled, which is how they travel. CPU is that of merges.
"""

import json
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aggregator import config, run
from aggregator.spread import task as tasks
from aggregator.spread.workers import Here, Workers


@dataclass(slots=True)
class Counts:
    """Bytes in all; `merged` went into merges, `root` came to the driver, `largest` at once."""

    slices: int = 0
    read: int = 0
    events: int = 0
    claims: int = 0
    accounts: int = 0
    moments: int = 0
    sums: int = 0
    merges: int = 0
    merged: int = 0
    merge_cpu: float = 0.0
    root: int = 0
    largest: int = 0


class Counting(Here):
    """As many threads as said, as far as the size of slices goes."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.counts = Counts()

    def submit(
        self, task: Callable[..., Any], *args: Any, urgent: bool = False, about: str = "", apart: Any = None
    ) -> Any:
        began = time.process_time()
        done = super().submit(task, *args)
        used = time.process_time() - began
        counts, made = self.counts, done.result()
        if task is tasks.read:
            counts.slices += 1
            counts.read += sum(part.size for part in args[1])
            counts.events += made.account.claims.events
            counts.claims += _size(made.account.claims)
            counts.accounts += _size(made.account)
            counts.moments += made.moments.nbytes
            counts.sums += _size(made.sums)
        elif task is tasks.merge:
            counts.merges += 1
            counts.merge_cpu += used
            counts.merged += sum(_size(getattr(part.result(), "sums", part.result())) for part in args[1:])
        elif task is tasks.of_summary:
            counts.root += _size(made)
            counts.largest = max(counts.largest, _size(made))
        return done


def _size(value: Any) -> int:
    return len(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))


def counted(threads: int, out: Path, *logs: str) -> Counts:
    workers = Counting(threads)

    @contextmanager
    def entered() -> Iterator[Workers]:
        yield workers

    run.aggregate(logs, out, config.load(None), cluster=entered)
    return workers.counts


if __name__ == "__main__":
    print(json.dumps(asdict(counted(int(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]))))
