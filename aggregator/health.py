"""What health checks add up to: the share that passed, and the times when they did not.

A summary knows windows, not moments: an incident begins with the first window in which a check failed, and ends with
the next one in which none did. With windows of a minute both are right to the minute.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from . import datasets
from .catalogue import shipped
from .errors import UsageError
from .frames import read

SUMMARY = "health_checks"
_COLUMNS = ("service", "start", "last", "end", "seconds", "failed", "checks")


def uptime(
    out: str | Path,
    *,
    by: Sequence[str] = ("check",),
    freq: str | None = None,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
) -> pd.DataFrame:
    """The share of health checks that passed, grouped, and of some time only, as `read` does it.

    Columns: `checks`, `failed`, and `uptime`, 0 to 1. It is a share of checks, and one of time as far as they come at
    equal intervals. Raises UsageError and InputError as `read` does.
    """
    table = read(out, SUMMARY, by=by, freq=freq, since=since, until=until)
    failed = (table["error_share"] * table["count"]).round().astype("int64")
    return pd.DataFrame({"checks": table["count"], "failed": failed, "uptime": 1 - failed / table["count"]})


def incidents(out: str | Path, check: str) -> pd.DataFrame:
    """When a health check failed, an incident a row, by service and time.

    Columns: `service`; `start` and `last`, the first and the last window with a failed check (UTC); `end`, the next
    window without one, NaT where there is none yet; `seconds` from start to end, nan likewise; `failed` and `checks`
    in it. Windows in which nothing was checked are no part of anything. Raises UsageError for a check that never ran,
    InputError for a folder without health checks.
    """
    windows = _windows(out)
    known = sorted(windows["check"].unique())
    if check not in known:
        raise UsageError(f"no health check {check!r} in {out}; there are {', '.join(known)}")
    counted = windows[windows["check"] == check].set_index("window_start")
    rows = [row for name, part in counted.groupby("service", observed=True) for row in _of_service(name, part)]
    found = pd.DataFrame(rows, columns=list(_COLUMNS))
    for moment in ("start", "last", "end"):
        found[moment] = pd.to_datetime(found[moment], utc=True).astype("datetime64[us, UTC]")
    return found.astype({"seconds": "float64", "failed": "int64", "checks": "int64"})


def open_incidents(
    out: str | Path, *, since: datetime | str | None = None, until: datetime | str | None = None
) -> pd.DataFrame:
    """The incidents that have not ended within a span of time, one a row: those checks that failed when last run.

    Columns: `check`, `service`; `start`, the first of the windows with a failed check after which none was without one
    (UTC); `failed`, in and after it. Of checks that tell no `up`, the newest window is down if any failed in it.
    Raises UsageError and InputError as `read` does.
    """
    keys = ["check", "service"]
    windows = _windows(out, since, until)
    down, up = windows[windows["failed"] > 0], windows[windows["failed"] == 0]
    last_up = down[keys].join(up.groupby(keys, observed=True)["window_start"].max(), on=keys)["window_start"]
    after = down[last_up.isna() | (down["window_start"] > last_up)].groupby(keys, observed=True)
    found = after.agg(
        start=("window_start", "min"), failed=("failed", "sum"), down_at=("down_at", "max"), up_at=("up_at", "max")
    )
    still: pd.DataFrame = found[~(found["up_at"] > found["down_at"])]
    return still[["start", "failed"]].reset_index()


def _windows(out: str | Path, since: datetime | str | None = None, until: datetime | str | None = None) -> pd.DataFrame:
    """`check`, `service`, `window_start`, `failed`, `checks` of each window in which one was made, in this order.

    `down_at` and `up_at` are when a check last failed and passed in it, NaT for never or not told.
    """
    definition = shipped().summary(SUMMARY)
    assert definition
    columns = ["check", "service", "healthy", "events", "up_last_at"]
    cells = datasets.cells(out, definition, columns, datasets.span(since, until)).to_pandas()
    cells = cells.astype({"check": "str", "service": "str"})
    is_down = cells["healthy"] == "false"
    cells["failed"] = cells["events"].where(is_down, 0)
    cells["down_at"], cells["up_at"] = cells["up_last_at"].where(is_down), cells["up_last_at"].mask(is_down)
    windows = cells.groupby(["check", "service", "window_start"])
    summed: pd.DataFrame = windows.agg(
        failed=("failed", "sum"), checks=("events", "sum"), down_at=("down_at", "max"), up_at=("up_at", "max")
    )
    return summed.reset_index()


def _of_service(name: Any, windows: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    moments = windows.index
    down = (windows["failed"] > 0).to_numpy()
    runs = (down[1:] != down[:-1]).cumsum()
    for _, part in windows.groupby([0, *runs]):
        if part["failed"].iloc[0] == 0:
            continue
        start, last = part.index[[0, -1]]
        later = moments[moments > last]
        end = later[0] if len(later) else pd.NaT
        yield name, start, last, end, (end - start).total_seconds(), part["failed"].sum(), part["checks"].sum()
