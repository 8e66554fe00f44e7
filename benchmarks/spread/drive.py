"""One run as `logemit aggregate` makes it, in a process of its own, which tells what it used: JSON on stdout.

The run's clock is given, so that all runs over the same logs leave the same bytes.
"""

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cli.options import frugal, without_pandas


def drive(now: int, out: Path, where: str, *logs: str) -> dict[str, Any]:
    """`where` is a number of threads here, or the address of a scheduler; `now` nanoseconds since 1970.

    Seconds are of all threads of this process: from when the first slice was taken in to the last, and after it.
    """
    frugal()
    without_pandas()
    from aggregator import config, run
    from aggregator.spread import on_dask
    from aggregator.spread.spec import Spec

    taken: list[tuple[int, float]] = []

    def tell(done: int, _total: int) -> None:
        taken.append((done, time.process_time()))

    setattr(run, "time", SimpleNamespace(monotonic=lambda: 0.0, time_ns=lambda: now))  # noqa: B010
    is_local = where.isdigit()
    cluster = None if is_local else lambda: on_dask.connected(Spec(where))
    report = run.aggregate(logs, out, config.load(None), tell, workers=int(where) if is_local else 1, cluster=cluster)
    (first, first_cpu), (last, last_cpu) = taken[0], taken[-1]
    return {
        "events": sum(report.by_event.values()),
        "take_cpu": last_cpu - first_cpu,
        "take_bytes": last - first,
        "end_cpu": time.process_time() - last_cpu,
    }


if __name__ == "__main__":
    print(json.dumps(drive(int(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])))
